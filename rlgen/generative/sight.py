"""What a discriminator gets to see: examples in its shape, some of them older ones, changed, and noisy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from rlgen.config import option
from rlgen.data.draws import Draws
from rlgen.errors import UserError
from rlgen.generative import augmentation
from rlgen.generative.averaged import AveragedConfig
from rlgen.generative.losses import LOSSES, LossName
from rlgen.generative.replay import FakeReplay
from rlgen.schedules import Schedule
from rlgen.spec import Spec

# Of the three looks that an update takes.
LOOKS = ("real", "fake", "generator")


@dataclass(frozen=True, kw_only=True)
class SightConfig(AveragedConfig):
    """What can be said of it."""

    batch_size: int = option(128, "Real, and as many generated, examples in an update.", at_least=1)
    loss: LossName = option("non_saturating", "What both nets descend.")
    ada: tuple[augmentation.Group, ...] = option(
        (), "What pictures that D sees, real and generated, are changed by: adaptive augmentation, for few pictures."
    )
    ada_probability: float | None = option(
        None, "Of each change; none: it follows how sure D is of real pictures.", at_least=0, at_most=1
    )
    ada_target: float = option(
        0.6, "Mean sign of D's logits of real pictures that the probability is steered to.", at_least=-1, at_most=1
    )
    ada_examples: int = option(100_000, "Real examples that take the probability from 0 to 1.", at_least=1)
    fake_replay: int = option(
        0, "Generated examples kept, of which D gets half of each batch; 0: none, D sees the newest alone.", at_least=0
    )
    instance_noise: Schedule = option(
        Schedule.parse(0),
        "Standard deviation of the noise on all that D sees, in units of the data, over generator updates.",
        at_least=0,
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.ada and self.ada_probability is None and self.loss == "wasserstein":
            raise UserError(
                "loss=wasserstein gives scores whose sign says nothing of how sure D is, so the probability of ada "
                "cannot follow it: set ada_probability."
            )
        if self.fake_replay and self.shards > 1:
            raise UserError(
                f"fake_replay={self.fake_replay} keeps the examples of one shard, and shards={self.shards}: set one of "
                "them to 0 or 1."
            )
        if 0 < self.fake_replay < self.batch_size:
            raise UserError(
                f"fake_replay={self.fake_replay} is less than a batch: set it to {self.batch_size} or more, or to 0."
            )


class Sight:
    """As a configuration says; inside the program.

    Attributes:
        draws: purposes that it draws for.
        variables: the pool of older examples, and the probability of changes where it is steered, for `state()`.
    """

    def __init__(self, config: SightConfig, *, made: Spec, seen: tuple[int, ...], given: int, problem: str) -> None:
        """Make the pool and the probability, where there are any.

        Args:
            config: of the model.
            made: what is generated.
            seen: the shape in which D sees it.
            given: numbers that are given with each example.
            problem: name of the data set, for messages.

        Raises:
            UserError: there is something to change, and it is no picture.
        """
        self._config, self._made, self._seen = config, made, seen
        if config.ada and not made.picture:
            raise UserError(
                f"ada={','.join(config.ada)} changes pictures, and the examples of '{problem}' are {made}. Leave it "
                "out."
            )
        # Only what is drawn for has a seed, so that runs made before there was such a thing still go on.
        changes = tuple(f"{look}_change" for look in LOOKS) if config.ada else ()
        replayed = ("replay_slots", "replay_coins") if config.fake_replay else ()
        self.draws = (*(f"{look}_noise" for look in LOOKS), *changes, *replayed)
        self._probability: Any = None
        self._replay: FakeReplay | None = None
        self.variables: list[Any] = []
        if config.fake_replay:
            shapes = [made.shape, (given,)] if given else [made.shape]
            self._replay = FakeReplay(config.fake_replay, config.batch_size, *shapes)
            self.variables += self._replay.variables
        if config.ada and config.ada_probability is None:
            self._probability = tf.Variable(0.0, trainable=False, name="ada_probability")
            self.variables.append(self._probability)

    @property
    def statistics(self) -> list[Any]:
        """The probability of changes, where it is steered."""
        return [] if self._probability is None else [self._probability]

    def exchanged(self, fake: Any, given: Any, random: Draws, draw: Any) -> tuple[Any, Any]:
        """Generated examples, and what was given of them, half of them older ones where those are kept."""
        if self._replay is None:
            return fake, given
        shaped = tf.reshape(fake, (-1, *self._made.shape))
        parts = self._replay.exchanged([shaped, *([] if given is None else [given])], random, draw)
        return parts[0], parts[1] if given is not None else None

    def of(self, x: Any, look: str, random: Draws, draw: Any, update: Any) -> Any:
        """What D sees of examples.

        Args:
            x: examples, flat or in their shape, in the range of the generator's output.
            look: one of `LOOKS`.
            random: the model's draws.
            draw: counts the looks of this kind.
            update: counts the generator's updates, by which the noise goes.
        """
        c = self._config
        if c.ada:
            probability = c.ada_probability if self._probability is None else tf.convert_to_tensor(self._probability)
            pictures = tf.reshape(x, (c.batch_size // c.shards, *self._made.shape))
            x = augmentation.changed(pictures, probability, random.seed(f"{look}_change", draw), c.ada)
        # Dense nets see vectors, whatever the shape of an example.
        x = tf.reshape(x, (-1, *self._seen))
        if c.instance_noise == Schedule.parse(0):
            return x
        return x + c.instance_noise(update) * random.normal(f"{look}_noise", draw, x.shape)

    def steer(self, real_logits: Any) -> dict[str, Any]:
        """Let the probability of changes follow how sure D is of real examples; scalars, where there is one."""
        c = self._config
        if not c.ada:
            return {}
        signs = tf.reduce_mean(tf.sign(real_logits - LOSSES[c.loss].middle))
        if self._probability is None:
            return {"train/real_sign": signs}
        steered = augmentation.steered(self._probability, signs, c.ada_target, c.ada_examples, c.batch_size)
        self._probability.assign(steered)
        return {"train/real_sign": signs, "train/ada_probability": steered}
