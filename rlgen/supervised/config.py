"""What supervised models can be told: how they descend, what holds them back, what counts how much."""

from __future__ import annotations

from dataclasses import dataclass

from rlgen.config import option
from rlgen.data.config import ModelConfig
from rlgen.errors import UserError
from rlgen.schedules import Schedule
from rlgen.supervised.descent import OptimizerName
from rlgen.supervised.layers import Activation, DropoutKind, Initializer, Layers


@dataclass(frozen=True, kw_only=True)
class DescentConfig(ModelConfig):
    """How the weights move."""

    optimizer: OptimizerName = option("adam", "Optimizer; adamw is adam, as weight_decay is decoupled in all of them.")
    learning_rate: Schedule = option(Schedule.parse(1e-3), "The optimizer's step size, over batches.", at_least=0)
    momentum: Schedule = option(
        Schedule.parse(0.9),
        "Momentum of sgd and nesterov, beta 1 of the family of adam, over batches; rmsprop has none.",
        at_least=0,
        below=1,
    )
    weight_decay: float = option(
        0.0, "Share of each kernel taken off per update, times the learning rate; biases are spared.", at_least=0
    )
    max_grad_norm: float | None = option(None, "Gradients are scaled down to this norm; none: never.", above=0)
    max_grad_value: float | None = option(None, "Each number of a gradient is cut to this size; none: never.", above=0)
    plateau_patience_evaluations: int | None = option(
        None, "Evaluations without a better score after which the step size is made smaller; none: never.", at_least=1
    )
    plateau_factor: float = option(0.5, "What it is multiplied by then.", above=0, below=1)
    l1: float = option(0.0, "Weight of the sum of the absolute kernels in the loss.", at_least=0)
    l2: float = option(0.0, "Weight of the sum of the squared kernels in the loss.", at_least=0)
    max_norm: float | None = option(None, "Largest norm of the weights into a unit or filter; none: any.", above=0)


@dataclass(frozen=True, kw_only=True)
class SupervisedConfig(DescentConfig):
    """What every supervised model can be told."""

    label_smoothing: float = option(
        0.0, "Probability the target moves from the right class to all classes alike.", at_least=0, below=1
    )
    balance_classes: bool = option(False, "Weigh each class by the inverse of its share among the training examples.")
    class_weights: tuple[float, ...] = option(
        (), "Weight of each class in the loss, in the order of the classes; empty: alike.", at_least=0
    )
    monte_carlo_passes: int = option(
        0, "Passes with dropout that a prediction is the mean of; 0: one without.", at_least=0, at_most=10_000
    )
    min_diff_weight: float = option(
        0.0, "Weight of the difference between the scores of two groups of harmless examples.", at_least=0
    )
    min_diff_batch_size: int = option(32, "Examples of either group that it is measured on.", at_least=2)
    standardize: bool = option(False, "Bring each number of an example to mean 0 and deviation 1 of the training part.")
    reconstruction_weight: float = option(
        0.0, "Weight of the squared error of examples made again from the last hidden layer.", at_least=0
    )

    judging = ("monte_carlo_passes",)

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.balance_classes and self.class_weights:
            raise UserError("balance_classes=true says the classes' weights, and class_weights too: leave one out.")


@dataclass(frozen=True, kw_only=True)
class LayersConfig(SupervisedConfig):
    """What models with layers of ours can be told of them."""

    activation: Activation = option("relu", "Activation of the hidden layers.")
    initializer: Initializer = option(
        "auto", "Initial kernels; auto: He for the ReLU family, LeCun for SELU, Glorot for the rest."
    )
    batch_norm: bool = option(False, "Batch normalisation before each activation.")
    dropout_rate: float = option(
        0.0, "Share of each hidden dense layer's outputs dropped in training.", at_least=0, below=1
    )
    dropout_kind: DropoutKind = option("dropout", "What is dropped becomes 0, or with alpha what suits SELU.")

    def layers(self, dtype: str) -> Layers:
        """How layers are made, with Keras' dtype policy."""
        return Layers(
            activation=self.activation,
            initializer=self.initializer,
            batch_norm=self.batch_norm,
            dropout_rate=self.dropout_rate,
            dropout_kind=self.dropout_kind,
            dtype=dtype,
        )
