"""That two algorithms stand at exactly the same place, for tests of seeds and of resuming."""

from __future__ import annotations

from collections.abc import Sequence

from rlgen import state
from rlgen.algorithm import Algorithm


def assert_same_bits(one: Algorithm, other: Algorithm) -> None:
    """Everything a resume needs is the same in both, byte by byte."""
    first, second = state.read(one.state()), state.read(other.state())
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].tobytes() == second[name].tobytes(), name


def assert_resumes_to_the_bit(algorithm: Algorithm, *, parts: Sequence[int], rest: int) -> None:
    """Steps in one go end where the same ones end that are cut into `parts`, saved, restored, and go on for `rest`.

    One instance does all of it, made new in between, so that its program is compiled once.
    """
    algorithm.train(sum(parts) + rest)
    whole = state.read(algorithm.state())
    algorithm.reseed(algorithm.seed)
    for steps in parts:
        algorithm.train(steps)
    saved = state.read(algorithm.state())
    algorithm.reseed(algorithm.seed)
    state.write(algorithm.state(), saved)
    algorithm.train(rest)
    resumed = state.read(algorithm.state())
    assert whole.keys() == resumed.keys()
    assert {name for name in whole if whole[name].tobytes() != resumed[name].tobytes()} == set()
