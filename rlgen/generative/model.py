"""What generative models share: latent vectors, samples, their evaluation, pictures, films."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import data, networks, pictures, runtime
from rlgen.algorithm import Evaluation, Split
from rlgen.config import option
from rlgen.errors import UserError
from rlgen.generative.averaged import Array, AveragedConfig, AveragedModel, from_output
from rlgen.generative.judging import Judge, collapse, table_of
from rlgen.metrics.coverage import coverage
from rlgen.metrics.frechet import frechet_distance
from rlgen.metrics.modes import modes

NEIGHBOURS = 5
REFERENCE_LIMIT = 1000
FRECHET_LIMIT = 10_000
# What the widest layer puts out at a time when samples are made.
SAMPLING_BYTES = 256_000_000


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(AveragedConfig):
    """What every generative model can be told."""

    # Fields that only say what is reported; a run may go on with others.
    changeable: ClassVar[tuple[str, ...]] = ("metrics", "metric_features")

    latent_size: int = option(2, "Numbers in a latent vector.", at_least=1)
    latent_distribution: Literal["normal", "uniform"] = option(
        "normal", "Distribution of each latent number: standard normal, or uniform in [-1, 1]."
    )
    evaluation_samples: int = option(2500, "Samples in each set an evaluation draws.", at_least=10)
    metrics: tuple[str, ...] = option(
        (), "Metrics that evaluations report as well, by their names in `rlgen list --kind metric`."
    )
    metric_features: str = option(
        "auto",
        "What metrics see of examples, by its name in `rlgen list --kind extractor`; auto: a classifier's last hidden "
        "layer for pictures with classes, else the numbers themselves.",
    )


class GenerativeModel(AveragedModel):
    """Base of generative models: a generator turns latent vectors into examples, an average of it samples.

    A subclass says `generator_net`, from latent vectors [N, latent_size] to examples, flat or in their shape, adds in
    `build` what else it needs, and its `step` trains `self.generator` on batches in the range of what that puts out.
    """

    Config: ClassVar[type[GenerativeConfig]] = GenerativeConfig
    default_problem = "ring"
    score = "eval/quality"
    held_out_least = NEIGHBOURS + 1
    memory_advice = "Make batch_size, the hidden layers, the data or evaluation_samples smaller"

    _remarked = False

    def check_data(self) -> None:
        """Refuse metrics that this data set's samples cannot be judged by."""
        # What is only used may be somewhere where a metric's package is not.
        if not isinstance(self.dataset, data.Recorded):
            _ = self.judge

    @cached_property
    def judge(self) -> Judge:
        """The metrics that are reported beside `measure`."""
        auto, c = self.config.output_activation == "auto", self.config
        as_bytes = self.dataset.spec.picture if auto else c.output_activation != "linear"
        return Judge(self, metrics=c.metrics, features=c.metric_features, as_bytes=as_bytes)

    def latent(self, purpose: str, counter: Any, count: int | None = None) -> Any:
        """Latent vectors, float32 [count or batch_size, latent_size], inside the program."""
        shape = (count or self.config.batch_size, self.config.latent_size)
        if self.config.latent_distribution == "normal":
            return self.random.normal(purpose, counter, shape)
        return self.random.uniform(purpose, counter, shape, -1.0, 1.0)

    # Using the result.

    def sample(self, n: int, seed: int) -> Array:
        """`n` samples of the averaged generator, float32 [n, *shape of an example]; pictures in [0, 1]."""
        return self.decode(self._distributed(self._normal(n, seed)))

    def decode(self, z: Array) -> Array:
        """Latent vectors [n, latent_size] to examples [n, *shape], by the averaged generator."""
        # Of pictures, what a layer puts out for ten thousand would fill the memory.
        widest = 4 * max(1, networks.memory.widest_outputs([self.average]))
        size = min(10_000, max(1, SAMPLING_BYTES // widest))
        x = self.in_batches(lambda part: self.average(part, training=False), z, size=size)
        return from_output(x.reshape(-1, *self.dataset.spec.shape), self.output)

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Means over `episodes` independent sets of `evaluation_samples` samples.

        `eval/coverage` and `eval/density` compare as many samples as real examples, at most 1,000, with the
        held-out part; where the data know their centers, `eval/modes` and `eval/high_quality` come on top.
        The score `eval/quality` is `Modes.balanced` where there are centers, and elsewhere how near means and
        covariances are: 1 less the Frechet distance over the variance of the real examples. The mean of the real
        examples alone, repeated, has 0; real examples nearly 1. Blur, noise, repetition and missing kinds lower it.
        The picture `eval/samples` shows the first set. `metrics` come under names that say features and counts. Samples
        that are nearly all the same are remarked on, once.
        """
        real = data.scaled(self.held_out(split).x)
        drawable, rows = self.dataset.spec.picture or self.dataset.spec.shape == (2,), []
        for i in range(episodes):
            # One set at a time: memory is no question of their number.
            samples = self.sample(self.config.evaluation_samples, runtime.derive_seed(seed, i))
            rows.append({**self.measure(real, samples), **self.judge.figures(split, samples)})
            if i == 0:
                self._watch(real, samples)
                images = {"eval/samples": self._painter(real)(samples)} if drawable else {}
        means = {name: np.mean([np.asarray(row[name]) for row in rows], axis=0) for name in rows[0]}
        scalars = {name: float(value) for name, value in means.items() if value.ndim == 0}
        classes = self.dataset.target.classes if self.dataset.target else ()
        texts = {name: table_of(value, classes) for name, value in means.items() if value.ndim == 1}
        return Evaluation(scalars=scalars, episodes=episodes, images=images, texts=texts)

    def _watch(self, real: Array, samples: Array) -> None:
        """Say once that samples have collapsed, where anything has been learned."""
        if (
            not self._remarked
            and int(self.updates)
            and (remark := collapse(real[:REFERENCE_LIMIT], samples[:REFERENCE_LIMIT]))
        ):
            self._remarked = True
            runtime.tell(remark)

    def memory_bytes(self) -> Mapping[str, int]:
        """As every model's, and the samples of an evaluation, in single and, where they are measured, in double."""
        sample = 4 * (self.config.latent_size + 4 * self.dataset.spec.size)
        needs = {**super().memory_bytes(), "samples of an evaluation": self.config.evaluation_samples * sample}
        return {**needs, "features of real examples": kept} if (kept := self.judge.memory_bytes()) else needs

    def measure(self, real: Array, samples: Array) -> dict[str, float]:
        """The scalars of one set of samples, [M, *shape], beside held-out examples, [N, *shape]."""
        count = min(len(real), len(samples), REFERENCE_LIMIT)
        near = coverage(real[:count], samples[:count], neighbours=NEIGHBOURS)
        variance = max(float(real.reshape(len(real), -1).var(axis=0, ddof=1).sum()), 1e-12)
        quality = 1 - frechet_distance(real[:FRECHET_LIMIT], samples) / variance
        scalars = {"eval/quality": quality, "eval/coverage": near.coverage, "eval/density": near.density}
        # Not in the contract of a data set: only mixtures know them.
        centers, std = getattr(self.dataset, "centers", None), getattr(self.dataset, "std", None)
        if centers is not None and std is not None:
            found = modes(samples, centers, std)
            scalars["eval/quality"] = found.balanced
            scalars.update({"eval/modes": float(found.covered), "eval/high_quality": found.high_quality})
        return scalars

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        """A loop of 6 seconds: samples along a circle in latent space, each frame a fair set of samples."""
        count = 1000 if self.dataset.spec.shape == (2,) else 64
        first, second = (self._normal(count, seed, name) for name in ("first", "second"))
        draw = self._painter(data.scaled(self.held_out("validation").x))
        for angle in np.linspace(0, 2 * np.pi, 180, endpoint=False, dtype=np.float32):
            # With both ends standard normal, so is every point of the circle.
            yield draw(self.decode(self._distributed(np.cos(angle) * first + np.sin(angle) * second)))

    def _painter(self, real: Array) -> Callable[[Array], npt.NDArray[np.uint8]]:
        spec = self.dataset.spec
        if spec.shape == (2,):
            return pictures.Scatter(real[:2000]).draw
        if spec.picture:
            return lambda samples: pictures.grid(samples[:64])
        raise UserError(f"Examples {spec} cannot be drawn: only pictures and points in the plane.")

    def _normal(self, n: int, *purpose: int | str) -> Array:
        random = runtime.generator(self.seed, "sample", *purpose)
        return random.standard_normal((n, self.config.latent_size), np.float32)

    def _distributed(self, normal: Array) -> Array:
        """Standard normal numbers as the latent distribution wants them, uniform through the normal's CDF."""
        if self.config.latent_distribution == "normal":
            return normal
        return np.asarray(tf.math.erf(normal / np.sqrt(2, dtype=np.float32)))
