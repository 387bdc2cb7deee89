"""Each kind of damage has a finding, and what is advised is true: a resume does what was said of it."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from outcomes import outcome
from run_damage import CONFIG, Ear, contents, spoil, state_of, train
from strangers import rewrite

from rlgen import checkpoint, lock
from rlgen.checking import Report, check
from rlgen.errors import UserError
from rlgen.run import Run

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with its checkpoints of step 20, 30 and 40, whose process was killed before it was done."""
    return train(tmp_path / "run", steps=60, kill_at=45)


def found(report: Report, file: str) -> tuple[str, str]:
    """What is wrong with the one file that something is wrong with, and the advice."""
    assert [finding.file for finding in report.findings] == [file]
    return report.findings[0].what, report.findings[0].advice


def hurt(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def at(run: Run, step: int) -> Path:
    return run.checkpoints / checkpoint.name_of(step)


def test_a_sound_run(run: Run) -> None:
    before = contents(run.path)
    report = check(run.path)
    assert (report.findings, report.step, report.steps, report.finished) == ((), 40, 60, False)
    assert (report.stopped, report.writer) == (None, None) and report.files > 15
    train(run.path, steps=60)
    report = check(run.path)
    assert (report.findings, report.step, report.finished) == ((), 60, True)
    assert contents(run.path) != before, "otherwise the next line says nothing"
    before = contents(run.path)
    check(run.path)
    assert contents(run.path) == before


def test_it_says_who_writes_it(run: Run) -> None:
    with lock.locked(run.path):
        assert f"process {os.getpid()} on" in str(check(run.path).writer)


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        check(tmp_path / "nowhere")
    with pytest.raises(UserError, match="is not a run"):
        check(tmp_path)


# ---- checkpoints ------------------------------------------------------------------------------------------

CHECKPOINTS: dict[str, Callable[[Path], Any]] = {
    "arrays": lambda path: hurt(path / "state.npz"),
    "manifest": lambda path: hurt(path / "checkpoint.json"),
    "no arrays": lambda path: (path / "state.npz").unlink(),
    "no manifest": lambda path: (path / "checkpoint.json").unlink(),
}


@pytest.mark.parametrize("step", [20, 30, 40])
@pytest.mark.parametrize("damage", CHECKPOINTS.values(), ids=CHECKPOINTS.keys())
def test_a_damaged_checkpoint(run: Run, damage: Callable[[Path], Any], step: int) -> None:
    whole = outcome(train(run.path.with_name("whole"), steps=60))
    damage(at(run, step))
    report, goes_on = check(run.path), 30 if step == 40 else 40
    what, advice = found(report, f"checkpoints/step-{step:012d}")
    assert "is damaged" in what and advice == f"A resume goes on from step {goes_on}."
    assert report.step == goes_on
    again = train(run.path, steps=60, callbacks=[ear := Ear()])
    assert any(f"Going on from step {goes_on} of" in text for text in ear.heard)
    assert outcome(again) == whole and check(run.path).findings == ()


def test_all_checkpoints_are_damaged_or_lost(run: Run) -> None:
    for step in (20, 30, 40):
        hurt(at(run, step) / "state.npz")
    report = check(run.path)
    assert report.step is None and len(report.findings) == 3
    assert {finding.advice for finding in report.findings} == {"There is no other one to go on from."}
    shutil.rmtree(run.checkpoints)
    what, advice = found(check(run.path), "checkpoints")
    assert "has lost its checkpoints: it was at step 40" in what and "Nothing can bring them back" in advice
    for _ in range(2):
        with pytest.raises(UserError, match="has lost its checkpoints"):
            train(run.path, steps=60)


def test_numbers_that_are_none(run: Run) -> None:
    spoil(run.checkpoints, 40)
    what, advice = found(check(run.path), "checkpoints/step-000000000040")
    assert "'weights' has numbers that are not finite" in what and advice.startswith("Delete it")
    with pytest.raises(UserError, match="'weights' of this checkpoint are not finite.*delete it to go on from the one"):
        train(run.path, steps=60)
    shutil.rmtree(at(run, 40))
    assert check(run.path).findings == ()
    assert train(run.path, steps=60).steps == 60


def test_what_is_no_weight_may_be_anything(tmp_path: Path) -> None:
    """Agents keep the returns of episodes that are not there yet as numbers that are none."""
    asked: dict[str, Any] = {"config": {**CONFIG, "ballast": 3}, "steps": 60}
    run = train(tmp_path / "run", kill_at=45, **asked)
    spoil(run.checkpoints, 40, "ballast")
    assert check(run.path).findings == ()
    assert train(run.path, **asked).steps == 60


# ---- the best one -----------------------------------------------------------------------------------------


def best_path(run: Run) -> Path:
    return run.best / checkpoint.name_of(state_of(run.best)[0])


@pytest.mark.parametrize("how", ["hurt", "missing", "not finite"])
def test_the_best_one_is_made_again(run: Run, how: str) -> None:
    for kept in checkpoint.listed(run.best)[:-1]:
        shutil.rmtree(kept.path)
    path, before = best_path(run), state_of(run.best)
    if before[0] < 20:
        pytest.fail("the best one is older than the checkpoints: this test says nothing")
    if how == "missing":
        shutil.rmtree(path)
    elif how == "hurt":
        hurt(path / "state.npz")
    else:
        spoil(run.best, before[0])
    what, advice = found(check(run.path), f"best/{path.name}")
    if how == "not finite":
        assert "not finite" in what
        shutil.rmtree(path)
    else:
        assert (
            "is missing" in what or "is damaged" in what
        ) and "A resume makes it again from the checkpoint" in advice
    train(run.path, steps=41)
    kept = {each.step: each for each in checkpoint.listed(run.best)}
    assert before[0] in kept and kept[before[0]].load()["weights"].tobytes() == before[1]["weights"]
    assert check(run.path).findings == ()


def test_the_best_one_of_a_finished_run_is_made_again_too(run: Run) -> None:
    whole = outcome(train(run.path, steps=60), newest=True)
    shutil.rmtree(run.best)
    what, advice = found(check(run.path), f"best/{checkpoint.name_of(whole['result']['best_step'])}")
    assert what == "is missing" and "A resume makes it again" in advice
    assert outcome(train(run.path, steps=60), newest=True) == whole and check(run.path).findings == ()


def test_the_best_one_is_lost(tmp_path: Path) -> None:
    run = train(tmp_path / "run", steps=200, kill_at=195)
    path = best_path(run)
    assert state_of(run.best)[0] < 170, "otherwise this test says nothing"
    shutil.rmtree(path)
    what, advice = found(check(run.path), f"best/{path.name}")
    assert (what, advice) == ("is missing", "A resume says so and takes the best one that is left.")
    train(run.path, steps=200, callbacks=[ear := Ear()])
    assert any("is lost" in text and "The best one that is left takes its place" in text for text in ear.heard)
    assert check(run.path).findings == ()


def test_a_best_one_that_nobody_needs_any_more(run: Run) -> None:
    old = run.best / checkpoint.name_of(5)
    shutil.copytree(best_path(run), old)
    what, advice = found(check(run.path), "best/step-000000000005")
    assert "it is of step" in what and advice == "It is not needed any more: a resume deletes it."
    train(run.path, steps=60)
    assert not old.exists() and check(run.path).findings == ()


# ---- other files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["hurt", "cut", "missing"])
@pytest.mark.parametrize("name", ["stats.jsonl", "evaluations.jsonl"])
def test_rows(run: Run, name: str, how: str) -> None:
    weights = state_of(train(run.path.with_name("whole"), steps=60).checkpoints)
    file = run.path / name
    if how == "hurt":
        hurt(file)
    elif how == "cut":
        file.write_bytes(file.read_bytes()[:30])
    else:
        file.unlink()
    what, advice = found(check(run.path), name)
    assert what.startswith("it ") and "leaves what can be read of it. Weights are not concerned." in advice
    assert state_of(train(run.path, steps=60).checkpoints) == weights
    assert check(run.path).findings == ()


def test_the_configuration(run: Run) -> None:
    file = run.path / "config.json"
    data = file.read_bytes()
    for damage, what in ((b"{", "it is no JSON"), (None, "is missing")):
        file.write_bytes(damage) if damage else file.unlink()
        said, advice = found(check(run.path), "config.json")
        assert said.startswith(what) and advice == "A resume takes its copy in the checkpoint of step 40."
    file.write_bytes(data.replace(b'"seed": 0', b'"seed": 1'))
    said, advice = found(check(run.path), "config.json")
    assert "checksum differs" in said and advice == "Delete it: a resume takes its copy in the checkpoint of step 40."
    file.unlink()
    train(run.path, steps=60)
    assert check(run.path).findings == ()
    for values, words in (
        ({"seed": "x"}, "seed='x' is no whole number"),
        ({"schema": 99}, "has schema 99"),
        ({"config": {"size": 0}}, "asks for what this rlgen cannot do: size=0"),
        ({"algorithm": "goner"}, "asks for what this rlgen cannot do: There is no algorithm 'goner'"),
        ({"trainer": {"keep": 0}}, "asks for what this rlgen cannot do: There is no field 'keep'"),
    ):
        file.write_bytes(data)
        rewrite(file, **values)
        said, advice = found(check(run.path), "config.json")
        assert words in said and advice.startswith("Use the rlgen that wrote it")


def test_a_configuration_without_a_copy(tmp_path: Path, run: Run) -> None:
    shutil.copytree(run.path, tmp_path / "bare", ignore=shutil.ignore_patterns("step-*", "*.jsonl"))
    (tmp_path / "bare" / "config.json").write_text("{")
    assert found(check(tmp_path / "bare"), "config.json")[1] == "No checkpoint has a copy."


def test_the_result(run: Run) -> None:
    result = train(run.path, steps=60).evaluation
    hurt(run.path / "result.json")
    report = check(run.path)
    assert found(report, "result.json")[1] == "A resume makes the final evaluation again." and not report.finished
    assert train(run.path, steps=60).evaluation == result
    assert check(run.path).findings == ()


def test_curves(run: Run) -> None:
    (file,) = (run.path / "train").iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    assert check(run.path).findings == (), "a process that was killed leaves half a record"
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)
    what, advice = found(check(run.path), str(file.relative_to(run.path)))
    assert what == "is damaged after 0 bytes" and "the JSON lines have the same" in advice


