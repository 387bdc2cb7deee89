"""Runs without what is made at their ends to be looked at, which takes longer than most runs of tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rlgen import finish
from rlgen.board import board

_shown = finish.film_result, board.Board.embed, board.Board.draw_graph


def install() -> None:
    """From now on runs draw no graph, film nothing and embed nothing."""
    _replace(_nothing, _nothing, _nothing)


@contextmanager
def undone() -> Iterator[None]:
    """Runs make all of it."""
    _replace(*_shown)
    try:
        yield
    finally:
        install()


def _nothing(*_: Any, **__: Any) -> None:
    """In the place of each."""


def _replace(film: Any, embed: Any, graph: Any) -> None:
    finish.film_result = film
    board.Board.embed, board.Board.draw_graph = embed, graph  # type: ignore[method-assign]
