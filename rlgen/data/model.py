"""What all that learns from data shares: the data set, the feed, the loop, the counters, the state.

A model says its networks (`build`), its step and its evaluation; see `rlgen.generative.model` and
`rlgen.supervised.model` for the two bases that models are made from.
"""

from __future__ import annotations

import abc
import contextlib
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from rlgen import data, learning, loops, networks, runtime
from rlgen.algorithm import Algorithm
from rlgen.config import Config
from rlgen.data import Arrays, Part, augment, serving
from rlgen.data.draws import Draws
from rlgen.data.feed import PURPOSES, Batch, Feed, Order
from rlgen.errors import RlgenError, UserError
from rlgen.schedules import Schedule
from rlgen.together import shards


class Model(Algorithm):
    """Base of what learns from a data set; a step is one batch.

    Everything that `state` holds is an attribute under the same name, so that no list of pairs can be wrong.

    Attributes:
        learned: names of the attributes that training changes, apart from those that are used.
        used: names of the attributes that using the result needs.
        draws: purposes of the model's own random numbers, for `self.random`.
        order: whether batches come by epochs or with replacement.
        held_out_least: fewest examples of a part that an evaluation can do with.
        dataset: the data set.
        inputs: what networks see of an example: bytes have become numbers in [0, 1].
        dtype: Keras' dtype policy for layers; `build` uses it through `options`.
        random: the draws, as functions of a purpose and a counter.
        updates: steps done, int64.
        phase: how many `borders` training has behind it.
    """

    problem_kind = "dataset"
    step_unit = "batches"
    reseedable = True
    data_parallel = True
    memory_advice = "Make batch_size, the hidden layers or the data smaller"

    learned: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    draws: tuple[str, ...] = ()
    order: ClassVar[Order] = "epochs"
    phase: int = 0
    held_out_least: ClassVar[int] = 1

    def __init__(
        self,
        *,
        problem: str,
        config: Config,
        seed: int,
        engine: str = "auto",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the data set and the networks.

        Args:
            problem: name of the data set.
            config: of the model.
            seed: everything random derives from it.
            engine: "auto".
            facts: of the data set, where the model is to be used and the data may be missing.

        Raises:
            UserError: the data set is unknown, cannot be made, or is nothing this model could learn from.
        """
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.dataset = data.load(problem) if facts is None else data.Recorded(problem, facts)
        self.inputs = data.scaled_spec(self.dataset.spec)
        augment.check(config.augment, self.dataset.spec)  # type: ignore[attr-defined]
        self.check_data()
        self.compute = self._built()
        self.random = Draws(seed, *PURPOSES, *self.draws, shards=config.shards)  # type: ignore[attr-defined]
        self.seeds = self.random.seeds
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False, name="updates")
        self.chunk_steps = 1000 if self.compute.xla else 100
        self._tally = loops.Tally()

    # What a model says.

    @abc.abstractmethod
    def build(self) -> None:
        """Make the networks, with `options`, and the optimizers, with `scheduled`.

        Called a second time where the machine computes these networks better in another type, so it may depend
        on nothing but the configuration, the seed and `dtype`.
        """

    @abc.abstractmethod
    def step(self, batch: Batch, update: Any) -> Mapping[str, Any]:
        """Learn from one batch, inside the compiled program; scalars by TensorBoard name.

        Args:
            batch: a shard of `examples_per_update` examples as float32, and their targets.
            update: steps done before, int64; with it, `self.random` draws.
        """

    def check_data(self) -> None:
        """Raise `UserError` where the data set is of a kind that this model does not learn from."""

    def check_training(self, arrays: Arrays) -> None:
        """Raise `UserError` where the training examples have values that this model cannot learn."""

    def seen(self, batch: Batch) -> Batch:
        """A batch of the data as `step` gets it."""
        return batch

    def after_step(self, update: Any) -> None:
        """What follows every step, inside the program; `update` as in `step`."""

    @property
    def borders(self) -> tuple[int, ...]:
        """Updates from which on `step` is another one, in order; when it is traced, `phase` counts those behind."""
        return ()

    @property
    def schedule(self) -> Schedule:
        """Of the step size that is reported as `train/learning_rate`."""
        return self._schedules[0][1]

    @property
    def shard_size(self) -> int:
        """Examples of a batch that a step sees: all of them, unless it has several shards."""
        return int(self.config.batch_size // self.config.shards)

    @property
    def examples_per_update(self) -> int:
        """Examples that one step of all shards takes from the data."""
        return int(self.config.batch_size)

    @property
    def examples_at_once(self) -> int:
        """Of these, how many a network sees at a time: memory goes by them."""
        return self.examples_per_update

    # What `build` and `step` are made with.

    def options(self, purpose: str, hidden_units: Sequence[int], activation: str) -> networks.Options:
        """How a network is built, its weights drawn from the run's seed and `purpose`."""
        seed = runtime.derive_seed(self.seed, purpose)
        return networks.Options(hidden_units=tuple(hidden_units), activation=activation, seed=seed, dtype=self.dtype)

    def seeded(self, purpose: str) -> contextlib.AbstractContextManager[None]:
        """Inside it Keras draws weights from the run's seed and `purpose`: two calls give the same ones."""
        return runtime.python_random(runtime.derive_seed(self.seed, purpose))

    def scheduled(self, optimizer: Any, learning_rate: Schedule, *models: Any) -> Any:
        """`optimizer`, built for the weights of `models`, its step size following a schedule over updates.

        The first one's step size is reported as `train/learning_rate`.
        """
        optimizer.build([variable for model in models for variable in model.trainable_variables])
        self._schedules.append((optimizer, learning_rate))
        self._descending += models
        return optimizer

    # The loop.

    def _built(self) -> loops.Compute:
        self.dtype, self._schedules, self._descending = "float32", list[tuple[Any, Schedule]](), list[Any]()
        self._build()
        models = [part for name in (*self.used, *self.learned) if hasattr(part := getattr(self, name), "layers")]
        convolutional = networks.has_convolutions(models)
        compute = loops.choose(convolutional=convolutional, precision=self.config.precision)
        if compute.dtype != self.dtype:
            self.dtype = compute.dtype
            self._schedules.clear()
            self._descending.clear()
            self._build()
        return compute

    def _build(self) -> None:
        """`build`, where Keras gives layers without a seed of their own one from the run's."""
        with self.seeded("layers"):
            self.build()
        for name in (*self.used, *self.learned):
            if not hasattr(self, name):
                raise RlgenError(
                    f"{type(self).__name__}.build() has to set self.{name}: `used` and `learned` name it as part of "
                    "what is saved."
                )

    def examples(self, part: Part) -> Arrays:
        """The examples of one part, checked.

        Raises:
            UserError: they are not what the data set promises.
        """
        return data.examples(self.dataset, part, name=self.problem)

    def held_out(self, part: Part) -> Arrays:
        """The examples of a part to judge on: as `examples`, and at least `held_out_least` of them."""
        if part not in self._held_out:
            arrays = self.examples(part)
            if len(arrays) < self.held_out_least:
                raise UserError(
                    f"The {part} part of '{self.problem}' has {len(arrays)} examples, and judging "
                    f"{type(self).__name__} takes at least {self.held_out_least}."
                )
            self._held_out[part] = arrays
        return self._held_out[part]

    def fresh_examples(self, count: int, seed: int) -> Any:
        """Examples of the test part, [count, *shape], as often as it takes; numbers in their place without the data."""
        generator = runtime.generator(seed, "fresh examples")
        try:
            x = self.examples("test").x
        except UserError as error:
            runtime.tell(f"Compared on random numbers instead of examples: {error}")
            return serving.random_examples(self.dataset.spec, count, generator)
        order = generator.permutation(len(x))
        return x[np.resize(order, count)]

    @cached_property
    def _held_out(self) -> dict[Part, Arrays]:
        return {}

    @cached_property
    def feed(self) -> Feed:
        """The training examples, batch by batch.

        Raises:
            UserError: there are too few of them, or of those to judge on, or they are not as promised.
        """
        arrays = self.examples("train")
        self.check_training(arrays)
        self.held_out("validation")
        self.held_out("test")
        if self.examples_per_update > len(arrays):
            most = len(arrays) // (self.examples_per_update // self.config.batch_size)
            raise UserError(
                f"batch_size={self.config.batch_size} is more than the {len(arrays)} training examples of "
                f"'{self.problem}' are enough for. Set batch_size to {most} or less."
            )
        return Feed(
            arrays,
            size=self.examples_per_update,
            draws=self.random,
            compute=self.compute,
            order=self.order,
            augment=self.config.augment,
            shards=self.config.shards,
        )

    @property
    def _advance(self) -> Any:
        """The program of the phase that training is in."""
        if self.phase not in self._programs:
            self._programs[self.phase] = self._compiled()
        return self._programs[self.phase]

    @cached_property
    def _programs(self) -> dict[int, Any]:
        return {}

    def _compiled(self) -> Any:
        """A compiled program: (steps, chunk of the feed) to the tally's sums."""
        feed, compute = self.feeding, self.computing

        def advance(steps: Any, *chunk: Any) -> Any:
            def one(i: Any, carry: Any) -> tuple[Mapping[str, Any], Any]:
                update, order = carry
                rows, order = feed.rows(i, update, order, chunk)
                for optimizer, schedule in self._schedules:
                    learning.set_learning_rate(optimizer, schedule, update)
                statistics, streams = self._changing()
                found = shards.each(
                    lambda part: self.step(self.seen(feed.batch(part, update)), update),
                    rows,
                    count=self.config.shards,
                    statistics=statistics,
                    streams=streams,
                )
                self.after_step(update)
                return loops.mean_scalars(found), (update + 1, order)

            first = self.updates.read_value()
            sums, (update, _) = loops.repeat(one, steps, self._tally, (first, feed.start(first)))
            self.updates.assign(update)
            return sums

        signature = [tf.TensorSpec((), tf.int32), *feed.signature]
        return loops.program(advance, compute=compute, signature=signature)

    def statistics(self) -> list[Any]:
        """Float32 variables, apart from those of networks, that a step changes by itself."""
        return []

    def _changing(self) -> tuple[list[Any], list[Any]]:
        """What a step changes beside weights: statistics, and the states of Keras' random generators."""
        found = {id(each): each for model in self._descending for each in model.non_trainable_variables}
        statistics = [each for each in found.values() if each.dtype == "float32"]
        streams = [each for each in found.values() if each.dtype in ("int32", "int64", "uint32")]
        return [*statistics, *self.statistics()], [each for each in streams if tuple(each.shape) == (2,)]

    @property
    def feeding(self) -> Feed:
        """Where the batches of the phase come from."""
        return self.feed

    @property
    def computing(self) -> loops.Compute:
        """How the program of the phase computes."""
        return self.compute

    def train(self, steps: int) -> dict[str, float]:
        """Advance `steps` batches; the scalars are means over them.

        Raises:
            UserError: the data cannot be learned from, as `feed` says.
        """
        sums, first = np.zeros(loops.ROOM + 1), int(self.updates.numpy())
        updates = first + steps
        ends = [border for border in self.borders if first < border < updates]
        for begin, end in itertools.pairwise([first, *ends, updates]):
            self.phase = sum(border <= begin for border in self.borders)
            for count, chunk in self.feeding.chunks(begin, end - begin):
                sums += self._advance(tf.constant(count, tf.int32), *chunk).numpy()
        scalars = self._tally.means(sums)
        if self._schedules:
            scalars["train/learning_rate"] = self.schedule(updates - 1)
        return {**scalars, "work/updates": updates, "work/images": updates * self.examples_per_update}

    def reseed(self, seed: int) -> None:
        """As the base; what `check_training` notes of the data is noted again."""
        super().reseed(seed)
        if "feed" in self.__dict__:
            self.check_training(self.examples("train"))

    def state(self) -> Mapping[str, Any]:
        """Everything a resume needs; the order of an epoch follows from the seed and the number of updates."""
        return {**self.inference_state(), **{name: getattr(self, name) for name in self.learned}, "seeds": self.seeds}

    def inference_state(self) -> Mapping[str, Any]:
        """What using the result needs, and how far it has come."""
        return {**{name: getattr(self, name) for name in self.used}, "updates": self.updates}

    def learned_state(self) -> Mapping[str, Any]:
        """Every network, those that only training uses as well."""
        named = ((name, getattr(self, name)) for name in (*self.used, *self.learned))
        return {name: part for name, part in named if hasattr(part, "layers")}

    def chosen(self) -> Mapping[str, Any]:
        """The precision, where the configuration leaves it open."""
        return loops.chosen(self.compute, self.config.precision)

    def facts(self) -> Mapping[str, Any]:
        """What examples and targets look like, and a checksum of the training part."""
        arrays, hashed = self.examples("train"), hashlib.blake2b(digest_size=8)
        for column in (arrays.x, arrays.y):
            if column is not None:
                hashed.update(f"{column.dtype}{column.shape}".encode())
                hashed.update(np.ascontiguousarray(column).data)
        return {**data.facts_of(self.dataset), "content": hashed.hexdigest()}

    @classmethod
    def name_problem(cls, problem: Any, arguments: Mapping[str, Any], *, name: str | None = None) -> str:
        """Of a name, arrays, a `tf.data.Dataset` or an `rlgen.data.Dataset`."""
        from rlgen.data import given

        return given.name_of(problem, name=name)

    @classmethod
    def for_use(cls, *, facts: Mapping[str, Any], **how: Any) -> Model:
        """As the base says; without the data, of which the facts say enough."""
        return cls(facts=facts, **how)

    def check_problem(self) -> None:
        """Read and check the examples, those to judge on too."""
        _ = self.feed

    def memory_bytes(self) -> Mapping[str, int]:
        """The training examples, where they are copied to the device; networks, and what they put out for a batch."""
        models = [part for name in (*self.used, *self.learned) if hasattr(part := getattr(self, name), "layers")]
        needs = networks.memory.learning_bytes(models, examples=self.examples_at_once, made=3)
        needs["batches"] += 4 * self.inputs.size * self.examples_per_update
        return needs if self.feed.streamed else {"training examples": self.feed.nbytes, **needs}

    def in_batches(self, call: Any, x: Any, *, size: int = 1000) -> Any:
        """`call` of examples [N, ...], NumPy to NumPy, so many at a time that memory is no question."""
        return np.concatenate([np.asarray(call(x[i : i + size]), np.float32) for i in range(0, len(x), size)])