def test_what_is_no_file_is_not_opened(run: Run) -> None:
    """Nor waited for: a pipe has no end."""
    os.mkfifo(run.path / "media" / "pipe")
    (run.path / ".lock").unlink()
    os.mkfifo(run.path / ".lock")
    (run.path / "train" / "events.link").symlink_to("/dev/zero")
    report = check(run.path)
    assert {finding.file: finding.what for finding in report.findings} == {
        ".lock": "is neither a file nor a directory",
        "media/pipe": "is neither a file nor a directory",
        "train/events.link": "is a link",
    }
    for finding in report.findings:
        assert "in its place, or delete it" in finding.advice
        (run.path / finding.file).unlink()
    assert check(run.path).findings == ()


@pytest.mark.parametrize(
    "name", ["config.json", "result.json", "stats.jsonl", "checkpoints/step-000000000030/state.npz"]
)
def test_pipes_in_the_places_of_files(run: Run, name: str) -> None:
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    assert len(check(run.path).findings) == 2


def test_somebody_writes_it_meanwhile(run: Run) -> None:
    """Files come and go while it is looked at; none of that is damage."""
    ended, kept = threading.Event(), checkpoint.listed(run.checkpoints)[-1]
    arrays, manifest = dict(kept.load()), kept.manifest()
    about = {key: value for key, value in manifest.items() if key not in ("step", "bytes", "sha256")}
    failed: list[BaseException] = []

    def write() -> None:
        step = kept.step
        try:
            while not ended.is_set():
                step += 1
                checkpoint.save(run.checkpoints, step=step, arrays=arrays, about=about)
                checkpoint.keep_last(run.checkpoints, 1)
        except BaseException as error:
            failed.append(error)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(40):
            assert check(run.path).findings == ()
    finally:
        ended.set()
        writing.join()
    assert failed == []


# ---- the command ------------------------------------------------------------------------------------------


def test_the_command(run: Run, rlgen_command: Any) -> None:
    done = rlgen_command("check", run.path)
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "sound True" in lines and "step 40" in lines and "steps 60" in lines
    row = json.loads(rlgen_command("check", run.path, "--json").out)
    assert (row["path"], row["sound"], row["findings"], row["step"]) == (str(run.path), True, [], 40)
    hurt(at(run, 40) / "state.npz")
    done = rlgen_command("check", run.path)
    assert done.code == 1 and "checkpoints/step-000000000040: " in done.out
    assert "    A resume goes on from step 30." in done.out.splitlines()
    done = rlgen_command("check", run.path, "--json")
    row = json.loads(done.out)
    assert (done.code, row["sound"], row["step"]) == (1, False, 30)
    assert [finding.keys() for finding in row["findings"]] == [{"file", "what", "advice"}]
    assert rlgen_command("check", run.path.with_name("nowhere")).code == 2
