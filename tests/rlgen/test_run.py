import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strangers import rewrite

from rlgen import building, checkpoint
from rlgen.errors import CheckpointDamaged, UnknownName, UserError
from rlgen.run import Run, RunConfig, check_free, default_path, provenance

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
