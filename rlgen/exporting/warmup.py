"""Requests that TensorFlow Serving answers when it loads a model, so that the first client does not wait.

The messages are TensorFlow Serving's `PredictionLog`; its package would bring all of TensorFlow's server protocol for
three of them, so their few fields are declared here by number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rlgen.exporting.formats import Order

# Where TensorFlow Serving looks for them, and how many of a signature there are.
PLACE, REQUESTS = Path("assets.extra") / "tf_serving_warmup_requests", 2


def write(order: Order, place: Path) -> None:
    """A file of records below a SavedModel."""
    import tensorflow as tf

    (place / PLACE).parent.mkdir()
    with tf.io.TFRecordWriter(str(place / PLACE)) as records:
        for signature, served in order.served.items():
            inputs = served.fresh(REQUESTS, 0)
            for i in range(REQUESTS):
                one = {name: tf.make_tensor_proto(array[i : i + 1]) for name, array in inputs.items()}
                records.write(_log(order.name, signature, one))


def _log(model: str, signature: str, inputs: dict[str, Any]) -> bytes:
    """A `PredictionLog` of a `PredictRequest`: field numbers are those of tensorflow_serving/apis."""
    spec = _field(1, model.encode()) + _field(3, signature.encode())
    entries = (_field(1, name.encode()) + _field(2, proto.SerializeToString()) for name, proto in inputs.items())
    request = _field(1, spec) + b"".join(_field(2, entry) for entry in entries)
    return _field(6, _field(1, request))


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes, as protocol buffers write it: its number and kind, its length, itself."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])
