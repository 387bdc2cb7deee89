import numpy as np
import pytest

from rlgen import registry
from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.errors import UserError
from rlgen.spec import Spec
from rlgen.supervised.unet import UNet, UNetConfig


class Squares(Dataset):
    """A square brighter at its edge than what is around it, and no brighter within."""

    spec = Spec((16, 16, 1), "uint8")
    target = Target(Spec((16, 16), "int32"), ("around", "square"))

    def split(self, part: Part) -> Arrays:
        random = np.random.default_rng({"train": 0, "validation": 1, "test": 2}[part])
        x, y = random.integers(60, 140, (100, 16, 16, 1)).astype(np.uint8), np.zeros((100, 16, 16), np.int32)
        for picture, mask, (top, left) in zip(x, y, random.integers(0, 8, (100, 2)), strict=True):
            picture[top : top + 8, left : left + 8] = 255
            picture[top + 1 : top + 7, left + 1 : left + 7] = random.integers(60, 140, (6, 6, 1))
            mask[top : top + 8, left : left + 8] = 1
        return Arrays(x, y)


def make(problem: str, **config: object) -> UNet:
    return UNet(problem=problem, config=UNetConfig.build(config), seed=0)


def test_it_finds_what_no_threshold_does(clean_registry: None) -> None:
    registry.register("dataset", "squares")(Squares)
    model = make("squares", filters=4, depth=2, learning_rate=0.01, augment="flip")
    model.train(100)
    found = model.evaluate(episodes=1, seed=0, split="test")
    assert found.scalars["eval/dice"] > 0.9 > 0.7 > found.scalars["eval/dice_thresholds"]
    assert found.images["eval/examples"].shape[2] == 3
    assert "| square |" in found.texts["eval/by_class"]
    assert model.predict(Squares().split("test").x).shape == (100, 16, 16, 2)


def test_what_cannot_be_is_refused(clean_registry: None) -> None:
    registry.register("dataset", "squares")(Squares)
    with pytest.raises(UserError, match="learns a class, or numbers, for each pixel"):
        make("digits")
    with pytest.raises(UserError, match="reconstruction_weight makes examples again from features"):
        make("squares", reconstruction_weight=0.1)
    with pytest.raises(UserError, match="cannot be halved 5 times"):
        make("squares", depth=5)
