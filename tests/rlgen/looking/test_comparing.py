import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import rlgen
from rlgen.errors import UserError
from rlgen.looking import aggregates, comparison_figure, comparison_runs
from rlgen.looking.comparing import Member, _band, compare
from rlgen.summary import SummaryWriter

pytestmark = pytest.mark.usefixtures("undrawn")


def train(path: Path, *, seed: int = 0, steps: int = 40, **config: Any) -> Path:
    every = {"trainer.evaluate_every_steps": 5}
    how = {key: config.pop(key) for key in ("data", "preset") if key in config}
    return rlgen.train("walk", steps=steps, run=path, seed=seed, config={**every, **config}, **how).path


def logged(directory: Path, *values: float, name: str = "loss", first: int = 0) -> Path:
    writer = SummaryWriter(directory)
    for step, value in enumerate(values, first):
        writer.scalars(step, {name: value, "beside": 0.0})
    writer.close()
    return directory


def scores(path: Path) -> list[float]:
    return [row["eval/score"] for row in rlgen.Run.open(path).evaluations()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `runs` are trained, once."""
    return tmp_path_factory.mktemp("trained") / "runs"


@pytest.fixture
def runs(tmp_path: Path, trained: Path, undrawn: None) -> Path:
    """Three seeds each of two step sizes."""
    for seed in range(0 if trained.exists() else 3):
        train(trained / f"slow-s{seed}", seed=seed, rate=0.01)
        train(trained / f"fast-s{seed}", seed=seed, rate=0.4)
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def rewrite_results(runs: Path, **other: Any) -> None:
    """Say in the results of runs something else of the direction of their score, or nothing."""
    for path in runs.iterdir():
        run = rlgen.Run.open(path)
        kept = {key: value for key, value in run.result.items() if key not in ("seal", "higher_is_better")}
        run.write_result({**kept, **other})


def test_every_run_for_itself(runs: Path) -> None:
    found = compare(runs)
    assert (found.metric, found.higher_is_better, found.step_unit, found.by) == ("eval/score", True, "steps", None)
    assert {group.label for group in found.groups} == {
        f"walk rate={rate} seed {seed}" for rate in (0.01, 0.4) for seed in range(3)
    }
    assert found.pairs == () and found.remarks == ()
    finals = [group.estimate.value for group in found.groups]
    assert finals == sorted(finals, reverse=True)
    for group in found.groups:
        values = scores(group.members[0].path)
        assert group.estimate.value == pytest.approx(np.mean(values[-5:])) and np.isnan(group.estimate.low)
        assert (group.best, group.steps) == (max(values), 40)
        np.testing.assert_allclose(group.curve.middle, values)
        assert group.curve.steps.tolist() == list(range(5, 41, 5)) and np.isnan(group.curve.high).all()
    shown = comparison_figure.text(found)
    assert "interval" not in shown and "P(" not in shown and "higher is better" in shown


def test_by_seed(runs: Path) -> None:
    found = compare([runs], by="seed")
    assert sorted(group.label for group in found.groups) == ["walk rate=0.01", "walk rate=0.4"]
    by_label = {group.label: group for group in found.groups}
    for name, label in (("slow", "walk rate=0.01"), ("fast", "walk rate=0.4")):
        group = by_label[label]
        values = np.array([scores(runs / f"{name}-s{seed}") for seed in range(3)])
        finals = values[:, -5:].mean(axis=1)
        assert [member.seed for member in group.members] == [0, 1, 2]
        np.testing.assert_allclose(group.finals, finals)
        assert group.estimate.value == pytest.approx(stats.trim_mean(finals, 0.25))
        assert finals.min() <= group.estimate.low <= group.estimate.value <= group.estimate.high <= finals.max()
        assert (group.worst.seed, group.best) == (int(finals.argmin()), values.max())
        np.testing.assert_allclose(group.curve.middle, stats.trim_mean(values, 0.25, axis=0))
        assert (group.curve.low <= group.curve.middle).all() and (group.curve.middle <= group.curve.high).all()
    ((better, than, chance),) = found.pairs
    assert (better, than) == tuple(group.label for group in found.groups)
    finals = [by_label[label].finals for label in (better, than)]
    assert chance == aggregates.probability_of_improvement(*finals)
    assert chance.value == pytest.approx(stats.mannwhitneyu(*finals).statistic / 9)
    assert compare(runs, by="seed").row() == found.row()


def test_as_rows_and_tables(runs: Path) -> None:
    found = compare(runs, by="seed")
    row = found.row()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert [group["group"] for group in row["groups"]] == [group.label for group in found.groups]
    assert row["groups"][0]["worst"]["run"] == str(found.groups[0].worst.path)
    assert len(row["groups"][0]["curve"]["low"]) == len(row["groups"][0]["curve"]["step"]) == 8
    lines = comparison_figure.text(found).splitlines()
    assert " ".join(lines[2].split()) == "group runs steps final 95 % interval least greatest worst run best"
    assert len({len(line) for line in lines[2:5]}) == 1 and f"seed {found.groups[0].worst.seed}" in lines[3]
    assert lines[6].startswith(f"P({found.groups[0].label} better than {found.groups[1].label})  ")
    table = comparison_figure.markdown(found).splitlines()
    assert {line.count("|") for line in table[2:6]} == {10} and set(table[3]) == set("|-: ")
    assert f"- {lines[6]}".split() == table[7].replace("):", ")").split()
    rows = list(csv.DictReader(io.StringIO(comparison_figure.as_csv(found))))
    assert [float(each["final"]) for each in rows] == [group.estimate.value for group in found.groups]
    assert [each["metric"] for each in rows] == ["eval/score"] * 2


def test_few_seeds_and_equal_ones(tmp_path: Path) -> None:
    places = [train(tmp_path / str(number), seed=number // 2) for number in range(3)]
    found = compare(places, by="seed")
    assert any("seed 0, which count as several" in remark for remark in found.remarks)
    found = compare([places[0], places[2]], by="seed")
    assert any("Fewer than 3 seeds: walk." in remark and "says little" in remark for remark in found.remarks)
    found = compare([places[0]], by="seed")
    assert found.row()["groups"][0]["low"] is None and found.pairs == ()
    assert compare(places).remarks == ()


def test_which_runs(runs: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(runs / "fast-s1")
    (runs / "notes").mkdir()
    for given in ([runs / "fast-s1"], [runs / "fast-s1", f"{runs}/../runs/fast-s1", link], runs / "fast-s1"):
        assert len(compare(given).groups) == 1
    assert len(compare([runs, runs / "fast-s1"]).groups) == 6
    found = [source.path.name for source in comparison_runs.sources([runs])]
    assert found == [f"{name}-s{seed}" for name in ("fast", "slow") for seed in range(3)]


def test_names(tmp_path: Path) -> None:
    plain, wide = train(tmp_path / "a"), train(tmp_path / "b", preset="wide")

    def names(*places: Path, by: str | None = None) -> set[str]:
        return {group.label for group in compare(places, by=by).groups}

    assert names(plain) == {"walk"}
    assert names(plain, wide) == {"walk plain", "walk wide"}
    hard = train(tmp_path / "c", data="hard", preset="wide")
    assert names(plain, wide, hard) == {"walk plain plain", "walk plain wide", "walk hard"}
    two = train(tmp_path / "d", rate=0.2, chunk=5)
    assert names(plain, two) == {"walk rate=0.1 chunk=10", "walk rate=0.2 chunk=5"}
    longer = train(tmp_path / "e", steps=45)
    assert names(plain, longer, by="seed") == {"walk steps=40", "walk steps=45"}
    other = train(tmp_path / "f", **{"trainer.evaluation_episodes": 3})
    assert names(plain, other) == {"walk trainer.evaluation_episodes=20", "walk trainer.evaluation_episodes=3"}
    shutil.copytree(plain, tmp_path / "g")
    assert names(plain, tmp_path / "g") == {f"walk {tmp_path / 'a'}", f"walk {tmp_path / 'g'}"}
    patient = train(tmp_path / "h", **{"trainer.step_timeout_seconds": 5.0, "seed": 1})
    assert names(plain, patient, by="seed") == {"walk"}


def test_metrics(runs: Path) -> None:
    found = compare(runs, metric="train/loss", by="seed")
    path = runs / "fast-s0"
    losses = [row["train/loss"] for row in rlgen.Run.open(path).stats()]
    (member,) = (each for group in found.groups for each in group.members if each.path == path)
    assert member.final == pytest.approx(np.mean(losses[-5:])) and member.best == max(losses)
    assert found.higher_is_better and found.remarks[0].startswith("Higher is taken for better, unless")
    lower = compare(runs, metric="train/loss", by="seed", lower_is_better=True)
    assert not lower.higher_is_better and lower.remarks[0].startswith("Lower is taken for better")
    assert [group.label for group in lower.groups] == [group.label for group in reversed(found.groups)]
    assert lower.groups[0].worst.final == max(lower.groups[0].finals)
    assert lower.pairs[0][:2] == found.pairs[0][1::-1] and lower.pairs[0][2].value == found.pairs[0][2].value
    assert "lower is better" in comparison_figure.text(lower)


def test_a_score_of_which_lower_is_better(runs: Path, walk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite_results(runs, higher_is_better=False)
    assert not compare(runs).higher_is_better
    # Of runs that do not say so, their algorithm does.
    rewrite_results(runs)
    monkeypatch.setattr(walk.Walk, "higher_is_better", False)
    found = compare(runs)
    finals = [group.estimate.value for group in found.groups]
    assert not found.higher_is_better and finals == sorted(finals)
    assert compare(runs, lower_is_better=True).higher_is_better is False
    # What a model learns from may decide what it is judged by: then the best checkpoint tells the direction.
    monkeypatch.setattr(walk.Walk, "score", "eval/another")
    assert compare(runs).higher_is_better
    rlgen.registry.unregister("supervised", "walk")
    assert compare(runs).metric == "eval/score" and compare(runs).higher_is_better
    (runs / "fast-s0" / "result.json").unlink()
    with pytest.raises(UserError, match="say by --metric"):
        compare(runs)
    assert f"{runs / 'fast-s0'} is not complete." in compare(runs, metric="eval/score").remarks


def test_what_other_programs_logged(tmp_path: Path) -> None:
    one, two = logged(tmp_path / "one", 4.0, np.nan, 2.0), logged(tmp_path / "two", 1.0, 3.0)
    found = compare([one, two], metric="loss", lower_is_better=True)
    assert [(group.label, group.estimate.value, group.steps) for group in found.groups] == [
        ("two", 2.0, 1),
        ("one", 3.0, 2),
    ]
    assert found.remarks[-1].startswith("Runs end at different steps, from 1 to 2")
    assert found.groups[1].curve.steps.tolist() == [0, 2]
    ours = train(tmp_path / "ours")
    with pytest.raises(UserError, match="not judged by the same score: say by --metric .* There is no metric that all"):
        compare([one, ours])
    with pytest.raises(UserError, match="say by --metric what to compare. All of them have: beside, loss"):
        compare([one, two])
    same = logged(tmp_path / "same", -1.0, name="eval/score")
    found = compare([same, ours], metric="eval/score", by="seed")
    assert any(remark.startswith(f"Another program logged {same}") for remark in found.remarks)
    nothing = logged(tmp_path / "nothing", np.nan)
    with pytest.raises(UserError, match="nothing has no finite value of 'loss'"):
        compare([one, nothing], metric="loss")


def test_curves_are_means_where_all_runs_are() -> None:
    def member(steps: list[int], values: list[float]) -> Member:
        return Member(Path("run"), 0, np.array(steps), np.array(values), True)

    band = _band([member([0, 10, 20], [0.0, 1.0, 2.0]), member([5, 15, 25], [3.0, 3.0, 3.0])])
    assert band.steps.tolist() == [5, 10, 15, 20] and band.middle.tolist() == [1.75, 2.0, 2.25, 2.5]
    assert (band.low.tolist(), band.high.tolist()) == ([0.5, 1.0, 1.5, 2.0], [3.0] * 4)
    apart = _band([member([0, 1], [0.0, 1.0]), member([5, 6], [0.0, 1.0])])
    assert len(apart.steps) == len(apart.middle) == len(apart.low) == 0
    long = _band([member(list(range(3000)), [1.0] * 3000)] * 2)
    assert len(long.steps) == 500 and (long.steps[0], long.steps[-1]) == (0, 2999)


def test_what_is_refused(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    for given, options, words in (
        ([], {}, "no run to compare"),
        (["nowhere"], {}, "nowhere does not exist"),
        ([""], {}, "RUN is empty"),
        ([tmp_path / "empty"], {}, "empty is not a run, has none directly below it"),
        ([tmp_path / "file"], {}, "file is a file and no directory"),
        ([tmp_path], {}, f"There are some in {runs}: name these"),
        ([runs], {"by": "sede"}, "by='sede': runs are grouped by seed. Did you mean 'seed'"),
        ([runs], {"lower_is_better": True}, "leave --lower-is-better out"),
        ([runs], {"metric": "eval/scor"}, "Did you mean 'eval/score'.* All of them have: eval/score, "),
        ([runs], {"metric": "zzz"}, "fast-s0, .*fast-s1, .*fast-s2 and 3 more have no metric 'zzz'. All of them have"),
    ):
        with pytest.raises(UserError, match=words):
            compare(given, **options)
    lacking = train(tmp_path / "late", steps=5)
    (lacking / "evaluations.jsonl").unlink()
    with pytest.raises(UserError, match="late has no metric 'eval/score'. All of them have: train/loss"):
        compare([runs, lacking])


def test_the_plot(tmp_path: Path) -> None:
    import imageio.v3 as imageio

    places = [train(tmp_path / "few" / f"s{seed}", seed=seed) for seed in range(2)]
    many = [logged(tmp_path / f"_${number}$", 1.0, number, name="eval/score") for number in range(9)]
    for number, found in enumerate((compare(places, by="seed"), compare([*places, *many], metric="eval/score"))):
        out = comparison_figure.write(found, tmp_path / f"{number}.png")
        assert imageio.imread(out).shape[2] in (3, 4)


def test_the_command(rlgen_command: Callable[..., Any], in_empty_directory: Path) -> None:
    for seed in range(2):
        train(Path("runs") / f"s{seed}", seed=seed)
    shown = rlgen_command("compare", "runs", "--by", "seed")
    assert shown.code == 0 and shown.out.startswith("eval/score, higher is better.") and shown.err == ""
    row = json.loads(rlgen_command("compare", "runs", "--json", "--out", "a.png").out)
    assert row["out"] == "a.png" and len(row["groups"]) == 2
    assert rlgen_command("compare", "runs/s0", "runs/s1", "--out", "a.md").out.endswith("\n\na.md\n")
    assert rlgen_command("compare", "runs", "--out", "a.csv", "--metric", "train/loss", "--lower-is-better").code == 0
    made = {path.name: path.read_bytes() for path in in_empty_directory.iterdir() if path.is_file()}
    assert made.keys() == {"a.png", "a.md", "a.csv"} and made["a.png"].startswith(b"\x89PNG")
    for arguments, words in (
        ([], "Missing argument"),
        (["nowhere"], "does not exist"),
        (["runs", "--metric", "eval/scores"], "Did you mean 'eval/score'"),
        (["runs", "--by", "algorithm"], "grouped by seed"),
        (["runs", "--out", "a.png"], "is there already"),
        (["nowhere", "--out", "b.pgn"], "Did you mean '.png'"),
        (["runs", "--out", "nowhere/b.png"], "There is no directory"),
    ):
        refused = rlgen_command("compare", *arguments)
        assert refused.code == 2 and refused.out == "" and words in refused.err
    assert {path.name for path in in_empty_directory.iterdir()} == {"runs", *made}
