from typing import Any

import keras
import numpy as np
import pytest
import same_bits
from small_pictures import of_size

from rlgen import registry, state
from rlgen.errors import UserError
from rlgen.supervised import transfer
from rlgen.supervised.transfer import Transfer, TransferConfig


@pytest.fixture
def small_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of a network with millions of weights one convolution with batch normalisation."""

    def backbone(self: Transfer, shape: tuple[int, ...]) -> Any:
        x = picture = keras.Input(shape)
        x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 5, 4)(x))
        return keras.Model(picture, keras.layers.ReLU()(x))

    monkeypatch.setattr(Transfer, "_backbone", backbone)


def make(problem: str, **config: object) -> Transfer:
    return Transfer(problem=problem, config=TransferConfig.build({"batch_size": 8, **config}), seed=0)


def frozen(model: Transfer) -> list[Any]:
    return [variable.numpy() for variable in model.backbone.variables]


def test_the_head_learns_from_features_as_it_would_from_pictures(small_backbone: None) -> None:
    problem = of_size(32, 32, 3)
    known, seen = make(problem, standardize=True), make(problem, standardize=True)
    seen.__dict__["_features"] = seen.feed
    seen.top, seen.backbone.trainable = seen.net, False
    before = frozen(known)
    first, second = known.train(6), seen.train(6)
    assert first["train/loss"] == pytest.approx(second["train/loss"], rel=1e-4)
    x = known.examples("test").x
    np.testing.assert_allclose(known.predict(x), seen.predict(x), atol=1e-4)
    assert all((one == two).all() for one, two in zip(before, frozen(known), strict=True))


def test_fine_tuning_moves_all_weights_no_statistics_and_resumes_to_the_bit(small_backbone: None) -> None:
    problem = of_size(32, 32, 1)
    whole, cut = (make(problem, fine_tune_after_updates=4, fine_tune_learning_rate=1e-2) for _ in range(2))
    before = frozen(whole)
    scalars = whole.train(7)
    assert scalars["train/learning_rate"] == 1e-2
    moved = [not np.array_equal(one, two) for one, two in zip(before, frozen(whole), strict=True)]
    # Kernel, bias, gamma, beta; mean and variance.
    assert moved == [True] * 4 + [False] * 2
    cut.train(3)
    resumed = make(problem, fine_tune_after_updates=4, fine_tune_learning_rate=1e-2)
    state.write(resumed.state(), state.read(cut.state()))
    resumed.train(2)
    resumed.train(2)
    same_bits.assert_same_bits(whole, resumed)


def test_augmented_pictures_are_seen_anew_each_time(small_backbone: None) -> None:
    model = make(of_size(32, 32, 3), augment="flip")
    assert np.isfinite(model.train(2)["train/loss"])
    assert "_features" not in vars(model)


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="transfer's backbone learned others"):
        TransferConfig(reconstruction_weight=0.1)
    with pytest.raises(UserError, match="8 x 8 pixels cannot be halved 5 times"):
        make("digits")
    with pytest.raises(UserError, match="There is no such network|there is no such network.*MobileNetV2"):
        make(of_size(32, 32, 3), backbone="MobileNetV9")
    with pytest.raises(UserError, match="sees squares, and these pictures are 32 x 64"):
        make(of_size(32, 64, 3))
    monkeypatch.setattr(registry.load(transfer.IMAGENET, ("weights",)).origin.__class__, "find", lambda self: None)
    with pytest.raises(UserError, match="rlgen data get efficientnet_lite0"):
        make(of_size(32, 32, 3))
