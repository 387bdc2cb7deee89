"""InceptionV3 from Keras' file, with its last layer and without; a small network stands for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from rlgen.errors import RlgenError
from rlgen.networks import inception

FEATURES, CLASSES = 4, 3


def small(*, include_top: bool, weights: None, input_shape: tuple[int, ...], **options: Any) -> Any:
    """Of the arguments and of the ends of `keras.applications.InceptionV3`."""
    keras.utils.set_random_seed(0)
    image = keras.Input(input_shape)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(FEATURES, 1)(image))
    if include_top:
        x = keras.layers.Dense(CLASSES, options["classifier_activation"])(x)
    return keras.Model(image, x)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.applications, "InceptionV3", small)


@pytest.mark.parametrize(("name", "top"), [(inception.WITH_TOP, True), (inception.WITHOUT_TOP, False)])
def test_features_and_chances(name: str, top: bool, tmp_path: Path) -> None:
    side = (inception.SIDE, inception.SIDE, 3)
    options = {"classifier_activation": "softmax"} if top else {}
    whole = small(include_top=top, weights=None, input_shape=side, **options)
    file = tmp_path / name
    with h5py.File(file, "w") as written:
        save_weights_to_hdf5_group(written, whole)
    x = tf.fill((2, *side), 0.75)
    features, chances = inception.network(file)(x)
    assert features.shape == (2, FEATURES) and chances.shape == (2, CLASSES if top else 0)
    # Pixels reach it between -1 and 1.
    expected = whole(2 * x - 1)
    np.testing.assert_allclose(chances if top else features, expected, rtol=1e-5)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / inception.WITH_TOP
    file.write_bytes(b"no weights")
    with pytest.raises(RlgenError, match=rf"{inception.WITH_TOP}' is damaged"):
        inception.network(file)
