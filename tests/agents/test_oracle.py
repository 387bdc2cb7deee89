"""Our losses, targets and gradients beside TF-Agents', an implementation that others have checked for years."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ORACLE = Path(__file__).parents[1] / "support" / "tf_agents_oracle.py"
QUANTITIES = {
    "dqn": ("loss", "td_errors", "gradients"),
    "double_dqn": ("loss", "td_errors", "gradients"),
    # TF-Agents normalizes over all that it is given, so these are given whole episodes of equal length.
    "reinforce, normalized": ("loss", "gradients"),
    "reinforce": ("loss", "gradients"),
    "sac": (
        "critic_loss",
        "critic_gradients",
        "actor_loss",
        "actor_gradients",
        "temperature_loss",
        "temperature_gradient",
    ),
}


@pytest.fixture(scope="module")
def found() -> Any:
    """What the oracle says; in a process of its own, for TF-Agents wants TensorFlow imported with the older Keras."""
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
    done = subprocess.run([sys.executable, ORACLE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("agent", "quantity"), [(a, q) for a, quantities in QUANTITIES.items() for q in quantities])
def test_equal_to_tf_agents(found: Any, agent: str, quantity: str) -> None:
    assert found["largest"][f"{agent} {quantity}"] < 1e-5


def test_the_cases_tell_double_from_plain(found: Any) -> None:
    assert found["double is not plain"] > 0.01


def test_every_quantity_is_compared(found: Any) -> None:
    assert set(found["largest"]) == {f"{a} {q}" for a, quantities in QUANTITIES.items() for q in quantities}
