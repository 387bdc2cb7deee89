import dataclasses
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refused import snapshot
from run_damage import contents, train
from strangers import rewrite

from rlgen import building, checkpoint
from rlgen.errors import CheckpointDamaged, RlgenError, UnknownName, UserError
from rlgen.run import Run, RunConfig, check_free, default_path, provenance

pytestmark = pytest.mark.usefixtures("undrawn")

CONFIG = RunConfig(
    algorithm="walk",
    problem="plain",
    engine="compiled",
    seed=3,
    preset="default",
    config={"size": 5},
    trainer={"keep_checkpoints": 2},
)


def make(path: Path) -> Run:
    return Run.create(path, CONFIG)


def test_a_run_explains_itself(tmp_path: Path) -> None:
    run = make(tmp_path / "a" / "run")
    row = json.loads((run.path / "config.json").read_text())
    assert row["schema"] == 2
    assert (row["algorithm"], row["seed"], row["config"]) == ("walk", 3, {"size": 5})
    assert {"created", "command", "git_revision", "versions"} <= row["about"].keys()
    assert {"python", "numpy", "tensorflow", "keras", "rlgen"} <= row["about"]["versions"].keys()
    made = {str(path.relative_to(run.path)) for path in run.path.rglob("*")}
    assert made == {"config.json", ".lock"}


def test_it_comes_back(tmp_path: Path) -> None:
    make(tmp_path / "run")
    run = Run.open(str(tmp_path / "run"))
    assert run.config == CONFIG
    assert run.config.about["command"]
    assert (run.result, run.evaluation, run.steps, run.stats(), run.evaluations()) == ({}, {}, 0, [], [])


def test_whose_it_is(tmp_path: Path) -> None:
    file = make(tmp_path / "run").path / "config.json"
    assert Run.open(file.parent).made_here
    rewrite(file, seed=4)
    assert not Run.open(file.parent).made_here and Run.open(file.parent).config.seed == 4
    rewrite(file, signature=None)
    assert not Run.open(file.parent).made_here and Run.open(file.parent).config.seed == 4


def test_an_empty_directory_may_become_a_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert make(tmp_path / "run").config == CONFIG


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    make(tmp_path / "run")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for name, words in {
        "run": "is a run already.*--resume.*another --run",
        "file": "is a file. Choose another --run",
        "full": "is not empty and not a run. Choose another --run",
        "file/run": "file is a file. Choose another --run",
        "file/a/b": "file is a file. Choose another --run",
    }.items():
        for attempt in (check_free, make):
            with pytest.raises(UserError, match=words):
                attempt(tmp_path / name)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Asked through os.access, because to some users of a machine every directory is writable.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UserError, match="cannot be written. Choose another --run"):
        check_free(tmp_path / "new" / "run")
    monkeypatch.undo()

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.mkdir", refuse)
    with pytest.raises(UserError, match="cannot be written: Permission denied. Choose another --run"):
        make(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist. `rlgen train`"):
        Run.open(tmp_path / "nowhere")
    with pytest.raises(UserError, match="is not a run: it has no config.json"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is no JSON .*No checkpoint has a copy"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it is a list, not an object"),
        ("{}", "it has no checksum"),
        ('{"schema": 2}', "it has no checksum"),
        ('{"schema": 2, "seal": "0"}', "its checksum differs"),
        ('{"schema": 99}', "has schema 99; this rlgen reads 2"),
    ],
)
def test_a_damaged_configuration(tmp_path: Path, text: str, words: str) -> None:
    run = make(tmp_path / "run")
    (run.path / "config.json").write_text(text)
    with pytest.raises(UserError, match=words):
        _ = Run.open(run.path).config


def test_an_algorithm_that_is_gone(tmp_path: Path, clean_registry: None) -> None:
    gone = dataclasses.replace(CONFIG, algorithm="goner")
    with pytest.raises(UnknownName, match="no algorithm 'goner'"):
        building.built(Run.create(tmp_path / "run", gone).config)


def test_build_gives_the_algorithm_back(tmp_path: Path, walk: Any) -> None:
    algorithm = building.built(make(tmp_path / "run").config)
    assert isinstance(algorithm, walk.Walk)
    assert (algorithm.config.size, algorithm.seed, algorithm.problem) == (5, 3, "plain")


