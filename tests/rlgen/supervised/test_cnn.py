import numpy as np
import pytest
from small_pictures import of_size

from rlgen.errors import UserError
from rlgen.supervised.cnn import CNN, CNNConfig


def make(problem: str, preset: str | None = None, **config: object) -> CNN:
    return CNN(problem=problem, config=CNNConfig.build(config, preset=preset), seed=0)


def test_the_books_net_has_the_books_weights() -> None:
    assert make(of_size(28, 28, 1), "book-hands-on-ml").net.count_params() == 1_413_834


def test_the_average_of_each_channel_saves_most_weights() -> None:
    flat, average = (make(of_size(16, 16, 3), head=head, hidden_units=()) for head in ("flatten", "average"))
    assert flat.net.count_params() - average.net.count_params() == (16 - 1) * 64 * 10


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UserError, match="CNN sees pictures"):
        make("moons")
    with pytest.raises(UserError, match="2 x 2 pixels cannot be halved 2 times"):
        make(of_size(2, 2, 1))
    with pytest.raises(UserError, match="kernel_sizes has 2 numbers and filters 3"):
        CNNConfig(filters=(1, 2, 3), kernel_sizes=(3, 3))
    with pytest.raises(UserError, match="pool_after=3: there are 2 convolutions"):
        CNNConfig(filters=(1, 2), pool_after=(3,))


def test_a_batch_goes_through_with_dropout_of_pictures_and_augmentation() -> None:
    model = make(
        of_size(8, 8, 3), filters=(4,), pool_after=(1,), picture_dropout_rate=0.2, batch_size=8, augment="flip"
    )
    assert np.isfinite(model.train(2)["train/loss"])
    assert model.predict(np.zeros((3, 8, 8, 3), np.uint8)).shape == (3, 10)
