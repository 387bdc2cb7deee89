"""Environments that a program brings: a class, a function, one as it is; trained, resumed, judged, filmed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import any_spaces
import gymnasium as gym
import numpy as np
import pytest
from awkward_envs import Sound

import rlgen
from rlgen import brought, planning
from rlgen.errors import UserError

# Environments are as many as usual here, and in no wrapper.
USUAL = ("num_envs", "rollout_steps", "wrappers")
TINY = {
    **{name: value for name, value in any_spaces.TINY.items() if name not in USUAL},
    "trainer.evaluation_episodes": 2,
    "trainer.evaluate_every_steps": 40,
}
STEPS = 80


class Counted(Sound):
    """Ends after `length` steps; a step gives what it was made with."""

    made = 0

    def __init__(self, length: int = 7, reward: float = 1.0) -> None:
        type(self).made += 1
        self.length, self.reward, self.resets = length, reward, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.resets += 1
        return super().reset(seed=seed)

    def step(self, action: Any) -> Any:
        observation, *_ = super().step(action)
        return observation, self.reward, self.steps >= self.length, False, {}


class Doubled(gym.RewardWrapper):
    """Twice the reward."""

    def reward(self, reward: Any) -> float:
        return 2.0 * float(reward)


def test_a_class_with_arguments_and_wrappers(tmp_path: Path) -> None:
    run = rlgen.train(
        "dqn",
        env=Counted,
        env_config={"reward": 3.0},
        wrappers=[Doubled, "time_limit:5"],
        steps=STEPS,
        run=tmp_path / "run",
        config=TINY,
    )
    assert run.config.problem == f"{__name__}:Counted?reward=3.0"
    assert run.config.config["wrappers"] == [f"{__name__}:Doubled", "time_limit:5"]
    assert run.evaluation["eval/mean_reward"] == 2 * 3 * 5
    resumed = rlgen.train("dqn", env=Counted, env_config={"reward": 3.0}, steps=2 * STEPS, run=run.path, resume=True)
    assert rlgen.evaluate(resumed, episodes=1).scalars["eval/mean_reward"] == 30
    with pytest.raises(UserError, match="(?s)was trained with another configuration.*reward=3.0.*reward=4"):
        rlgen.train("dqn", env=Counted, env_config={"reward": 4}, steps=999, run=run.path, resume=True)


@pytest.mark.parametrize("name", ["dqn", "a2c"])
def test_one_as_it_is(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    env = Counted()
    before = Counted.made
    few = {key: value for key, value in TINY.items() if key == "hidden_units" or key.startswith("trainer")}
    config = TINY if name == "dqn" else {**few, "rollout_steps": 8}
    run = rlgen.train(name, env=env, steps=STEPS, run=tmp_path / "run", config=config)
    assert Counted.made == before, "nobody made another one"
    assert run.config.config["num_envs"] == 1
    assert "'@Counted" in capfd.readouterr().err
    assert run.evaluation["eval/mean_reward"] == 7
    with pytest.raises(UserError, match="num_envs=4: '@Counted.* was brought as a single environment. Set num_envs=1"):
        rlgen.train(name, env=env, steps=STEPS, run=tmp_path / "many", config={**config, "num_envs": 4})


def test_training_begins_anew_after_the_environment_was_judged_in() -> None:
    """Nothing that was stored before is continued by what comes after."""
    env = Counted(length=1000)
    agent = rlgen.make("dqn", env=env, config={k: v for k, v in TINY.items() if not k.startswith("trainer")})
    agent.train(12)
    env.length = 3
    agent.evaluate(episodes=2, seed=0, split="test")
    env.length = 1000
    resets = env.resets
    agent.train(8)
    assert env.resets == resets + 1
    replay = agent._engine.replay
    assert agent._engine.rollout.running_length[0] == 8, "a new episode"
    assert replay is not None


def test_a_run_is_finished_though_its_environments_do_not_close(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    problem = "awkward_envs:Exits?where=closing&at=1000"
    run = rlgen.train("dqn", env=problem, steps=STEPS, run=tmp_path / "run", config=TINY)
    assert run.result["steps"] == STEPS
    said = capfd.readouterr().err
    assert said.count("raised RuntimeError at close: the door is stuck. What was done in it before stands.") == 1


def test_an_object_is_brought_again_in_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = rlgen.train("dqn", env=lambda: Counted(3), steps=STEPS, run=tmp_path / "run", config=TINY)
    assert run.config.problem.startswith("@lambda")
    monkeypatch.setattr(brought, "_objects", {})
    for use in (rlgen.load, rlgen.evaluate):
        with pytest.raises(UserError, match="bring it again"):
            use(run)
    assert rlgen.load(run, env=lambda: Counted(3)).act(np.zeros(3, np.float32)) in (0, 1)
    assert rlgen.evaluate(run, env=lambda: Counted(4), episodes=1).scalars["eval/mean_reward"] == 4
    again = rlgen.train("dqn", env=lambda: Counted(3), steps=2 * STEPS, run=run.path, resume=True)
    assert again.steps == 2 * STEPS


def test_a_specification_is_trained_in_resumed_and_judged(tmp_path: Path) -> None:
    spec = gym.make("FrozenLake-v1", is_slippery=False, max_episode_steps=9).spec
    run = rlgen.train("dqn", env=spec, steps=STEPS, run=tmp_path / "run", config=TINY)
    assert run.config.problem == "FrozenLake-v1?is_slippery=false&max_episode_steps=9"
    resumed = rlgen.train("dqn", env=spec, steps=2 * STEPS, run=run.path, resume=True)
    assert resumed.steps == 2 * STEPS
    assert rlgen.evaluate(resumed, episodes=2).scalars["eval/mean_ep_length"] <= 9


def test_a_class_is_found_by_another_process(tmp_path: Path, subprocess_environment: dict[str, str]) -> None:
    run = rlgen.train("dqn", env="awkward_envs:Sound", steps=STEPS, run=tmp_path / "run", config=TINY)
    done = subprocess.run(
        [sys.executable, "-m", "rlgen", "evaluate", str(run.path), "--episodes", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=subprocess_environment,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["evaluation"]["eval/mean_reward"] == 200


# ---- beginning with another run's weights -----------------------------------------------------------------


def test_a_run_begins_with_the_weights_of_another(tmp_path: Path) -> None:
    first = rlgen.train("dqn", env=Counted, steps=STEPS, run=tmp_path / "first", config=TINY)
    plan = planning.plan("dqn", env=Counted, start=first, steps=STEPS, config={**TINY, "learning_rate": 1e-5})
    saved = first.weights("last")[1]
    for part in ("online", "target"):
        arrays = [saved[key] for key in sorted(saved) if key.startswith(f"{part}/")]
        mine = plan.algorithm.state()[part].variables
        assert arrays and all((one == two.numpy()).all() for one, two in zip(arrays, mine, strict=True))
    assert int(plan.algorithm.updates.numpy()) == 0, "its counters begin at 0"
    assert plan.remarks == (f"Beginning with the weights of {first.path}, step {STEPS}.",)
    with pytest.raises(UserError, match="trained 'dqn', and its weights are no start for 'a2c'"):
        planning.plan("a2c", env=Counted, start=first)
    with pytest.raises(UserError, match="is no start for this configuration: .*has the shape"):
        planning.plan("dqn", env=Counted, start=first, config={"hidden_units": (5,)})
    with pytest.raises(UserError, match="start: the run has None, you asked for '.*first'"):
        planning.plan("dqn", run=first.path, resume=True, start=first)


# ---- films ------------------------------------------------------------------------------------------------


class Drawn(Counted):
    """Draws itself as the test says."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 0.5}
    pictures: Any = None

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(3)
        self.render_mode = render_mode

    def render(self) -> Any:
        return self.pictures(self.steps)


