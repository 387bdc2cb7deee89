"""Wrong command lines, by the hundred, over every sub-command: each gets exit code 2 and a sentence, none writes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tables
import wrong_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refused import Refused

import rlgen
from rlgen.errors import UserError

CONFIGURATIONS = wrong_values.configurations()
MODELS = [plugin.name for kind in ("generative", "supervised") for plugin in tables.built_in(kind)]
AGENTS = [name for name in CONFIGURATIONS if name not in ("trainer", *MODELS)]


@pytest.fixture
def a_run(in_empty_directory: Path, refused: Refused, undrawn: None) -> Refused:
    """With a run in `run` and a file in `file`."""
    rlgen.train("walk", steps=2, run="run")
    (in_empty_directory / "file").write_text("mine")
    return refused


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_wrong_value_of_every_field(refused: Refused, name: str) -> None:
    algorithm, prefix = ("walk", "trainer.") if name == "trainer" else (name, "")
    count = 0
    for field, hint, limits in wrong_values.fields(CONFIGURATIONS[name]):
        for text in wrong_values.texts(hint, limits):
            more = [[], ["--json"], ["--dry-run"]][count % 3]
            refused("train", algorithm, "--set", f"{prefix}{field}={text}", *more, words=(field,))
            count += 1
    assert count > 20


def test_wrong_names(a_run: Refused) -> None:
    names = ["", " ", "dqnn", "CartPole-v7", "n" * 300, "é", "../run", "dqn ", "DQN", "a:b", "-", "\udcff"]
    for name in names:
        for arguments in (["describe", name], ["describe", name, "--json"], ["train", name], ["list", "--kind", name]):
            a_run(*arguments)
        for option in ("--preset", "--engine", "--env", "--wrapper"):
            a_run("train", "dqn", option, name, "--dry-run")
        a_run("train", "mlp", "--data", name)
        a_run("evaluate", "run", "--checkpoint", name)
        a_run("record", "run", "--out", "film.gif", "--checkpoint", name)
        a_run("translate", "run", "file", "--out", "made", "--checkpoint", name)
        a_run("paint", "run", "--checkpoint", name)
        a_run("train", "walk", "--set", f"{name}=1")


NUMBERS = ["", "many", "1.5", "nan", "1e30", "9" * 30, "9" * 5000, "[1]", "None", "0x10"]


def test_wrong_numbers(a_run: Refused) -> None:
    for number in NUMBERS:
        for option in ("--steps", "--seed", "--seeds"):
            a_run("train", "walk", option, number)
        a_run("train", "walk", "--steps", number, "--dry-run", "--json")
        a_run("evaluate", "run", "--episodes", number)
        a_run("evaluate", "run", "--seed", number, "--json")
        a_run("record", "run", "--out", "film.gif", "--seed", number)
        a_run("translate", "run", "file", "--out", "made", "--seed", number)
        a_run("paint", "run", "--port", number)
    for number in ("0", "-1", "100001", "100000000"):
        a_run("evaluate", "run", "--episodes", number)
    for number in ("0", "-1"):
        a_run("train", "walk", "--steps", number)
    for number in ("0", "-1", "10001", "100000000"):
        a_run("train", "walk", "--seeds", number)
    a_run("train", "walk", "--seed", 2**63 - 1, "--seeds", 2, words=("seed=9223372036854775808",))


def test_an_evaluation_of_too_many_episodes_says_why(a_run: Refused) -> None:
    a_run("evaluate", "run", "--episodes", 100_000_000, words=("100,000 at most", "deviation"))


def test_wrong_paths(a_run: Refused) -> None:
    for path in wrong_values.paths():
        for arguments in (
            ["--run"],
            ["--dry-run", "--run"],
            ["--seeds", 2, "--run"],
            ["--from"],
            ["--resume", "--run"],
        ):
            a_run("train", "walk", *arguments, path)
        a_run("evaluate", path)
        a_run("evaluate", path, "--json")
        a_run("check", path)
        a_run("check", path, "--json")
        a_run("record", path, "--out", "film.gif")
        a_run("record", "run", "--out", f"{path}.gif" if path.strip() else path)
        a_run("translate", path, "file", "--out", "made")
        a_run("translate", "run", path, "--out", "made", "--json")
        a_run("translate", "run", "file", "--out", path)
        a_run("paint", path)
        a_run("train", "gan", "--data", f"images:{path}")
        a_run("train", "mlp", "--data", f"csv:{path}?target=y")
    a_run("record", "run", "--out", "file/film.gif", words=("'file' is a file", "--out"))


@pytest.mark.parametrize("option", ["--run", "--out"])
def test_where_nobody_may_write(a_run: Refused, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    # Asked through os.access, because to some users of a machine every directory is writable.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    arguments = ("train", "walk", "--run", "new/run") if option == "--run" else ("record", "run", "--out", "film.gif")
    a_run(*arguments, words=("cannot be", option))


TOO_LARGE = ("filters=2000000000 --set most_filters=2000000000", "batch_size=100000", "latent_size=2000000000")
COMBINATIONS = [
    *(f"train {name} --data digits" for name in AGENTS),
    *(f"train {name} --env CartPole-v1" for name in MODELS),
    *(f"train {name} --wrapper frame_stack:4" for name in (*MODELS, "walk")),
    *(f"train {name} --env CartPole-v1 --data digits" for name in CONFIGURATIONS if name != "trainer"),
    *(f"train {name} --env Pendulum-v1" for name in ("dqn", "double_dqn", "dueling_dqn", "book_dqn", "discrete_sac")),
    *(f"train {name} --env CartPole-v1" for name in ("sac", "td3")),
    *(f"train {name} --set num_envs=65536 --set rollout_steps=100000" for name in ("a2c", "ppo", "reinforce")),
    *(f"train {name} --set num_envs=65536 --set rollout_steps=32000" for name in ("a2c", "reinforce")),
    *(f"train {name} --set hidden_units=1000000,1000000" for name in (*AGENTS, "mlp")),
    *(f"train {name} --set batch_size=2000000000 --set replay_capacity=2000000000" for name in ("dqn", "sac", "td3")),
    *(f"train gan --set {net}_hidden_units=1000000,1000000" for net in ("generator", "discriminator")),
    "train gan --set latent_size=2000000000",
    *(f"train {name} --data digits --set {field}" for name in ("dcgan", "wgan", "wgan_gp") for field in TOO_LARGE),
    "train dcgan --data ring",
    "train dcgan --set generator=tutorial",
    "train wgan --set spectral_norm=true",
    "train wgan_gp --set label_smoothing=0.1",
    "train dqn --wrapper time_limit:99999999999999999999",
    "train dqn --wrapper time_limit:3000000000",
    "train dqn --wrapper frame_stack:999999999",
    "train dqn --wrapper clip_reward:1e300",
    "train dqn --wrapper noisy_reward:1e300",
    "train dqn --wrapper noisy_reward:-1",
    "train gan --data images:.?size=2000000000",
    "train gan --data images:pictures?size=2000000000",
    "train mlp --data digits?subset=99999999999999999999",
    "train mlp --data digits?fold=1e400",
    "train gan --set evaluation_samples=2000000000",
    "train ppo --set minibatches=7",
    "train ppo --set num_envs=65536 --set rollout_steps=32749 --set minibatches=5",
    "train ppo --set epochs=2000000000",
    "train walk --seeds 2 --dry-run",
    "train walk --seeds 2 --resume --run run",
    "train walk --resume",
    "train walk --resume --run run --from run",
    "train walk --resume --run run --steps 1",
    "train walk --run run --seed 1",
    "train walk --resume",
    "train walk --resume auto",
    "train walk --resume soon --run run",
    "train walk --run file",
    "train walk --from file",
    "train mlp --from run",
    "train walk --set size=1 --set size=1",
    "train walk --set",
    "train walk --set =1",
    "train walk --env-arg x=1",
    "train walk surplus",
    "train",
    "evaluate",
    "record run",
    "record",
    "describe",
    "describe dqn surplus",
    "list surplus",
    "list --kind",
    "lisst",
    "train walk --stepps 3",
    "evaluate run --json=1",
    "check",
    "check run surplus",
    "check run --seed 1",
    "translate run file",
    "translate run --out made",
    "translate run missing --out made",
    "translate run file --out file/made",
    "paint",
    "paint run surplus",
    "paint run --port 65536",
    "record run --out film.avi",
    "record run --out film",
    "record run --out .gif/",
    "record run --out missing/film.gif",
]


@pytest.mark.parametrize("arguments", COMBINATIONS)
def test_wrong_combinations(a_run: Refused, arguments: str) -> None:
    a_run(*arguments.split())


@settings(
    derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(exclude_characters="\0"), max_size=40))
def test_whatever_is_set_is_no_traceback(
    rlgen_command: Callable[..., Any], in_empty_directory: Path, text: str
) -> None:
    for field in ("hidden_units", "epsilon", "max_grad_norm", "wrappers", "network"):
        done = rlgen_command(
            "train", "dqn", "--dry-run", "--set", text, "--set", f"batch_size={text}", "--set", f"{field}={text}"
        )
        assert done.code == 2 and "Traceback" not in done.err and len(done.err) < 3000, done


def test_ctrl_c_while_evaluating(
    rlgen_command: Callable[..., Any], a_run: Refused, walk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk.Walk, "evaluate", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    # Where the tests were started in the background, a shell may have told them to ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = rlgen_command("evaluate", "run", "--episodes", 100_000)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.code, done.out) == (1, "")
    assert "stopped" in done.err and "Traceback" not in done.err


ODD: dict[str, list[Any]] = {
    "run": ["a\0b", 5, "\ud800", "", b"run"],
    "start": ["a\0b", 5, ""],
    "steps": [10**400, b"5", True, 2**63, 1.5],
    "seed": [np.array([1, 2]), 2**63, "", [], 1j],
    "config": [{1: 2}, {"size": {}}, {"size": np.True_}, {"signal": "\0"}, {"signal": "\ud800"}, 5, [1]],
    "env_config": [5, {1: 2}],
    "wrappers": [5, "frame_stack"],
    "preset": ["\0", 5, ""],
    "engine": [5, ""],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_arguments_of_a_program(walk: Any, in_empty_directory: Path, name: str) -> None:
    for value in ODD[name]:
        with pytest.raises(UserError):
            rlgen.train("walk", **{name: value})
    assert list(in_empty_directory.iterdir()) == []


@pytest.mark.parametrize("path", ["a\0b", 5, "n" * 300, ""])
def test_odd_paths_of_a_program(walk: Any, in_empty_directory: Path, path: Any) -> None:
    run = rlgen.train("walk", steps=2, run="run")
    for refused in (lambda: rlgen.evaluate(path), lambda: rlgen.load(path), lambda: rlgen.record(run, out=path)):
        with pytest.raises(UserError):
            refused()


@pytest.mark.parametrize("wrong", [{"episodes": 10**9}, {"episodes": "many"}, {"seed": 2**63}, {"seed": None}])
def test_odd_evaluations_of_a_program(walk: Any, in_empty_directory: Path, wrong: Any) -> None:
    run = rlgen.train("walk", steps=2, run="run")
    with pytest.raises(UserError):
        rlgen.evaluate(run, **wrong)
