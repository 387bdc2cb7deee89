"""What bad input gets: a message that names the fix, exit code 2, nothing written, no traceback."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refused import Refused

import rlgen
from rlgen import checkpoint, runtime
from rlgen.lines import read_lines

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        # Unknown names.
        ("train duble_dqn", ["no algorithm 'duble_dqn'", "Did you mean 'double_dqn'", "`rlgen list`"]),
        ("train CartPole-v1", ["no algorithm 'CartPole-v1'", "`rlgen list`"]),
        ("describe dqnn", ["no plug-in 'dqnn'", "Did you mean 'dqn'", "`rlgen list`"]),
        ("list --kind agnet", ["no kind 'agnet'", "Did you mean 'agent'"]),
        ("train dqn --env CartPol-v1", ["no environment 'CartPol-v1'", "'CartPole-v1'", "`rlgen list --kind env`"]),
        ("train dqn --env CartPole-v7", ["no environment 'CartPole-v7'", "'CartPole-v1'"]),
        ("train dqn --env nobody:Has-v0", ["needs the module 'nobody'"]),
        ("train mlp --data digts", ["digts", "digits"]),
        ("train gan --data rng", ["rng", "ring"]),
        ("train dqn --preset bok", ["no preset 'bok'", "Presets: default"]),
        ("train walk --preset wid", ["no preset 'wid'", "Did you mean 'wide'", "Presets: default, wide, plain"]),
        ("train dqn --set learning_rat=1", ["no field 'learning_rat'", "Did you mean 'learning_rate'", "Fields: "]),
        ("train walk --set trainer.keep=1", ["no field 'keep' in TrainerConfig", "keep_checkpoints"]),
        ("train dqn --engine compild", ["no engine 'compild'", "Did you mean 'compiled'"]),
        ("train dqn --env FrozenLake-v1 --engine compiled", ["no compiled counterpart", "--engine gymnasium"]),
        # Values.
        ("train dqn --set batch_size=many", ["batch_size='many'", "whole number"]),
        ("train dqn --set batch_size=2.5", ["whole number"]),
        ("train dqn --set batch_size=0", ["batch_size=0", ">= 1"]),
        ("train dqn --set discount=1.5", ["discount=1.5", "<= 1"]),
        ("train dqn --set learning_rate=nan", ["learning_rate: There is no schedule 'nan'", "Write a number"]),
        ("train dqn --set learning_rate=-1", ["learning_rate=-1.0", "> 0"]),
        ("train dqn --set double=perhaps", ["true or false"]),
        ("train dqn --set optimizer=adem", ["'adam', 'rmsprop'", "Did you mean 'adam'"]),
        ("train dqn --set epsilon=linaer:start=1", ["epsilon: There is no schedule", "Did you mean 'linear'"]),
        ("train dqn --set wrappers=tim_limit:5", ["no wrapper 'tim_limit'", "Did you mean 'time_limit'"]),
        ("train dqn --set network=natur_cnn", ["no network 'natur_cnn'", "Did you mean 'nature_cnn'"]),
        ("train ppo --set minibatches=3", ["does not divide", "use 2 or 4"]),
        ("train td3 --set policy_delay_updates=0", ["policy_delay_updates=0", ">= 1"]),
        ("train mlp --data digits?fold=9", ["there are 5 folds"]),
        ("train mlp --data csv:nowhere.csv?target=y", ["'nowhere.csv' cannot be read as a table"]),
        ("train walk --set trainer.evaluation_episodes=0", ["evaluation_episodes=0", ">= 1"]),
        ("train walk --set size", ["'size' is not key=value", "--set learning_rate=1e-3"]),
        ("train walk --set size=1 --set size=2", ["'size' is set twice"]),
        ("train walk --seed one", ["--seed", "integer"]),
        ("train walk --steps many", ["--steps", "integer"]),
        ("train walk --steps 0", ["steps=0", "at least one step"]),
        ("train walk --steps -5", ["steps=-5", "at least one step"]),
        ("train walk --steps 0 --dry-run", ["steps=0", "at least one step"]),
        # Combinations that make no sense.
        ("train dqn --set importance_exponent=1.5", ["importance_exponent=1.5", "<= 1"]),
        ("train book_dqn --set epsilon_clock=episodes", ["train_at_episode_end=true"]),
        ("train dqn --set train_every_env_steps=12 --set num_envs=8", ["not a multiple of num_envs=8", "use 8 or 16"]),
        ("train book_dqn --set linear_streams=true", ["dueling=mean"]),
        ("train dqn --set replay_capacity=10", ["replay_capacity=10", "at least 256"]),
        ("train dqn --data digits", ["'dqn' learns in an environment", "--env ID"]),
        ("train mlp --env CartPole-v1", ["'mlp' learns from a data set", "--data ID"]),
        ("train walk --env CartPole-v1 --data plain", ["--env or --data, not both"]),
        ("train mlp --engine gymnasium", ["engine", "Leave it out"]),
        # Environments that cannot be served.
        ("train dqn --env Pendulum-v1", ["Box", "DQN chooses Discrete actions"]),
        ("train dqn --env awkward_envs:Endless-v0", ["no fixed size", "Supported: Box"]),
        ("train dqn --env awkward_envs:CannotBeMade-v0", ["ValueError: no licence found"]),
        # What people bring.
        ("train dqn --env=", ["--env is empty", "Leave it out for 'CartPole-v1'"]),
        ("train mlp --data=", ["--data is empty", "Leave it out for 'digits'"]),
        ("train dqn --env-arg x", ["'x' is not key=value", "--env-arg is_slippery=false"]),
        (
            "train dqn --env FrozenLake-v1 --env-arg slippery=false",
            ["no argument 'slippery'", "Did you mean 'is_slippery'", "map_name="],
        ),
        ("train dqn --env json:JSONDecoder", ["makes a JSONDecoder, which is no subclass of gymnasium.Env"]),
        ("train dqn --wrapper TimeAwar", ["no wrapper 'TimeAwar'", "TimeAwareObservation"]),
        ("train mlp --wrapper frame_stack", ["'mlp' learns from a data set", "wrappers are for environments"]),
        ("train dqn --set network=math:cosine", ["'math:cosine'", "has no attribute 'cosine'"]),
        ("train gan --data digits --set generator=math:sin", ["The network 'math:sin' could not be made"]),
        ("train dqn --from nowhere", ["nowhere does not exist"]),
        # Environments that break their contract.
        ("train dqn --env awkward_envs:NanObservation-v0", ["not finite at step 5", "Mend the environment"]),
        ("train dqn --env awkward_envs:InfiniteReward-v0", ["At step 5 the reward is inf"]),
        ("train dqn --env awkward_envs:TextReward-v0", ["At step 5 the reward 'much' is not a number"]),
        ("train dqn --env awkward_envs:WrongShape-v0", ["At step 5", "(4,)", "its space says (3,)"]),
        ("train dqn --env awkward_envs:FourValues-v0", ["step 5", "4 values", "five"]),
        ("train dqn --env awkward_envs:NumberForFlag-v0", ["At step 5 'terminated' is 7", "True or False"]),
        ("train dqn --env awkward_envs:Raises-v0", ["RuntimeError at step 5: out of coffee"]),
        ("train dqn --env awkward_envs:ResetAlone-v0", ["reset", "two values"]),
        ("train dqn --env awkward_envs:Lies?how=text", ["At step 5 the reward '1.0' is not a number"]),
        ("train dqn --env awkward_envs:Exits?where=step", ["raised SystemExit (sys.exit) at step 5"]),
        ("train dqn --env awkward_envs:Exits?where=construction", ["could not be made: SystemExit (sys.exit)"]),
        # Memory.
        ("train dqn --set replay_capacity=2000000000", ["replay ", " GB", "is free", "replay_capacity="]),
        ("train dqn --set replay_capacity=1000000000000", ["replay_capacity=1000000000000", "<= 2147483647"]),
        # Runs.
        ("train walk --resume", ["--run DIR together with --resume"]),
        ("train walk --run nowhere --resume", ["nowhere does not exist"]),
        ("evaluate nowhere", ["nowhere does not exist", "`rlgen train`"]),
        ("record nowhere --out film.gif", ["nowhere does not exist"]),
        ("record nowhere --out film.avi", [".mp4", ".gif"]),
        ("record nowhere --out missing/film.gif", ["no directory 'missing'"]),
    ],
)
def test_mistakes(refused: Refused, arguments: str, words: list[str]) -> None:
    refused(*arguments.split(), words=tuple(words))


def test_which_agents_could_serve(refused: Refused) -> None:
    import gymnasium as gym

    from rlgen.agents.agent import Agent

    @rlgen.register("agent", "continuous")
    class Continuous(Agent):
        """Chooses numbers."""

        serves = (gym.spaces.Box,)

    refused("train", "dqn", "--env", "Pendulum-v1", words=("Agents that can: ", "continuous"))


def test_a_sound_environment_passes(rlgen_command: Command, in_empty_directory: Path) -> None:
    """The ones above are refused for what they break, not for being unknown."""
    done = rlgen_command("train", "dqn", "--env", "awkward_envs:Sound-v0", "--dry-run")
    assert (done.code, list(in_empty_directory.iterdir())) == (0, [])


def test_an_environment_that_breaks_late(rlgen_command: Command, in_empty_directory: Path) -> None:
    done = rlgen_command(
        *("train", "dqn", "--env", "awkward_envs:NanObservationLate-v0", "--run", "run", "--steps", 4000),
        *("--set", "hidden_units=8", "--set", "num_envs=2", "--set", "learning_starts_env_steps=100000"),
        *("--set", "trainer.checkpoint_every_steps=100", "--set", "trainer.evaluate_every_steps=4000"),
        *("--set", "replay_capacity=256", "--set", "train_every_env_steps=100", "--set", "batch_size=8"),
    )
    assert done.code == 2
    assert "not finite at step 100" in done.err
    assert "Traceback" not in done.err
    # Two environments step together: the hundredth step of each is within the run's second hundred.
    assert checkpoint.newest_good(in_empty_directory / "run" / "checkpoints")[0].step == 100


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("run", ["rate: the run has 0.5, you asked for 0.1", "another --run"]),
        ("full", ["not empty and not a run", "another --run"]),
        ("file", ["is a file", "another --run"]),
        ("file/run", ["is a file", "another --run"]),
    ],
)
@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
def test_where_no_run_can_go(
    refused: Refused, in_empty_directory: Path, path: str, words: list[str], extra: tuple[str, ...]
) -> None:
    rlgen.train("walk", steps=2, run="run", config={"rate": 0.5})
    (in_empty_directory / "full").mkdir()
    for name in ("file", "full/file"):
        (in_empty_directory / name).write_text("mine")
    refused("train", "walk", "--run", path, *extra, words=tuple(words))


@pytest.mark.skipif(os.geteuid() == 0, reason="to root every directory is writable")
def test_a_directory_without_permission(refused: Refused, in_empty_directory: Path) -> None:
    closed = in_empty_directory / "closed"
    closed.mkdir(mode=0o500)
    refused("train", "walk", "--run", closed / "run", words=("cannot be written", "another --run"))


def test_what_is_no_run(refused: Refused, in_empty_directory: Path) -> None:
    (in_empty_directory / "empty").mkdir()
    (in_empty_directory / "file").write_text("mine")
    rlgen.train("walk", steps=2, run="run")
    (in_empty_directory / "run" / "config.json").write_text("{")
    shutil.rmtree(in_empty_directory / "run" / "checkpoints")
    for arguments in (["evaluate"], ["record", "--out", "film.gif"], ["train", "walk", "--resume", "--run"]):
        refused(*arguments, "empty", words=("is not a run: it has no config.json",))
        refused(*arguments, "file", words=("is not a run",))
        refused(*arguments, "run", words=("cannot be used as a run's configuration", "No checkpoint has a copy"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("--set rate=0.2", ["rate: the run has 0.5, you asked for 0.2"]),
        ("--seed 7", ["seed: the run has 0, you asked for 7"]),
        ("--data hard", ["problem: the run has 'plain', you asked for 'hard'"]),
        ("--preset wide", ["preset: the run has 'plain', you asked for 'wide'"]),
        ("--engine gymnasium", ["engine: the run has 'compiled', you asked for 'gymnasium'"]),
        ("--set trainer.keep_checkpoints=9", ["keep_checkpoints: the run has 3, you asked for 9"]),
        ("--set rate=0.2 --seed 7", ["rate: the run has 0.5", "seed: the run has 0"]),
        ("--set rate=fast", ["rate='fast'", "number"]),
        ("--set raet=1", ["no field 'raet'", "'rate'"]),
    ],
)
def test_resuming_with_another_configuration(refused: Refused, asked: str, words: list[str]) -> None:
    rlgen.train("walk", steps=20, run="run", config={"rate": 0.5})
    refused(*["train", "walk", "--resume", "--run", "run", "--steps", "40"], *asked.split(), words=tuple(words))


def test_resuming_another_algorithm_or_a_finished_run(refused: Refused) -> None:
    rlgen.train("walk", steps=20, run="run")
    resume = ["--resume", "--run", "run", "--steps"]
    refused("train", "mlp", *resume, 40, words=("algorithm: the run has 'walk', you asked for 'mlp'",))
    refused("train", "walk", *resume, 10, words=("at step 20 already", "--steps"))
    refused("train", "walk", *resume, 0, words=("at least one step",))


def test_a_run_without_a_whole_checkpoint(refused: Refused, in_empty_directory: Path) -> None:
    run = rlgen.train("walk", steps=20, run="run")
    for kept in checkpoint.listed(run.checkpoints) + checkpoint.listed(run.best):
        (kept.path / "state.npz").write_bytes(b"")
    words = ("step-000000000020 is damaged", "no whole checkpoint in")
    refused(*["train", "walk", "--resume", "--run", "run", "--steps", "40"], words=words)
    refused("evaluate", "run", "--checkpoint", "last", words=("no whole checkpoint",))


def test_wrong_evaluations(refused: Refused) -> None:
    rlgen.train("walk", steps=20, run="run")
    refused("evaluate", "run", "--episodes", 0, words=("at least one episode",))
    refused("evaluate", "run", "--checkpoint", "17", words=("no checkpoint '17'", "best, last or one of"))
    refused("record", "run", "--out", "film.webm", words=(".mp4", ".gif"))


def test_memory_is_refused_before_anything_is_written(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "free_memory_bytes", lambda: 1000)
    refused("train", "walk", "--set", "ballast=1000", words=("ballast 8.0 kB", "1.0 kB is free"))


def test_a_double_dqn_that_diverges(rlgen_command: Command, in_empty_directory: Path) -> None:
    done = rlgen_command(
        *("train", "double_dqn", "--run", "run", "--steps", 1024, "--set", "learning_rate=1e30"),
        *("--set", "max_grad_norm=none", "--set", "hidden_units=8", "--set", "batch_size=8"),
        *("--set", "train_every_env_steps=64", "--set", "updates_per_train=8", "--set", "replay_capacity=512"),
        *("--set", "learning_starts_env_steps=512", "--set", "trainer.evaluation_episodes=2"),
        *("--set", "trainer.checkpoint_every_steps=128", "--set", "trainer.evaluate_every_steps=1024"),
    )
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err
    assert "Training diverged: 'train/" in done.err
    assert "at step 512 (finite until step 384)" in done.err
    assert "last good checkpoint is that of step 384" in done.err
    run = rlgen.Run.open("run")
    good, arrays, faults = checkpoint.newest_good(run.checkpoints)
    assert (good.step, faults) == (384, [])
    assert all(np.isfinite(array).all() for name, array in arrays.items() if name.startswith("online/"))
    assert rlgen.load(run, checkpoint="last").act(np.zeros(4, np.float32)) in (0, 1)
    assert max(row["step"] for row in read_lines(run.path / "stats.jsonl")) == 384
