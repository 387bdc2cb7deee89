"""What TFLite has no words for."""

from __future__ import annotations

from pathlib import Path

import exports
import numpy as np
import pytest
import tensorflow as tf

from rlgen.exporting import tflite
from rlgen.exporting.formats import CannotTake
from rlgen.served import Served
from rlgen.spec import Spec


def test_the_operation_that_it_lacks_is_named_in_a_line(tmp_path: Path) -> None:
    served = Served(
        about="A sum in the precision of training.",
        inputs={"x": Spec((2, 2, 1))},
        function=lambda inputs: {
            "y": tf.nn.avg_pool2d(tf.cast(inputs["x"], tf.bfloat16), 2, 2, "VALID"),
            "found": tf.strings.length(tf.strings.as_string(inputs["x"])),
        },
        reference=lambda inputs: {"y": inputs["x"]},
        fresh=lambda count, seed: {"x": np.zeros((count, 2, 2, 1), np.float32)},
    )
    with pytest.raises(CannotTake) as caught:
        tflite.write(exports.order({"look": served}), tmp_path)
    said = str(caught.value)
    assert "it has no" in said and "AsString" in said and len(said) < 400
    assert said.endswith("Formats that may: saved_model, onnx, keras.")
    assert not list(tmp_path.iterdir())
