from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import unshown
from scalars import read_scalars
from tensorboard.plugins.hparams import metadata

import rlgen
from rlgen import summary
from rlgen.algorithm import Embedding, Evaluation
from rlgen.board import board
from rlgen.board.board import Board
from rlgen.callbacks import Reply

pytestmark = pytest.mark.usefixtures("undrawn")

HPARAMS = "_hparams_/session_start_info", "_hparams_/session_end_info"


@pytest.fixture
def shown() -> Iterator[None]:
    """Runs make what there is to look at."""
    with unshown.undone():
        yield


def values(directory: Path) -> dict[str, Any]:
    """The last summary of each name in a directory of events."""
    return {value.tag: value for _, value in summary._values(directory)}


@pytest.mark.usefixtures("shown")
def test_a_run_is_three_beside_each_other(tmp_path: Path, walk: Any) -> None:
    run = rlgen.train("walk", steps=60, run=tmp_path / "run", config={"trainer.score_threshold": -1e9})
    training, judged, tested = (values(run.path / name) for name in ("train", "eval", "test"))
    assert {"train/loss", "work/updates", "time/fps", "about/configuration", "about/command"} < set(training)
    assert {"eval/score", "eval/draw", "eval/picture", "eval/note"} == set(judged)
    final = read_scalars(run.path / "test")
    scores = [row["eval/score"] for row in run.evaluations()]
    assert final["final/best"] == [(60, pytest.approx(max(scores)))]
    assert final["final/last"] == [(60, pytest.approx(scores[-1]))]
    assert final["final/mean_of_last_5"] == [(60, pytest.approx(np.mean(scores[-5:])))]
    assert final["final/steps_to_threshold"] == [(60, 3)]
    assert final["test/score"] == [(60, pytest.approx(run.evaluation["eval/score"]))]
    assert {"test/picture", "test/note", "test/film", *HPARAMS} < set(tested)
    assert tested["test/film"].tensor.string_val[2].startswith(b"GIF89a")
    assert (run.path / "media" / "film.gif").read_bytes() == tested["test/film"].tensor.string_val[2]
    assert "custom_scalars__config__" in training


