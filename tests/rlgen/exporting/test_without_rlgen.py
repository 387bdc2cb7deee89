"""Exports used by those who have no rlgen: TensorFlow, Keras, ONNX Runtime and the TFLite interpreter alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import exports
import numpy as np
import pytest

from rlgen.exporting import warmup

PROGRAMS = {
    "saved_model": """
import tensorflow as tf
model = tf.saved_model.load(place)
found = {key: value.numpy() for key, value in model.signatures["serving_default"](x=tf.constant(x)).items()}
""",
    "keras": """
import keras
found = {key: value.numpy() for key, value in keras.models.load_model(place + "/predict.keras")({"x": x}).items()}
""",
    "onnx": """
import onnxruntime
session = onnxruntime.InferenceSession(place + "/predict.onnx")
names = [each.name for each in session.get_outputs()]
found = dict(zip(names, session.run(names, {"x": x})))
""",
    "tflite": """
from ai_edge_litert.interpreter import Interpreter
found = Interpreter(model_path=place + "/model.tflite").get_signature_runner("predict")(x=x)
""",
}
FRAME = """
import json, sys
import numpy as np
place = sys.argv[1]
x = np.load(sys.argv[2])
{program}
assert not any(name.split(".")[0] == "rlgen" for name in sys.modules)
print(json.dumps({{key: np.asarray(value).tolist() for key, value in found.items()}}))
"""


@pytest.mark.parametrize("format", PROGRAMS)
def test_a_program_that_knows_nothing_of_the_house(format: str, tmp_path: Path) -> None:
    model = exports.made("mlp")
    exports.written(model, tmp_path / "out", format=format)
    x = model.fresh_examples(3, 0)
    np.save(tmp_path / "x.npy", x)
    program = FRAME.format(program=PROGRAMS[format])
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "out"), str(tmp_path / "x.npy")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    np.testing.assert_allclose(found["probabilities"], model.predict(x), atol=1e-5)
    assert found["class"] == model.predict(x).argmax(-1).tolist()


def test_warm_up_records_are_requests_of_tensorflow_serving(tmp_path: Path) -> None:
    """Read by the field numbers of its `PredictionLog`, with protocol buffers' own parser."""
    import tensorflow as tf
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    exports.written(exports.made("mlp"), tmp_path / "out", format="saved_model")
    file = descriptor_pb2.FileDescriptorProto(name="serving.proto", package="serving", syntax="proto3")
    layout = {
        "Spec": [("name", 1, "string"), ("signature_name", 3, "string")],
        "Entry": [("key", 1, "string"), ("value", 2, "bytes")],
        "Request": [("model_spec", 1, "Spec"), ("inputs", 2, "Entry*")],
        "Log": [("request", 1, "Request")],
        "PredictionLog": [("predict_log", 6, "Log")],
    }
    field = descriptor_pb2.FieldDescriptorProto
    for message, fields in layout.items():
        made = file.message_type.add(name=message)
        for name, number, kind in fields:
            label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
            plain = {"string": field.TYPE_STRING, "bytes": field.TYPE_BYTES}.get(kind)
            more = (
                {"type": plain} if plain else {"type": field.TYPE_MESSAGE, "type_name": f".serving.{kind.rstrip('*')}"}
            )
            made.field.add(name=name, number=number, label=label, **more)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    log = message_factory.GetMessageClass(pool.FindMessageTypeByName("serving.PredictionLog"))
    records = list(tf.data.TFRecordDataset(str(tmp_path / "out" / warmup.PLACE)).as_numpy_iterator())
    assert len(records) == warmup.REQUESTS
    request = log.FromString(records[0]).predict_log.request
    assert (request.model_spec.name, request.model_spec.signature_name) == ("model", "predict")
    tensor = tf.make_ndarray(type(tf.make_tensor_proto(0)).FromString(request.inputs[0].value))
    assert request.inputs[0].key == "x" and tensor.shape == (1, 8, 8, 1)
