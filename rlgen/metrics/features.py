"""What metrics look at of examples: the numbers themselves, or what a network makes of them."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt


class Seen(NamedTuple):
    """Examples as an extractor sees them.

    Attributes:
        features: [N, D].
        probabilities: of each class, [N, classes]; None where it knows no classes.
    """

    features: npt.NDArray[Any]
    probabilities: npt.NDArray[Any] | None = None


class Extractor(Protocol):
    """What makes features of examples; a plug-in of the kind `extractor` is called with a model and gives one.

    Attributes:
        name: stands in the names of the figures that come of it, so it says exactly which extractor it is.
        classes: how many it tells apart; 0 where it knows none.
    """

    name: str
    classes: int

    def __call__(self, x: npt.NDArray[Any]) -> Seen:
        """What is seen of examples, [N, *shape]; pictures [N, height, width, channels] in [0, 1]."""


class Raw:
    """The numbers of an example as they are, of a picture its pixels."""

    name = "raw"
    classes = 0

    def __init__(self, model: Any) -> None:
        """For any model."""

    def __call__(self, x: npt.NDArray[Any]) -> Seen:
        """[N, *shape] to [N, numbers in one]."""
        return Seen(np.asarray(x, np.float64).reshape(len(x), -1))
