"""What models that learn from data need so that others can use them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rlgen import data
from rlgen.data.serving import random_examples, scaled
from rlgen.spec import Spec


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float32"])
def test_examples_are_scaled_as_training_scales_them_in_symbols_too(dtype: str) -> None:
    spec = Spec((2, 3, 1), dtype)
    x = random_examples(spec, 5, np.random.default_rng(0))
    assert x.shape == (5, 2, 3, 1) and x.dtype == np.dtype(dtype)
    given = keras.Input(spec.shape, dtype=dtype)
    model = keras.Model(given, keras.layers.Identity()(scaled(given, spec)))
    np.testing.assert_allclose(model(x), data.scaled(x), rtol=1e-6)