def test_its_row_in_the_table_of_hyperparameters(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run", seed=4, config={"rate": 0.25})
    start, end = (values(run.path / "test")[name].metadata.plugin_data.content for name in HPARAMS)
    found = metadata.parse_session_start_info_plugin_data(start).hparams
    assert found["algorithm"].string_value == "walk" and found["seed"].number_value == 4
    assert found["rate"].number_value == 0.25 and found["nan_loss_at"].string_value == "none"
    assert found["trainer.film"].bool_value is True
    assert metadata.parse_session_end_info_plugin_data(end).status == 1
    assert metadata.parse_session_end_info_plugin_data(end).end_time_secs > 0


def test_a_run_that_goes_on_is_complete_once_more(tmp_path: Path) -> None:
    rlgen.train("walk", steps=20, run=tmp_path / "run")
    run = rlgen.train("walk", steps=40, run=tmp_path / "run", resume=True)
    assert read_scalars(run.path / "test")["final/last"][-1][0] == 40
    for part in ("train", "eval"):
        for points in read_scalars(run.path / part).values():
            steps = [step for step, _ in points]
            assert steps == sorted(set(steps))


def test_a_run_that_lacks_its_end_gets_it(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run")
    (run.path / "result.json").unlink()
    for file in (run.path / "test").iterdir():
        file.unlink()
    rlgen.train("walk", steps=20, run=tmp_path / "run", resume=True)
    assert read_scalars(run.path / "test")["final/last"][0][0] == 20


@pytest.mark.usefixtures("shown")
def test_nothing_of_it_has_to_be(tmp_path: Path) -> None:
    off = {"film": False, "graph": False, "embedding": False, "histograms_every_evaluations": None}
    config = {f"trainer.{name}": value for name, value in off.items()}
    run = rlgen.train("linear", data="digits", steps=4, run=tmp_path / "run", config=config)
    assert not list((run.path / "test").glob("*.tsv")) and not (run.path / "media" / "film.gif").exists()
    kinds = {value.metadata.plugin_data.plugin_name for value in values(run.path / "train").values()}
    assert "histograms" not in kinds


@pytest.mark.usefixtures("shown")
def test_what_a_classifier_shows(tmp_path: Path) -> None:
    every = {"trainer.evaluate_every_steps": 1, "trainer.histograms_every_evaluations": 2, "optimizer": "adam"}
    run = rlgen.train("linear", data="digits", steps=4, run=tmp_path / "run", config=every)
    judged, tested = values(run.path / "eval"), values(run.path / "test")
    assert judged["eval/7"].metadata.plugin_data.plugin_name == "pr_curves" and "test/7" in tested
    steps = [step for step, value in summary._values(run.path / "train") if value.tag == "weights/net/00_kernel"]
    assert steps == [1, 3]
    gradients = values(run.path / "train")["gradients/optimizer/00_kernel"]
    assert gradients.tensor.tensor_shape.dim[0].size == summary.BUCKETS
    assert "eval/confidence" in judged
    labels, vectors = ((run.path / "test" / f"{name}.tsv").read_text().splitlines() for name in ("labels", "embedding"))
    assert labels[0] == "class\ttaken for" and len(labels) == 1 + len(vectors)


def test_no_more_rows_than_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "FIRST_ROWS", 3)
    run, now = rlgen.train("walk", steps=10, run=tmp_path / "run"), [0.0]
    written = Board(run, resumed_at=10, clock=lambda: now[0])
    for step in range(11, 31):
        written.chunk(step, {"a": step}, Reply(texts={"ear/t": "*hi*"} if step == 20 else {}))
        now[0] += 0.05  # Twenty chunks a second.
    written.close()
    points = [step for step, _ in read_scalars(run.path / "train")["a"]]
    assert points[:4] == [11, 12, 13, 14] and len(points) == 3 + 4
    assert "ear/t" in values(run.path / "train")


def test_without_a_beginning_there_are_no_histograms(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=10, run=tmp_path / "run")
    written = Board(run, resumed_at=10)
    written.evaluation(11, Evaluation({"eval/a": 1.0}, 1, distributions={"eval/d": np.arange(3)}), Reply())
    written.close()
    assert "eval/a" in values(run.path / "eval") and "eval/d" not in values(run.path / "eval")


def test_many_classes_have_no_curves(tmp_path: Path, walk: Any) -> None:
    run = rlgen.train("walk", steps=10, run=tmp_path / "run")
    written = Board(run, resumed_at=10)
    chances = {str(i): (np.array([True, False]), np.array([0.9, 0.1])) for i in range(board.MOST_CLASSES + 1)}
    written.evaluation(11, Evaluation({}, 1, chances=chances), Reply())
    written.evaluation(12, Evaluation({}, 1, chances={"yes": chances["0"]}), Reply())
    written.close()
    assert "eval/yes" in values(run.path / "eval") and "eval/0" not in values(run.path / "eval")


@pytest.mark.usefixtures("shown")
def test_an_embedding_lies_beside_what_is_reported(tmp_path: Path, walk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Embedding(name="weights", vectors=np.eye(2, dtype=np.float32), labels={"which": ["first", "se\tcond"]})
    monkeypatch.setattr(walk.Walk, "embedding", lambda self, *, seed: found)
    run = rlgen.train("walk", steps=10, run=tmp_path / "run")
    assert (run.path / "test" / "embedding.tsv").read_text() == "1\t0\n0\t1\n"
    assert (run.path / "test" / "labels.tsv").read_text() == "first\nse cond\n"


@pytest.mark.usefixtures("shown")
def test_what_cannot_be_shown_costs_nobody_a_run(
    tmp_path: Path, walk: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: Any, *, seed: int) -> Any:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(walk.Walk, "embedding", broken)
    monkeypatch.setattr(walk.Walk, "frames", broken)
    run = rlgen.train("walk", steps=10, run=tmp_path / "run")
    assert run.result["steps"] == 10
    said = capsys.readouterr().err
    assert "What the projector shows is left out: RuntimeError: no such thing" in said
    assert "The film of the result is left out" in said


def test_a_full_disk_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="full"), board.optional("A picture"):
        raise OSError("full")
    with board.optional("A picture"):
        raise ValueError("odd")
    assert "A picture is left out: ValueError: odd" in capsys.readouterr().err
