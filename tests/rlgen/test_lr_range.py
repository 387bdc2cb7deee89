from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rlgen import lr_range
from rlgen.errors import UserError

Command = Callable[..., Any]


def test_the_least_loss_is_found_and_a_tenth_is_suggested() -> None:
    rates = np.geomspace(1e-6, 10, 500)
    losses = 1 + np.log10(rates / 0.1) ** 2
    result = lr_range.found(rates, losses)
    # An average of 25 batches before lies behind by as much.
    assert 0.1 < result.least < 0.3
    assert result.suggestion == result.least / 10
    np.testing.assert_allclose(lr_range.found(rates[:30], np.full(30, 2.0)).smooth, 2)


def test_a_model_is_tested_and_the_plot_written(rlgen_command: Command, tmp_path: Path) -> None:
    out = tmp_path / "plot.png"
    done = rlgen_command("lr-range", "linear", "--data", "iris", "--steps", 60, "--out", out, "--json")
    assert done.code == 0, done.err
    row = json.loads(done.out)
    assert 1e-6 < row["suggestion"] < row["least_loss_at"] <= 10
    assert row["turned"] == (row["least_loss_at"] < 10)
    with Image.open(out) as picture:
        assert picture.size == (480, 480)


def test_what_has_no_step_size_or_no_time_is_refused() -> None:
    with pytest.raises(UserError, match="takes at least 50 batches"):
        lr_range.run_test("linear", data="iris", steps=10)
    with pytest.raises(UserError, match="has no one step size"):
        lr_range.run_test("gan", data="ring")
    with pytest.raises(UserError, match="learns in an environment"):
        lr_range.run_test("dqn")
