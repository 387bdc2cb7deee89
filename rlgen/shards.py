"""Shards: the equal parts that a batch consists of, each with random numbers of its own.

What a run comes to depends on how many shards there are, not on how many processes share them (`rlgen.crew`). A step is
written for one shard. Those of this process go through it in lockstep: where gradients are applied they meet, are
averaged with those of all others in one exchange, and go on. So normalisation, augmentation and whatever else looks at
a batch as a whole looks at a shard.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy.typing as npt

from rlgen import crew, state
from rlgen.config import option
from rlgen.errors import RlgenError, UserError
from rlgen.state import Arrays

FIELD: int = option(
    1, "Equal parts of a batch, each with draws of its own, which several processes can share.", at_least=1
)

# The part of an algorithm's state that has a tree for each of several shards.
STATE = "shards"

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
    return _Step(mine(count), statistics, streams).run([lambda part=part: function(part) for part in parts])


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


class Elsewhere:
    """The shards that other processes have, of which this one knows what they have told.

    Attributes:
        known: by shard, its state as arrays.
    """

    def __init__(self, count: int) -> None:
        """Know nothing of the others of so many."""
        self._count, self.known = count, dict[str, Arrays]()

    def completed(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The trees of all shards, of which this process has its `own`."""
        alike = next(iter(own.values()))
        return {shard: own[shard] if shard in own else Told(self.known, shard, alike) for shard in self._names}

    @property
    def _names(self) -> list[str]:
        return [str(shard) for shard in range(self._count)]


class Told:
    """The state of a shard that another process has, as it was last told.

    Attributes:
        known: whether it ever was.
    """

    def __init__(self, known: dict[str, Arrays], shard: str, alike: Mapping[str, Any]) -> None:
        self._known, self._shard, self._alike = known, shard, alike

    @property
    def known(self) -> bool:
        """As the class says."""
        return self._shard in self._known

    def state_arrays(self) -> Arrays:
        """What is known; where nothing is, the state of one here, which has the same form."""
        return self._known.get(self._shard) or state.read(self._alike)

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Know it from now on."""
        self._known[self._shard] = dict(arrays)


class _Step:
    """Functions that run one beside another, each up to where it meets the others.

    Attributes:
        readings: the statistics as each of them has left them since they last met.
    """

    def __init__(
        self, numbers: Sequence[int], statistics: Sequence[Any] = (), streams: Sequence[Any] = ()
    ) -> None:
        self.numbers, self.statistics, self._streams = numbers, statistics, streams
        self.readings: list[list[Any]] = []

    def run(self, functions: Sequence[Callable[[], Any]]) -> list[Any]:
        """Their results."""
        if len(functions) == 1:
            self._turn_streams(self.numbers[0])
            result = _within(self, self.numbers[0], functions[0])
            self._turn_streams(-self.numbers[0])
            return [result]
        members = [_Member(self, *about) for about in zip(self.numbers, functions, strict=True)]
        while True:
            self._advance(members)
            if all(member.over for member in members):
                self._write([_mean(readings) for readings in zip(*self.readings, strict=True)])
                return [member.result for member in members]
            if any(member.over for member in members):
                _abandon(members)
                raise RlgenError("One shard applies gradients more often than another one: a step has to be alike.")
            try:
                replies = members[0].asks[0]([member.asks[1] for member in members])
            except BaseException:
                _abandon(members)
                raise
            for member, reply in zip(members, replies, strict=True):
                member.reply = reply

    def meet(self, action: Callable[[list[Any]], list[Any]], argument: Any) -> Any:
        """What `action` makes of the arguments of all, called by one of them."""
        member = _member.get()
        return action([argument])[0] if member is None or member.step is not self else member.meet(action, argument)

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
            bodies = [lambda body=body, carry=carry: body(*carry) for (_, body, *_), carry in zip(loops, carries)]
            return tuple(tuple(carry) for carry in inner.run(bodies))

        return list(_loop(lambda first, *_: going_on(*first), turn, tuple(carry for _, _, carry, _ in loops), at_most))

    def _advance(self, members: Sequence[_Member]) -> None:
        """Let each of them go on to where it meets the others; each begins with the same statistics."""
        before, self.readings = self._read(), []
        drawn = [_value(stream) for stream in self._streams]
        for member in members:
            if self.readings:
                self._write(before)
                for stream, value in zip(self._streams, drawn, strict=True):
                    stream.assign(value)
            self._turn_streams(member.number)
            member.go_on()
            if member.error is not None:
                _abandon(members)
                raise member.error
            self._turn_streams(-member.number)
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


class _Member:
    """One of the functions of a step, in a thread of its own that runs only while the others wait.

    Attributes:
        step: that it is a part of.
        number: of its shard.
        asks: what it waits for, an action and an argument.
        reply: what it gets.
        over: whether it has come to its end.
        result: what it returned.
        error: what it raised.
    """

    def __init__(self, step: _Step, number: int, function: Callable[[], Any]) -> None:
        import tensorflow as tf

        self.step, self.number, self._function = step, number, function
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
                "rlgen.shards.while_loop, or as many processes as there are shards."
            )
        self.asks = action, argument
        self._others.release()
        self._mine.acquire()
        if self._abandoned:
            raise _Abandoned
        return self.reply

    def _run(self) -> None:
        self._mine.acquire()
        try:
            if not self._abandoned:
                with self._graph.as_default():
                    _member.set(self)
                    self.result = _within(self.step, self.number, self._function)
        except BaseException as error:
            self.error = error
        self.over = True
        self._others.release()


_member: contextvars.ContextVar[_Member | None] = contextvars.ContextVar("member", default=None)


class _Abandoned(BaseException):
    """Raised in a function whose step is over."""


def _abandon(members: Sequence[_Member]) -> None:
    for member in members:
        member.abandon()


def _within(step: _Step, number: int, function: Callable[[], Any]) -> Any:
    """Call `function` as a part of a step."""
    tokens = (_step, _step.set(step)), (_number, _number.set(number))
    try:
        return function()
    finally:
        for variable, token in tokens:
            variable.reset(token)  # type: ignore[attr-defined]


def _mean(tensors: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.add_n([tf.convert_to_tensor(each) for each in tensors]) / len(tensors)


def _value(variable: Any) -> Any:
    """Of TensorFlow's or Keras'."""
    import tensorflow as tf

    return tf.convert_to_tensor(variable)
