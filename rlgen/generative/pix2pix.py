"""Pictures into other pictures: the conditional adversarial networks of Isola et al. (2017)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import data, learning, pictures, runtime
from rlgen.algorithm import Evaluation, Split
from rlgen.config import another_default, option
from rlgen.data import Arrays, pixels
from rlgen.data.augment import Augmentation
from rlgen.data.feed import Batch
from rlgen.errors import UserError
from rlgen.generative import nets, serving, unet
from rlgen.generative.averaged import Array, from_output, to_output
from rlgen.generative.game import Game, GameConfig, Terms
from rlgen.generative.judging import Judge
from rlgen.metrics.l1 import l1
from rlgen.metrics.psnr import psnr
from rlgen.metrics.ssim import ssim
from rlgen.networks import vgg
from rlgen.schedules import Schedule
from rlgen.served import Served
from rlgen.spec import Spec

# In a picture of an evaluation.
SHOWN, ROW = 16, 8
# Pictures that the generator translates at a time.
AT_ONCE = 64
# Of a film: how long it stands, and how long it takes to become the next.
STANDING_FRAMES, WIPING_FRAMES = 30, 30


@dataclass(frozen=True, kw_only=True)
class Pix2PixConfig(GameConfig, nets.FiltersConfig):
    """What pix2pix can be told."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "about": "The authors' recipe: one pair in a batch, twice the filters, each picture normalised by itself, "
            "dropout when the result is used too, no average.",
            "batch_size": 1,
            "filters": 64,
            "most_filters": 512,
            "normalization": "instance",
            "halvings": 3,
            "use_as_trained": True,
            "ema_decay": 0.0,
        },
        "l1": {
            "about": "The generator alone, on the mean absolute error: what the game is to be better than.",
            "adversarial": 0.0,
        },
        "perceptual": {
            "about": "Half of the mean absolute error's weight, and VGG16's features beside it.",
            "l1": 50.0,
            "perceptual": 10.0,
        },
    }

    judging: ClassVar[tuple[str, ...]] = (*GameConfig.judging, "use_as_trained")

    batch_size: int = another_default(GameConfig, "batch_size", 8)
    augment: tuple[Augmentation, ...] = another_default(GameConfig, "augment", ("jitter", "flip"))
    generator_learning_rate: Schedule = another_default(GameConfig, "generator_learning_rate", Schedule.parse(2e-4))
    discriminator_learning_rate: Schedule = another_default(
        GameConfig, "discriminator_learning_rate", Schedule.parse(2e-4)
    )
    same_draws: bool = another_default(GameConfig, "same_draws", True)
    filters: int = another_default(nets.FiltersConfig, "filters", 32)
    most_filters: int = another_default(nets.FiltersConfig, "most_filters", 256)
    normalization: unet.Normalization = option(
        "batch", "Of both nets' layers: over the batch, over each picture by itself (instance), or none."
    )
    dropout: float = option(
        0.5,
        "Share that is dropped in the generator's three innermost decoding layers: its only noise.",
        at_least=0,
        below=1,
    )
    halvings: int | None = option(
        None,
        "How often the discriminator halves a picture before it judges patches, which see 1, 16, 34, 70, 142 pixels "
        "a side; none: 3, or fewer where patches would be larger than the picture.",
        at_least=0,
        at_most=6,
    )
    adversarial: float = option(1.0, "Weight of the game in G's loss; 0: there is none.", at_least=0)
    l1: float = option(100.0, "Weight of mean |target - output| in G's loss, numbers in [-1, 1].", at_least=0)
    perceptual: float = option(0.0, "Weight of the distance between VGG16's features in G's loss.", at_least=0)
    perceptual_blocks: tuple[float, ...] = option(
        (1.0, 1.0, 1.0, 1.0, 1.0), "Weight of each of VGG16's five blocks in that distance.", at_least=0
    )
    use_as_trained: bool = option(
        False, "Use the result with dropout, each picture normalised by itself: another seed gives another picture."
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if len(self.perceptual_blocks) != len(vgg.BLOCKS) or not any(self.perceptual_blocks):
            raise UserError(
                f"perceptual_blocks={','.join(f'{weight:g}' for weight in self.perceptual_blocks)}: VGG16 has "
                f"{len(vgg.BLOCKS)} blocks, each with a weight, and not all are 0."
            )
        if not (self.adversarial or self.l1 or self.perceptual):
            raise UserError("adversarial=0, l1=0 and perceptual=0 leave nothing to learn: set one of them.")
        if self.ada or self.fake_replay:
            field = "ada" if self.ada else "fake_replay"
            raise UserError(
                f"{field} would change pictures, or exchange them, apart from what they were made of: leave it out. "
                "augment=jitter,flip changes both."
            )
        if self.use_as_trained and self.normalization == "batch":
            raise UserError(
                "use_as_trained=true wants each picture normalised by itself, and batch normalisation would mix those "
                "that are translated together: set normalization=instance."
            )


class Pix2Pix(Game):
    """Pix2pix: a U-Net makes pictures out of pictures, and a discriminator of patches knows what they were made of.

    Paper: Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR 2017).
    G descends its part of the game, where D judges patches of (x, G(x)), and lambda |y - G(x)|. Dropout is the only
    noise. A perceptual loss may stand beside the absolute error, or in its place.
    """

    Config: ClassVar[type[Pix2PixConfig]] = Pix2PixConfig
    default_problem = "outlines"
    default_steps = 10_000
    score = "eval/ssim"
    filmed: ClassVar[tuple[str, ...]] = ("eval/translations",)
    memory_advice = "Make batch_size, filters, most_filters or the pictures smaller"

    def check_data(self) -> None:
        """Refuse what is no picture, or has no other picture of its size to become."""
        target = self.dataset.target
        if not self.inputs.picture or target is None or not target.spec.picture:
            about = f"its target is {target.spec}" if target else "it has no target"
            raise UserError(
                f"pix2pix learns pictures that are to become other pictures, and an example of '{self.problem}' is "
                f"{self.inputs}, {about}. `outlines` and `pairs:FOLDER` have such pairs."
            )
        if target.spec.shape[:2] != self.inputs.shape[:2]:
            raise UserError(
                f"The pictures of '{self.problem}' have {_size(self.inputs)} pixels, and are to become others of "
                f"{_size(target.spec)}: pix2pix keeps the size."
            )
        unet.depth(self.inputs.shape)
        # What is only used may be somewhere where networks and metrics' packages are not.
        if not isinstance(self.dataset, data.Recorded):
            _ = self.judge
            if self.config.perceptual:
                vgg.VGG16.origin.require(vgg.VGG16.name)

    @property
    def made(self) -> Spec:
        """The target, bytes as numbers in [0, 1]."""
        assert self.dataset.target is not None
        return data.scaled_spec(self.dataset.target.spec)

    @cached_property
    def judge(self) -> Judge:
        """The metrics that are reported beside those of every evaluation."""
        c = self.config
        return Judge(self, metrics=c.metrics, features=c.metric_features, as_bytes=True, pairs=True)

    # What learns.

    def build(self) -> None:
        """As the base, the game's weight from the configuration."""
        super().build()
        self.game_weight = self.config.adversarial

    def generator_net(self) -> Any:
        """From pictures, numbers in [-1, 1], to pictures."""
        c = self.config
        with self.seeded("generator"):
            return unet.generator(
                self.inputs.shape, self.made.shape[2], c.filters, c.most_filters, self._layers(c.dropout), self.output
            )

    def discriminator_net(self) -> Any:
        """From pictures and what they were made of to a logit a patch, [N, rows, columns, 1]."""
        c = self.config
        # The gradient of a gradient loses too much in eight bits of precision.
        layers = self._layers(0.0, "float32" if c.gradient_penalty or c.r1 else self.dtype)
        with self.seeded("discriminator"):
            return unet.patch_discriminator(
                *(self.made.shape, self.inputs.shape, self._halvings, c.filters, c.most_filters, layers)
            )

    def _layers(self, dropout: float, dtype: str | None = None) -> unet.Layers:
        return unet.Layers(self.config.normalization, dropout, dtype or self.dtype)

    @property
    def _halvings(self) -> int:
        """As many as leave patches, none of which is larger than the picture."""
        side, asked = min(self.inputs.shape[:2]), self.config.halvings
        most = max(n for n in range(7) if n == 0 or unet.patches(side, n) >= 1)
        if asked is None:
            return max(n for n in range(min(3, most) + 1) if unet.receptive_field(n) <= side)
        if asked > most:
            raise UserError(f"halvings={asked} leaves no patch of {side} pixels: set it to {most} or less.")
        return asked

    # How it learns.

    def seen(self, batch: Batch) -> Batch:
        """Both pictures of each pair in the range of what the nets see and make."""
        return Batch(2 * batch.x - 1, to_output(batch.y, self.output))

    def real(self, batch: Batch) -> Any:
        """The targets."""
        return batch.y

    def given(self, batch: Batch) -> Any:
        """The pictures that are to become them."""
        return batch.x

    def generated(self, purpose: str, draw: Any, given: Any) -> Any:
        """Of pictures; the noise is the dropout's."""
        return self.generator(given, training=True)

    def step(self, batch: Batch, update: Any) -> Mapping[str, Any]:
        """The game's, or where it has no weight an update of the generator alone."""
        if self.config.adversarial:
            return super().step(batch, update)
        with tf.GradientTape() as tape:
            terms = self.wishes(self.generator(batch.x, training=True), batch)
            total = tf.add_n([weight * value for weight, value in terms.values()])
        norm = learning.descend(tape, total, self.generator.trainable_variables, self.generator_optimizer)
        return {**{name: value for name, (_, value) in terms.items()}, "train/grad_norm": norm}

    def wishes(self, fake: Any, batch: Batch) -> Terms:
        """Outputs that are like their targets, in numbers and in features."""
        c, terms = self.config, Terms()
        if c.l1:
            terms["loss/l1"] = c.l1, tf.reduce_mean(tf.abs(batch.y - fake))
        if c.perceptual:
            made, wanted = (from_output(x, self.output) for x in (fake, batch.y))
            distance = vgg.distance(made, wanted, c.perceptual_blocks)
            terms["loss/perceptual"] = c.perceptual, tf.reduce_mean(distance)
        return terms

    def check_training(self, arrays: Arrays) -> None:
        """Refuse targets that the generator's output cannot reach."""
        assert arrays.y is not None
        self.check_reached(arrays.y)

    # Using the result.

    def translate(self, x: npt.NDArray[Any], *, seed: int = 0) -> Array:
        """What becomes of pictures: float32 [N, H, W, channels of a target] in [0, 1].

        Args:
            x: bytes, or numbers in [0, 1], [N, H, W, C] in the size of the pictures that were learned from.
            seed: of the dropout, with `use_as_trained`; nothing is random without.

        Raises:
            UserError: they have another shape.
        """
        if x.ndim != 4 or x.shape[1:] != self.inputs.shape:
            height, width, channels = self.inputs.shape
            raise UserError(
                f"This model translates pictures [N, {height}, {width}, {channels}], not {list(x.shape)}. `rlgen "
                "translate` brings files to that size."
            )
        seen = 2 * data.scaled(np.asarray(x)).astype(np.float32) - 1
        if not self.config.use_as_trained:
            made = self.in_batches(lambda part: self.average(part, training=False), seen, size=AT_ONCE)
        else:
            with _dropout_seed(self.average, seed):
                made = self.in_batches(lambda part: self.average(part, training=True), seen, size=AT_ONCE)
        return from_output(made, self.output)

    def served(self) -> Mapping[str, Served]:
        """`translate`: pictures to pictures.

        Raises:
            UserError: it draws each time anew.
        """
        if self.translates_by_chance:
            raise UserError(
                "This model was trained to draw at every use (use_as_trained=true), which an export cannot: give --set "
                "use_as_trained=false, and it leaves the dropout out."
            )
        return {"translate": serving.translate(self)}

    picture_endings: ClassVar[tuple[str, ...]] = pixels.ENDINGS

    def read(self, source: Any, *, name: str = "", background: str = "white") -> npt.NDArray[np.uint8]:
        """A picture as `translate` takes it, [H, W, C], whatever its size: the largest part in its middle, scaled.

        Args:
            source: a file's name, or a file.
            name: of the picture, for messages, where `source` is no name.
            background: what transparent pixels are laid on: white, black, grey or hexadecimal digits.

        Raises:
            UserError: it cannot be read as a picture, or the background is no colour.
        """
        height, width, channels = self.inputs.shape
        found = pixels.read(source, channels=channels, background=pixels.colour(background), name=name)
        return pixels.fitted(found, height, width)

    def inputs_to_show(self, count: int) -> npt.NDArray[np.uint8]:
        """Some held-out pictures of all kinds, uint8 [count or fewer, H, W, C].

        Raises:
            UserError: the data are not here.
        """
        x = self.held_out("test").x
        return pictures.to_uint8(data.scaled(x[pictures.spread(len(x), count)]))

    @property
    def translates_by_chance(self) -> bool:
        """Whether another seed gives another picture."""
        return bool(self.config.use_as_trained and self.config.dropout)

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Held-out pictures, translated, beside their targets; one pass, for it has no noise to be averaged over.

        `eval/l1`, `eval/psnr` and `eval/ssim`, which is the score; `eval/input_l1` and so on are those of the picture
        itself, where it could be a target. With `use_as_trained` there are `episodes` passes. `metrics` come on top.
        The picture `eval/translations` has rows of inputs, targets and outputs.
        """
        x, y = self._pairs(split)
        rows = []
        for i in range(episodes if self.config.use_as_trained else 1):
            made = self.translate(x, seed=runtime.derive_seed(seed, i))
            rows.append({**_beside("", y, made), **self.judge.figures(split, made)})
        scalars = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        if x.shape == y.shape:
            if split not in self._of_inputs:
                self._of_inputs[split] = _beside("input_", y, x)
            scalars |= self._of_inputs[split]
        images = {"eval/translations": side_by_side(x, y, made)}
        return Evaluation(scalars=scalars, episodes=len(rows), images=images)

    @cached_property
    def _of_inputs(self) -> dict[Split, dict[str, float]]:
        """Of each part, what leaving pictures as they are comes to: it never changes."""
        return {}

    def _pairs(self, split: Split) -> tuple[Array, Array]:
        """Held-out pictures and their targets, numbers in [0, 1]."""
        pairs = self.held_out(split)
        assert pairs.y is not None
        return data.scaled(pairs.x), data.scaled(pairs.y)

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        """A loop of 4 seconds: held-out pictures become what is made of them, their targets, and themselves again."""
        x, y = self._pairs("test")
        some = pictures.spread(len(x), SHOWN)
        x, y = x[some], y[some]
        sheets = [pictures.grid(_coloured(part)) for part in (x, self.translate(x, seed=seed), y)]
        for now, then in zip(sheets, [*sheets[1:], sheets[0]], strict=True):
            for _ in range(STANDING_FRAMES):
                yield now
            for i in range(1, WIPING_FRAMES):
                edge = now.shape[1] * i // WIPING_FRAMES
                yield np.concatenate([then[:, :edge], now[:, edge:]], axis=1)


def _beside(which: str, y: Array, made: Array) -> dict[str, float]:
    """How far what was made is from its targets, in three ways."""
    return {f"eval/{which}{metric.__name__}": metric(y, made) for metric in (l1, psnr, ssim)}


def side_by_side(x: Array, y: Array, made: Array) -> npt.NDArray[np.uint8]:
    """Rows of pictures, below them their targets, and below those what was made; 16 of each at most, from all over."""
    columns = min(ROW, len(x))
    count = min(SHOWN, len(x)) // columns * columns
    some = pictures.spread(len(x), count)
    return pictures.in_rows(*(_coloured(part[some]) for part in (x, y, made)), columns=columns, width=1100)


def _coloured(x: Array) -> Array:
    """Grey pictures with three channels."""
    return x.repeat(3, axis=-1) if x.shape[-1] == 1 else x


def _size(spec: Spec) -> str:
    return f"{spec.shape[0]} x {spec.shape[1]}"


@contextlib.contextmanager
def _dropout_seed(net: Any, seed: int) -> Iterator[None]:
    """Let a net's dropout draw from a seed, and afterwards go on as if nothing had been."""
    states = [layer.seed_generator.state for layer in net.layers if hasattr(layer, "seed_generator")]
    before = [state.numpy() for state in states]
    try:
        for i, state in enumerate(states):
            state.assign(np.array([runtime.derive_seed(seed, i) % 2**32, 0], np.uint32))
        yield
    finally:
        for state, old in zip(states, before, strict=True):
            state.assign(old)
