"""Functions that run one beside another while a program is traced, each up to where it meets the others.

Only one of them runs at a time, in a thread of its own, because what TensorFlow traces it keeps by thread.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any

from rlgen.errors import RlgenError


def current(owner: object) -> Member | None:
    """The one of an owner's functions that is running; None where none is."""
    member = _current.get()
    return member if member is not None and member.owner is owner else None


class Member:
    """One of several functions, in a thread of its own that runs only while the others wait.

    Attributes:
        owner: whoever has them run beside one another.
        asks: what it waits for, an action and an argument.
        reply: what it gets.
        over: whether it has come to its end.
        result: what it returned.
        error: what it raised.
    """

    def __init__(self, owner: object, function: Callable[[], Any]) -> None:
        import tensorflow as tf

        self.owner, self._function = owner, function
        self.asks: tuple[Any, Any] = (None, None)
        self.reply: Any = None
        self.over, self.result = False, None
        self.error: BaseException | None = None
        self._graph, self._abandoned = tf.compat.v1.get_default_graph(), False
        self._mine, self._others = threading.Semaphore(0), threading.Semaphore(0)
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Run it to where it asks for something, or to its end."""
        self._mine.release()
        self._others.acquire()

    def abandon(self) -> None:
        """Let it end where it is."""
        if not self.over:
            self._abandoned = True
            self.go_on()

    def meet(self, action: Any, argument: Any) -> Any:
        """Wait until all ask for the same; called in its own thread."""
        import tensorflow as tf

        if tf.compat.v1.get_default_graph() is not self._graph:
            raise RlgenError(
                "Gradients are applied inside a loop or a condition of TensorFlow's, where shards cannot meet: use "
                "rlgen.together.shards.while_loop, or as many processes as there are shards."
            )
        self.asks = action, argument
        self._others.release()
        self._mine.acquire()
        if self._abandoned:
            raise Abandoned
        return self.reply

    def _run(self) -> None:
        self._mine.acquire()
        try:
            if not self._abandoned:
                with self._graph.as_default():
                    _current.set(self)
                    self.result = self._function()
        except BaseException as error:
            self.error = error
        self.over = True
        self._others.release()


_current: contextvars.ContextVar[Member | None] = contextvars.ContextVar("member", default=None)


class Abandoned(BaseException):
    """Raised in a function whose others have failed."""


def abandon(members: Sequence[Member]) -> None:
    """Let all of them end where they are."""
    for member in members:
        member.abandon()