def test_which_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make(tmp_path / "run")
    with pytest.raises(UserError, match="no whole checkpoint"):
        run.weights("last")
    with pytest.raises(UserError, match="before its first evaluation: use --checkpoint last"):
        run.weights("best")
    for step in (10, 20, 30):
        checkpoint.save(run.checkpoints, step=step, arrays={"w": np.array(step)}, about={})
    checkpoint.save(run.best, step=15, arrays={"w": np.array(15)}, about={})
    assert run.steps == 30
    for which, step in {"best": 15, "last": 30, "20": 20, "15": 15}.items():
        found, arrays = run.weights(which)
        assert found == arrays["w"] == step
    for which in ("25", "newest", "-1"):
        with pytest.raises(UserError, match=f"no checkpoint '{which}'.*best, last or one of 10, 15, 20, 30"):
            run.weights(which)
    (run.checkpoints / "step-000000000030" / "state.npz").write_bytes(b"")
    assert run.weights("last")[0] == 20
    said = capsys.readouterr()
    assert "step-000000000030 is damaged" in said.err
    assert "Using step 20 instead" in said.err
    assert said.out == ""
    with pytest.raises(CheckpointDamaged, match="step-000000000030 is damaged"):
        run.weights("30")


def test_default_paths_say_what_they_hold() -> None:
    path = default_path(dataclasses.replace(CONFIG, problem="package:ALE/Pong-v5"))
    assert path.parts[0] == "runs"
    assert path.name.startswith("walk-package_ALE_Pong-v5-default-s3-")
    assert len(path.parts) == 2


def test_provenance_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr("subprocess.run", missing)
    assert provenance()["git_revision"] is None


# ---- links, and rows that somebody else wrote -------------------------------------------------------------


@pytest.mark.parametrize("place", ["checkpoints", "best", "media", "eval", "train"])
def test_nothing_is_done_through_links(tmp_path: Path, place: str) -> None:
    """What is behind them stays as it is, half-written files with names of rlgen's own too."""
    run = train(tmp_path / "run", kill_at=25)
    theirs = tmp_path / "theirs"
    shutil.move(run.path / place, theirs)
    (theirs / ".writing-theirs").mkdir()
    (theirs / ".removed-theirs").touch()
    (run.path / place).symlink_to(theirs)
    before = contents(theirs)
    with pytest.raises(UserError, match=f"{place} is a link, and nothing is written or deleted there"):
        train(run.path)
    assert contents(theirs) == before and snapshot(theirs)


@pytest.mark.parametrize("name", ["stats.jsonl", "evaluations.jsonl"])
def test_no_row_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    run = train(tmp_path / "run", kill_at=25)
    theirs = tmp_path / "theirs"
    (run.path / name).rename(theirs)
    (run.path / name).symlink_to(theirs)
    before = theirs.read_bytes()
    with pytest.raises(RlgenError, match="could not be written"):
        train(run.path)
    assert theirs.read_bytes() == before


def test_rows_of_other_types_are_refused(tmp_path: Path, rlgen_command: Any) -> None:
    """As somebody may write them, with checksums that fit."""
    run = train(tmp_path / "run", kill_at=25)
    kept = checkpoint.listed(run.checkpoints)[-1].path / "checkpoint.json"
    good = kept.read_bytes()
    for values in (
        {"best": 5},
        {"best": {"step": "20", "score": 1.0}},
        {"records": 5},
        {"records": {"stats.jsonl": {"bytes": -1, "sha256": "0"}}},
    ):
        rewrite(kept, **values)
        for arguments in (("train", "walk", "--run", run.path, "--resume"), ("check", run.path)):
            done = rlgen_command(*arguments)
            assert done.code == (2 if arguments[0] == "train" else 1), done
            assert "Traceback" not in done.err and "A checkpoint says of" in done.err + done.out
        kept.write_bytes(good)
    assert train(run.path).result["steps"] == 40


@pytest.mark.parametrize(
    "values",
    [
        {"seed": -1},
        {"seed": 2**70},
        {"steps": -5},
        {"start": {"x": 1}},
        {"start": {"run": 5, "step": "x"}},
        {"config": {"size": "many"}},
        {"config": {"size": -1}},
        {"config": {"nothing": 1}},
        {"trainer": {"keep_checkpoints": 0}},
        {"trainer": {"evaluate_every_steps": "x"}},
        {"engine": "warp"},
        {"problem": "nowhere"},
        {"problem": ""},
        {"facts": {"odd": [1]}},
    ],
    ids=str,
)
def test_configurations_that_cannot_be(tmp_path: Path, values: dict[str, Any], rlgen_command: Any) -> None:
    run = train(tmp_path / "run", kill_at=25)
    rewrite(run.path / "config.json", **values)
    for arguments in (
        ("train", "walk", "--run", run.path, "--resume"),
        ("train", "walk", "--run", run.path, "--steps", 40),
        ("train", "walk", "--run", tmp_path / "new", "--from", run.path, "--steps", 10),
        ("evaluate", run.path),
        ("check", run.path),
    ):
        done = rlgen_command(*arguments)
        assert done.code in (0, 1, 2) and "Traceback" not in done.err, (arguments, done)


