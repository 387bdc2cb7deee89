"""Data sets that are made, or come with scikit-learn: `line`, `moons`, `seasonal`, and the bundled tables."""

import numpy as np
import pytest

from rlgen import data
from rlgen.data.seasonal import clean
from rlgen.errors import UserError


@pytest.mark.parametrize(
    ("problem", "shape", "sizes"),
    [
        ("breast_cancer", (30,), (341, 114, 114)),
        ("diabetes", (10,), (266, 88, 88)),
        ("iris", (4,), (90, 30, 30)),
        ("wine", (13,), (106, 36, 36)),
        ("line?count=1000", (1,), (800, 100, 100)),
        ("moons?count=100", (2,), (80, 10, 10)),
        ("seasonal", (20,), (830, 150, 461)),
    ],
)
def test_parts_are_as_promised_and_the_same_every_time(problem, shape, sizes):
    made = data.load(problem)
    parts = [data.examples(made, part, name=problem) for part in ("train", "validation", "test")]
    assert tuple(map(len, parts)) == sizes
    assert made.spec.shape == shape
    again = data.load(problem).split("test")
    np.testing.assert_array_equal(again.x, parts[2].x)
    np.testing.assert_array_equal(again.y, parts[2].y)
    rows = {tuple(row) for part in parts for row in np.round(part.x, 6).tolist()}
    assert len(rows) >= sum(sizes) - 1  # Scikit-learn's irises have one twice.


def test_classes_keep_their_names_and_shares():
    made = data.load("breast_cancer")
    assert made.target.classes == ("benign", "malignant")
    shares = [np.mean(made.split(part).y) for part in ("train", "validation", "test")]
    np.testing.assert_allclose(shares, 212 / 569, atol=0.01)


def test_the_noise_of_the_line():
    for noise, deviation in (("constant", lambda x: 3 + 0 * x), ("growing", lambda x: 0.5 * x + 2)):
        arrays = data.load(f"line?noise={noise}").split("train")
        x = arrays.x[:, 0]
        rest = (arrays.y - 2 * x - 3) / deviation(x)
        assert rest.mean() == pytest.approx(0, abs=0.03)
        assert rest.std() == pytest.approx(1, abs=0.02)


def test_the_season():
    year = clean(50.0)
    assert year[0] == 10
    assert year[73] == pytest.approx(10 + 0.05 * 73 + 50 * np.sin(0.4))
    assert year[182] == pytest.approx(10 + 0.05 * 182 + 50 * np.exp(-3 * 182 / 365))
    quiet = data.load("seasonal?sigma=0").split("test")
    np.testing.assert_allclose(quiet.y, year[1000:], rtol=1e-6)


@pytest.mark.parametrize("problem", ["line?count=3", "moons?noise=-1", "seasonal?sigma=-1", "seasonal?window=2000"])
def test_what_cannot_be_made(problem):
    with pytest.raises(UserError, match=r"take|Take|standard deviation"):
        data.load(problem)
