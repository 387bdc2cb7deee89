"""The generative adversarial network of Goodfellow et al. (2014), with dense nets, compiled whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rlgen.config import another_default
from rlgen.generative import books
from rlgen.generative.adversarial import AdversarialConfig, AdversarialModel
from rlgen.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class GANConfig(AdversarialConfig):
    """What a dense GAN can be told."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "pictures": {
            "about": "For pictures: a longer latent vector, wider nets, smaller steps and no noise on what D sees.",
            "latent_size": 100,
            "generator_hidden_units": (256, 512, 1024),
            "discriminator_hidden_units": (512, 256),
            "activation": "relu",
            "generator_learning_rate": 2e-4,
            "discriminator_learning_rate": 2e-4,
            "instance_noise": 0.0,
        },
        "book-hands-on-ml": {
            "about": "Geron (2019), chapter 17, for Fashion-MNIST: RMSprop, batches of 32, no noise and no average.",
            "latent_size": 30,
            "generator_hidden_units": (100, 150),
            "discriminator_hidden_units": (150, 100),
            "activation": "selu",
            "output_activation": "sigmoid",
            "instance_noise": 0.0,
            **books.HANDS_ON_TRAINING,
        },
    }

    instance_noise: Schedule = another_default(
        AdversarialConfig, "instance_noise", Schedule.parse("exponential:start=1,factor=0.5,every=600")
    )


class GAN(AdversarialModel):
    """Dense GAN: a generator and a discriminator that play against each other, on any data set.

    Paper: Goodfellow et al., "Generative Adversarial Networks" (NeurIPS 2014), algorithm 1. D ascends
    log D(x) + log(1 - D(G(z))); G ascends log D(G(z)) instead of descending log(1 - D(G(z))), unless `loss` says
    otherwise.
    """

    Config = GANConfig
