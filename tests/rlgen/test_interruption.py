"""Runs that are stopped from outside: signals, `kill -9` at any moment, a disk that is full."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rlgen
from rlgen import checkpoint
from rlgen.checkpoint import Checkpoint
from rlgen.run import Run

Command = Callable[..., Any]
Environment = dict[str, str]

KILLS = 40

# A Double DQN small enough for a test.
SMALL = {
    "hidden_units": "16",
    "batch_size": "16",
    "replay_capacity": "600",
    "train_every_env_steps": "32",
    "updates_per_train": "4",
    "learning_starts_env_steps": "64",
    "trainer.evaluate_every_steps": "4096",
    "trainer.evaluation_episodes": "1",
    "trainer.checkpoint_every_steps": "64",
}


def overrides(**more: str) -> list[str]:
    return [word for key, value in {**SMALL, **more}.items() for word in ("--set", f"{key}={value}")]


def same_arrays(one: Checkpoint, other: Checkpoint) -> None:
    first, second = one.load(), other.load()
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].dtype == second[name].dtype, name
        assert first[name].tobytes() == second[name].tobytes(), f"{name} differs"


def newest(run: Path) -> Checkpoint:
    return checkpoint.listed(run / "checkpoints")[-1]


def wait_for(done: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert process.poll() is None, f"ended early: {process.communicate()}"
        assert time.monotonic() < end, "too slow"
        time.sleep(0.005)


# ---- kill -9 ----------------------------------------------------------------------------------------------


@pytest.fixture
def trainers(subprocess_environment: Environment) -> Iterator[subprocess.Popen[str]]:
    """A process that trains what it is told in children of its own, which may be killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "walk"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=subprocess_environment,
    )
    yield process
    process.communicate()


def train_in_child(
    trainers: subprocess.Popen[str], *, kill_after: float | None = None, when: str = "forked", **what: Any
) -> int:
    """Train there; returns the exit status, negative if killed: so many seconds after it was forked or started."""
    assert trainers.stdin and trainers.stdout
    order = [str(what["run"]), what["steps"], what.get("resume", False), what.get("config", {})]
    trainers.stdin.write(json.dumps(order) + "\n")
    trainers.stdin.flush()
    child = int(trainers.stdout.readline())
    if when == "started":
        assert trainers.stdout.readline() == "started\n"
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    line = trainers.stdout.readline()
    return int(trainers.stdout.readline() if line == "started\n" else line)


def test_kill_at_random_moments(trainers: subprocess.Popen[str], walk: Any, tmp_path: Path) -> None:
    config = {"chunk": 2, "ballast": 20_000, "trainer.checkpoint_every_steps": 4, "trainer.evaluate_every_steps": 6}
    config["trainer.evaluation_episodes"] = 2
    torn, whole = tmp_path / "torn", tmp_path / "whole"
    assert train_in_child(trainers, run=torn, steps=12, config=config) == 0
    rng, reached, window = random.Random(7), [12], 0.06
    for i in range(KILLS):
        # Every other one may die while it is still taking up its state.
        moment = {"when": ("forked", "started")[i % 2], "kill_after": rng.uniform(0.0, window)}
        assert train_in_child(trainers, run=torn, steps=10**9, resume=True, **moment) == -signal.SIGKILL
        # Whatever carries a checkpoint's name is whole, and nothing that was there has gone back.
        for kept in checkpoint.listed(torn / "checkpoints") + checkpoint.listed(torn / "best"):
            assert int(kept.load().get("steps", kept.step)) == kept.step
        good, _, faults = checkpoint.newest_good(torn / "checkpoints")
        assert faults == []
        assert good.step >= reached[-1]
        # A busy machine needs longer to get anything done.
        window = min(1.0, window * 1.3) if good.step == reached[-1] else max(0.06, window / 1.3)
        reached.append(good.step)
        assert Run.open(torn).config.algorithm == "walk"
    assert len(set(reached)) > KILLS / 5, "the kills came before anything was done"
    end = reached[-1] + 40
    assert train_in_child(trainers, run=torn, steps=end, resume=True) == 0
    assert train_in_child(trainers, run=whole, steps=end, config=config) == 0
    same_arrays(newest(torn), newest(whole))
    same_arrays(checkpoint.listed(torn / "best")[0], checkpoint.listed(whole / "best")[0])
    assert not any(torn.glob("*/.*")), "what the killed processes left is swept away"
    one, two = Run.open(torn), Run.open(whole)
    assert one.evaluations() == two.evaluations()
    assert one.evaluation == two.evaluation
    rows = [[{k: v for k, v in row.items() if k != "time/fps"} for row in run.stats()] for run in (one, two)]
    assert rows[0] == rows[1]