# ---- config.json and its copies ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["deleted", "cut", "empty", "binary"])
def test_the_copy_of_a_damaged_configuration_is_used(tmp_path: Path, how: str, rlgen_command: Any) -> None:
    run = train(tmp_path / "run", kill_at=25)
    config, file = run.config, run.path / "config.json"
    if how == "deleted":
        file.unlink()
    else:
        file.write_bytes({"cut": file.read_bytes()[:50], "empty": b"", "binary": b"\xff" * 100}[how])
    assert Run.open(run.path).config == config and Run.open(run.path).made_here
    done = rlgen_command("train", "walk", "--run", run.path, "--resume", "--json")
    assert done.code == 0, done.err
    assert f"{file} cannot be used as a run's configuration: " in done.err
    assert "Its copy in the checkpoint of step 20 is used instead" in done.err
    assert json.loads(done.out)["steps"] == 40
    again = rlgen_command("train", "walk", "--run", run.path, "--resume")
    assert again.code == 0 and "is used instead" not in again.err, "the file is whole again"
    assert Run.open(run.path).config == config


def test_a_configuration_that_was_changed_is_refused_with_the_differences(tmp_path: Path, rlgen_command: Any) -> None:
    run = train(tmp_path / "run", kill_at=25)
    file = run.path / "config.json"
    text = file.read_text()
    file.write_text(text.replace('"rate": 0.1', '"rate": 0.2').replace('"seed": 0', '"seed": 1'))
    before = contents(run.path)
    for arguments in (("train", "walk", "--run", run.path, "--resume"), ("evaluate", run.path)):
        done = rlgen_command(*arguments)
        assert done.code == 2
        for word in ("config.rate: it was 0.1, now it is 0.2", "seed: it was 0, now it is 1", "Delete it to go on"):
            assert word in done.err
    assert contents(run.path) == before
    file.write_text(text.replace("\n", "\n\n").replace('"seal"', ' "seal"'))
    assert Run.open(run.path).config == run.config, "white space is no change"
    file.unlink()
    assert train(run.path).result["steps"] == 40, "as it is advised"


def test_what_the_row_of_a_configuration_may_be() -> None:
    row = dataclasses.asdict(CONFIG)
    assert RunConfig.of_row(row) == CONFIG
    for values, words in (
        ({"seed": "3"}, "seed='3' is no whole number"),
        ({"seed": True}, "seed=True is no whole number"),
        ({"seed": None}, "seed=None"),
        ({"algorithm": 5}, "algorithm=5 is no text"),
        ({"config": [1]}, r"config=\[1\] is no"),
        ({"steps": 1.5}, "steps=1.5 is no"),
        ({"start": "run"}, "start='run' is no"),
        ({"surplus": 1}, "it has 'surplus', which no run has"),
    ):
        with pytest.raises(TypeError, match=words):
            RunConfig.of_row({**row, **values})
    for name in row:
        with pytest.raises(TypeError, match=f"it lacks {name}"):
            RunConfig.of_row({key: value for key, value in row.items() if key != name})


def test_going_on_with_somebody_elses_run_signs_nothing(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    run.write_config(dataclasses.replace(CONFIG, steps=5))
    assert Run.open(run.path).made_here and Run.open(run.path).config.steps == 5
    rewrite(run.path / "config.json", seed=4)
    theirs = Run.open(run.path)
    theirs.write_config(dataclasses.replace(theirs.config, steps=6))
    assert not Run.open(run.path).made_here and Run.open(run.path).config.steps == 6


# ---- while it is written ----------------------------------------------------------------------------------


def test_weights_can_be_read_whatever_is_replaced_meanwhile(tmp_path: Path) -> None:
    run, ended, read = make(tmp_path / "run"), threading.Event(), 0
    for step in (1, 2):
        for where in (run.checkpoints, run.best):
            checkpoint.save(where, step=step, arrays={"w": np.full(1000, step)}, about={})

    def replace() -> None:
        step = 2
        while not ended.is_set():
            step += 1
            for where in (run.checkpoints, run.best):
                checkpoint.save(where, step=step, arrays={"w": np.full(1000, step)}, about={})
                checkpoint.keep_last(where, 1)

    writing = threading.Thread(target=replace)
    writing.start()
    try:
        last = {"best": 0, "last": 0}
        while min(last.values()) < 40:
            for which in last:
                step, arrays = run.weights(which)
                assert step >= last[which] and (arrays["w"] == step).all()
                last[which], read = step, read + 1
    finally:
        ended.set()
        writing.join()
    assert read > 10
