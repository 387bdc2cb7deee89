"""TensorFlow's profiler over some steps of a run."""

from __future__ import annotations

import re
from typing import Any

from rlgen import runtime
from rlgen.callbacks import Callback, Moment, Reply
from rlgen.errors import UserError
from rlgen.run import SUMMARIES

CHUNKS = 10


class Profile(Callback):
    """Records where time goes between two steps, for TensorBoard's page "Profile".

    A run that goes on from inside the range records the rest of it, one that goes on from behind it nothing.
    """

    def __init__(self, *, first: int, last: int) -> None:
        """Set which steps.

        Args:
            first: the step at which recording begins.
            last: the step at which it ends.

        Raises:
            UserError: they are no range.
        """
        if not 0 <= first < last:
            raise UserError(f"profile={first}:{last} is no range of steps: say, for instance, 1000:1100.")
        self._first, self._last = first, last
        # What the profiler calls a step is one of our chunks: it wants to see some.
        self.due_steps = (*range(first, last, -(-(last - first) // CHUNKS)), last)
        self._chunk: Any = None

    @classmethod
    def parse(cls, text: str) -> Profile:
        """Out of `100:110`.

        Raises:
            UserError: it is no range.
        """
        if not (found := re.fullmatch(r"\s*([\d_]+)\s*:\s*([\d_]+)\s*", text)):
            raise UserError(f"profile='{text}' is no range of steps: say, for instance, 1000:1100.")
        first, last = (int(number.replace("_", "") or 0) for number in found.groups())
        return cls(first=first, last=last)

    def start(self, moment: Moment) -> None:
        """Begin, if the run does with the first of the steps."""
        self._begin(moment)

    def chunk(self, moment: Moment) -> Reply | None:
        """Begin, end, or mark that the next chunk begins."""
        if self._chunk is None:
            self._begin(moment)
        elif moment.step >= self._last:
            self._end(moment)
        else:
            self._chunk.__exit__(None, None, None)
            self._mark(moment)
        return None

    def end(self, moment: Moment) -> None:
        """End, if the run does before the last of the steps."""
        if self._chunk is not None:
            self._end(moment)

    def _begin(self, moment: Moment) -> None:
        # A chunk ends at a multiple of what steps together, so that may be a little behind the step.
        if not self._first <= moment.step < self._last or moment.step >= moment.steps:
            return
        runtime.import_tensorflow()
        import tensorflow as tf

        tf.profiler.experimental.start(str(moment.path / SUMMARIES[0]))
        self._from = moment.step
        self._mark(moment)

    def _mark(self, moment: Moment) -> None:
        import tensorflow as tf

        self._chunk = tf.profiler.experimental.Trace("chunk", step_num=moment.step, _r=1)
        self._chunk.__enter__()

    def _end(self, moment: Moment) -> None:
        import tensorflow as tf

        self._chunk.__exit__(None, None, None)
        self._chunk = None
        tf.profiler.experimental.stop()
        runtime.tell(
            f"Steps {self._from:,} to {moment.step:,} were profiled. TensorBoard shows it with its plug-in: "
            "pip install tensorboard-plugin-profile"
        )
