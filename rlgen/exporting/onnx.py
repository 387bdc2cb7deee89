"""ONNX: what ONNX Runtime and the other frameworks load; a file for each signature."""

from __future__ import annotations

import contextlib
import io
import logging
from pathlib import Path
from typing import Any

from rlgen.exporting.bundle import Bundle
from rlgen.exporting.formats import Answering, CannotTake, Order, others
from rlgen.exporting.traced import specs
from rlgen.served import Arrays

OPSET = 17


def write(order: Order, place: Path) -> None:
    """SIGNATURE.onnx each.

    Raises:
        CannotTake: an operation that ONNX does not have.
    """
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    for name, traced in order.traced.items():
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                model, _ = tf2onnx.convert.from_function(traced, input_signature=specs(order.served[name]), opset=OPSET)
            content = model.SerializeToString()
            _session(content)
        except Exception as error:  # tf2onnx raises what it meets, ONNX Runtime classes of its own.
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")
            raise CannotTake(
                f"ONNX cannot take '{name}' of this model: {reason}. Formats that may: {others('onnx')}."
            ) from error
        (place / f"{name}.onnx").write_bytes(content)


def load(place: Path, bundle: Bundle) -> Answering:
    """A session of ONNX Runtime for each signature."""
    sessions = {name: _session((place / f"{name}.onnx").read_bytes()) for name in bundle.signatures}

    def answer(signature: str, inputs: Arrays) -> dict[str, Any]:
        session = sessions[signature]
        names = [each.name for each in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return answer


def _session(content: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # Errors alone.
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
