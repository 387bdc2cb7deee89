"""Shards: the equal parts that a batch consists of, each with random numbers of its own.

What a run comes to depends on how many shards there are, not on how many processes share them
(`rlgen.together.crew`). A step is written for one shard. Those of this process go through it in lockstep: where
gradients are applied they meet, are averaged with those of all others in one exchange, and go on. So normalisation,
augmentation and whatever else looks at a batch as a whole looks at a shard.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable, Sequence
from typing import Any

from rlgen.config import option
from rlgen.errors import RlgenError, UserError
from rlgen.together import crew
from rlgen.together.lockstep import Member, abandon, current

FIELD: int = option(
    1, "Equal parts of a batch, each with draws of its own, which several processes can share.", at_least=1
)

# The shard that is computed, and the step that it takes part in; None outside of one.
_number: contextvars.ContextVar[int | None] = contextvars.ContextVar("number", default=None)
_step: contextvars.ContextVar[_Step | None] = contextvars.ContextVar("step", default=None)


def check(count: int, **sizes: int) -> None:
    """See that what a batch is made of divides into shards.

    Args:
        count: of the shards.
        sizes: by the names of fields.

    Raises:
        UserError: one of them does not.
    """
    for name, size in sizes.items():
        if size % count:
            below = size // count * count
            near = " or ".join(str(each) for each in (below, below + count) if each)
            raise UserError(f"{name}={size} does not divide into shards={count} equal parts: use {near}.")


def mine(count: int) -> range:
    """The numbers of the shards that this process has, of so many.

    Raises:
        UserError: they do not divide among the processes.
    """
    size = crew.now().size
    if count % size:
        raise UserError(
            f"shards={count} cannot be divided among {size} processes: give --set shards={-(-count // size) * size}, "
            "for instance, or another number of processes."
        )
    each = count // size
    return range(crew.now().rank * each, (crew.now().rank + 1) * each)


def number() -> int | None:
    """The shard that is being computed; None outside of one."""
    return _number.get()


def each(
    function: Callable[[Any], Any],
    parts: Sequence[Any],
    *,
    count: int,
    statistics: Sequence[Any] = (),
    streams: Sequence[Any] = (),
) -> list[Any]:
    """`function` of each part, in lockstep; for use inside a program.

    Args:
        function: of a part; it may call `mean` and `while_loop`.
        parts: of the shards of this process, in order.
        count: of all shards.
        statistics: float32 variables that `function` changes by itself, such as those of batch normalisation: each
            shard finds them as they were, and where shards meet they are averaged, too.
        streams: states of Keras' random generators, a seed and a counter each, that `function` draws from.
    """
    if count == 1:
        return [function(part) for part in parts]
    return _Step(mine(count), statistics, streams).run([functools.partial(function, part) for part in parts])


def together() -> int:
    """How many shards compute the step that is being computed; 1 outside of one."""
    step = _step.get()
    return 1 if step is None else len(step.numbers) * crew.now().size


def mean(tensors: Sequence[Any]) -> list[Any]:
    """The mean of each float32 tensor over all shards, where they compute one; else the tensors themselves."""
    step = _step.get()
    return list(tensors) if step is None else step.meet(step.averaged, list(tensors))


def once(function: Callable[..., Any], tensors: Sequence[Any]) -> Any:
    """`function` of the means of float32 tensors over all shards, called once for all of them: to change variables."""
    step = _step.get()
    if step is None:
        return function(*tensors)
    return step.meet(lambda found: [function(*step.averaged(found)[0])] * len(found), list(tensors))


def while_loop(going_on: Callable[..., Any], body: Callable[..., Any], carry: Sequence[Any], *, at_most: int) -> Any:
    """As `tf.while_loop`, one turn after another; inside it shards may meet. They go on as long as the first does."""
    step = _step.get()
    if step is None:
        return _loop(going_on, body, tuple(carry), at_most)
    return step.meet(step.looped, (going_on, body, tuple(carry), at_most))


def _loop(going_on: Any, body: Any, carry: Any, at_most: int) -> Any:
    import tensorflow as tf

    return tf.while_loop(going_on, body, carry, maximum_iterations=at_most, parallel_iterations=1)


class _Step:
    """Functions that run one beside another, each up to where it meets the others.

    Attributes:
        readings: the statistics as each of them has left them since they last met.
    """

    def __init__(self, numbers: Sequence[int], statistics: Sequence[Any] = (), streams: Sequence[Any] = ()) -> None:
        self.numbers, self.statistics, self._streams = numbers, statistics, streams
        self.readings: list[list[Any]] = []

    def run(self, functions: Sequence[Callable[[], Any]]) -> list[Any]:
        """Their results."""
        if len(functions) == 1:
            self._turn_streams(self.numbers[0])
            result = _within(self, self.numbers[0], functions[0])
            self._turn_streams(-self.numbers[0])
            return [result]
        members = [
            Member(self, functools.partial(_within, self, number, function))
            for number, function in zip(self.numbers, functions, strict=True)
        ]
        while True:
            self._advance(members)
            if all(member.over for member in members):
                self._write([_mean(readings) for readings in zip(*self.readings, strict=True)])
                return [member.result for member in members]
            if any(member.over for member in members):
                abandon(members)
                raise RlgenError("One shard applies gradients more often than another one: a step has to be alike.")
            try:
                replies = members[0].asks[0]([member.asks[1] for member in members])
            except BaseException:
                abandon(members)
                raise
            for member, reply in zip(members, replies, strict=True):
                member.reply = reply

    def meet(self, action: Callable[[list[Any]], list[Any]], argument: Any) -> Any:
        """What `action` makes of the arguments of all, called by one of them."""
        member = current(self)
        return action([argument])[0] if member is None else member.meet(action, argument)

    def averaged(self, tensors: list[list[Any]]) -> list[list[Any]]:
        """The means over all shards of all processes, for each of those here; statistics are averaged with them."""
        import tensorflow as tf

        readings = self.readings or [self._read()]
        means = [_mean(each) for each in zip(*tensors, strict=True)]
        means += [_mean(each) for each in zip(*readings, strict=True)]
        if (size := crew.now().size) > 1:
            sizes = [mean.shape.num_elements() for mean in means]
            flat = crew.now().total(tf.concat([tf.reshape(mean, (-1,)) for mean in means], 0)) / size
            parts = tf.split(flat, sizes)
            means = [tf.reshape(part, mean.shape) for part, mean in zip(parts, means, strict=True)]
        self._write(means[len(tensors[0]) :])
        return [means[: len(tensors[0])]] * len(tensors)

    def looped(self, loops: list[tuple[Any, Any, Any, int]]) -> list[Any]:
        """One loop of all their bodies, in lockstep."""
        going_on, _, _, at_most = loops[0]
        if len(loops) == 1:
            return [_loop(going_on, *loops[0][1:])]

        def turn(*carries: Any) -> Any:
            inner = _Step(self.numbers)
            bodies = [functools.partial(body, *carry) for (_, body, *_), carry in zip(loops, carries, strict=True)]
            return tuple(tuple(carry) for carry in inner.run(bodies))

        return list(_loop(lambda first, *_: going_on(*first), turn, tuple(carry for _, _, carry, _ in loops), at_most))

    def _advance(self, members: Sequence[Member]) -> None:
        """Let each of them go on to where it meets the others; each begins with the same statistics."""
        before, self.readings = self._read(), []
        drawn = [_value(stream) for stream in self._streams]
        for number, member in zip(self.numbers, members, strict=True):
            if self.readings:
                self._write(before)
                for stream, value in zip(self._streams, drawn, strict=True):
                    stream.assign(value)
            self._turn_streams(number)
            member.go_on()
            if member.error is not None:
                abandon(members)
                raise member.error
            self._turn_streams(-number)
            self.readings.append(self._read())

    def _turn_streams(self, by: int) -> None:
        """Let each random generator draw as if its seed were another one."""
        import tensorflow as tf

        for stream in self._streams if by else ():
            value = _value(stream)
            stream.assign(value + tf.cast(tf.constant([by, 0]), value.dtype))

    def _read(self) -> list[Any]:
        return [_value(each) for each in self.statistics]

    def _write(self, values: Sequence[Any]) -> None:
        for variable, value in zip(self.statistics, values, strict=True):
            variable.assign(value)


def _within(step: _Step, number: int, function: Callable[[], Any]) -> Any:
    """Call `function` as a part of a step."""
    before, shard = _step.set(step), _number.set(number)
    try:
        return function()
    finally:
        _number.reset(shard)
        _step.reset(before)


def _mean(tensors: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.add_n([tf.convert_to_tensor(each) for each in tensors]) / len(tensors)


def _value(variable: Any) -> Any:
    """Of TensorFlow's or Keras'."""
    import tensorflow as tf

    return tf.convert_to_tensor(variable)
