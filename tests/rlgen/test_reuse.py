"""A program made new by another seed trains as a new one would, to the bit, and compiles nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import rlgen
from rlgen import reuse

NEVER = 10_000
SMALL = {
    "trainer.evaluation_episodes": 1,
    "trainer.evaluate_every_steps": NEVER,
    "trainer.checkpoint_every_steps": NEVER,
}
# `check_plugin` holds the others to the same.
JOBS: dict[str, dict[str, Any]] = {
    "a2c": {"env": "CartPole-v1", "steps": 256, "config": {"normalize_observations": True}},
    "sac": {"env": "Pendulum-v1", "steps": 256, "config": {"hidden_units": (8,), "batch_size": 8}},
}


@pytest.fixture(autouse=True)
def _no_spare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(reuse, "_spare", None)
    yield


def trained(name: str, run: Path, seed: int, **changes: Any) -> dict[str, npt.NDArray[Any]]:
    """What the last checkpoint of a short run holds."""
    job = {**JOBS[name], **changes}
    job["config"] = {**job["config"], **SMALL}
    return rlgen.train(name, run=run, seed=seed, **job).weights("last")[1]


@pytest.mark.parametrize("name", JOBS)
def test_the_same_bits_as_without_reuse(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(name, tmp_path / "before", seed=1)
    used = reuse._spare
    reused = trained(name, tmp_path / "reused", seed=2)
    assert used is not None and reuse._spare is used
    monkeypatch.setattr(reuse, "_spare", None)
    alone = trained(name, tmp_path / "alone", seed=2)
    assert {k for k in alone if alone[k].tobytes() != reused[k].tobytes()} == set()


def test_on_gymnasiums_engine_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained("a2c", tmp_path / "before", seed=1, engine="gymnasium")
    reused = trained("a2c", tmp_path / "reused", seed=2, engine="gymnasium")
    monkeypatch.setattr(reuse, "_spare", None)
    alone = trained("a2c", tmp_path / "alone", seed=2, engine="gymnasium")
    assert {k for k in alone if alone[k].tobytes() != reused[k].tobytes()} == set()


def test_another_seed_traces_nothing(tmp_path: Path) -> None:
    trained("a2c", tmp_path / "first", seed=1)
    spare: Any = reuse._spare
    traces = spare._advance.traces()
    trained("a2c", tmp_path / "second", seed=2)
    assert reuse._spare is spare
    assert spare._advance.traces() == traces


def test_another_configuration_is_another_program(tmp_path: Path) -> None:
    trained("a2c", tmp_path / "first", seed=1)
    spare = reuse._spare
    trained("a2c", tmp_path / "second", seed=1, config={"rollout_steps": 4})
    assert reuse._spare is not spare


def test_what_the_user_holds_is_never_reused(tmp_path: Path) -> None:
    agent = rlgen.make("a2c", env="CartPole-v1", seed=1)
    agent.close()
    assert reuse._spare is None
    run = tmp_path / "run"
    trained("a2c", run, seed=1)
    loaded = rlgen.load(run)
    observation = np.ones(4, np.float32)
    before = loaded.policy(observation[None])
    trained("a2c", tmp_path / "other", seed=2)
    np.testing.assert_array_equal(loaded.policy(observation[None]), before)


def test_a_large_replay_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse, "LARGEST_KEPT_BYTES", 1000)
    trained("sac", tmp_path / "run", seed=1)
    assert reuse._spare is None
