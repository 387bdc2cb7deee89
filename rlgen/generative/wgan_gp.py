"""The Wasserstein GAN of Gulrajani et al. (2017), its critic kept flat by a penalty on its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rlgen import networks
from rlgen.config import another_default
from rlgen.generative.convolutional import ConvolutionalConfig, ConvolutionalModel
from rlgen.generative.losses import LossName
from rlgen.generative.nets import Initialization
from rlgen.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class WGANGPConfig(ConvolutionalConfig):
    """What a WGAN-GP can be told; the discriminator is the critic."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "about": "The authors' recipe for CIFAR-10 of their plain convolutional nets.",
            "latent_size": 128,
            "filters": 128,
            "kernel_size": 5,
            "ema_decay": 0.0,
        },
        "ring": {
            "about": "For points in the plane: the authors' lambda for such, and steps that come down to nothing over "
            "10,000 updates.",
            "latent_size": 2,
            "gradient_penalty": 0.1,
            "generator_learning_rate": "linear:start=1e-3,end=0,over=10000",
            "discriminator_learning_rate": "linear:start=1e-3,end=0,over=10000",
        },
    }

    batch_size: int = another_default(ConvolutionalConfig, "batch_size", 64)
    activation: networks.Activation = another_default(ConvolutionalConfig, "activation", "relu")
    loss: LossName = another_default(ConvolutionalConfig, "loss", "wasserstein")
    gradient_penalty: float = another_default(ConvolutionalConfig, "gradient_penalty", 10.0)
    generator_learning_rate: Schedule = another_default(
        ConvolutionalConfig, "generator_learning_rate", Schedule.parse(1e-4)
    )
    discriminator_learning_rate: Schedule = another_default(
        ConvolutionalConfig, "discriminator_learning_rate", Schedule.parse(1e-4)
    )
    beta_2: float = another_default(ConvolutionalConfig, "beta_2", 0.9)
    discriminator_updates: int = another_default(ConvolutionalConfig, "discriminator_updates", 5)
    discriminator_batch_norm: bool = another_default(ConvolutionalConfig, "discriminator_batch_norm", False)
    initialization: Initialization = another_default(ConvolutionalConfig, "initialization", "he")


class WGANGP(ConvolutionalModel):
    """WGAN-GP: a critic whose scores estimate how far samples are from the data, its gradient held near 1.

    Paper: Gulrajani et al., "Improved Training of Wasserstein GANs" (NeurIPS 2017), algorithm 1: five updates of the
    critic D, each on a fresh batch, down mean D(G(z)) - mean D(x) + lambda * mean (|gradient of D at x'| - 1)^2, where
    x' lies anywhere between an x and a G(z), with Adam (0.5, 0.9); and one of the generator up mean D(G(z)). The
    critic has no batch normalisation, for the penalty is about each example by itself.
    """

    Config = WGANGPConfig
    default_steps = 10_000