def film(tmp_path: Path, env: Any, out: str = "film.mp4") -> Path:
    agent_run = rlgen.train("dqn", env=env, steps=40, run=tmp_path / "run", config=TINY)
    return rlgen.record(agent_run, out=tmp_path / out)


@pytest.mark.parametrize("ending", ["mp4", "gif"])
def test_a_slow_film_of_frames_that_change_size(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import imageio.v3 as imageio

    monkeypatch.setattr(Drawn, "pictures", lambda self, step: np.full((32 + 2 * step, 48, 3), 60 * step, np.uint8))
    frames = imageio.imread(film(tmp_path, Drawn, f"film.{ending}"), index=None)
    assert frames.shape == (4, 32, 48, 3)
    assert np.abs(frames[2].astype(int) - 120).max() < 12


def test_few_pixels_of_numbers_are_a_film_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import imageio.v3 as imageio

    monkeypatch.setattr(Drawn, "pictures", lambda self, step: np.full((10, 10, 3), 0.2 * step))
    frames = imageio.imread(film(tmp_path, Drawn), index=None)
    assert frames.shape == (4, 130, 130, 3)
    assert np.abs(frames[2].astype(int) - 102).max() < 12


def test_what_cannot_be_filmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        UserError, match="Counted' draws no pictures: its render mode is None, and it names as possible"
    ):
        film(tmp_path / "a", Counted)
    monkeypatch.setattr(Drawn, "pictures", lambda self, step: 1 / 0)
    with pytest.raises(UserError, match="could not draw itself: ZeroDivisionError: .*MUJOCO_GL"):
        film(tmp_path / "b", Drawn)
    monkeypatch.setattr(Drawn, "pictures", lambda self, step: None)
    with pytest.raises(UserError, match=r"draws object \[\]; a film takes pictures"):
        film(tmp_path / "c", Drawn)
    assert not list(tmp_path.glob("*/film*")) and not list(tmp_path.glob("*/.*"))


def test_a_film_is_held_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    monkeypatch.setattr(Drawn, "pictures", lambda self, step: picture if step < 2 else sys.exit(1))
    with pytest.raises(UserError, match="could not draw itself: SystemExit: 1"):
        film(tmp_path / "a", Drawn)
    monkeypatch.setattr(Drawn, "pictures", lambda self, step: picture)
    run = rlgen.train("dqn", env=Drawn, steps=40, run=tmp_path / "run", config=TINY)
    monkeypatch.setattr(Drawn, "step", lambda self, action: (self.observe(), "1.0", False, False, {}))
    with pytest.raises(UserError, match="At step 1 the reward '1.0' is not a number"):
        rlgen.record(run, out=tmp_path / "film.gif")
