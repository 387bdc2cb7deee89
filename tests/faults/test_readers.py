"""Readers beside a writer: whatever is replaced or deleted while they read, they get a checkpoint, whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import rlgen
from rlgen import checkpoint
from rlgen.checking import check
from rlgen.run import Run

SAMPLE_SECONDS, WHOLE_SECONDS = 1.5, 30.0
# Saved at every step, evaluated at every step, and only the newest is kept: nothing lives for longer than a moment.
WRITER = """
import sys, walk, rlgen
every = {"trainer.evaluate_every_steps": 1, "trainer.checkpoint_every_steps": 1, "trainer.keep_checkpoints": 1}
rlgen.train("walk", run=sys.argv[1], steps=10**9, config={"chunk": 1, "trainer.evaluation_episodes": 1, **every})
"""


def test_readers_beside_a_writer(
    walk: Any, everything: bool, figures: Any, subprocess_environment: dict[str, str], tmp_path: Path
) -> None:
    run, errors, reads, steps = tmp_path / "run", list[str](), 0, set()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(run)], env=subprocess_environment)
    try:
        while not checkpoint.listed(run / "best"):
            assert writer.poll() is None
            time.sleep(0.01)
        end = time.monotonic() + (WHOLE_SECONDS if everything else SAMPLE_SECONDS)
        while time.monotonic() < end:
            for which in ("best", "last"):
                reads += 1
                try:
                    step, arrays = Run.open(run).weights(which)
                    assert dict(arrays)["weights"].shape == (4,)
                    steps.add(step)
                    rlgen.load(run, checkpoint=which)
                except Exception as error:
                    errors.append(f"{which}: {type(error).__name__}: {error}")
            assert Run.open(run).evaluations()[-1]["step"] > 0
        assert "process " in str(check(run).writer)
    finally:
        writer.kill()
        writer.wait()
    figures(
        "readers", "somebody reads beside the process that writes", reads=reads, steps=len(steps), errors=len(errors)
    )
    assert errors == []
    assert len(steps) > 10, "nothing was replaced meanwhile"
