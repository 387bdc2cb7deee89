"""TFLite: small, for phones and microcontrollers, also with numbers of half or a quarter of the size."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rlgen.exporting import saved_model
from rlgen.exporting.bundle import Bundle
from rlgen.exporting.formats import Answering, CannotTake, Order, others
from rlgen.served import Arrays

FILE = "model.tflite"


def write(order: Order, place: Path) -> None:
    """One file with all signatures.

    Raises:
        CannotTake: an operation that TFLite does not have.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as between:
        saved_model.save(order, Path(between))
        converter = tf.lite.TFLiteConverter.from_saved_model(between, signature_keys=list(order.served))
        if order.quantize != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if order.quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if order.quantize == "int8":
            converter.representative_dataset = lambda: _examples(order)
        try:
            content = converter.convert()
        except Exception as error:  # The converter raises classes of its own, and others' too.
            raise CannotTake(
                f"TFLite cannot take this model: {_reason(error)} Formats that may: {others('tflite')}."
            ) from error
    (place / FILE).write_bytes(content)


def load(place: Path, bundle: Bundle) -> Answering:
    """An interpreter; it answers one at a time."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(place / FILE))
    runners = {name: interpreter.get_signature_runner(name) for name in bundle.signatures}

    def answer(signature: str, inputs: Arrays) -> dict[str, Any]:
        found = runners[signature](**{name: np.ascontiguousarray(array) for name, array in inputs.items()})
        # What it returns is overwritten by the next answer.
        return {name: np.array(array) for name, array in found.items()}

    return answer


def _examples(order: Order) -> Iterator[tuple[str, dict[str, Any]]]:
    for signature in order.served:
        inputs = order.calibration(signature)
        count = len(next(iter(inputs.values())))
        for i in range(count):
            yield signature, {name: array[i : i + 1] for name, array in inputs.items()}


def _reason(error: Exception) -> str:
    """What says something of a message that goes on for pages."""
    if missing := sorted(set(re.findall(r"'tf\.(\w+)' op is neither", str(error)))):
        return f"it has no {', '.join(missing)}."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if "error:" in line or "Ops" in line), lines[0] if lines else "")
    return told[:300].rstrip(".") + "."
