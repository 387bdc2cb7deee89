from __future__ import annotations

import numpy as np
import pytest
from small_pictures import small_pictures

from rlgen.errors import UserError
from rlgen.generative import books
from rlgen.generative.gan import GAN, GANConfig
from rlgen.generative.nets import Layers

PICTURE = (28, 28, 1)


@pytest.mark.parametrize(
    ("name", "latent_size", "generator", "discriminator"),
    [
        ("tutorial", 100, 2_330_944, 212_865),
        ("book_wgan", 50, 851_713, 70_337),
        ("book_hands_on_ml", 100, 840_705, 212_865),
    ],
)
def test_sizes_are_those_printed(name: str, latent_size: int, generator: int, discriminator: int) -> None:
    net = books.NETS[name]
    makes = net.generator(latent_size, PICTURE, 0, 0, Layers(), "tanh")
    judges = net.discriminator(PICTURE, 0, 0, Layers())
    assert makes.count_params() == generator
    assert judges.count_params() == discriminator
    made = makes(np.zeros((2, latent_size), np.float32))
    assert tuple(made.shape) == (2, *PICTURE)
    assert tuple(judges(made).shape) == (2, 1)


def test_the_counts_of_what_does_not_learn() -> None:
    """The averages of batch normalisation, as the book's summary has them."""
    net = books.NETS["book_wgan"]
    still = [
        sum(int(np.prod(variable.shape)) for variable in model.non_trainable_variables)
        for model in (net.generator(50, PICTURE, 0, 0, Layers(), "tanh"), net.discriminator(PICTURE, 0, 0, Layers()))
    ]
    assert still == [512, 256]


def test_other_sizes_that_double_twice_will_do_and_no_others() -> None:
    for name in books.NETS:
        made = books.NETS[name].generator(3, (64, 64, 3), 0, 0, Layers(), "tanh")
        assert made.output_shape == (None, 64, 64, 3)
        with pytest.raises(UserError, match="8 x 8 pixels are doubled once"):
            books.NETS[name].generator(3, (8, 8, 1), 0, 0, Layers(), "tanh")


def test_the_dense_gan_of_the_book_has_its_sizes() -> None:
    gan = GAN(problem=small_pictures(28), config=GANConfig.build(preset="book-hands-on-ml"), seed=0)
    assert gan.generator.count_params() == 136_634
    assert gan.discriminator.count_params() == 132_951
    assert gan.output == "sigmoid" and float(gan.generator_optimizer.rho) == pytest.approx(0.9)
