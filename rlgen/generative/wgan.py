"""The Wasserstein GAN of Arjovsky et al. (2017), its critic kept flat by clipping its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from rlgen import networks
from rlgen.config import another_default
from rlgen.generative.convolutional import ConvolutionalConfig, ConvolutionalModel
from rlgen.generative.losses import LossName
from rlgen.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class WGANConfig(ConvolutionalConfig):
    """What a WGAN can be told; the discriminator is the critic."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "about": "The authors' recipe for pictures: small steps, narrow weights, no average.",
            "weight_clip": 0.01,
            "generator_learning_rate": 5e-5,
            "discriminator_learning_rate": 5e-5,
            "ema_decay": 0.0,
        },
        "ring": {
            "about": "For points in the plane: wider weights, and steps that come down to nothing over 20,000 updates.",
            "latent_size": 2,
            "weight_clip": 0.2,
            "generator_learning_rate": "linear:start=5e-4,end=0,over=20000",
            "discriminator_learning_rate": "linear:start=1e-3,end=0,over=20000",
        },
        "book-mastering-tensorflow": {
            "about": "Dua (2022), chapter 10, for digits of 28 x 28 pixels.",
            "generator": "book_wgan",
            "discriminator": "book_wgan",
            "latent_size": 50,
            "weight_clip": 0.01,
            "generator_learning_rate": 5e-5,
            "discriminator_learning_rate": 5e-5,
            "ema_decay": 0.0,
        },
    }

    batch_size: int = another_default(ConvolutionalConfig, "batch_size", 64)
    activation: networks.Activation = another_default(ConvolutionalConfig, "activation", "relu")
    loss: LossName = another_default(ConvolutionalConfig, "loss", "wasserstein")
    weight_clip: float = another_default(ConvolutionalConfig, "weight_clip", 0.01)
    optimizer: Literal["adam", "rmsprop"] = another_default(ConvolutionalConfig, "optimizer", "rmsprop")
    generator_learning_rate: Schedule = another_default(
        ConvolutionalConfig, "generator_learning_rate", Schedule.parse(5e-5)
    )
    discriminator_learning_rate: Schedule = another_default(
        ConvolutionalConfig, "discriminator_learning_rate", Schedule.parse(5e-5)
    )
    discriminator_updates: int = another_default(ConvolutionalConfig, "discriminator_updates", 5)


class WGAN(ConvolutionalModel):
    """WGAN: a critic whose scores estimate how far samples are from the data, its weights clipped.

    Paper: Arjovsky, Chintala and Bottou, "Wasserstein GAN" (ICML 2017), algorithm 1: five updates of the critic f,
    each on a fresh batch, up mean f(x) - mean f(G(z)) with RMSprop, its weights then clipped to [-c, c]; and one of
    the generator up mean f(G(z)).
    """

    Config = WGANConfig
