"""What supervised models share: a network from examples to targets of any kind, its step, predictions, evaluation."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import data, learning, registry, runtime
from rlgen.algorithm import Embedding, Evaluation, Split
from rlgen.data import Arrays, Target, embedded
from rlgen.data.feed import Batch
from rlgen.data.model import Model
from rlgen.errors import UserError
from rlgen.served import Served
from rlgen.supervised import baselines, descent, layers, min_diff, predictions, reports, serving, tasks
from rlgen.supervised.config import SupervisedConfig
from rlgen.supervised.tasks import Array, Prediction, Task

AT_ONCE = 1000
DROPOUT = "dropout"


class SupervisedModel(Model):
    """Base of supervised models: a network from examples to targets, judged on what it never saw.

    A subclass says the network. What the target is decides the loss and the score (`rlgen.supervised.tasks`); the
    fields of `SupervisedConfig` work for all.

    Attributes:
        net: the Keras model, [N, *shape] to [N, outputs].
        task: what the target decides.
    """

    Config: ClassVar[type[SupervisedConfig]] = SupervisedConfig
    default_problem = "digits"
    # Of its default problem; what a model learns from decides anew.
    score = tasks.Classes.score
    charts = {
        "Learning": {
            "accuracy": (r"(train|eval|test)/accuracy",),
            "loss": (r"(train|eval|test)/loss",),
            "error": (r"(train|eval|test)/(root_mean_squared|mean_absolute|mean_squared)_error",),
            "beside baselines": (r"eval/(accuracy|dice|mean_absolute_error|root_mean_squared_error)(_[a-z_]+)?",),
        },
        "Health": {
            "calibration": (r"(eval|test)/calibration_error",),
            "penalties": ("train/penalty", "train/min_diff"),
        },
    }
    used: tuple[str, ...] = ("net",)
    learned: tuple[str, ...] = ("optimizer",)
    draws = (DROPOUT, *min_diff.DRAWS)
    target: Target
    task: Task
    net: Any
    optimizer: Any
    plateau: descent.Plateau | None = None

    @abc.abstractmethod
    def network(self) -> Any:
        """The Keras model from `self.inputs` to `self.task.outputs` numbers, its layers of the dtype `self.dtype`."""

    def make_task(self, target: Target) -> Task:
        """What the target decides; another one where the model learns more than the target."""
        return tasks.of(target, self.config)

    def check_data(self) -> None:
        """Refuse data without targets."""
        if self.dataset.target is None:
            raise UserError(
                f"{type(self).__name__} learns from examples with targets, and '{self.problem}' has none. "
                f"Data sets with targets: {', '.join(_with_targets())}."
            )
        c, self.target = self.config, self.dataset.target
        self.task = self.make_task(self.target)
        self.score, self.higher_is_better = self.task.score, self.task.higher_is_better
        for name in self.task.used:
            setattr(self, name, getattr(self.task, name))
        self.used = (*self.used, *self.task.used)
        if c.standardize:
            self.input_mean, self.input_std = (
                tf.Variable(value, dtype=tf.float32, trainable=False)
                for value in (tf.zeros(self.inputs.shape), tf.ones(self.inputs.shape))
            )
            self.used = (*self.used, "input_mean", "input_std")
        if c.plateau_patience_evaluations:
            self.plateau = descent.Plateau(
                c.plateau_patience_evaluations, c.plateau_factor, higher_is_better=self.higher_is_better
            )
            self.learned = (*self.learned, "plateau")
            self.heeds_evaluations = True

    def build(self) -> None:
        """Make the net, what makes examples again where that is asked for, and the optimizer."""
        c = self.config
        self.net, models = self.network(), []
        if c.reconstruction_weight:
            features = keras.Model(self.net.input, self.net.layers[-1].input)
            if len(features.output_shape) != 2:
                raise UserError(
                    f"reconstruction_weight makes examples again from features [N, F], and the last layer of "
                    f"{type(self).__name__} sees {list(features.output_shape)}. Set it to 0."
                )
            self.reconstruction = keras.Sequential(
                [keras.Input(features.output_shape[1:]), keras.layers.Dense(self.inputs.size, dtype="float32")]
            )
            # One pass gives both.
            self._with_features = keras.Model(self.net.input, [self.net.output, features.output])
            self.learned = ("reconstruction", *(name for name in self.learned if name != "reconstruction"))
            models = [self.reconstruction]
        optimizer = descent.make(c.optimizer, c.learning_rate, c.momentum, c.weight_decay)
        self.optimizer = self.scheduled(optimizer, c.learning_rate, self.net, *models)

    def check_training(self, arrays: Arrays) -> None:
        """Note what the loss needs to know of the training part."""
        self.task.note(np.asarray(arrays.y))
        if self.config.standardize:
            x = data.scaled(arrays.x).astype(np.float64)
            self.input_mean.assign(x.mean(axis=0))
            self.input_std.assign(np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0))
        self._harmless = None
        if self.config.min_diff_weight:
            self._harmless = min_diff.HarmlessExamples(arrays, self.target, problem=self.problem)

    def turn_to(self, problem: str) -> bool:
        """As the base: another fold has as many examples, and takes their place on the device."""
        same = data.without_fold(problem) == data.without_fold(self.problem)
        # MinDiff's examples are part of the program.
        if not same or "feed" not in self.__dict__ or self.config.min_diff_weight:
            return False
        self.dataset, self.problem = data.load(problem), problem
        self._held_out.clear()
        self.__dict__.pop("_baselines", None)
        self._said.clear()
        self.held_out("validation")
        self.feed.replace(self.examples("train"))
        return True

    # Learning.

    def seen(self, batch: Batch) -> Batch:
        """Examples as the network sees them, and targets as the loss takes them."""
        return Batch(self._standardized(batch.x), self.task.seen(batch.y))

    def _standardized(self, x: Any) -> Any:
        return (x - self.input_mean) / self.input_std if self.config.standardize else x

    def step(self, batch: Batch, update: Any) -> Mapping[str, Any]:
        """One update of the network on a batch: down the gradient of the loss and of what is asked for beside it."""
        c, seed = self.config, self.random.seed(DROPOUT, update)
        with tf.GradientTape() as tape:
            with layers.dropping(seed):
                outputs, features = self._looked(batch.x)
            outputs = self.task.shaped(outputs)
            loss = self.task.loss(outputs, batch.y)
            beside = self._beside(batch.x, features, update)
            total = tf.add_n([loss, *beside.values()])
        self._before_descent(update)
        norm = learning.descend(
            tape, total, self.weights, self.descending, max_norm=c.max_grad_norm, max_value=c.max_grad_value
        )
        if c.max_norm:
            descent.bound_norms(layers.whole_kernels(self.net), c.max_norm)
        scalars = {"train/loss": loss, "train/grad_norm": norm, **beside, **self.task.scalars(outputs, batch.y)}
        if self.plateau:
            scalars["train/learning_rate_factor"] = self.plateau.factor.read_value()
        return scalars

    @property
    def weights(self) -> list[Any]:
        """Those that learn."""
        more = self.reconstruction.trainable_variables if self.config.reconstruction_weight else []
        return [*self.net.trainable_variables, *more]

    @property
    def descending(self) -> Any:
        """The optimizer that moves them."""
        return self.optimizer

    def _looked(self, x: Any) -> tuple[Any, Any]:
        """What the net puts out in training, and the features that come before its last layer where they are needed."""
        if self.config.reconstruction_weight:
            outputs, features = self._with_features(x, training=True)
            return outputs, features
        return self.net(x, training=True), None

    def _beside(self, x: Any, features: Any, update: Any) -> dict[str, Any]:
        """What the loss is added to, each by its name and with its weight."""
        c, found = self.config, dict[str, Any]()
        if c.l1 or c.l2:
            found["train/penalty"] = descent.penalty(layers.whole_kernels(self.net), c.l1, c.l2)
        if c.reconstruction_weight:
            again = self.reconstruction(features, training=True)
            error = tf.reduce_mean(tf.square(again - tf.reshape(x, tf.shape(again))))
            found["train/reconstruction"] = c.reconstruction_weight * error
        if c.min_diff_weight:
            assert self._harmless is not None
            examples = self._standardized(self._harmless.draw(self.random, update, c.min_diff_batch_size))
            chances = self.task.answer(self.task.shaped(self.net(examples, training=True))).mean
            difference = min_diff.maximum_mean_discrepancy(*tf.split(chances[:, 1], 2))
            found["train/min_diff"] = c.min_diff_weight * difference
        return found

    def _before_descent(self, update: Any) -> None:
        """Momentum and the plateau's factor, where they move."""
        descent.move_momentum(self.descending, self.config.momentum, update)
        if self.plateau:
            self.descending.learning_rate.assign(self.schedule(update) * self.plateau.factor)

    def heed(self, evaluation: Evaluation) -> None:
        """A smaller step size where the score stays where it is."""
        if self.plateau:
            self.plateau.heed(evaluation.scalars[self.score])

    # Using the result.

    def predict(self, x: npt.ArrayLike, *, seed: int = 0) -> Array:
        """What the network says of examples: probability of each class, [N, classes], or the target itself.

        For a single example the first axis is left out.

        Args:
            x: one example, of the data set's shape, or a batch [N, *shape], scaled as the data set is.
            seed: of the dropout, with `monte_carlo_passes`; nothing is random without.

        Raises:
            UserError: another shape.
        """
        mean: Array = self.predict_with_deviation(x, seed=seed).mean
        return mean

    def predict_with_deviation(self, x: npt.ArrayLike, *, seed: int = 0) -> Prediction:
        """As `predict`, and beside it the standard deviation of each number; None where the model knows none."""
        examples, shape = np.asarray(x), self.dataset.spec.shape
        single = examples.shape == shape
        if not single and examples.shape[1:] != shape:
            raise UserError(f"'{self.problem}' has examples of shape {shape}; {examples.shape} is no batch of them.")
        found = self._predicted(examples[None] if single else examples, seed)
        return Prediction(*(part[0] if single and part is not None else part for part in found))

    def predictions(self, source: Path, *, seed: int = 0) -> list[Sequence[str]]:
        """What it says of everything in a file or folder, as lines of a table, the header first.

        Raises:
            UserError: nothing that it can be given.
        """

        def predict(x: npt.NDArray[Any]) -> Prediction:
            return self._predicted(x, seed)

        return list(predictions.lines(source, predict, dataset=self.dataset, target=self.target, problem=self.problem))

    def _predicted(self, x: npt.NDArray[Any], seed: int) -> Prediction:
        parts = [self._answered(x[i : i + AT_ONCE], seed) for i in range(0, len(x), AT_ONCE)]
        mean, deviation = (
            None if column[0] is None else np.concatenate([np.asarray(part, np.float32) for part in column])
            for column in zip(*parts, strict=True)
        )
        return Prediction(mean, deviation)

    def _answered(self, x: npt.NDArray[Any], seed: int) -> Prediction:
        return self.answered(tf.constant(x.astype(self.dataset.spec.dtype, copy=False)), seed)

    def answered(self, x: Any, seed: int = 0) -> Prediction:
        """What it says of examples [N, *shape], in TensorFlow."""
        raw = self.raw(x)
        if not self.config.monte_carlo_passes:
            return self.task.answer(self.task.shaped(self.net(raw, training=False)))
        return self._monte_carlo(raw, seed)

    def raw(self, x: Any) -> Any:
        """Examples as the net takes them."""
        return self._standardized(data.scaled(x))

    def _monte_carlo(self, x: Any, seed: int) -> Prediction:
        """The mean of passes with dropout, and what it varies by; what each pass is unsure of itself adds to that.

        Gal and Ghahramani, "Dropout as a Bayesian Approximation" (ICML 2016).
        """
        first, count = runtime.derive_seed(seed, DROPOUT) % 2**31, self.config.monte_carlo_passes
        sums: list[Any] = [0.0, 0.0, 0.0]
        for number in range(count):
            with layers.dropping(tf.constant([first, number], tf.int32)):
                mean, deviation = self.task.answer(self.task.shaped(self.net(x, training=False)))
            own = 0.0 if deviation is None else tf.square(deviation)
            sums = [whole + part for whole, part in zip(sums, (mean, tf.square(mean), own), strict=True)]
        mean, squared, own = (part / count for part in sums)
        return Prediction(mean, tf.sqrt(tf.maximum(squared - tf.square(mean), 0.0) + own))

    def served(self) -> Mapping[str, Served]:
        """`predict`: examples as the data set has them to what the network says of them.

        Raises:
            UserError: Monte-Carlo dropout draws, by a generator that programs of batches of any length do not have.
        """
        if self.config.monte_carlo_passes:
            raise UserError(
                f"monte_carlo_passes={self.config.monte_carlo_passes} draws at every use, which an export cannot: give "
                "--set monte_carlo_passes=0, and it answers by one pass without dropout."
            )
        return {"predict": serving.predict(self)}

    # Judging it.

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """One pass over the held-out part, beside baselines; without Monte-Carlo dropout nothing in it is random.

        Classes: `eval/accuracy` with its interval, `eval/loss`, `eval/f1`, `eval/calibration_error`, areas under
        curves. Numbers: errors in the targets' unit. Masks: `eval/dice`, `eval/iou`. See `rlgen.supervised.judging`.
        """
        arrays = self.held_out(split)
        prediction = self._predicted(arrays.x, seed)
        if split not in self._said:
            self._said[split] = {name: np.asarray(baseline(arrays)) for name, baseline in self._baselines.items()}
        return reports.report(
            arrays,
            prediction,
            self._said[split],
            dataset=self.dataset,
            target=self.target,
            complete=split == "test",
        )

    def embedding(self, *, seed: int) -> Embedding | None:
        """Held-out examples as the net's last layer sees them, with what they are and what they are taken for."""
        last, known = self.net.layers[-1].input, self.target.label or self.target.numbers
        if not isinstance(last, keras.KerasTensor) or len(last.shape) != 2 or not known:
            return None
        arrays = self.held_out("validation").take(slice(embedded.MOST_EXAMPLES))
        seen = keras.Model(self.net.input, last)(self.raw(tf.constant(arrays.x)), training=False)
        labels = reports.labels(np.asarray(arrays.y), self._predicted(arrays.x, seed).mean, self.target)
        return embedded.embedding("examples", np.asarray(seen, np.float32), arrays, self.dataset, labels=labels)

    @cached_property
    def _said(self) -> dict[Split, dict[str, npt.NDArray[Any]]]:
        """What the baselines say of each part, which no training changes."""
        return {}

    @cached_property
    def _baselines(self) -> dict[str, Callable[[Arrays], Any]]:
        return baselines.fitted(self.examples("train"), self.target, getattr(self.dataset, "naive", None))


def _with_targets() -> list[str]:
    """Names of the registered data sets that have targets; one that cannot be imported is passed over."""
    names = []
    for plugin in registry.available("dataset"):
        try:
            if getattr(plugin.load(), "target", None) is not None:
                names.append(plugin.name)
        except UserError:
            continue
    return names
