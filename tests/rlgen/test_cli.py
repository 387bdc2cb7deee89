import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen import cli
from rlgen.errors import UserError
from rlgen.run import Run

Command = Callable[..., Any]

# The smallest Double DQN that goes through everything.
TINY = [
    *("--set", "hidden_units=16", "--set", "batch_size=16", "--set", "replay_capacity=512"),
    *("--set", "train_every_env_steps=64", "--set", "updates_per_train=2", "--set", "learning_starts_env_steps=64"),
    *("--set", "trainer.evaluation_episodes=2", "--set", "trainer.evaluate_every_steps=256"),
]


def one_json(text: str) -> Any:
    """The only value on standard output; anything else there would break a program that reads it."""
    return json.loads(text)


def test_list(rlgen_command: Command, walk: Any) -> None:
    done = rlgen_command("list")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert any(line.startswith("agent       double_dqn") and "[rlgen " in line for line in lines)
    assert any("walk" in line and "Weights that walk at random." in line and "[code in walk]" in line for line in lines)
    some = rlgen_command("list", "--kind", "env")
    assert some.code == 0
    assert {line.split()[0] for line in some.out.splitlines()} == {"env"}


def test_list_json(rlgen_command: Command) -> None:
    done = rlgen_command("list", "--json")
    rows = one_json(done.out)
    assert done.err == ""
    assert all({"name", "kind", "source", "summary"} == row.keys() for row in rows)
    assert ("agent", "dqn", f"rlgen {rlgen.__version__}") in {(row["kind"], row["name"], row["source"]) for row in rows}
    assert all(row["summary"] for row in rows if row["source"].startswith("rlgen "))


def test_a_broken_plugin_is_listed_and_shows_its_own_exception(
    rlgen_command: Command, add_package: Callable[..., Path]
) -> None:
    add_package("broken", {"agent.broken": "broken:Agent"}, "raise RuntimeError('out of coffee')")
    done = rlgen_command("list", "--json")
    assert ("broken", "broken 1.2") in {(row["name"], row["source"]) for row in one_json(done.out)}
    for arguments in (["describe", "broken"], ["train", "broken"]):
        done = rlgen_command(*arguments)
        assert done.code == 2
        assert "RuntimeError: out of coffee" in done.err
        assert "Traceback" not in done.err
    assert rlgen_command("describe", "mlp").code == 0


def test_describe(rlgen_command: Command, walk: Any) -> None:
    done = rlgen_command("describe", "walk")
    assert done.code == 0
    for word in (
        "walk  (supervised, code in walk)",
        "rate = 0.1  (number, > 0 and <= 1)",
        "How far",
        "preset wide: More",
    ):
        assert word in done.out
    row = one_json(rlgen_command("describe", "walk", "--json").out)
    assert {"name", "kind", "source", "summary", "doc", "fields", "presets"} <= row.keys()
    assert {field["name"] for field in row["fields"]} >= {"size", "rate"}
    assert row["presets"]["wide"]["size"] == 64


@pytest.mark.parametrize("name", [row["name"] for row in rlgen.available() if row["source"].startswith("rlgen ")])
def test_describe_every_built_in(rlgen_command: Command, name: str) -> None:
    done = rlgen_command("describe", name, "--json")
    row = one_json(done.out)
    assert done.err == ""
    assert row["doc"]
    for field in row["fields"]:
        assert field["doc"], f"nobody says what {field['name']} is"


