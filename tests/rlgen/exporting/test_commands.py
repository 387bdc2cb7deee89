"""`rlgen export` and `rlgen serve`, as people call them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rlgen

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rlgen.Run:
    place = tmp_path_factory.mktemp("runs") / "digits"
    config = {"hidden_units": (4,), "trainer.evaluate_every_steps": 100}
    return rlgen.train("mlp", data="digits", steps=5, run=place, config=config)


def test_export_reports_and_says_where(run: rlgen.Run, tmp_path: Path, rlgen_command: Command) -> None:
    done = rlgen_command("export", run.path, "--out", tmp_path / "out", "--checkpoint", "last")
    assert done.code == 0, done.err
    assert "predict: 256 fresh inputs" in done.out and "the same in 100 %" in done.out
    assert done.out.strip().splitlines()[-1] == str(tmp_path / "out" / "5")
    loaded = rlgen.load_exported(tmp_path / "out")
    assert loaded.bundle.run["problem"] == "digits" and loaded.bundle.name == "mlp"


def test_export_as_json(run: rlgen.Run, tmp_path: Path, rlgen_command: Command) -> None:
    done = rlgen_command("export", run.path, "--out", tmp_path / "out", "--format", "tflite", "--json")
    said = json.loads(done.out)
    assert said["path"] == str(tmp_path / "out") and said["size"] > 1000
    assert said["parity"]["predict"]["agreement"]["class"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "onxx"], "Did you mean 'onnx'"),
        (["--quantize", "int8"], "is for TFLite alone"),
        (["--examples", "3"], "examples"),
        (["--name", "two words"], "letters, digits"),
        (["--checkpoint", "99"], "99"),
        (["--set", "hidden_units=8"], "cannot be set"),
    ],
)
def test_mistakes_cost_a_sentence_and_write_nothing(
    arguments: list[str], said: str, run: rlgen.Run, tmp_path: Path, rlgen_command: Command
) -> None:
    done = rlgen_command("export", run.path, "--out", tmp_path / "out", *arguments)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_no_run_and_no_export(tmp_path: Path, rlgen_command: Command) -> None:
    assert rlgen_command("export", tmp_path, "--out", tmp_path / "out").code == 2
    done = rlgen_command("serve", tmp_path)
    assert done.code == 2 and "is no export" in done.err


@pytest.mark.parametrize("what", ["run", "export"])
def test_serve_answers_as_the_run_and_ends_when_told(what: str, run: rlgen.Run, tmp_path: Path) -> None:
    served = run.path
    if what == "export":
        served = rlgen.export(run, out=tmp_path / "out", format="onnx", checkpoint="last").path
    command = [sys.executable, "-m", "rlgen", "serve", str(served), "--port", "0"]
    command += ["--checkpoint", "last"] if what == "run" else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://\S+:predict", line)
        assert found, line
        x = np.random.default_rng(0).integers(0, 16, (3, 8, 8, 1)) / np.float32(16)
        body = json.dumps({"instances": x.tolist()}).encode()
        with urllib.request.urlopen(urllib.request.Request(found[0], body)) as answer:
            rows = json.loads(answer.read())["predictions"]
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        process.stdout.close()
    right = rlgen.load(run, checkpoint="last").predict(x)
    np.testing.assert_allclose([row["probabilities"] for row in rows], right, atol=1e-5)
    assert code == 0


@pytest.mark.parametrize("format", ["saved_model", "onnx"])
def test_directories_above_are_made(format: str, run: rlgen.Run, tmp_path: Path, rlgen_command: Command) -> None:
    done = rlgen_command("export", run.path, "--out", tmp_path / "exports" / "digits", "--format", format)
    assert done.code == 0, done.err
    assert rlgen.load_exported(tmp_path / "exports" / "digits").bundle.format == format
