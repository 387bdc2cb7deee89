"""That what docs/looking.md says TensorBoard shows is written by runs, each name at steps that only grow."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen import summary

PAGE = Path(__file__).parents[2] / "docs" / "looking.md"
# What stands in the place of what: any name, but no name with another meaning.
PLACES = r"[\w.-]+"
SMALL_GAN = {"evaluation_samples": 20, "batch_size": 8}
DQN = {"learning_starts_env_steps": 16, "num_envs": 2, "train_every_env_steps": 8, "updates_per_train": 1}
GAME = "ALE/Pong-v5?size=36&max_num_frames_per_episode=60"
RUNS: tuple[tuple[str, dict[str, str], int, dict[str, Any]], ...] = (
    ("double_dqn", {"env": "CartPole-v1"}, 48, {**DQN, "trainer.score_threshold": 1}),
    ("double_dqn", {"env": GAME}, 48, {**DQN, "noisy": True, "epsilon": 0, "replay_capacity": 100}),
    ("double_dqn", {"env": "FrozenLake-v1"}, 48, {**DQN, "env_processes": True}),
    ("gan", {"data": "ring"}, 4, {**SMALL_GAN, "metrics": ["fid"]}),
    ("gan", {"data": "ring"}, 4, {**SMALL_GAN, "r1": 1.0}),
    ("wgan_gp", {"data": "ring"}, 4, SMALL_GAN),
    ("vae", {"data": "digits"}, 2, SMALL_GAN | {"network": "dense"}),
    ("mlp", {"data": "digits"}, 4, {"optimizer": "adam"}),
    ("regression", {"data": "diabetes"}, 4, {}),
)


def promised() -> list[str]:
    """The names in the first column of its tables, what stands in <> as a pattern."""
    text = PAGE.read_text()
    rows = re.findall(r"^\| (`[^|]+`) \|", text[text.index("## Names") :], re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    return [re.sub(r"<\w+>", lambda _: PLACES, re.sub(r"[.]", r"\\.", name)) for name in names]


@pytest.mark.usefixtures("undrawn")
def test_every_name_is_written(tmp_path: Path, uncompiled: None) -> None:
    steps: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for number, (name, problem, count, config) in enumerate(RUNS):
        often = {"trainer.evaluate_every_steps": max(2, count // 2), "trainer.evaluation_episodes": 2}
        run = rlgen.train(name, steps=count, run=tmp_path / str(number), config={**often, **config}, **problem)  # type: ignore[arg-type]
        for part in ("train", "eval", "test"):
            for step, value in summary._values(run.path / part):
                steps[number, part, value.tag].append(step)
    for at in steps.values():
        assert at == sorted(set(at))
    written = {name for _, _, name in steps}
    missing = [name for name in promised() if not any(re.fullmatch(name, each) for each in written)]
    assert len(promised()) > 50 and missing == []
