"""Predictions of a run as a table, from the command line and from Python."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import rlgen
from rlgen.errors import UserError

Command = Callable[..., Any]
TRAINER = {"trainer.evaluate_every_steps": 100}
ROWS = [f"{i},{'red' if i % 2 else 'blue'},{'' if i % 7 == 0 else i % 5},{'yes' if i % 3 else 'no'}" for i in range(60)]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, rlgen.Run]:
    """Of a table that is gone, of a series, of pictures, of numbers without names."""
    place = tmp_path_factory.mktemp("runs")
    table = place / "table.csv"
    table.write_text("\n".join(["size,colour,rooms,sold", *ROWS]))
    asked: dict[str, tuple[str, str, dict[str, Any]]] = {
        "table": ("mlp", f"csv:{table}?target=sold", {"hidden_units": (4,), "batch_size": 8}),
        "series": ("linear", "seasonal?window=5", {}),
        "pictures": ("linear", "digits", {}),
        "band": ("probabilistic_regression", "line?count=200", {"hidden_units": (), "batch_size": 8}),
    }
    made = {
        name: rlgen.train(algorithm, data=problem, steps=5, run=place / name, config={**config, **TRAINER})
        for name, (algorithm, problem, config) in asked.items()
    }
    table.unlink()
    return made


def test_rows_of_a_table_in_any_order_of_columns_without_the_data(
    runs: dict[str, rlgen.Run], tmp_path: Path, rlgen_command: Command
) -> None:
    given = tmp_path / "new.csv"
    given.write_text("colour,note,rooms,size\nred,x,,3\ngreen,y,2,9\n")
    out = tmp_path / "said.csv"
    done = rlgen_command("predict", runs["table"].path, given, "--out", out)
    assert (done.code, done.out.strip()) == (0, str(out)), done.err
    said = rows_of(out)
    assert [row["line"] for row in said] == ["2", "3"]
    for row in said:
        chances = {name: float(row[f"probability_{name}"]) for name in ("no", "yes")}
        assert sum(chances.values()) == pytest.approx(1, abs=1e-4)
        assert row["prediction"] == max(chances, key=lambda name: chances[name])
    many = rlgen.predict(runs["table"], given, out=tmp_path / "many.csv", config={"monte_carlo_passes": 20})
    assert float(rows_of(many)[0]["deviation_yes"]) > 0


def test_a_series_is_said_on_behind_each_stretch(runs: dict[str, rlgen.Run], tmp_path: Path) -> None:
    given = tmp_path / "days.csv"
    values = np.linspace(20, 60, 8)
    given.write_text("\n".join(["value", *map(str, values)]))
    said = rows_of(rlgen.predict(runs["series"], given, out=tmp_path / "said.csv"))
    assert [row["after_line"] for row in said] == ["6", "7", "8", "9"]
    model = rlgen.load(runs["series"])
    column = model.dataset.columns[0]
    expected = model.predict(((values[-5:] - column.mean) / column.deviation).astype(np.float32))
    assert float(said[-1]["prediction"]) == pytest.approx(float(expected), rel=1e-4)


def test_pictures_and_arrays(runs: dict[str, rlgen.Run], tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    model = rlgen.load(runs["pictures"])
    x = model.examples("test").x[:3]
    for number, picture in enumerate(x):
        Image.fromarray(np.rint(picture[..., 0] * 255).astype(np.uint8)).save(folder / f"{number}.png")
    np.save(tmp_path / "x.npy", x)
    by_file = rows_of(rlgen.predict(runs["pictures"], folder, out=tmp_path / "files.csv"))
    by_row = rows_of(rlgen.predict(runs["pictures"], tmp_path / "x.npy", out=tmp_path / "rows.csv"))
    assert [row["file"] for row in by_file] == ["0.png", "1.png", "2.png"]
    assert [row["prediction"] for row in by_file] == [row["prediction"] for row in by_row]
    assert [row["row"] for row in by_row] == ["0", "1", "2"]


def test_numbers_without_names_and_their_deviation(runs: dict[str, rlgen.Run], tmp_path: Path) -> None:
    given = tmp_path / "x.csv"
    given.write_text("x\n1\n9\n")
    said = rows_of(rlgen.predict(runs["band"], given, out=tmp_path / "said.csv"))
    mean, deviation = rlgen.load(runs["band"]).predict_with_deviation(np.float32([[1], [9]]))
    np.testing.assert_allclose([float(row["prediction"]) for row in said], mean, rtol=1e-4)
    np.testing.assert_allclose([float(row["deviation"]) for row in said], deviation, rtol=1e-4)


@pytest.mark.parametrize(
    ("run", "content", "said"),
    [
        ("table", "size,colour\n1,red\n", "has no column 'rooms'. Columns: size, colour"),
        ("table", "size,colour,rooms\n1,red,few\n", "line 2: 'few' in the column 'rooms' is no finite number"),
        ("table", "size,colour,rooms\n", "has no rows below its header"),
        ("series", "value\n1\n2\n", "a forecast takes the last 5"),
        ("band", "x,y\n1,2\n", "has 2 columns; examples of 'line\\?count=200' are 1 numbers"),
        ("pictures", "x\n1\n", "cannot be read as a picture"),
    ],
)
def test_what_cannot_be_predicted_from(
    runs: dict[str, rlgen.Run], tmp_path: Path, run: str, content: str, said: str
) -> None:
    given, out = tmp_path / "given.csv", tmp_path / "said.csv"
    given.write_text(content)
    with pytest.raises(UserError, match=said):
        rlgen.predict(runs[run], given, out=out)
    assert not out.exists()


def test_wrong_files(runs: dict[str, rlgen.Run], tmp_path: Path) -> None:
    given = tmp_path / "x.npy"
    np.save(given, np.zeros((2, 3)))
    for wrong, out, said in (
        (tmp_path / "nothing", tmp_path / "a.csv", "There is no"),
        (given, tmp_path / "a.txt", r"does not end in \.csv"),
        (given, tmp_path / "there" / "a.csv", "There is no directory"),
        (given, tmp_path / "a.csv", r"is float64 \[2, 3\]; examples are float32"),
        (tmp_path, tmp_path / "a.csv", "is a directory"),
    ):
        with pytest.raises(UserError, match=said):
            rlgen.predict(runs["band"], wrong, out=out)
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(UserError, match="is there already"):
        rlgen.predict(runs["band"], given, out=tmp_path / "a.csv")