def test_train_evaluate_record(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    run, film = tmp_path / "run", tmp_path / "film.gif"
    done = rlgen_command("train", "walk", "--steps", 40, "--seed", 3, "--run", run, "--set", "size=2", "--data", "hard")
    assert done.code == 0
    for word in ("walk on hard, compiled engine, seed 3; ballast 0 B; run ", "step        40  score"):
        assert word in done.err
    assert "score" not in done.err.splitlines()[0]
    for word in ("steps", "eval/score", f"tensorboard --logdir {run}", f"rlgen evaluate {run}"):
        assert word in done.out
    judged = rlgen_command("evaluate", run, "--episodes", 3, "--checkpoint", 40)
    assert judged.code == 0
    assert "eval/score" in judged.out
    filmed = rlgen_command("record", run, "--out", film)
    assert (filmed.code, filmed.out.strip()) == (0, str(film))
    assert film.stat().st_size > 100


def test_train_json(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = rlgen_command("train", "walk", "--steps", 40, "--run", run, "--json")
    row = one_json(done.out)
    wanted = {"run", "algorithm", "problem", "engine", "seed", "steps", "seconds", "steps_per_second", "evaluation"}
    assert wanted <= row.keys()
    assert (row["run"], row["algorithm"], row["problem"], row["steps"]) == (str(run), "walk", "plain", 40)
    judged = one_json(rlgen_command("evaluate", run, "--episodes", 20, "--json").out)
    assert judged["episodes"] == 20
    assert judged["evaluation"].keys() == row["evaluation"].keys()
    assert judged["evaluation"]["eval/score"] == row["evaluation"]["eval/score"]
    assert judged["step"] == row["best_step"]


def test_what_others_print_is_no_part_of_the_answer(
    rlgen_command: Command, walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = walk.Walk.train

    def loud(self: Any, steps: int) -> Any:
        print("from Python")
        os.write(1, b"from C\n")
        return quiet(self, steps)

    monkeypatch.setattr(walk.Walk, "train", loud)
    done = rlgen_command("train", "walk", "--steps", 10, "--run", tmp_path / "run", "--json")
    assert one_json(done.out)["steps"] == 10
    assert "from Python" in done.err and "from C" in done.err


def test_train_from_several_seeds(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    done = rlgen_command("train", "walk", "--steps", "10", "--seed", "4", "--seeds", "3", "--run", tmp_path / "many")
    assert done.code == 0, done.err
    assert [Run.open(tmp_path / "many" / f"s{seed}").config.seed for seed in (4, 5, 6)] == [4, 5, 6]
    scores = [Run.open(tmp_path / "many" / f"s{seed}").evaluation["eval/score"] for seed in (4, 5, 6)]
    *rows, _, last = done.out.splitlines()
    assert [row.split()[:2] for row in rows] == [["seed", "4"], ["seed", "5"], ["seed", "6"]]
    assert f"median     eval/score {sorted(scores)[1]:,.6g}, from" in last
    many = rlgen_command("train", "walk", "--steps", "10", "--seeds", "2", "--run", tmp_path / "json", "--json")
    assert [row["evaluation"].keys() for row in one_json(many.out)] == [{"eval/score", "eval/draw"}] * 2
    again = rlgen_command("train", "walk", "--steps", "10", "--seeds", "3", "--run", tmp_path / "json", "--json")
    assert again.code == 0, again.err
    assert again.err.count("is finished: it has done its 10 steps") == 2
    assert one_json(again.out)[:2] == one_json(many.out)
    other = rlgen_command("train", "walk", "--set", "rate=.5", "--seeds", "4", "--run", tmp_path / "json")
    assert (other.code, "rate: the run has 0.1, you asked for 0.5" in other.err) == (2, True)
    assert not (tmp_path / "json" / "s3").exists()
    resumed = rlgen_command("train", "walk", "--seeds", "2", "--run", tmp_path / "many", "--resume")
    assert (resumed.code, "--seeds starts runs" in resumed.err) == (2, True)


def test_train_resume(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    rlgen_command("train", "walk", "--steps", 20, "--run", run, "--set", "rate=0.5")
    # The same values in other words are no other configuration.
    same = ["--set", "rate=5e-1", "--seed", 0, "--data", "plain", "--engine", "auto"]
    done = rlgen_command("train", "walk", "--steps", 40, "--run", run, "--resume", "--json", *same)
    assert (done.code, one_json(done.out)["steps"]) == (0, 40)
    assert "Going on from step 20 of" in done.err


def test_the_same_command_again(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    """As a scheduler types it: it starts, goes on, or says that all is done, and exits with 0."""
    command = ["train", "walk", "--steps", 20, "--run", tmp_path / "run", "--set", "rate=0.5", "--json"]
    first, again = rlgen_command(*command), rlgen_command(*command)
    assert (first.code, again.code) == (0, 0) and one_json(again.out) == one_json(first.out)
    assert "is finished: it has done its 20 steps" in again.err
    (tmp_path / "run" / "result.json").unlink()
    made = rlgen_command(*command)
    assert made.code == 0 and one_json(made.out)["evaluation"] == one_json(first.out)["evaluation"]
    other = rlgen_command("train", "walk", "--steps", 20, "--run", tmp_path / "run")
    assert (other.code, "rate: the run has 0.5, you asked for 0.1" in other.err) == (2, True)
    dry = rlgen_command(*command, "--dry-run")
    assert dry.code == 0 and one_json(dry.out) == one_json(made.out), "there is nothing that would be trained"


@pytest.mark.parametrize("word", ["--resume=auto", "--resume auto"])
def test_resume_auto(rlgen_command: Command, walk: Any, tmp_path: Path, word: str) -> None:
    for steps in (20, 30, 30):
        done = rlgen_command("train", "walk", "--run", tmp_path / "run", "--steps", steps, *word.split(), "--json")
        assert (done.code, one_json(done.out)["steps"]) == (0, steps), done.err
    wrong = rlgen_command("train", "walk", "--run", tmp_path / "run", "--resume", "soon")
    assert wrong.code == 2 and "'now', 'auto'" in wrong.err


def test_two_commands_at_once(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    """The second one is refused, whether the first one makes the run or goes on with it."""
    refused: list[Any] = []

    def train(self: Any, steps: int) -> Any:
        if not refused:
            refused.append(None)
            other = threading.Thread(target=lambda: refused.append(attempt(tmp_path / "run")))
            other.start()
            other.join()
        return quiet(self, steps)

    def attempt(path: Path) -> str:
        try:
            rlgen.train("walk", run=path, steps=20)
        except UserError as error:
            return str(error)
        return "it was trained"

    quiet = walk.Walk.train
    walk.Walk.train = train
    try:
        for steps in (20, 40):
            refused.clear()
            done = rlgen_command("train", "walk", "--run", tmp_path / "run", "--steps", steps)
            assert done.code == 0, done.err
            assert f"{tmp_path / 'run'} is being written by process {os.getpid()}" in refused[1]
    finally:
        walk.Walk.train = quiet


def test_dry_run_writes_nothing(rlgen_command: Command, walk: Any, in_empty_directory: Path) -> None:
    done = rlgen_command("train", "walk", "--dry-run", "--set", "ballast=1000", "--json")
    row = one_json(done.out)
    assert done.code == 0
    assert (row["algorithm"], row["steps"], row["memory"]) == ("walk", 100, {"ballast": "8.0 kB"})
    assert row["config"]["ballast"] == 1000
    assert rlgen_command("train", "walk", "--dry-run").code == 0
    assert list(in_empty_directory.iterdir()) == []


def test_double_dqn_from_training_to_film(rlgen_command: Command, tmp_path: Path) -> None:
    """The real thing: every command of the README, on nets and budgets that are too small to learn."""
    run, film = tmp_path / "run", tmp_path / "film.mp4"
    done = rlgen_command("train", "double_dqn", "--steps", 500, "--run", run, "--json", *TINY)
    row = one_json(done.out)
    assert done.code == 0
    assert (row["problem"], row["engine"], row["steps"], row["seed"]) == ("CartPole-v1", "compiled", 504, 0)
    assert row["evaluation"]["eval/mean_reward"] > 0
    assert "replay " in done.err
    again = one_json(rlgen_command("evaluate", run, "--episodes", 3, "--checkpoint", "last", "--json").out)
    assert again["episodes"] == 3
    assert "eval/mean_reward" in again["evaluation"]
    assert rlgen_command("record", run, "--out", film).code == 0
    assert film.stat().st_size > 1000
    checked = one_json(rlgen_command("check", run, "--json").out)
    assert (checked["sound"], checked["step"], checked["finished"]) == (True, 504, True), checked["findings"]
    agent = rlgen.load(run)
    assert agent.act(rlgen.make("dqn").observation_space.sample()) in (0, 1)


def test_help_and_version(rlgen_command: Command) -> None:
    for arguments in (["--help"], ["-h"], ["train", "-h"]):
        done = rlgen_command(*arguments)
        assert (done.code, done.err) == (0, "")
        assert "Usage: " in done.out
    assert rlgen.__version__ in rlgen_command("--version").out


@pytest.mark.parametrize("arguments", [["lits"], ["train"], ["train", "walk", "--stpes", 3], ["record", "x"]])
def test_a_wrong_command_line(rlgen_command: Command, arguments: list[str]) -> None:
    done = rlgen_command(*arguments)
    assert done.code == 2
    assert "Usage: " in done.err
    assert done.out == ""


def test_other_failures_exit_with_one(rlgen_command: Command, walk: Any, tmp_path: Path) -> None:
    done = rlgen_command("train", "walk", "--run", tmp_path / "run", "--set", "nan_loss_at=15", "--json")
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err


def test_a_stop_before_training_is_quiet(rlgen_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.registry, "find", interrupted)
    done = rlgen_command("train", "dqn")
    assert (done.code, done.out, done.err.strip()) == (1, "", "rlgen: stopped.")


def command_file() -> str:
    beside = Path(sys.executable).with_name("rlgen")
    return str(beside) if beside.exists() else str(shutil.which("rlgen"))


@pytest.mark.parametrize("start", [[sys.executable, "-m", "rlgen"], [command_file()]], ids=["module", "command"])
def test_the_command_as_installed(start: list[str], tmp_path: Path) -> None:
    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*start, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ}
        )

    listed = call("list", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert {"double_dqn", "mlp", "gan"} <= {row["name"] for row in json.loads(listed.stdout)}
    wrong = call("train", "duble_dqn")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "Did you mean 'double_dqn'" in wrong.stderr
    assert list(tmp_path.iterdir()) == []
