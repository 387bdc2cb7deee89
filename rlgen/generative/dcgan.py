"""The deep convolutional GAN of Radford et al. (2016)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rlgen.config import another_default
from rlgen.errors import UserError
from rlgen.generative import books
from rlgen.generative.convolutional import ConvolutionalConfig, ConvolutionalModel
from rlgen.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class DCGANConfig(ConvolutionalConfig):
    """What a DCGAN can be told."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "about": "The authors' recipe for faces of 64 pixels: twice the filters, 5 x 5, uniform noise, no average.",
            "latent_distribution": "uniform",
            "filters": 128,
            "most_filters": 1024,
            "kernel_size": 5,
            "ema_decay": 0.0,
        },
        "tutorial": {
            "about": "TensorFlow's tutorial for Fashion-MNIST in 28 x 28 pixels: other nets than the paper's.",
            "generator": "tutorial",
            "discriminator": "tutorial",
            "batch_size": 256,
            "generator_learning_rate": 1e-4,
            "discriminator_learning_rate": 1e-4,
            "beta_1": 0.9,
            "ema_decay": 0.0,
        },
        "book-hands-on-ml": {
            "about": "Geron (2019), chapter 17, for Fashion-MNIST: SELU in G, dropout in place of normalisation in D.",
            "latent_size": 100,
            "generator": "book_hands_on_ml",
            "discriminator": "book_hands_on_ml",
            **books.HANDS_ON_TRAINING,
        },
    }

    generator_learning_rate: Schedule = another_default(
        ConvolutionalConfig, "generator_learning_rate", Schedule.parse(2e-4)
    )
    discriminator_learning_rate: Schedule = another_default(
        ConvolutionalConfig, "discriminator_learning_rate", Schedule.parse(2e-4)
    )


class DCGAN(ConvolutionalModel):
    """DCGAN: generator and discriminator are convolutional, as deep as the pictures are large.

    Paper: Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
    Adversarial Networks" (ICLR 2016): strided convolutions instead of pooling, batch normalisation but at the
    generator's end and the discriminator's beginning, no dense hidden layers, ReLU in G, leaky ReLU in D, tanh at
    the end, Adam with beta_1 0.5. The game itself is the GAN's.
    """

    Config = DCGANConfig
    default_problem = "digits"
    default_steps = 10_000

    def check_data(self) -> None:
        """Refuse what has no rows and columns."""
        super().check_data()
        if not self.inputs.picture:
            raise UserError(
                f"dcgan learns pictures [height, width, channels], and the examples of '{self.problem}' are "
                f"{self.inputs}: `gan`, `wgan` and `wgan_gp` learn those."
            )
