"""Pictures brought to a network's size, and names that say which network saw them."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import rlgen
from rlgen import registry
from rlgen.data.model import Model
from rlgen.errors import UserError
from rlgen.library import Origin
from rlgen.metrics import pretrained
from rlgen.metrics.pretrained import ImageNetFeatures, InceptionFeatures, Pretrained
from rlgen.networks import efficientnet, inception
from rlgen.spec import Spec


class Means(Pretrained):
    """A network that sees the mean of a picture's left half, in each channel."""

    kind, network_name, classes = "means", "left_half", 2

    def side(self, pixels: int) -> int:
        return 4

    def network(self) -> Callable[[Any], tuple[Any, Any]]:
        return lambda x: (tf.reduce_mean(x[:, :, :2], (1, 2)), tf.ones((x.shape[0] or tf.shape(x)[0], 2)))


@pytest.fixture
def weights(data_place: Path) -> Iterator[Path]:
    @rlgen.register("weights", "left_half")
    class LeftHalf:
        origin = Origin(licence="none", what="network", needs=(("left.bin",),), by_hand="left.bin")

    (data_place / "left.bin").write_bytes(b"weights")
    yield data_place / "left.bin"
    registry.unregister("weights", "left_half")


def model(*shape: int) -> Any:
    made = types.SimpleNamespace(made=Spec(shape), problem="pictures")
    made.in_batches = functools.partial(Model.in_batches, made)
    return made


def test_the_name_says_the_side_and_the_file(weights: Path) -> None:
    first = Means(model(8, 8, 3)).name
    assert first.startswith("means_4_") and len(first) == len("means_4_") + 8
    weights.write_bytes(b"others")
    assert Means(model(8, 8, 3)).name != first


def test_pictures_become_smaller_by_averaging(weights: Path) -> None:
    """Of stripes a pixel wide every second one would be all white or all black."""
    stripes = np.tile(np.arange(16) % 2, (2, 16, 1))[..., None].astype(np.float32)
    features = Means(model(16, 16, 1))(stripes).features
    np.testing.assert_allclose(features, 0.5, atol=0.05)


def test_any_number_of_pictures_grey_or_in_colour(weights: Path) -> None:
    count = pretrained.AT_ONCE + 3
    grey = np.linspace(0, 1, count, dtype=np.float32)[:, None, None, None] * np.ones((1, 6, 8, 1), np.float32)
    seen = Means(model(6, 8, 1))(grey)
    np.testing.assert_allclose(seen.features, np.repeat(grey[:, 0, 0], 3, axis=1), atol=1e-6)
    np.testing.assert_allclose(Means(model(6, 8, 3))(np.repeat(grey, 3, -1)).features, seen.features, atol=1e-6)
    assert seen.probabilities is not None and seen.probabilities.shape == (count, 2)


def test_what_has_no_picture_or_no_weights_is_refused(weights: Path) -> None:
    with pytest.raises(UserError, match=r"sees pictures, and what is made of 'pictures' is .*metric_features=raw"):
        Means(model(2))
    weights.unlink()
    with pytest.raises(UserError, match="The network 'left_half' is not here: put left.bin into"):
        Means(model(8, 8, 3))


def test_imagenets_network_is_larger_for_larger_pictures(data_place: Path) -> None:
    (data_place / efficientnet.FILE).write_bytes(b"")
    sides = {pixels: ImageNetFeatures(model(8, pixels, 3))._side for pixels in (8, 64, 65, 128, 129, 256)}
    assert sides == {8: 64, 64: 64, 65: 128, 128: 128, 129: 224, 256: 224}


def test_inceptions_file_without_its_last_layer_knows_no_classes(data_place: Path) -> None:
    for file, classes in ((inception.WITHOUT_TOP, 0), (inception.WITH_TOP, 1000)):
        (data_place / file).write_bytes(b"")
        assert InceptionFeatures(model(8, 8, 3)).classes == classes


def test_imagenets_features_of_a_model(tmp_path: Path) -> None:
    """The whole way: they are in the names of figures, and classes that the data do not have are not asked for."""
    from rlgen.generative.dcgan import DCGAN, DCGANConfig

    small = {"filters": 2, "batch_size": 8, "evaluation_samples": 20, "metric_features": "imagenet"}
    try:
        learner = DCGAN(problem="digits", config=DCGANConfig.build({**small, "metrics": "kid"}), seed=0)
    except UserError as missing:
        pytest.skip(f"The network is not here: {missing}")
    scalars = learner.evaluate(episodes=1, seed=0, split="validation").scalars
    assert any(name.startswith("eval/kid_imagenet_64_") for name in scalars)
    config = DCGANConfig.build({**small, "metrics": "as_asked", "conditional": True})
    with pytest.raises(UserError, match="classes of 'digits', which metric_features=imagenet does not tell apart"):
        DCGAN(problem="digits", config=config, seed=0)
