"""The shards of a run that other processes have, as a part of its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from rlgen import state
from rlgen.state import Arrays

# The part of an algorithm's state that has a tree for each of several shards.
STATE = "shards"


class Elsewhere:
    """The shards that other processes have, of which this one knows what they have told.

    Attributes:
        known: by shard, its state as arrays.
    """

    def __init__(self, count: int) -> None:
        """Know nothing of the others of so many."""
        self._count, self.known = count, dict[str, Arrays]()

    def completed(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The trees of all shards, of which this process has its `own`."""
        alike = next(iter(own.values()))
        names = map(str, range(self._count))
        return {shard: own[shard] if shard in own else Told(self.known, shard, alike) for shard in names}


class Told:
    """The state of a shard that another process has, as it was last told.

    Attributes:
        known: whether it ever was.
    """

    def __init__(self, known: dict[str, Arrays], shard: str, alike: Mapping[str, Any]) -> None:
        self._known, self._shard, self._alike = known, shard, alike

    @property
    def known(self) -> bool:
        """As the class says."""
        return self._shard in self._known

    def state_arrays(self) -> Arrays:
        """What is known; where nothing is, the state of one here, which has the same form."""
        return self._known.get(self._shard) or state.read(self._alike)

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Know it from now on."""
        self._known[self._shard] = dict(arrays)
