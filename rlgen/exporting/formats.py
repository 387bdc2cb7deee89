"""The formats that a run can be exported in, and which of them a model can take."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rlgen.errors import UserError, nearest
from rlgen.exporting.bundle import Bundle
from rlgen.served import Arrays, Served

QUANTIZE = ("none", "float16", "int8")

# Answers one signature, by name, on inputs by name.
Answering = Callable[[str, Arrays], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a format is to write.

    Attributes:
        served: the functions by name.
        traced: their programs by name.
        quantize: numbers of what size.
        calibration: inputs by signature, from which ranges of whole numbers are found.
        name: what a server calls it.
    """

    served: Mapping[str, Served]
    traced: Mapping[str, Any]
    quantize: str
    calibration: Callable[[str], Arrays]
    name: str


class CannotTake(UserError):
    """A format cannot hold what a model does."""


class Format(Protocol):
    """A module that writes and reads a format."""

    def write(self, order: Order, place: Path) -> None:
        """Write into a directory that is there and empty.

        Raises:
            CannotTake: the model does what the format has no word for.
        """

    def load(self, place: Path, bundle: Bundle) -> Answering:
        """What was written, ready to answer."""


# By name: the module, the packages that it wants, and the extra that brings them.
_FORMATS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "saved_model": ("rlgen.exporting.saved_model", (), ""),
    "tflite": ("rlgen.exporting.tflite", ("ai_edge_litert",), "tflite"),
    "onnx": ("rlgen.exporting.onnx", ("tf2onnx", "onnxruntime"), "onnx"),
    "keras": ("rlgen.exporting.keras_file", (), ""),
}
NAMES = tuple(_FORMATS)


def check(name: str, quantize: str) -> None:
    """Refuse a format that there is not, or not here, and numbers that it does not know.

    Raises:
        UserError: so.
    """
    if name not in _FORMATS:
        raise UserError(f"There is no format '{name}'.{nearest(name, NAMES)} Formats: {', '.join(NAMES)}.")
    if quantize not in QUANTIZE:
        raise UserError(f"quantize={quantize} is not one of {', '.join(QUANTIZE)}.{nearest(quantize, QUANTIZE)}")
    if quantize != "none" and name != "tflite":
        raise UserError(f"quantize={quantize} is for TFLite alone: give --format tflite, or leave it out.")
    module(name)


def module(name: str) -> Format:
    """The module of a format.

    Raises:
        UserError: what it wants is not installed.
    """
    place, packages, extra = _FORMATS[name]
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise UserError(
            f"The format '{name}' needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
            f"installed: pip install 'rlgen[{extra}]'."
        )
    found: Any = importlib.import_module(place)
    writer: Format = found
    return writer


def others(name: str) -> str:
    """The other formats, for messages."""
    return ", ".join(each for each in NAMES if each != name)
