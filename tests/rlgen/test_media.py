from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest

import rlgen
from rlgen import media
from rlgen.algorithm import Evaluation
from rlgen.errors import RlgenError, UserError
from rlgen.media import save_images
from rlgen.run import Run
from rlgen.summary import png_bytes


def make(walk: Any) -> Any:
    return walk.Walk(problem="plain", config=walk.WalkConfig(), seed=0)


@pytest.mark.parametrize("ending", [".mp4", ".gif"])
def test_films_have_every_frame(walk: Any, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"film{ending}"
    assert media.write_video(make(walk), out, seed=0) == out
    frames = np.stack(list(imageio.imiter(out)))
    assert frames.shape == (5, 32, 48, 3)
    about = imageio.immeta(out)
    per_second = about["fps"] if ending == ".mp4" else 1000 / about["duration"]
    # A GIF counts in hundredths of a second.
    assert per_second == pytest.approx(30, rel=0.12)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("film.avi", "neither .mp4 nor .gif"),
        ("film", "neither"),
        ("nowhere/film.mp4", "no directory '.*nowhere' to write film.mp4 into"),
        ("taken.gif", "cannot be written. Choose another --out"),
    ],
)
def test_where_no_film_can_go(tmp_path: Path, walk: Any, out: str, words: str) -> None:
    (tmp_path / "taken.gif").mkdir()
    with pytest.raises(UserError, match=words):
        media.write_video(make(walk), tmp_path / out, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.gif"]


def test_a_film_that_breaks_off_leaves_nothing(walk: Any, tmp_path: Path) -> None:
    algorithm = make(walk)

    def frames(*, seed: int) -> Iterator[Any]:
        yield np.zeros((32, 48, 3), np.uint8)
        raise OSError("No space left on device")

    algorithm.frames = frames
    with pytest.raises(RlgenError, match="could not be written to .*film.gif"):
        media.write_video(algorithm, tmp_path / "film.gif", seed=0)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_film(walk: Any, tmp_path: Path) -> None:
    class Still(walk.Walk):
        frames = rlgen.Algorithm.frames

    with pytest.raises(UserError, match="Still has nothing to film"):
        media.write_video(Still(problem="plain", config=walk.WalkConfig(), seed=0), tmp_path / "film.gif", seed=0)
    assert list(tmp_path.iterdir()) == []


def test_the_learning_curve_is_a_picture(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", run=tmp_path / "run", steps=20)
    picture = imageio.imread(run.path / "media" / "learning_curve.png")
    assert picture.shape[:2] == (480, 840)
    assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 10


def test_the_algorithm_says_what_its_curve_shows(walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = rlgen.train("walk", run=tmp_path / "run", steps=20)
    plain = imageio.imread(media.draw_learning_curve(run, walk.Walk, best_step=20))
    # Names that no row has draw nothing.
    monkeypatch.setattr(walk.Walk, "score_range", ("eval/none", "eval/none"))
    monkeypatch.setattr(walk.Walk, "training_curve", ("train/none", "nothing"))
    np.testing.assert_array_equal(imageio.imread(media.draw_learning_curve(run, walk.Walk, best_step=20)), plain)
    monkeypatch.setattr(walk.Walk, "score_range", ("eval/score", "eval/draw"))
    ranged = imageio.imread(media.draw_learning_curve(run, walk.Walk, best_step=20))
    monkeypatch.setattr(walk.Walk, "training_curve", ("train/loss", "while training"))
    both = imageio.imread(media.draw_learning_curve(run, walk.Walk, best_step=20))
    assert (ranged != plain).any()
    assert (both != ranged).any()


def test_a_curve_of_a_damaged_file(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", run=tmp_path / "run", steps=20)
    plain = imageio.imread(run.path / "media" / "learning_curve.png")
    with (run.path / "evaluations.jsonl").open("a") as file:
        for row in ('{"step": 5, "eval/score": "high"}', '{"step": "x"}', '{"step": 7, "eval/score": null}', "[", "7"):
            file.write(row + "\n")
    best = run.result["best_step"]
    np.testing.assert_array_equal(imageio.imread(media.draw_learning_curve(run, walk.Walk, best_step=best)), plain)


def test_a_picture_goes_into_the_run_alone(tmp_path: Path) -> None:
    """A link in the place of a picture is replaced; what it leads to stays."""
    (tmp_path / "media").mkdir()
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "media" / "eval_x.png").symlink_to(tmp_path / "theirs")
    save_images(Run(tmp_path), Evaluation({}, 1, images={"eval/x": np.zeros((2, 2, 3), np.uint8)}))
    assert not (tmp_path / "media" / "eval_x.png").is_symlink()
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_pictures_of_an_evaluation(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    save_images(Run(tmp_path), Evaluation({}, 1, images={"eval/samples": pixels}))
    np.testing.assert_array_equal(imageio.imread(tmp_path / "media" / "eval_samples.png"), pixels)


def test_a_film_shows_what_pictures_became(walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run")
    assert media.film_training(run, "eval/nothing") is None
    pictures = [png_bytes(np.full((4, 6, 3), 20 * i, np.uint8)) for i in range(9)]
    monkeypatch.setattr(media, "read_images", lambda *_: list(enumerate(pictures)))
    monkeypatch.setattr(media, "MOST_FRAMES", 3)
    path = media.film_training(run, "eval/grid")
    assert path == run.path / "media" / "eval_grid.gif"
    shown = np.stack(list(imageio.imiter(path)))
    np.testing.assert_allclose(shown.mean(axis=(1, 2, 3)), [0, 80, 160], atol=2)


def test_a_generative_run_has_its_film(tmp_path: Path) -> None:
    config = {"evaluation_samples": 20, "trainer.evaluate_every_steps": 2, "generator_hidden_units": 8}
    rlgen.train("gan", steps=4, config=config, run=tmp_path / "run")
    film = np.stack(list(imageio.imiter(tmp_path / "run" / "media" / "eval_fixed_samples.gif")))
    assert len(film) >= 2
