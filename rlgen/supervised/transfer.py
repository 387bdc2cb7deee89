"""Transfer learning: a network that learned other pictures sees these, and a small head learns what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import keras
import tensorflow as tf

from rlgen import data, loops, registry
from rlgen.config import another_default, option
from rlgen.data import Arrays
from rlgen.data.feed import Feed
from rlgen.errors import UserError, nearest
from rlgen.networks import efficientnet
from rlgen.schedules import Schedule
from rlgen.supervised import descent
from rlgen.supervised.cnn import require_picture
from rlgen.supervised.config import LayersConfig
from rlgen.supervised.layers import Head, Layers
from rlgen.supervised.model import SupervisedModel

IMAGENET = "efficientnet_lite0"
# Pictures that the backbone sees at a time.
AT_ONCE = 64
# Smaller pictures leave nothing behind five halvings.
LEAST_SIDE = 32


@dataclass(frozen=True, kw_only=True)
class TransferConfig(LayersConfig):
    """What transfer learning can be told."""

    backbone: str = option(
        IMAGENET,
        f"Network that sees the pictures: {IMAGENET}, with ImageNet's weights, or one of keras.applications by name.",
    )
    weights_file: Path | None = option(
        None, "File with the weights of one of keras.applications without its top; none: random ones."
    )
    head: Head = option("average", "What the head sees of it: the average of each channel, or all numbers.")
    hidden_units: tuple[int, ...] = option((), "Units of each hidden dense layer of the head.", at_least=1)
    dropout_rate: float = another_default(LayersConfig, "dropout_rate", 0.2)
    fine_tune_after_updates: int | None = option(
        None, "Updates of the head alone, after which the backbone learns too; none: it never does.", at_least=1
    )
    fine_tune_learning_rate: Schedule = option(
        Schedule.parse(1e-5), "Step size of all weights from then on, over batches.", at_least=0
    )

    presets: ClassVar = {
        "post-cats-and-dogs": {
            "about": "The post on transfer learning: a frozen ResNet50, averages of channels, Adam, batches of 64.",
            "backbone": "ResNet50",
            "dropout_rate": 0.0,
        },
    }

    def check(self) -> None:
        """Refuse what needs the pictures where features alone are seen."""
        super().check()
        if self.reconstruction_weight:
            raise UserError(
                "reconstruction_weight makes examples again from what a net that learns has seen of them; transfer's "
                "backbone learned others. Set it to 0, or take cnn."
            )


class Transfer(SupervisedModel):
    """Transfer: a frozen backbone that learned ImageNet, a head on top, then all of it fine-tuned with small steps.

    Donahue et al., "DeCAF" (ICML 2014); Yosinski et al., "How transferable are features in deep neural networks?"
    (NeurIPS 2014). The backbone's batch normalisation keeps its statistics in both phases.
    """

    Config = TransferConfig
    default_problem = "emoji_groups"
    default_steps = 1000
    learned = ("optimizer", "fine_optimizer")

    def network(self) -> Any:
        """The backbone on pictures in colour, and the head.

        Raises:
            UserError: the examples are no pictures or too small, or the backbone is not there.
        """
        c, shape = self.config, self.inputs.shape
        require_picture(self, halvings=LEAST_SIDE.bit_length() - 1)
        made: Layers = c.layers(self.dtype)
        picture = keras.Input(shape, dtype="float32")
        x = picture if shape[-1] == 3 else keras.layers.Concatenate(dtype="float32")([picture] * 3)
        self.backbone = self._backbone((*shape[:2], 3))
        seen = self.backbone(x, training=False)
        # The network of ImageNet ends in averages.
        self.eye = keras.Model(picture, seen if len(seen.shape) == 2 else made.flat(seen, c.head))
        features = keras.Input(self.eye.output_shape[1:], dtype="float32")
        outputs = made.last(made.dense(made.dropped(features), c.hidden_units), self.task.outputs)
        self.top = keras.Model(features, outputs)
        return keras.Model(picture, self.top(self.eye.output))

    def _backbone(self, shape: tuple[int, ...]) -> Any:
        c = self.config
        if c.backbone == IMAGENET:
            if shape[0] != shape[1]:
                raise UserError(f"backbone={IMAGENET} sees squares, and these pictures are {shape[0]} x {shape[1]}.")
            (file,) = registry.load(IMAGENET, ("weights",)).origin.require(IMAGENET)
            return efficientnet.network(shape[0], efficientnet.read(file), top=False)
        known = [name for name in dir(keras.applications) if name[0].isupper()]
        if c.backbone not in known:
            raise UserError(
                f"backbone={c.backbone}: there is no such network.{nearest(c.backbone, known)} There are {IMAGENET}, "
                f"{', '.join(known)}."
            )
        net = getattr(keras.applications, c.backbone)(include_top=False, weights=None, input_shape=shape)
        if c.weights_file is not None:
            try:
                net.load_weights(c.weights_file)
            except (OSError, ValueError) as error:
                raise UserError(f"weights_file={c.weights_file} has no weights of {c.backbone}: {error}") from error
        return net

    def remarks(self) -> tuple[str, ...]:
        """That a backbone without weights knows nothing."""
        c = self.config
        if c.backbone == IMAGENET or c.weights_file is not None:
            return super().remarks()
        return (
            *super().remarks(),
            f"{c.backbone} begins with random weights, so its features are little worth: give weights_file, as Keras "
            f"keeps it in ~/.keras/models, or backbone={IMAGENET}.",
        )

    def build(self) -> None:
        """As the base; fine-tuning has an optimizer of its own, for all weights."""
        super().build()
        c = self.config
        self.fine_optimizer = descent.make(c.optimizer, c.fine_tune_learning_rate, c.momentum, c.weight_decay)
        # Without fine-tuning it stays empty, and no moments of millions of weights are saved.
        self.fine_optimizer.build(self.net.trainable_variables if c.fine_tune_after_updates else [])
        self._schedules.append((self.fine_optimizer, c.fine_tune_learning_rate))

    # Until the backbone learns, its features of a picture are the same each time: they are computed once.

    @property
    def _knows_features(self) -> bool:
        return not self.phase and not self.config.augment

    @cached_property
    def _features(self) -> Feed:
        arrays = self.examples("train")

        def look(part: Any) -> Any:
            return self.eye(self._standardized(data.scaled(tf.constant(part))), training=False)

        x = self.in_batches(look, arrays.x, size=AT_ONCE)
        return Feed(
            Arrays(x, arrays.y),
            size=self.examples_per_update,
            draws=self.random,
            compute=self.computing,
            shards=self.config.shards,
        )

    @property
    def feeding(self) -> Feed:
        """Features, while they are all that the head needs; else the pictures."""
        return self._features if self._knows_features else self.feed

    @property
    def computing(self) -> loops.Compute:
        """Dense layers alone are quicker with XLA, convolutions without it."""
        return loops.choose(convolutional=False) if self._knows_features else self.compute

    def _looked(self, x: Any) -> tuple[Any, Any]:
        """The head of features, or the whole of pictures; statistics of the backbone stay as they are."""
        return (self.top if self._knows_features else self.net)(x, training=False), None

    def _standardized(self, x: Any) -> Any:
        """Pictures, where that is asked for; features are what they are."""
        return x if x.shape[1:] == self.top.input_shape[1:] else super()._standardized(x)

    @property
    def weights(self) -> list[Any]:
        """Those of the head alone, or all of them once they are fine-tuned."""
        return list((self.net if self.phase else self.top).trainable_variables)

    def turn_to(self, problem: str) -> bool:
        """As the base; the features are those of another fold."""
        if not super().turn_to(problem):
            return False
        self.__dict__.pop("_features", None)
        self._programs.clear()
        return True

    @property
    def descending(self) -> Any:
        """The optimizer of the phase."""
        return self.fine_optimizer if self.phase else self.optimizer

    @property
    def schedule(self) -> Schedule:
        """That of the phase."""
        schedule: Schedule = self.config.fine_tune_learning_rate if self.phase else self.config.learning_rate
        return schedule

    @property
    def borders(self) -> tuple[int, ...]:
        """Where fine-tuning begins."""
        after = self.config.fine_tune_after_updates
        return () if after is None else (after,)
