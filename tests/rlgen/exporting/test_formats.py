"""Formats by name, and what they want."""

from __future__ import annotations

import importlib.util

import pytest

from rlgen.errors import UserError
from rlgen.exporting import formats


@pytest.mark.parametrize("name", formats.NAMES)
def test_every_format_writes_and_loads(name: str) -> None:
    module = formats.module(name)
    assert callable(module.write) and callable(module.load)


@pytest.mark.parametrize(
    ("format", "quantize", "said"),
    [
        ("onxx", "none", "Did you mean 'onnx'"),
        ("tflite", "int4", "Did you mean 'int8'"),
        ("onnx", "int8", "is for TFLite alone"),
    ],
)
def test_what_there_is_not_is_refused(format: str, quantize: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        formats.check(format, quantize)


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs tf2onnx and onnxruntime, .*pip install 'rlgen\[onnx\]'"):
        formats.check("onnx", "none")
