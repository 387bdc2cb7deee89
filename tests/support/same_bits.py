"""That two algorithms stand at exactly the same place, for tests of seeds and of resuming."""

from __future__ import annotations

from rlgen import state
from rlgen.algorithm import Algorithm


def assert_same_bits(one: Algorithm, other: Algorithm) -> None:
    """Everything a resume needs is the same in both, byte by byte."""
    first, second = state.read(one.state()), state.read(other.state())
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].tobytes() == second[name].tobytes(), name
