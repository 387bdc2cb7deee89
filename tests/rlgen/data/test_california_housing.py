"""California housing in each of its files, small."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import published as made
import pytest

from rlgen import data
from rlgen.data.california_housing import ARCHIVE, HEADER, KERAS, MEMBER, CaliforniaHousing
from rlgen.errors import UserError

COUNT = 40


def published() -> tuple[np.ndarray, np.ndarray]:
    """Longitude, latitude, age, rooms, bedrooms, people, households and income [40, 8]; dollars, which are unlike."""
    random = np.random.default_rng(0)
    households = random.integers(1, 500, COUNT).astype(float)
    columns = [
        *(random.uniform(-124, -114, COUNT), random.uniform(32, 42, COUNT), random.integers(1, 53, COUNT)),
        *(households * 5, households * 1.5, households * 3, households, random.uniform(0.5, 15, COUNT)),
    ]
    return np.column_stack(columns), 15_000.0 + 1_000 * np.arange(COUNT)


X, Y = published()
# Of scikit-learn: income, age, rooms, bedrooms, people, people of a household, latitude, longitude.
FEATURES = np.column_stack(
    [X[:, 7], X[:, 2], *np.full((2, COUNT), [[5], [1.5]]), X[:, 5], np.full(COUNT, 3), X[:, [1, 0]]]
)


def keras(x: np.ndarray, y: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, x=x, y=y)
    return file.getvalue()


def archive(x: np.ndarray, y: np.ndarray, member: str = f"CaliforniaHousing/{MEMBER}") -> bytes:
    lines = [",".join(map(repr, row)) for row in np.column_stack([x, y]).tolist()]
    return made.tar_gz({member: "\n".join(lines).encode(), "CaliforniaHousing/cal_housing.domain": b"longitude: ..."})


@pytest.mark.parametrize(
    ("name", "content"), [(KERAS, keras(X, Y)), (KERAS, keras(FEATURES, Y)), (ARCHIVE, archive(X, Y))]
)
def test_what_was_written_is_read(data_place: Path, name: str, content: bytes) -> None:
    (data_place / name).write_bytes(content)
    loaded = data.load("california_housing")
    assert (str(loaded.spec), loaded.target.numbers) == ("float32 [8]", True)
    assert tuple(column.name for column in loaded.columns) == HEADER
    mean, deviation = (np.array([getattr(c, what) for c in loaded.columns]) for what in ("mean", "deviation"))
    seen = []
    for part, count in zip(data.PARTS, (32, 4, 4), strict=True):
        arrays = data.examples(loaded, part, name="california_housing")
        assert len(arrays) == count
        rows = np.rint((arrays.y * 100_000 - 15_000) / 1_000).astype(int)
        np.testing.assert_array_equal(arrays.y, (Y[rows] / 100_000).astype(np.float32))
        np.testing.assert_allclose(arrays.x * deviation + mean, FEATURES[rows], rtol=1e-5, atol=1e-4)
        seen += rows.tolist()
    assert sorted(seen) == list(range(COUNT))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (KERAS, keras(X, Y / 100_000), "its values are no dollars"),
        (KERAS, keras(X[:, 1:], Y), r"its arrays are \[40, 7\] and \[40\]"),
        (KERAS, keras(X, Y[1:]), r"its arrays are \[40, 8\] and \[39\]"),
        (KERAS, keras(np.abs(X), Y), "neither its first nor its last column is a longitude"),
        (KERAS, keras(X * [1, 1, 1, 1, 1, 1, 0, 1], Y), "there are districts without a household"),
        (KERAS, keras(X * [1, 1, 1, 1, 1, 1, 1, np.nan], Y), "something in it is no number"),
        (KERAS, keras(np.array([{}]), Y), "allow_pickle=False"),
        (KERAS, keras(X, Y)[:-100], "not a zip file"),
        (KERAS, keras(X, Y).replace(b"x.npy", b"z.npy"), "x is not a file"),
        (ARCHIVE, archive(X, Y, member="housing.csv"), f"it has no {MEMBER}"),
        (ARCHIVE, archive(X[:, 1:], Y), f"{MEMBER} has 8 columns"),
        (ARCHIVE, archive(X, Y)[:-20], "ended before"),
        (ARCHIVE, made.tar_gz({MEMBER: b"a,b\n"}), "could not convert"),
        (ARCHIVE, b"no archive", "Not a gzipped file"),
    ],
)
def test_a_damaged_file_is_named(data_place: Path, name: str, content: bytes, said: str) -> None:
    (data_place / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}' is not as 'california_housing' was published: .*{said}"):
        data.load("california_housing")


def test_where_it_is_missing_the_message_has_the_files(data_place: Path) -> None:
    with pytest.raises(UserError, match=f"is not here: put Keras' {KERAS}, or {ARCHIVE} as it was published, into"):
        data.load("california_housing")


def test_the_real_one() -> None:
    if CaliforniaHousing.origin.find() is None:
        pytest.skip("California housing is not here, and no registry has it.")
    loaded = data.load("california_housing")
    y = np.concatenate([loaded.split(part).y for part in data.PARTS])
    assert (len(y), y.min(), y.max()) == (20_640, np.float32(0.14999), np.float32(5.00001))
    assert loaded.columns[0].mean == pytest.approx(3.87, abs=0.02)
