"""One compiled program for many seeds: the last algorithm trained is kept, and made new by another seed.

Compiling a training program costs seconds, training a small one less than that. Whoever trains the same thing
from several seeds, or on several folds of the same data, in one process pays once.
"""

from __future__ import annotations

from typing import Any

from rlgen.algorithm import Algorithm

# A program is kept together with its variables: a large replay must not stay in memory on the chance of a next run.
LARGEST_KEPT_BYTES = 256_000_000

_spare: Algorithm | None = None


def make(cls: type[Algorithm], *, problem: str, config: Any, seed: int, engine: str) -> Algorithm:
    """`cls(...)`, or the spare algorithm made equal to it; the results are the same to the bit.

    Raises:
        UserError: as the constructor.
    """
    global _spare
    spare, _spare = _spare, None
    same = spare is not None and _key(spare) == (cls, config, engine)
    if spare is not None and same and (spare.problem == problem or spare.turn_to(problem)):
        spare.reseed(seed)
        return spare
    return cls(problem=problem, config=config, seed=seed, engine=engine)


def keep(algorithm: Algorithm) -> None:
    """Take over an algorithm that nobody else uses any more."""
    global _spare
    if algorithm.reseedable and sum(algorithm.memory_bytes().values()) <= LARGEST_KEPT_BYTES:
        _spare = algorithm


def forget() -> None:
    """Let the spare algorithm go."""
    global _spare
    _spare = None


def _key(algorithm: Algorithm) -> tuple[Any, ...]:
    return type(algorithm), algorithm.config, algorithm.asked_engine
