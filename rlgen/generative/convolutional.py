"""What adversarial models of pictures share: nets that are convolutional for pictures and dense for other data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rlgen.config import another_default, option
from rlgen.errors import UserError
from rlgen.generative import books, nets
from rlgen.generative.adversarial import AdversarialConfig, AdversarialModel


@dataclass(frozen=True, kw_only=True)
class ConvolutionalConfig(AdversarialConfig, nets.FiltersConfig):
    """What models of pictures can be told, on top."""

    latent_size: int = another_default(AdversarialConfig, "latent_size", 100)
    generator: str = option(
        "auto",
        "The generator: auto (convolutional for pictures, dense for other data), convolutional, dense, the name of a "
        "book's, or package.module:function, whose last layer gets the output's activation.",
    )
    discriminator: str = option("auto", "The discriminator: as the generator.")
    kernel_size: int = option(4, "Pixels along a side of each kernel.", at_least=2, at_most=16)
    generator_batch_norm: bool = option(True, "Batch normalisation in the convolutional generator, but at its end.")
    discriminator_batch_norm: bool = option(
        True, "Batch normalisation in the convolutional discriminator, but next to the picture."
    )
    generator_leak: float = option(0.0, "Slope of the generator's ReLU below 0.", at_least=0, below=1)
    discriminator_leak: float = option(0.2, "Slope of the discriminator's ReLU below 0.", at_least=0, below=1)
    dropout: float = option(
        0.0, "Share of what the discriminator's layers put out that is dropped.", at_least=0, below=1
    )
    spectral_norm: bool = option(
        False, "Divide each kernel of the convolutional discriminator by its largest singular value."
    )
    minibatch_group: int = option(
        0,
        "Examples of a batch of which the convolutional discriminator is told how much they differ; 0: it is not.",
        at_least=0,
    )
    initialization: nets.Initialization = option(
        "normal",
        "Weights of both nets: normal with standard deviation 0.02, or He's, uniform over the mean of both fans.",
    )


class ConvolutionalModel(AdversarialModel):
    """Base of adversarial models whose nets are convolutional for pictures and dense for all other data."""

    Config: ClassVar[type[ConvolutionalConfig]] = ConvolutionalConfig
    memory_advice = "Make batch_size, filters, the hidden layers, the data or evaluation_samples smaller"

    def generator_net(self) -> Any:
        """From latent vectors to examples, in their shape but where the net is dense."""
        c = self.config
        net = self._net(c.generator)
        if net is None:
            return super().generator_net()
        layers = nets.Layers(
            kernel=c.kernel_size,
            batch_norm=c.generator_batch_norm,
            leak=c.generator_leak,
            initialization=c.initialization,
            dtype=self.dtype,
        )
        with self.seeded("generator"):
            return net.generator(
                self.latent_spec.size, self.inputs.shape, c.filters, c.most_filters, layers, self.output
            )

    def discriminator_net(self) -> Any:
        """From examples, in their shape but where the net is dense, to a logit."""
        c = self.config
        net = self._net(c.discriminator)
        for field, off in (("spectral_norm", False), ("minibatch_group", 0)):
            if getattr(c, field) and net is not nets.CONVOLUTIONAL:
                raise UserError(
                    f"{field}={str(getattr(c, field)).lower()} is for the convolutional discriminator, and "
                    f"discriminator={c.discriminator} makes another one for '{self.problem}', {self.inputs}: set "
                    f"{field}={str(off).lower()}."
                )
        if net is None:
            return super().discriminator_net()
        # The gradient of a gradient, and singular values, lose too much in eight bits of precision.
        dtype = "float32" if c.gradient_penalty or c.r1 or c.spectral_norm else self.dtype
        layers = nets.Layers(
            kernel=c.kernel_size,
            batch_norm=c.discriminator_batch_norm,
            leak=c.discriminator_leak,
            dropout=c.dropout,
            initialization=c.initialization,
            spectral=c.spectral_norm,
            classes=self.class_count,
            group=c.minibatch_group,
            dtype=dtype,
        )
        with self.seeded("discriminator"):
            return net.discriminator(self.inputs.shape, c.filters, c.most_filters, layers)

    def _net(self, name: str) -> nets.Pair | None:
        """The builders behind a name; None: the base has them."""
        if name == "auto":
            name = "convolutional" if self.inputs.picture else "dense"
        net = {"convolutional": nets.CONVOLUTIONAL, **books.NETS}.get(name)
        if net is not None and not self.inputs.picture:
            raise UserError(
                f"'{name}' makes and sees pictures, and the examples of '{self.problem}' are {self.inputs}: set "
                "generator=auto and discriminator=auto, or choose other data."
            )
        return net
