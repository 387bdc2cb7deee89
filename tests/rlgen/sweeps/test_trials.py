"""Which trial comes next: never too many, none twice, and those that were left are taken up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rlgen import lock
from rlgen.errors import RlgenError
from rlgen.run import Run
from rlgen.sweeps import study as studies
from rlgen.sweeps import trials as module
from rlgen.sweeps.search import Range
from rlgen.sweeps.trials import Launcher, Trials, counts, score_of
from rlgen.workers import Job, Later

SPACE = {"rate": Range(0.001, 1.0, False)}


class Board:
    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        self.told.append(text)

    def at(self, *said: object) -> None:
        self.told.append(str(said))

    def ended(self, label: str) -> None:
        self.told.append(f"{label} ended")


def asked(**more: Any) -> studies.Asked:
    return studies.Asked(
        **{
            **{"algorithm": "walk", "request": {"seed": 5}, "search": {"rate": "0.001..1.0"}, "seeds": 1},
            **{"objective": "final", "score": "eval/score", "higher_is_better": True},
            **{"steps": 100, "evaluate_every_steps": 10, **more},
        }
    )


def launched(place: Path, *, most: int = 3, **more: Any) -> Any:
    """Trials of a launcher that has just begun."""
    study, decided = studies.open_study(place, None, asked(**more))
    study.sampler = studies.make_sampler("random", SPACE, seed=None)
    return Trials(
        study=study,
        asked=decided,
        place=place,
        space=studies.distributions(SPACE),
        trials=most,
        launcher=Launcher.here(place),
        reporting={"study": str(place), "storage": None, "pruner": "none"},
        display=Board(),  # type: ignore[arg-type]
    )


@contextlib.contextmanager
def living(made: Any) -> Iterator[Any]:
    with made._launcher.living(made._study):
        yield made


def finished(place: Path, job: Job, *, values: tuple[float, ...] = (1.0, 3.0), stopped: str | None = None) -> Job:
    """A job whose run has come to this."""
    run = Run(Path(job.request["run"]))
    run.path.mkdir(parents=True, exist_ok=True)
    rows = [f'{{"step": {10 * (i + 1)}, "eval/score": {value}}}\n' for i, value in enumerate(values)]
    (run.path / "evaluations.jsonl").write_text("".join(rows))
    run.write_result({"steps": 100, "score": "eval/score", "evaluation": {}, "stopped": stopped})
    job.run = run
    return job


def states(made: Any) -> list[str]:
    return [trial.state.name for trial in made._study.get_trials() if counts(trial)]


def test_two_launchers_train_as_many_as_are_asked_for(tmp_path: Path) -> None:
    with living(launched(tmp_path)) as one, living(launched(tmp_path)) as two:
        jobs = [one.feed(), two.feed(), one.feed()]
        assert [job.label for job in jobs] == ["t0000-s0", "t0001-s0", "t0002-s0"]
        assert isinstance(two.feed(), Later) and isinstance(one.feed(), Later)
        for made, job in zip((one, two, one), jobs, strict=True):
            made.over(finished(tmp_path, job))
        one._look_at = two._look_at = 0.0
        assert one.feed() is None and two.feed() is None
        assert states(one) == ["COMPLETE"] * 3 and not one.broken
    assert not list((tmp_path / "launchers").iterdir())


def test_one_too_many_is_withdrawn(tmp_path: Path) -> None:
    """Two machines that share a database and no directory ask for the last one at the same time."""
    with living(launched(tmp_path, most=1)) as made:
        ask = made._study.ask

        def both(**how: Any) -> Any:
            ask(**how).set_user_attr("launcher", {"name": "x", "host": "other", "place": "/there"})
            return ask(**how)

        made._study.ask = both
        assert isinstance(made.feed(), Later)
        assert [counts(trial) for trial in made._study.get_trials()] == [True, False]


def test_a_trial_that_was_left_goes_on_and_one_without_values_is_withdrawn(tmp_path: Path) -> None:
    one = launched(tmp_path)
    with living(one):
        left = one.feed()
        one._study.ask()
    with living(launched(tmp_path)) as two:
        again, new = two.feed(), two.feed()
        assert again.request == left.request and again.label == "t0000-s0"
        assert new.label == "t0002-s0"
        assert "trial 0 was left by a process that is gone; it goes on." in two._display.told
        assert [counts(trial) for trial in two._study.get_trials()] == [True, False, True]


def test_a_trial_whose_run_is_being_saved_yet_waits(tmp_path: Path) -> None:
    one = launched(tmp_path, most=1)
    with living(one):
        place = Path(one.feed().request["run"])
    place.mkdir(parents=True)
    with living(launched(tmp_path, most=1)) as two:
        with lock.locked(place):
            assert isinstance(two.feed(), Later)
        two._look_at = 0.0
        assert two.feed().label == "t0000-s0"


def test_who_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = Launcher.here(tmp_path), Launcher("1-x", "elsewhere", "/there")
    assert here.gone(here=here, sign=None), "no lock"
    now = time.time()
    assert not there.gone(here=here, sign=None)
    assert not there.gone(here=here, sign=now - 60)
    assert there.gone(here=here, sign=now - module.SILENCE_SECONDS - 1)
    made = launched(tmp_path)
    with living(made):
        assert not made._launcher.gone(here=Launcher.here(tmp_path), sign=None)
        assert module.SIGN + made._launcher.name in made._study.user_attrs


def test_a_trial_of_several_seeds_is_their_median(tmp_path: Path) -> None:
    with living(launched(tmp_path, most=1, seeds=3, objective="best")) as made:
        for run, value in enumerate((4.0, 9.0, 5.0)):
            job = made.feed()
            assert (job.label, job.request["seed"]) == (f"t0000-s{run}", 5 + run)
            assert job.request["callback"][1]["run"] == run
            made.over(finished(tmp_path, job, values=(1.0, value)))
        assert made._study.best_value == 5.0


@pytest.mark.parametrize(
    ("kind", "state", "broken"),
    [
        ("Diverged", "FAIL", False),
        ("UserError", "FAIL", False),
        (None, "FAIL", False),
        ("Interrupted", "RUNNING", False),
        ("RunBusy", "RUNNING", False),
        ("RlgenError", "RUNNING", True),
        ("StorageTrouble", "RUNNING", True),
    ],
)
def test_what_a_failed_run_is_to_its_trial(tmp_path: Path, kind: str | None, state: str, broken: bool) -> None:
    with living(launched(tmp_path, most=1)) as made:
        job = made.feed()
        job.kind, job.error = kind, RlgenError("so it is")
        made.over(job)
        assert states(made) == [state]
        assert made.broken is (job.error if broken else None)
        (trial,) = made._study.get_trials()
        assert trial.user_attrs.get("why") == ("so it is" if state == "FAIL" else None)
        again = made.feed()
        assert again is None if broken or state == "FAIL" else again.label == job.label


def test_pruned_and_without_a_score(tmp_path: Path) -> None:
    with living(launched(tmp_path, most=2)) as made:
        made.over(finished(tmp_path, made.feed(), stopped="pruned: eval/score 1 at step 20"))
        made.over(finished(tmp_path, made.feed(), values=()))
        assert states(made) == ["PRUNED", "FAIL"]


def test_a_trial_that_another_has_ended_is_let_go(tmp_path: Path) -> None:
    with living(launched(tmp_path, most=1)) as made:
        job = made.feed()
        made._study.tell(0, 7.0)
        made.over(finished(tmp_path, job))
        assert not made.broken and made.feed() is None
        assert made._study.best_value == 7.0


def test_of_two_that_take_up_a_trial_at_the_same_time_one_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with living(launched(tmp_path, most=1)) as one:
        one.feed()
    with living(launched(tmp_path, most=1)) as two:
        two._reporting["storage"] = "of another machine"
        faster = {"name": "y", "host": "other", "place": "/there"}
        (trial,) = two._study.get_trials()
        monkeypatch.setattr(time, "sleep", lambda _: two._set(trial._trial_id, module.LAUNCHER, faster))
        assert isinstance(two.feed(), Later)
        assert not two._hands


def test_a_storage_that_fails_ends_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with living(launched(tmp_path)) as made:

        def fail(**_: Any) -> Any:
            raise OSError("disk full")

        monkeypatch.setattr(made._study, "ask", fail)
        assert made.feed() is None and "disk full" in str(made.broken)


def test_what_counts_of_a_run(tmp_path: Path) -> None:
    run = finished(tmp_path, Job("a", {"run": str(tmp_path / "a")}), values=(9.0, 1.0, 2.0, 3.0, 4.0, 5.0)).run
    assert run is not None
    assert score_of(run, asked()) == 3.0
    assert score_of(run, asked(objective="best")) == 9.0
    assert score_of(run, asked(objective="best", higher_is_better=False)) == 1.0
