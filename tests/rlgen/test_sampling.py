"""Samples of a run as files, from the command line and from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import rlgen
from rlgen import sampling
from rlgen.errors import UserError

SMALL = {"generator_hidden_units": (4,), "discriminator_hidden_units": (4,), "batch_size": 16, "evaluation_samples": 20}
TRAINER = {"trainer.evaluation_episodes": 1, "trainer.evaluate_every_steps": 2}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, rlgen.Run]:
    """Of digits in their classes, of points, and of something that makes no samples."""
    place = tmp_path_factory.mktemp("runs")
    asked: dict[str, tuple[str, str, dict[str, Any]]] = {
        "digits": ("gan", "digits", {**SMALL, "conditional": True}),
        "points": ("gan", "ring", SMALL),
        "classes": ("mlp", "digits", {"hidden_units": (4,)}),
    }
    return {
        name: rlgen.train(algorithm, data=problem, steps=2, run=place / name, config={**config, **TRAINER})
        for name, (algorithm, problem, config) in asked.items()
    }


def test_all_in_one_picture_as_numbers_or_one_by_one(runs: dict[str, rlgen.Run], tmp_path: Path) -> None:
    numbers = rlgen.sample(runs["digits"], out=tmp_path / "some.npy", count=5, classes=["3", 4])
    samples = np.load(numbers)
    assert samples.shape == (5, 8, 8, 1) and samples.dtype == np.float32
    model = rlgen.load(runs["digits"])
    np.testing.assert_array_equal(samples, model.sample(5, 0, classes=[3, 4, 3, 4, 3]))
    folder = rlgen.sample(runs["digits"], out=tmp_path / "each", count=12)
    assert sorted(path.name for path in folder.iterdir())[:2] == ["01.png", "02.png"]
    assert len(list(folder.iterdir())) == 12
    with Image.open(rlgen.sample(runs["digits"], out=tmp_path / "all.png", count=100)) as picture:
        assert picture.width == picture.height > 8 * 10
    with Image.open(rlgen.sample(runs["points"], out=tmp_path / "points.png", count=50)) as picture:
        assert picture.size == (480, 480)


def test_an_interpolation_leads_from_one_to_the_other(runs: dict[str, rlgen.Run], tmp_path: Path) -> None:
    path = rlgen.sample(runs["points"], out=tmp_path / "rows.npy", count=9, interpolate=True)
    rows = np.load(path).reshape(2, 8, 2)
    steps = np.linalg.norm(np.diff(rows, axis=1), axis=-1)
    assert (steps < np.linalg.norm(rows[:, -1] - rows[:, 0], axis=-1)[:, None] + 1e-6).all()
    model = rlgen.load(runs["points"])
    ends = [model.decode(model._normal(2, 0, name)) for name in ("first", "second")]
    np.testing.assert_allclose(rows[:, 0], ends[0], atol=1e-5)
    np.testing.assert_allclose(rows[:, -1], ends[1], atol=1e-5)


def test_a_sum_is_of_the_vectors_of_samples_and_stands_last(runs: dict[str, rlgen.Run], tmp_path: Path) -> None:
    rlgen.sample(runs["digits"], out=tmp_path / "sum.png", combine="1,2,3 - 4,5,6 + 7,8,9", classes=["3"])
    with Image.open(tmp_path / "sum.png") as picture:
        assert picture.width == picture.height, "four rows of four"
    path = rlgen.sample(runs["points"], out=tmp_path / "sum.npy", combine=" 2, 5 -1,4+3,3 ", seed=7)
    made, model = np.load(path).reshape(4, 3, 2), rlgen.load(runs["points"])
    z = model.latent_vectors(5, 7)
    np.testing.assert_allclose(made[0, :2], model.sample(5, 7)[[1, 4]], atol=1e-5)
    of_sum = (z[1] + z[4]) / 2 - (z[0] + z[3]) / 2 + z[2]
    np.testing.assert_allclose(made[-1, -1], model.decode(of_sum[None])[0], atol=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no sum of samples. A sum is, say, 3,7,9 - 1,4,5 [+] 2,6,8"),
        ("1,2 3,4", "is no sum of samples"),
        ("1,2 - x", "is no sum of samples"),
        ("1 * 2", "is no sum of samples"),
        ("9" * 5000, "is no sum of samples"),
        ("1,2 - 3", "terms of 1 and of 2 samples: give each as many"),
        ("0 - 1", "There is no sample 0: they are counted from 1 to 1,000,000"),
    ],
)
def test_what_is_no_sum_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        sampling.terms_of(text)


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("digits", {"out": "film.gif"}, "neither .png.*nor .npy"),
        ("digits", {"out": "no/where.png"}, "no directory"),
        ("digits", {"out": "a.png", "count": 0}, "count=0: ask for 1 to"),
        ("digits", {"out": "a.png", "classes": ["eleven"]}, "no class 'eleven'"),
        ("points", {"out": "a.png", "classes": [1]}, "knows of no classes: train with conditional=true"),
        ("digits", {"out": "a.png", "combine": "1 - 2"}, "is of one class: name it with --class"),
        ("points", {"out": "a.png", "combine": "1 - 2", "interpolate": True}, "either combined or interpolated"),
        ("points", {"out": "folder"}, "are no pictures: give --out FILE.npy"),
        ("classes", {"out": "a.png"}, "MLP makes no samples"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    runs: dict[str, rlgen.Run],
    name: str,
    asked: dict[str, Any],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        rlgen.sample(runs[name], **asked)
    assert list(tmp_path.iterdir()) == []


def test_more_than_memory_holds_is_refused(
    runs: dict[str, rlgen.Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rlgen.runtime.free_memory_bytes", lambda: 10_000_000)
    with pytest.raises(UserError, match=r"500,000 samples.*Ask for fewer \(--count\)"):
        rlgen.sample(runs["digits"], out=tmp_path / "a.png", count=500_000)


def test_what_is_there_is_not_replaced(runs: dict[str, rlgen.Run], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(UserError, match="is there already"):
        rlgen.sample(runs["digits"], out=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"mine"


def test_the_command(runs: dict[str, rlgen.Run], tmp_path: Path, rlgen_command: Callable[..., Any]) -> None:
    out = tmp_path / "sixes.png"
    done = rlgen_command("sample", str(runs["digits"].path), "--count", "4", "--class", "6", "--out", str(out))
    assert done.code == 0 and done.out.strip() == str(out) and out.exists()
    done = rlgen_command("sample", str(runs["digits"].path), "--class", "x", "--out", str(tmp_path / "b.png"))
    assert done.code == 2 and "There is no class 'x'" in done.err
