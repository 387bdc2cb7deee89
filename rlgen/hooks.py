"""Calling callbacks: all of them in order, what they return checked, and none able to spoil a run.

What a callback raises is kept until the Trainer has done all that was due and saved the run, and raised then:
resumed, the run goes on to the same bits and rows as one that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from rlgen.callbacks import Callback, Moment, Reply
from rlgen.errors import UserError, nearest


class Hooks:
    """Several callbacks as one.

    Attributes:
        stopped: why the run should end, said by the first callback that wants it to.
        fault: what a callback raised, until `raise_fault`.
        raised: what `raise_fault` raised last.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        check_callbacks(callbacks)
        self._callbacks = tuple(callbacks)
        self._faulty: set[int] = set()
        self.stopped: str | None = None
        self.fault: Exception | None = None
        self.raised: Exception | None = None

    def due_after(self, step: int) -> list[int]:
        """The steps behind this one at which a callback wants to be called."""
        return [due for callback in self._callbacks for due in callback.due_steps if due > step]

    def start(self, moment: Moment) -> None:
        """Training begins."""
        self.stopped = None
        self._faulty.clear()
        self._call("start", moment, _nothing)

    def chunk(self, moment: Moment) -> Reply:
        """A chunk is done; what the callbacks add, all together."""
        moment = dataclasses.replace(moment, scalars=MappingProxyType(dict(moment.scalars)))
        return self._ask("chunk", moment, set(moment.scalars))

    def evaluation(self, moment: Moment) -> Reply:
        """An evaluation is done; what the callbacks add, all together."""
        assert moment.evaluation is not None
        found = dataclasses.replace(moment.evaluation, scalars=MappingProxyType(dict(moment.evaluation.scalars)))
        moment = dataclasses.replace(moment, evaluation=found)
        return self._ask("evaluation", moment, {*found.scalars, *found.images, *found.texts})

    def checkpoint(self, moment: Moment) -> None:
        """A checkpoint was written."""
        self._call("checkpoint", moment, _nothing)

    def end(self, moment: Moment) -> None:
        """Training is over: every callback hears it, faulty ones too, because it may hold something."""
        self._faulty.clear()
        self._call("end", moment, _nothing)
        if moment.error is not None:
            self.fault = None  # What ended training goes on; others have been told of this one.

    def message(self, text: str) -> None:
        """Tell everyone; safe at any time, even in a signal's handler in the middle of a chunk."""
        for callback in self._callbacks:
            try:
                callback.message(text)
            except Exception as error:
                self._failed(callback, "message", error)

    def raise_fault(self) -> None:
        """Raise what a callback raised, if one did.

        Raises:
            Exception: the callback's own.
        """
        if self.fault is not None:
            self.raised, self.fault = self.fault, None
            raise self.raised

    def _ask(self, hook: str, moment: Moment, taken: set[str]) -> Reply:
        scalars: dict[str, float] = {}
        images: dict[str, Any] = {}
        texts: dict[str, str] = {}

        def take(callback: Callback, returned: Any) -> None:
            if returned is None:
                return
            reply = checked(returned, prefix=f"{callback.name}/", taken=taken)
            taken.update(reply.scalars, reply.images, reply.texts)
            scalars.update(reply.scalars)
            images.update(reply.images)
            texts.update(reply.texts)
            self.stopped = self.stopped or reply.stop

        self._call(hook, moment, take)
        return Reply(stop=self.stopped, scalars=scalars, images=images, texts=texts)

    def _call(self, hook: str, moment: Moment, take: Callable[[Callback, Any], None]) -> None:
        for callback in self._callbacks:
            if id(callback) in self._faulty:
                continue
            try:
                take(callback, getattr(callback, hook)(moment))
            except Exception as error:
                self._failed(callback, hook, error)

    def _failed(self, callback: Callback, hook: str, error: Exception) -> None:
        """Keep the first fault, and say whose it was."""
        whose = f"the callback '{callback.name}' ({type(callback).__name__}) in its hook {hook}()"
        # Python 3.10 has no notes; there the message alone says it.
        if hasattr(error, "add_note"):
            error.add_note(f"Raised by {whose}. The run is saved; resume it when the callback is mended.")
        self._faulty.add(id(callback))
        self.fault = self.fault or error
        text = f"The run is saved and ends because of {whose}: {type(error).__name__}: {error}"
        for other in self._callbacks:
            if other is not callback:
                with contextlib.suppress(Exception):
                    other.message(text)


def check_callbacks(callbacks: Sequence[Callback]) -> None:
    """Check that these are callbacks.

    Raises:
        UserError: one is something else, or has a name that cannot be a prefix.
    """
    for callback in callbacks:
        if isinstance(callback, type):
            raise UserError(f"{callback.__name__} in callbacks is a class: give what {callback.__name__}(...) makes.")
        if not isinstance(callback, Callback):
            raise UserError(f"callbacks has a {type(callback).__name__}; derive it from rlgen.Callback.")
        if not re.fullmatch(r"[A-Za-z]\w*", callback.name):
            raise UserError(
                f"'{callback.name}' cannot be a callback's name: use letters, digits and _, a letter first."
            )


def checked(reply: Any, *, prefix: str, taken: set[str]) -> Reply:
    """A callback's reply, with its numbers as plain floats.

    Args:
        reply: what its hook returned.
        prefix: what its names must begin with.
        taken: names that the algorithm or another callback has used.

    Raises:
        UserError: it cannot be written as it is.
    """
    if not isinstance(reply, Reply):
        raise UserError(f"A hook returns None or an rlgen.Reply, not a {type(reply).__name__}.")
    if reply.stop is not None and not (isinstance(reply.stop, str) and reply.stop.strip()):
        raise UserError(f"stop={reply.stop!r} is no reason: say in words why the run should end, or leave it out.")
    for name in (*reply.scalars, *reply.images, *reply.texts):
        if not name.startswith(prefix) or name == prefix:
            hint = nearest(name, [prefix + name.split("/")[-1]])
            raise UserError(f"'{name}' is outside the callback's own prefix: begin it with '{prefix}'.{hint}")
        if name in taken:
            raise UserError(f"'{name}' is written already at this step; give the callback a `name` of its own.")
    for name, pixels in reply.images.items():
        _check_picture(name, pixels)
    for name, text in reply.texts.items():
        if not isinstance(text, str):
            raise UserError(f"The text '{name}' is a {type(text).__name__}; write Markdown in a str.")
    scalars = {name: _number(name, value) for name, value in reply.scalars.items()}
    return Reply(stop=reply.stop, scalars=scalars, images=reply.images, texts=reply.texts)


def _nothing(callback: Callback, returned: Any) -> None:
    if returned is not None:
        raise UserError(
            f"This hook of '{callback.name}' returned a {type(returned).__name__}, and nobody would see it: "
            "only chunk() and evaluation() can add something or stop the run."
        )


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UserError(f"The scalar '{name}' is a {type(value).__name__}; it must be a number.") from None
    if not math.isfinite(number):
        raise UserError(f"The scalar '{name}' is {number}; it must be finite. Leave it out where there is none.")
    return number


def _check_picture(name: str, pixels: Any) -> None:
    found = f"{pixels.dtype} {list(pixels.shape)}" if isinstance(pixels, np.ndarray) else f"a {type(pixels).__name__}"
    good = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 3
    if not good or pixels.shape[-1] not in (1, 3, 4) or pixels.size == 0:
        raise UserError(f"The picture '{name}' is {found}; it must be a uint8 array, [height, width, 1, 3 or 4].")
