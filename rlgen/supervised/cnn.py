"""A convolutional network for pictures: convolutions and pooling, then dense layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from rlgen.config import another_default, option
from rlgen.errors import UserError
from rlgen.supervised.config import LayersConfig
from rlgen.supervised.layers import Head, Layers
from rlgen.supervised.model import SupervisedModel


@dataclass(frozen=True, kw_only=True)
class CNNConfig(LayersConfig):
    """What a CNN can be told."""

    filters: tuple[int, ...] = option((32, 64), "Filters of each convolution.", at_least=1)
    kernel_sizes: tuple[int, ...] = option(
        (3,), "Pixels along a side of each convolution's kernel; one number: of all.", at_least=1
    )
    pool_after: tuple[int, ...] = option(
        (1, 2), "Convolutions, counted from 1, after which the height and the width are halved.", at_least=1
    )
    picture_dropout_rate: float = option(0.0, "Share dropped after each pooling.", at_least=0, below=1)
    head: Head = option("flatten", "What the dense layers see: all numbers, or the average of each channel.")
    hidden_units: tuple[int, ...] = option((128,), "Units of each hidden dense layer.", at_least=1)
    dropout_rate: float = another_default(LayersConfig, "dropout_rate", 0.5)

    presets: ClassVar = {
        "book-hands-on-ml": {
            "about": "Geron (2019), chapter 14, for Fashion-MNIST: 1,413,834 weights. The optimizer is not said.",
            "filters": (64, 128, 128, 256, 256),
            "kernel_sizes": (7, 3, 3, 3, 3),
            "pool_after": (1, 3, 5),
            "hidden_units": (128, 64),
            "dropout_rate": 0.5,
            "batch_size": 32,
            "initializer": "glorot_uniform",
        },
        "book-mastering-tensorflow": {
            "about": "The second book, chapter 3, for Fashion-MNIST, with Adam as Keras has it.",
            "filters": (16, 32),
            "kernel_sizes": (5, 5),
            "pool_after": (1, 2),
            "picture_dropout_rate": 0.2,
            "hidden_units": (128,),
            "dropout_rate": 0.0,
            "initializer": "glorot_uniform",
        },
    }

    def check(self) -> None:
        """Refuse numbers that do not go together."""
        super().check()
        if len(self.kernel_sizes) not in (1, len(self.filters)):
            raise UserError(
                f"kernel_sizes has {len(self.kernel_sizes)} numbers and filters {len(self.filters)}: give one for each "
                "convolution, or one for all."
            )
        if any(number > len(self.filters) for number in self.pool_after):
            raise UserError(
                f"pool_after={max(self.pool_after)}: there are {len(self.filters)} convolutions, counted from 1."
            )


class CNN(SupervisedModel):
    """CNN: convolutions and max-pooling, then dense layers with dropout, on pictures.

    LeCun et al., "Gradient-based learning applied to document recognition" (1998). `head=average` takes the average of
    each channel in place of all numbers, which saves most of the weights (Lin et al., ICLR 2014).
    """

    Config = CNNConfig
    default_steps = 3000

    def network(self) -> Any:
        """Convolutions until there is nothing left to pool, then dense layers.

        Raises:
            UserError: the examples are no pictures, or are too small to be halved so often.
        """
        c, shape = self.config, self.inputs.shape
        require_picture(self, halvings=len(set(c.pool_after)))
        made: Layers = c.layers(self.dtype)
        kernels = c.kernel_sizes * (len(c.filters) if len(c.kernel_sizes) == 1 else 1)
        x = picture = keras.Input(shape, dtype="float32")
        for number, (filters, kernel) in enumerate(zip(c.filters, kernels, strict=True), 1):
            x = made.convolution(x, filters, kernel)
            if number in c.pool_after:
                x = made.dropped(keras.layers.MaxPooling2D(2, dtype=self.dtype)(x), c.picture_dropout_rate)
        x = made.dense(made.flat(x, c.head), c.hidden_units)
        return keras.Model(picture, made.last(x, self.task.outputs))


def require_picture(model: SupervisedModel, *, halvings: int) -> None:
    """Check that the examples are pictures that can be halved so often.

    Raises:
        UserError: they are not.
    """
    spec, name = model.inputs, type(model).__name__
    if not spec.picture:
        raise UserError(
            f"{name} sees pictures [height, width, channels], and the examples of '{model.problem}' are {spec}. Take "
            "mlp, or a data set of pictures."
        )
    if min(spec.shape[:2]) < 2**halvings:
        raise UserError(
            f"Pictures of {spec.shape[0]} x {spec.shape[1]} pixels cannot be halved {halvings} times, as {name} is to "
            f"do. At least {2**halvings} x {2**halvings} pixels are needed, or fewer halvings."
        )
