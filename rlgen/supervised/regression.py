"""Regression: numbers from examples, by an MLP that may see the examples once more at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from rlgen import networks
from rlgen.config import another_default, option
from rlgen.data import Target
from rlgen.errors import UserError
from rlgen.supervised.config import LayersConfig
from rlgen.supervised.layers import Layers
from rlgen.supervised.model import SupervisedModel
from rlgen.supervised.tasks import Numbers, Task


@dataclass(frozen=True, kw_only=True)
class RegressionConfig(LayersConfig):
    """What a regression can be told."""

    hidden_units: tuple[int, ...] = option(
        (64, 64), "Units of each hidden dense layer; empty: a linear model.", at_least=1
    )
    standardize: bool = another_default(LayersConfig, "standardize", True)
    wide: bool = option(False, "The last layer sees the examples themselves as well: wide and deep.")

    presets: ClassVar = {
        "book-hands-on-ml": {
            "about": "Geron (2019), chapter 10, for California housing: 30 units, plain SGD, batches of 32.",
            "hidden_units": (30,),
            "optimizer": "sgd",
            "learning_rate": 1e-2,
            "momentum": 0.0,
            "batch_size": 32,
            "initializer": "glorot_uniform",
            "standardize": False,
        },
        "book-hands-on-ml-wide": {
            "about": "The same chapter's wide and deep net: 30-30 beside the examples themselves, SGD at .001.",
            "hidden_units": (30, 30),
            "wide": True,
            "optimizer": "sgd",
            "learning_rate": 1e-3,
            "momentum": 0.0,
            "batch_size": 32,
            "initializer": "glorot_uniform",
            "standardize": False,
        },
        "book-mastering-tensorflow": {
            "about": "The second book, chapter 2, for Boston housing: 64-64, RMSprop, batches of 16.",
            "hidden_units": (64, 64),
            "optimizer": "rmsprop",
            "batch_size": 16,
            "initializer": "glorot_uniform",
            "standardize": False,
        },
    }


class Regression(SupervisedModel):
    """Regression: dense layers to one number or several, by squared error; wide and deep with `wide=true`.

    Cheng et al., "Wide & Deep Learning for Recommender Systems" (2016).
    """

    Config: ClassVar[type[RegressionConfig]] = RegressionConfig
    default_problem = "diabetes"
    score, higher_is_better = Numbers.score, Numbers.higher_is_better
    default_steps = 3000

    def make_task(self, target: Target) -> Task:
        """Numbers alone.

        Raises:
            UserError: the target is something else.
        """
        if not target.numbers:
            kind = "classes" if target.classes else f"pictures {target.spec}"
            raise UserError(
                f"{type(self).__name__} predicts numbers, and the targets of '{self.problem}' are {kind}. Take mlp or "
                "cnn for classes, unet for masks; a CSV's whole numbers are numbers with task=numbers."
            )
        return self.make_number_task(target)

    def make_number_task(self, target: Target) -> Task:
        """What is learned of the numbers."""
        return super().make_task(target)

    def network(self) -> Any:
        """Dense layers, with the examples beside the last of them."""
        made: Layers = self.config.layers(self.dtype)
        examples, features = self.features(made)
        return keras.Model(examples, made.last(features, self.task.outputs))

    def features(self, made: Layers) -> tuple[Any, Any]:
        """The net's input, and what its last layer sees, [N, F]."""
        c = self.config
        body = networks.body("dense", self.inputs, self.options("net", (), "relu"))
        deep = made.dense(body.output, c.hidden_units)
        if c.wide:
            deep = keras.layers.Concatenate(dtype=self.dtype)([body.output, deep])
        return body.input, deep
