"""Fields side by side come back as they were."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from rlgen.agents.columns import Columns
from rlgen.spec import Spec


def test_fields_of_any_type_come_back_as_they_were() -> None:
    generator = np.random.default_rng(0)
    columns = Columns([Spec((2, 2, 1), "uint8"), Spec((), "int32"), Spec((3,)), Spec((), "bool")])
    fields = [
        generator.integers(256, size=(5, 4, 2, 2, 1)).astype(np.uint8),
        generator.integers(2**24, size=(5, 4)).astype(np.int32),
        generator.normal(size=(5, 4, 3)).astype(np.float32),
        generator.random((5, 4)) < 0.5,
    ]
    packed = columns.pack(fields, (5, 4))
    assert (packed.shape, packed.dtype, columns.width) == ((5, 4, 9), tf.float32, 9)
    for field, back in zip(fields, columns.unpack(packed), strict=True):
        assert back.dtype == field.dtype
        np.testing.assert_array_equal(back, field)