# ---- signals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_signals_save_then_stop_and_say_how_to_go_on(
    number: str, rlgen_command: Command, walk: Any, in_empty_directory: Path
) -> None:
    # A path that a shell would take apart: the command that is printed must work all the same.
    where = "my runs/it's $one"
    stop = ["--set", "signal_at=23", "--set", f"signal={number}"]
    done = rlgen_command("train", "walk", "--run", where, "--steps", 60, "--json", *stop)
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err
    assert f"{number}: saving, then stopping." in done.err
    assert f"Stopped by {number} at step 24, which is saved." in done.err
    good, arrays, _ = checkpoint.newest_good(Path(where) / "checkpoints")
    assert good.step == arrays["steps"] == 24
    _, _, command = done.err.rpartition("Go on with: ")
    words = shlex.split(command)
    assert words[0] == "rlgen"
    assert rlgen_command(*words[1:]).code == 0
    rlgen.train("walk", run="whole", steps=60)
    same_arrays(newest(Path(where)), newest(Path("whole")))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_in_the_last_chunk_changes_nothing(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    done = rlgen_command("train", "walk", "--run", tmp_path / "run", "--steps", 60, "--set", "signal_at=59")
    assert done.code == 0
    assert Run.open(tmp_path / "run").result["steps"] == 60


def test_a_second_signal_stops_at_once(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    step = walk.Walk.train

    def stubborn(self: Any, steps: int) -> dict[str, float]:
        if self.steps >= 20:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return dict(step(self, steps))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk.Walk, "train", stubborn)
        done = rlgen_command("train", "walk", "--run", tmp_path / "run", "--steps", 60)
    assert done.code == 1
    assert "Traceback" not in done.err
    assert done.err.rstrip().endswith("rlgen: stopped.")
    assert checkpoint.newest_good(tmp_path / "run" / "checkpoints")[0].step == 18


def test_sigterm_to_the_real_thing(subprocess_environment: Environment, tmp_path: Path) -> None:
    """A supervisor's SIGTERM to a Double DQN, and the command it prints run by a shell."""
    beside = str(Path(sys.executable).parent)
    env = {**subprocess_environment, "PATH": os.pathsep.join([beside, os.environ.get("PATH", "")])}
    start = [sys.executable, "-m", "rlgen", "train", "double_dqn", "--steps", "3000", "--run", "a run"]
    process = subprocess.Popen(
        [*start, *overrides(**{"trainer.checkpoint_every_steps": "512"})],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        cwd=tmp_path,
    )
    try:
        wait_for((tmp_path / "a run" / "stats.jsonl").exists, process)
        process.terminate()
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out) == (1, "")
    assert "Traceback" not in err
    assert "Stopped by SIGTERM at step " in err
    step = newest(tmp_path / "a run").step
    assert f"at step {step:,}, which is saved" in err
    _, _, command = err.rpartition("Go on with: ")
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"Going on from step {step:,}" in done.stderr
    assert newest(tmp_path / "a run").step == 3000


# ---- a full disk ------------------------------------------------------------------------------------------

LIMITED = """
import resource, signal, sys
import walk
from rlgen.errors import RlgenError
import rlgen, rlgen.api
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
try:
    rlgen.train("walk", run=sys.argv[1], resume=True, steps=200)
except RlgenError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""


@pytest.mark.parametrize(
    ("limit", "words"),
    [(20_000, "The checkpoint of step 45 could not be written"), (1_000, "could not be written")],
    ids=["at the checkpoint", "at once"],
)
def test_files_that_cannot_grow(
    limit: int, words: str, subprocess_environment: Environment, walk: Any, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the full disk: the system itself refuses to write."""
    config = {"ballast": 10_000, "trainer.checkpoint_every_steps": 45, "trainer.evaluate_every_steps": 100}
    run = rlgen.train("walk", run=tmp_path / "run", steps=40, config=config)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(run.path), str(limit)],
        capture_output=True,
        text=True,
        check=False,
        env=subprocess_environment,
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "untouched" in done.stderr
    assert "Traceback" not in done.stderr
    good, arrays, faults = checkpoint.newest_good(run.checkpoints)
    assert (good.step, int(arrays["steps"]), faults) == (40, 40, [])
    whole = rlgen.train("walk", run=tmp_path / "whole", steps=60, config=config)
    again = rlgen.train("walk", run=run.path, resume=True, steps=60)
    np.testing.assert_array_equal(again.weights("last")[1]["weights"], whole.weights("last")[1]["weights"])


LIMITED_COMMAND = """
import resource, signal, sys
from rlgen import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), -1))
sys.argv = ["rlgen", *sys.argv[2:]]
cli.main()
"""


def test_a_double_dqn_on_a_full_disk(
    rlgen_command: Command, subprocess_environment: Environment, tmp_path: Path
) -> None:
    """The real thing; what it compiles is not kept, because that would need room as well."""
    run = tmp_path / "run"
    first = rlgen_command("train", "double_dqn", "--run", run, "--steps", 64, *overrides())
    assert first.code == 0, first.err
    size = (newest(run).path / "state.npz").stat().st_size
    command = [sys.executable, "-c", LIMITED_COMMAND, str(size // 2), "train", "double_dqn", "--run", str(run)]
    done = subprocess.run(
        [*command, "--steps", "2000", "--resume"],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in subprocess_environment.items() if name != "TF_XLA_FLAGS"},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert newest(run).step == 64
    assert rlgen.load(run, checkpoint="last").act(np.zeros(4, np.float32)) in (0, 1)
