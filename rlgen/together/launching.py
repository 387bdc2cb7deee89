"""The processes of a crew, started here or on a cluster, as one worker: asked for a run, they train it together.

What one of them lacks the others lack too: where one dies all end, and whoever asked starts new ones, which go on from
the run's last checkpoint.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from rlgen.processes import Process
from rlgen.workers import Worker

# How long those that are left may take to notice that one is gone.
NOTICE_SECONDS = 30.0


class Member(Worker, Protocol):
    """A process that can be reached by others."""

    def address(self) -> str:
        """host:port, where it can listen."""


class Crewed:
    """Several processes that train one run together, the first of them the chief."""

    def __init__(self, size: int, start: Callable[[], Member] | None = None) -> None:
        """Start so many.

        Raises:
            RlgenError: one of them could not be started.
        """
        self._members: list[Member] = []
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._why = ""
        try:
            for _ in range(size):
                self._members.append(_of_this_machine(size) if start is None else start())
        except BaseException:
            self._end()
            raise

    def words(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """As `Worker`: what the chief says; no answer where a process is lost."""
        addresses = [member.address() for member in self._members]
        asked = [{**request, "crew": {"addresses": addresses, "rank": i}} for i in range(len(self._members))]
        followers = [
            threading.Thread(target=self._listen, args=(rank, asked[rank]), daemon=True)
            for rank in range(1, len(self._members))
        ]
        for follower in followers:
            follower.start()
        answer = None
        for said in self._members[0].words(asked[0]):
            if said.keys() & {"step", "told"}:
                yield said
            else:
                answer = self._answers[0] = said
        if answer is None or answer.get("kind") == "CrewLost":
            for follower in followers:
                follower.join(NOTICE_SECONDS)
            answer = next((each for each in self._answers.values() if _own_failure(each)), None)
            self._why = self._whose_fault()
        if answer is not None:
            yield answer

    def send(self, number: int) -> None:
        """A signal: to the chief, who lets the others go; a second one ends them all."""
        for member in self._members[: 1 if number != signal.SIGKILL else None]:
            member.send(number)

    def why(self) -> str:
        """Why they are gone."""
        return self._why or self._whose_fault()

    def close(self) -> None:
        """Let them go."""
        self._end()

    def _listen(self, rank: int, request: Mapping[str, Any]) -> None:
        for said in self._members[rank].words(request):
            if not said.keys() & {"step", "told"}:
                self._answers[rank] = said

    def _whose_fault(self) -> str:
        """The process that was ended, rather than one that noticed it."""
        for member in self._members:
            member.send(signal.SIGKILL)
        # Those that have said something at their end have noticed it.
        ended = [member for rank, member in enumerate(self._members) if rank not in self._answers]
        return (ended or self._members)[0].why()

    def _end(self) -> None:
        for member in self._members:
            member.send(signal.SIGKILL)
        for member in self._members:
            member.close()


def _own_failure(answer: Mapping[str, Any]) -> bool:
    """Whether a process failed by itself, and not because of another one."""
    return "failed" in answer and answer["kind"] != "CrewLost"


def _of_this_machine(size: int) -> Process:
    """One of so many, with its share of the machine's cores."""
    threads = str(max(1, (os.cpu_count() or 1) // size))
    return Process(environment={**os.environ, "TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads})
