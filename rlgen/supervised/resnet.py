"""A residual network for pictures, and the same net without its shortcuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from rlgen.config import another_default, option
from rlgen.schedules import Schedule
from rlgen.supervised.cnn import require_picture
from rlgen.supervised.config import LayersConfig, SupervisedConfig
from rlgen.supervised.descent import OptimizerName
from rlgen.supervised.layers import Layers
from rlgen.supervised.model import SupervisedModel


@dataclass(frozen=True, kw_only=True)
class ResNetConfig(LayersConfig):
    """What a residual network can be told."""

    residual: bool = option(True, "Shortcuts around each block; without them it is the plain net.")
    stem_filters: tuple[int, ...] = option((32,), "Filters of each convolution before the blocks.", at_least=1)
    stem_kernel_size: int = option(3, "Pixels along a side of their kernels.", at_least=1)
    stem_stride: int = option(1, "Stride of the first of them.", at_least=1)
    stem_pool: int = option(1, "Pixels along a side that are pooled into one before the blocks; 1: none.", at_least=1)
    blocks: tuple[int, ...] = option((1, 1, 1), "Blocks of two convolutions in each stage.", at_least=1)
    filters: int = option(
        32, "Filters in the first stage; each further one halves the size and doubles them.", at_least=1
    )
    last_filters: int = option(0, "Filters of one more convolution behind the blocks; 0: none.", at_least=0)
    hidden_units: tuple[int, ...] = option((), "Units of each hidden dense layer.", at_least=1)
    batch_norm: bool = another_default(LayersConfig, "batch_norm", True)
    optimizer: OptimizerName = another_default(SupervisedConfig, "optimizer", "nesterov")
    learning_rate: Schedule = another_default(SupervisedConfig, "learning_rate", Schedule.parse(0.05))
    weight_decay: float = another_default(SupervisedConfig, "weight_decay", 5e-3)

    presets: ClassVar = {
        "post-resnet": {
            "about": "The post on residual networks, for CIFAR-10: ten blocks of 64 filters, Adam, batches of 64.",
            "stem_filters": (32, 64),
            "stem_pool": 3,
            "blocks": (10,),
            "filters": 64,
            "last_filters": 64,
            "hidden_units": (256,),
            "dropout_rate": 0.5,
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "weight_decay": 0.0,
            "augment": ("flip",),
        },
        "book-hands-on-ml": {
            "about": "Geron (2019), chapter 14: ResNet-34, for 224 pixels; 21,306,826 weights for 10 classes.",
            "stem_filters": (64,),
            "stem_kernel_size": 7,
            "stem_stride": 2,
            "stem_pool": 2,
            "blocks": (3, 4, 6, 3),
            "filters": 64,
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "weight_decay": 0.0,
        },
    }


class ResNet(SupervisedModel):
    """ResNet: blocks of two convolutions, each with a shortcut around it, on pictures.

    He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016). Where a block halves the size, a convolution
    of one pixel fits the shortcut to it. With a one-cycle step size it learns in a few epochs what takes a hundred
    otherwise (Smith 2018): `learning_rate=one_cycle:start=...,peak=...,over=STEPS`.
    """

    Config = ResNetConfig
    default_steps = 5000

    def network(self) -> Any:
        """The stem, the stages of blocks, and the average of each channel.

        Raises:
            UserError: the examples are no pictures, or are too small to be halved so often.
        """
        c = self.config
        require_picture(self, halvings=len(c.blocks) - 1 + (c.stem_pool > 1) + (c.stem_stride > 1))
        made: Layers = c.layers(self.dtype)
        x = picture = keras.Input(self.inputs.shape, dtype="float32")
        for number, filters in enumerate(c.stem_filters):
            x = made.convolution(x, filters, c.stem_kernel_size, stride=1 if number else c.stem_stride)
        if c.stem_pool > 1:
            x = keras.layers.MaxPooling2D(c.stem_pool, padding="same", dtype=self.dtype)(x)
        for stage, blocks in enumerate(c.blocks):
            for number in range(blocks):
                x = self._block(x, made, c.filters * 2**stage, stride=2 if stage and not number else 1)
        if c.last_filters:
            x = made.convolution(x, c.last_filters, 3)
        x = made.dense(made.flat(x, "average"), c.hidden_units)
        return keras.Model(picture, made.last(x, self.task.outputs))

    def _block(self, x: Any, made: Layers, filters: int, *, stride: int) -> Any:
        """Activation(x + f(x)), f being two convolutions with batch normalisation."""
        y = made.convolution(x, filters, 3, stride=stride)
        y = made.normalized(made.convolution(y, filters, 3, activated=False))
        if self.config.residual:
            if stride > 1 or x.shape[-1] != filters:
                x = made.normalized(made.convolution(x, filters, 1, stride=stride, activated=False))
            y = keras.layers.Add(dtype=self.dtype)([x, y])
        return made.activation_of(y)
