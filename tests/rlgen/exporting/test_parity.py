"""What the report of an export measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlgen.exporting import parity
from rlgen.served import Served
from rlgen.spec import Spec


def doubling() -> Served:
    return Served(
        about="Twice.",
        inputs={"x": Spec((2,))},
        function=lambda inputs: inputs,
        reference=lambda inputs: {"y": 2 * inputs["x"], "positive": inputs["x"].sum(-1) > 0},
        fresh=lambda count, seed: {"x": np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)},
    )


def test_differences_are_relative_and_choices_counted() -> None:
    def answer(name: str, inputs: Any) -> dict[str, Any]:
        y = 2 * inputs["x"]
        y[0] = [1000.0, 0.5]
        inputs["x"][0] = [500.0, 0.25]
        positive = inputs["x"].sum(-1) > 0
        positive[:16] = ~positive[:16]
        return {"y": y, "positive": positive}

    served = doubling()
    found = parity.report({"twice": served}, lambda name, inputs: answer(name, {"x": inputs["x"].copy()}), count=64)
    row = found["twice"]
    assert row["inputs"] == 64
    assert row["agreement"]["positive"] == pytest.approx(0.75, abs=1 / 64)
    right = 2 * served.fresh(64, parity.SEED)["x"][0].astype(np.float64)
    wrong = np.abs(right - [1000.0, 0.5]) / np.maximum(np.abs(right), 1)
    assert row["largest_difference"]["y"] == pytest.approx(wrong.max())
    assert set(row["milliseconds"]) == {"1", "32"}


def test_it_is_told_in_lines(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"12345")
    assert parity.size_bytes(tmp_path) == 5
    row = {
        "inputs": 3,
        "largest_difference": {"y": 1.25e-7},
        "agreement": {"action": 0.5},
        "milliseconds": {"1": {"run": 2.0, "export": 1.0}},
    }
    said = parity.text({"act": row}, 1234)
    assert "act: 3 fresh inputs" in said and "1.2e-07" in said and "the same in 50 %" in said
    assert "1 ms (the run itself 2)" in said and said.endswith("size: 1,234 bytes")
