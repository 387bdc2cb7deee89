"""What generative models share: latent vectors, samples, their evaluation, pictures, films."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import data, networks, pictures, runtime
from rlgen.algorithm import Evaluation, Split
from rlgen.config import option
from rlgen.data import Arrays
from rlgen.errors import UserError
from rlgen.generative import latent, serving
from rlgen.generative.averaged import Array, AveragedConfig, AveragedModel, from_output
from rlgen.generative.classes import Asked, Labels, drawn, labels_of, require_label
from rlgen.generative.classes import shares as shares_of
from rlgen.generative.judging import Judge, collapse, table_of
from rlgen.metrics.coverage import coverage
from rlgen.metrics.diversity import diversity
from rlgen.metrics.frechet import frechet_distance
from rlgen.metrics.modes import modes
from rlgen.sampling import Term
from rlgen.served import Served
from rlgen.spec import Spec

NEIGHBOURS = 5
REFERENCE_LIMIT = 1000
FRECHET_LIMIT = 10_000
# Pictures in a grid, and in a row of an interpolation.
SHOWN, ROWS = 64, 8


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(AveragedConfig):
    """What every generative model can be told."""

    judging: ClassVar[tuple[str, ...]] = ("evaluation_samples",)

    latent_size: int = option(2, "Numbers in a latent vector.", at_least=1)
    latent_distribution: Literal["normal", "uniform"] = option(
        "normal", "Distribution of each latent number: standard normal, or uniform in [-1, 1]."
    )
    conditional: bool = option(
        False,
        "Learn what each class looks like: samples are of a class that is asked for, or drawn as often as it was.",
    )
    evaluation_samples: int = option(2500, "Samples in each set an evaluation draws.", at_least=10)


class GenerativeModel(AveragedModel):
    """Base of generative models: a generator turns latent vectors into examples, an average of it samples.

    A subclass says `generator_net`, from latent vectors [N, latent_size] to examples, flat or in their shape, adds in
    `build` what else it needs, and its `step` trains `self.generator` on batches in the range of what that puts out.
    """

    Config: ClassVar[type[GenerativeConfig]] = GenerativeConfig
    default_problem = "ring"
    score = "eval/quality"
    filmed: ClassVar[tuple[str, ...]] = ("eval/fixed_samples",)
    charts = {
        "Learning": {
            "fidelity and diversity": ("eval/coverage", "eval/density", "eval/diversity"),
            "distances": (r"eval/(fid|kid|sliced_wasserstein)_.*",),
        },
        "Health": {
            "what the discriminator believes": ("prob/real", "prob/fake"),
            "gap of the critic": ("train/critic_gap",),
            "augmentation": ("train/ada_probability", "train/real_sign"),
        },
    }
    held_out_least = NEIGHBOURS + 1
    memory_advice = "Make batch_size, the hidden layers, the data or evaluation_samples smaller"

    _remarked = False
    _real_shown = False

    def build(self) -> None:
        """As the base, and the shares of the classes."""
        super().build()
        if self.config.conditional:
            # Of the training part, for those who have the model without the data; before it is seen, all alike.
            alike = tf.fill((self.class_count,), 1 / self.class_count)
            self.shares = tf.Variable(alike, trainable=False, name="shares")
            self.used = (*type(self).used, "shares")

    @property
    def class_count(self) -> int:
        """Classes that a sample can be asked for as; 0 where it cannot."""
        return len(self.class_names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of a conditional model, by number."""
        return require_label(self.dataset.target, problem=self.problem).classes if self.config.conditional else ()

    def check_training(self, arrays: Arrays) -> None:
        """As the base; the shares of the classes are noted."""
        super().check_training(arrays)
        if self.config.conditional:
            assert arrays.y is not None
            self.shares.assign(shares_of(arrays.y, self.class_count))

    def check_data(self) -> None:
        """Refuse classes that are not there, and metrics that samples of this data set cannot be judged by."""
        _ = self.class_count
        # What is only used may be somewhere where a metric's package is not.
        if not isinstance(self.dataset, data.Recorded):
            _ = self.judge

    @cached_property
    def judge(self) -> Judge:
        """The metrics that are reported beside `measure`."""
        auto, c = self.config.output_activation == "auto", self.config
        as_bytes = self.dataset.spec.picture if auto else c.output_activation != "linear"
        return Judge(self, metrics=c.metrics, features=c.metric_features, as_bytes=as_bytes)

    @property
    def latent_spec(self) -> Spec:
        """What a generator sees: a latent vector, and behind it the class where there is one."""
        return Spec((self.config.latent_size + self.class_count,))

    def latent(self, purpose: str, counter: Any, count: int | None = None) -> Any:
        """Latent vectors, float32 [count or shard_size, latent_size], inside the program."""
        shape = (count or self.shard_size, self.config.latent_size)
        if self.config.latent_distribution == "normal":
            return self.random.normal(purpose, counter, shape)
        return self.random.uniform(purpose, counter, shape, -1.0, 1.0)

    def one_hot(self, labels: Any) -> Any:
        """Labels [N] as float32 [N, classes]."""
        return tf.one_hot(labels, self.class_count)

    # Using the result.

    def sample(self, n: int, seed: int, *, classes: Asked | None = None) -> Array:
        """`n` samples of the averaged generator, float32 [n, *shape of an example]; pictures in [0, 1].

        Args:
            n: how many.
            seed: of the draws.
            classes: of a conditional model, numbers or names, one for each sample or one for all; None: as often as in
                the training part.

        Raises:
            UserError: a class that there is not, or a model that knows of none.
        """
        return self.decode(self.latent_vectors(n, seed), self._labels(n, seed, classes))

    def latent_vectors(self, n: int, seed: int) -> Array:
        """`n` vectors to decode, float32 [n, latent_size], as training drew them."""
        return self._distributed(self._normal(n, seed))

    def decode(self, z: Array, labels: Labels | None = None) -> Array:
        """Latent vectors [n, latent_size], and labels [n] of a conditional model, to examples [n, *shape]."""
        if self.config.conditional:
            if labels is None:
                raise UserError(
                    "This model was trained with conditional=true: say which class each vector is to be of."
                )
            z = np.concatenate([z, self.one_hot(labels)], axis=1)
        x = self.in_batches(self.examples_of, z, size=networks.memory.at_once([self.average]))
        return from_output(x.reshape(-1, *self.dataset.spec.shape), self.output)

    def examples_of(self, z: Any) -> Any:
        """What the average makes of latent vectors, a class behind each where there are any."""
        return self.average(z, training=False)

    def served(self) -> Mapping[str, Served]:
        """`sample`: latent vectors, and classes where there are any, to samples."""
        return {"sample": serving.sample(self)}

    def _labels(self, n: int, seed: int, asked: Asked | None) -> Labels | None:
        if not self.config.conditional:
            if asked is not None:
                raise UserError("This model knows of no classes: train with conditional=true to ask for them.")
            return None
        if asked is None:
            return drawn(runtime.generator(self.seed, "sample", seed, "classes"), self.shares.numpy(), n)
        found = labels_of(asked, self.class_names)
        if len(found) not in (1, n):
            raise UserError(f"{len(found)} classes for {n} samples: give one for each, or one for all.")
        return np.broadcast_to(found, (n,))

    def interpolation(self, *, rows: int, steps: int, seed: int, classes: Asked | None = None) -> Array:
        """Samples between pairs of latent vectors, float32 [rows * steps, *shape], row by row: `latent.between`.

        Args:
            rows: pairs.
            steps: samples from the first of a pair to the second, both included.
            seed: of the pairs.
            classes: of a conditional model, one for all rows or one for each.
        """
        first, second = (self._normal(rows, seed, name) for name in ("first", "second"))
        labels = self._labels(rows, seed, classes)
        labels = None if labels is None else np.repeat(labels, steps)
        return self.decode(self._distributed(latent.between(first, second, steps)), labels)

    def combination(self, terms: Sequence[Term], *, seed: int, classes: Asked | None = None) -> Array:
        """Samples, their means and the sum of these, as vectors, decoded: float32 [(T + 1) * (K + 1), *shape].

        Args:
            terms: T of them, of K samples each, which are counted as `sample` draws them.
            seed: of the samples.
            classes: of a conditional model, one for all.

        Raises:
            UserError: the model is conditional, and no class is named, or several.
        """
        if self.config.conditional and len(classes or ()) != 1:
            raise UserError("A sum of a conditional model's samples is of one class: name it with --class.")
        vectors = self._normal(1 + max(max(term.numbers) for term in terms), seed)
        z = latent.combined(vectors, terms, self._normal(len(terms[0].numbers), seed, "near"))
        return self.decode(self._distributed(z), self._labels(len(z), seed, classes))

    def sheet(self, samples: Array, *, columns: int | None = None) -> npt.NDArray[np.uint8]:
        """Samples [N, *shape] in one picture, all of them.

        Raises:
            UserError: they are neither pictures nor points in the plane.
        """
        if self.dataset.spec.picture:
            return pictures.grid(samples, columns=columns, width=960)
        return self._painter(data.scaled(self.held_out("validation").x))(samples)

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Means over `episodes` independent sets of `evaluation_samples` samples.

        `eval/coverage` and `eval/density` compare as many samples as real examples, at most 1,000, with the
        held-out part; where the data know their centers, `eval/modes` and `eval/high_quality` come on top.
        The score `eval/quality` is `Modes.balanced` where there are centers, and elsewhere how near means and
        covariances are: 1 less the Frechet distance over the variance of the real examples. The mean of the real
        examples alone, repeated, has 0; real examples nearly 1. Blur, noise, repetition and missing kinds lower it.
        `eval/diversity` is how far samples are apart, real examples 1. `metrics` come under names that say features and
        counts. Samples that are nearly all the same are remarked on, once. The picture `eval/samples` shows the first
        set, `eval/fixed_samples` what the same latent vectors have become, and of pictures alone `eval/interpolation`
        rows that lead from one to another, `eval/real`, the first time, what all this is to look like.
        """
        held = self.held_out(split)
        real = data.scaled(held.x)
        drawable, rows = self.dataset.spec.picture or self.dataset.spec.shape == (2,), []
        for i in range(episodes):
            # One set at a time: memory is no question of their number.
            count, own = self.config.evaluation_samples, runtime.derive_seed(seed, i)
            asked = self._labels(count, own, None)
            # A model of somebody else's may know of no classes at all.
            samples = self.sample(count, own) if asked is None else self.sample(count, own, classes=asked)
            rows.append({**self.measure(real, samples), **self.judge.figures(split, samples, asked)})
            if i == 0:
                self._watch(real, samples)
                images = self._images(real, held.y, samples, own) if drawable else {}
        means = {name: np.mean([np.asarray(row[name]) for row in rows], axis=0) for name in rows[0]}
        scalars = {name: float(value) for name, value in means.items() if value.ndim == 0}
        classes = self.dataset.target.classes if self.dataset.target else ()
        texts = {name: table_of(value, classes) for name, value in means.items() if value.ndim == 1}
        return Evaluation(scalars=scalars, episodes=episodes, images=images, texts=texts)

    def _images(
        self, real: Array, y: npt.NDArray[Any] | None, samples: Array, seed: int
    ) -> dict[str, npt.NDArray[np.uint8]]:
        draw = self._painter(real)
        count, labels = self._shown_labels(SHOWN if self.dataset.spec.picture else REFERENCE_LIMIT)
        # The run's seed alone decides these, so that pictures of a run compare, after a resume too.
        fixed = self.decode(self._distributed(self._normal(count, "fixed")), labels)
        images = {"eval/samples": draw(self._shown(samples, seed)), "eval/fixed_samples": draw(fixed)}
        if self.dataset.spec.picture:
            rows = self.interpolation(rows=ROWS, steps=ROWS, seed=0)
            images["eval/interpolation"] = pictures.grid(rows, columns=ROWS)
            if not self._real_shown:
                self._real_shown = True
                images["eval/real"] = draw(self._some(real, y))
        return images

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
        scalars["eval/diversity"] = diversity(real[:count], samples[:count])
        # Not in the contract of a data set: only mixtures know them.
        centers, std = getattr(self.dataset, "centers", None), getattr(self.dataset, "std", None)
        if centers is not None and std is not None:
            found = modes(samples, centers, std)
            scalars["eval/quality"] = found.balanced
            scalars.update({"eval/modes": float(found.covered), "eval/high_quality": found.high_quality})
        return scalars

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        """A loop of 6 seconds: samples along a circle in latent space, each frame a fair set of samples."""
        count, labels = self._shown_labels(SHOWN if self.dataset.spec.picture else REFERENCE_LIMIT)
        first, second = (self._normal(count, seed, name) for name in ("first", "second"))
        draw = self._painter(data.scaled(self.held_out("validation").x))
        for angle in np.linspace(0, 2 * np.pi, 180, endpoint=False, dtype=np.float32):
            # With both ends standard normal, so is every point of the circle.
            yield draw(self.decode(self._distributed(np.cos(angle) * first + np.sin(angle) * second), labels))

    def _shown(self, samples: Array, seed: int) -> Array:
        """Samples to look at: of a conditional model as many of each class."""
        count, labels = self._shown_labels(SHOWN if self.dataset.spec.picture else len(samples))
        return samples if labels is None else self.sample(count, seed, classes=labels)

    def _some(self, real: Array, labels: npt.NDArray[Any] | None) -> Array:
        """Real examples to look at: of a conditional model as many of each class."""
        count, classes = self._shown_labels(SHOWN)
        if classes is None:
            return real[pictures.spread(len(real), count)]
        of_class = [np.flatnonzero(labels == label) for label in range(self.class_count)]
        each = count // self.class_count
        return real[np.concatenate([np.resize(found, each) for found in of_class if len(found)])]

    def _shown_labels(self, count: int) -> tuple[int, Labels | None]:
        """How many samples are looked at, about `count`, and where one has a class theirs, a class below the other."""
        if not self.config.conditional:
            return count, None
        labels = np.repeat(np.arange(self.class_count, dtype=np.int32), max(1, count // self.class_count))
        return len(labels), labels

    def _painter(self, real: Array) -> Callable[[Array], npt.NDArray[np.uint8]]:
        spec = self.dataset.spec
        if spec.shape == (2,):
            return pictures.Scatter(real[:2000]).draw
        if spec.picture:
            columns = max(1, SHOWN // self.class_count) if self.config.conditional else None
            return lambda samples: pictures.grid(samples[: max(SHOWN, self.class_count)], columns=columns)
        raise UserError(f"Examples {spec} cannot be drawn: only pictures and points in the plane.")

    def _normal(self, n: int, *purpose: int | str) -> Array:
        random = runtime.generator(self.seed, "sample", *purpose)
        return random.standard_normal((n, self.config.latent_size), np.float32)

    def _distributed(self, normal: Array) -> Array:
        """Standard normal numbers as the latent distribution wants them, uniform through the normal's CDF."""
        if self.config.latent_distribution == "normal":
            return normal
        return np.asarray(tf.math.erf(normal / np.sqrt(2, dtype=np.float32)))
