"""Requests answered together: each gets its own rows, in whatever company it was."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from rlgen.serving import batches
from rlgen.serving.batches import Batches, Busy


class Model:
    """Doubles; notes what it was given at once, and waits to be let go."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, name: str, inputs: Any) -> dict[str, Any]:
        self.seen.append((name, len(inputs["x"])))
        self.begun.set()
        assert self.go.wait(5)
        if name == "bad":
            raise ValueError("bad")
        return {"y": 2 * inputs["x"]}


def asked(server: Batches, name: str, rows: int, found: dict[int, Any], key: int) -> threading.Thread:
    def ask() -> None:
        try:
            found[key] = server.ask(name, {"x": np.full((rows, 1), key)}, timeout_seconds=5)["y"]
        except Exception as error:
            found[key] = error

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def wait_for(server: Batches, count: int) -> None:
    for _ in range(500):
        if server._waiting.qsize() == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError("they did not come")


def test_what_waits_while_it_works_is_the_next_batch() -> None:
    model, found, rows = Model(), dict[int, Any](), list[int]()
    server = Batches(model, most_rows=8, seen=rows.append)
    threads = [asked(server, "a", 1, found, 0)]
    assert model.begun.wait(5)
    for key, (name, count) in enumerate([("a", 2), ("a", 3), ("b", 1), ("a", 9)], start=1):
        threads.append(asked(server, name, count, found, key))
        wait_for(server, key)
    model.go.set()
    for thread in threads:
        thread.join()
    server.close()
    assert model.seen == [("a", 1), ("a", 5), ("b", 1), ("a", 9)]
    assert rows == [1, 5, 1, 9]
    for key, count in enumerate([1, 2, 3, 1, 9]):
        np.testing.assert_array_equal(found[key], np.full((count, 1), 2 * key))


def test_the_first_waits_for_others_no_longer_than_it_is_told() -> None:
    model, found = Model(), dict[int, Any]()
    model.go.set()
    server = Batches(model, wait_seconds=0.5, most_rows=2)
    threads = [asked(server, "a", 1, found, key) for key in (1, 2)]
    for thread in threads:
        thread.join()
    assert model.seen == [("a", 2)]
    server.close()


def test_an_error_reaches_all_who_wait_and_the_next_are_answered() -> None:
    model, found = Model(), dict[int, Any]()
    model.go.set()
    server = Batches(model)
    asked(server, "bad", 1, found, 1).join()
    asked(server, "a", 1, found, 2).join()
    assert isinstance(found[1], ValueError) and found[2] == [[4]]
    server.close()


def test_who_would_only_wait_longer_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_WAITING", 1)
    model, found = Model(), dict[int, Any]()
    server = Batches(model)
    first = asked(server, "a", 1, found, 1)
    assert model.begun.wait(5)
    second = asked(server, "a", 1, found, 2)
    wait_for(server, 1)
    with pytest.raises(Busy, match="come again"):
        server.ask("a", {"x": np.zeros((1, 1))}, timeout_seconds=5)
    model.go.set()
    for thread in (first, second):
        thread.join()
    server.close()


def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    model = Model()
    server = Batches(model)
    with pytest.raises(Busy, match="No answer after 0.05 seconds"):
        server.ask("a", {"x": np.zeros((1, 1))}, timeout_seconds=0.05)
    model.go.set()
    server.close()


def test_who_has_gone_takes_no_answer_from_those_who_wait() -> None:
    model, found = Model(), dict[int, Any]()
    server = Batches(model)
    first = asked(server, "a", 1, found, 1)
    assert model.begun.wait(5)
    with pytest.raises(Busy):
        server.ask("a", {"x": np.zeros((1, 1))}, timeout_seconds=0.05)
    second = asked(server, "a", 2, found, 2)
    wait_for(server, 2)
    model.go.set()
    for thread in (first, second):
        thread.join()
    server.close()
    assert model.seen == [("a", 1), ("a", 2)]
    assert found[2].tolist() == [[4], [4]]
