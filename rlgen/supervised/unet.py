"""U-Net: a class for each pixel of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from rlgen.config import another_default, option
from rlgen.data import Target
from rlgen.errors import UserError
from rlgen.supervised.cnn import require_picture
from rlgen.supervised.config import LayersConfig
from rlgen.supervised.layers import Layers
from rlgen.supervised.model import SupervisedModel
from rlgen.supervised.tasks import Masks, Task


@dataclass(frozen=True, kw_only=True)
class UNetConfig(LayersConfig):
    """What a U-Net can be told."""

    filters: int = option(16, "Filters at full size; each halving doubles them.", at_least=1)
    depth: int = option(3, "How often the size is halved.", at_least=1)
    dice_weight: float = option(0.3, "Weight of the soft Dice loss; cross-entropy has the rest.", at_least=0, at_most=1)
    batch_norm: bool = another_default(LayersConfig, "batch_norm", True)
    batch_size: int = another_default(LayersConfig, "batch_size", 16)

    presets: ClassVar = {
        "post-brain": {
            "about": "The post on brain MRI: five levels, 64 filters doubling, dropout .6, one-cycle SGD, batch 4. "
            "Set learning_rate=one_cycle:start=0.01,peak=0.1,over=STEPS.",
            "filters": 64,
            "depth": 4,
            "dropout_rate": 0.6,
            "batch_norm": False,
            "batch_size": 4,
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "augment": ("flip",),
        },
    }


class UNet(SupervisedModel):
    """U-Net: convolutions down and up again, with what each size saw handed across, for masks.

    Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation" (MICCAI 2015). The loss is
    cross-entropy and the soft Dice loss of Milletari et al. (2016), weighted.
    """

    Config = UNetConfig
    default_problem = "shapes"
    score = Masks.score
    default_steps = 1000

    def make_task(self, target: Target) -> Task:
        """Masks, with the Dice loss; or a picture."""
        height, width = self.dataset.spec.shape[:2] if self.dataset.spec.picture else (0, 0)
        if target.spec.shape[:2] != (height, width):
            raise UserError(
                f"UNet learns a class, or numbers, for each pixel of a picture, and '{self.problem}' has examples "
                f"{self.dataset.spec} with targets {target.spec}. Take cnn or mlp, or a data set with masks: shapes."
            )
        if target.classes:
            return Masks(target, self.config, dice_weight=self.config.dice_weight)
        return super().make_task(target)

    def network(self) -> Any:
        """Down `depth` times, and up again.

        Raises:
            UserError: the examples are no pictures, or cannot be halved so often without a rest.
        """
        c, (height, width, _) = self.config, self.inputs.shape
        require_picture(self, halvings=c.depth)
        if height % 2**c.depth or width % 2**c.depth:
            raise UserError(
                f"Pictures of {height} x {width} pixels cannot be halved {c.depth} times without a rest: set a smaller "
                f"depth, or make height and width multiples of {2**c.depth}."
            )
        made: Layers = c.layers(self.dtype)
        x = picture = keras.Input(self.inputs.shape, dtype="float32")
        seen = []
        for level in range(c.depth):
            x = self._twice(x, made, c.filters * 2**level)
            seen.append(x)
            x = keras.layers.MaxPooling2D(2, dtype=self.dtype)(x)
        x = made.dropped(self._twice(x, made, c.filters * 2**c.depth))
        for level in reversed(range(c.depth)):
            filters = c.filters * 2**level
            up = keras.layers.Conv2DTranspose(
                filters, 2, strides=2, kernel_initializer=made.weights(), dtype=self.dtype
            )
            x = keras.layers.Concatenate(dtype=self.dtype)([seen[level], up(x)])
            x = self._twice(x, made, filters)
        last = keras.layers.Conv2D(self.task.outputs // (height * width), 1, dtype="float32")
        return keras.Model(picture, last(x))

    def _twice(self, x: Any, made: Layers, filters: int) -> Any:
        return made.convolution(made.convolution(x, filters, 3), filters, 3)
