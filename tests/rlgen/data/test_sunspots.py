"""Sunspots out of their file, and what is said of another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rlgen import data
from rlgen.data import sunspots
from rlgen.data.sunspots import Sunspots
from rlgen.errors import UserError

YEARS = range(1700, 2009)


def text(numbers: dict[int, object], header: str = '"YEAR","SUNACTIVITY"') -> str:
    return "\n".join([header, *(f"{year},{number}" for year, number in numbers.items())]) + "\n"


@pytest.fixture
def written(data_place: Path) -> Path:
    """As many spots as years since 1700."""
    (data_place / "sunspots").mkdir()
    file = data_place / "sunspots" / sunspots.FILE
    file.write_text(text({year: year - 1700 for year in YEARS}))
    return file


def test_years_follow_one_another_in_the_parts(written: Path) -> None:
    loaded = data.load("sunspots")
    assert (str(loaded.spec), str(loaded.target.spec)) == ("float32 [20]", "float32 []")
    assert loaded.columns[0].name == "sunspots"
    mean, deviation = np.arange(216).mean(), np.arange(216).std()
    for part, first, end in (("train", 1720, 1916), ("validation", 1916, 1963), ("test", 1963, 2009)):
        arrays = data.examples(loaded, part, name="sunspots")
        np.testing.assert_array_equal(arrays.y, np.arange(first, end) - 1700)
        before = arrays.y[:, None] - np.arange(20, 0, -1)
        np.testing.assert_allclose(arrays.x, (before - mean) / deviation, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(loaded.naive(arrays.x), arrays.y - 1, rtol=1e-5)


def test_other_windows(written: Path) -> None:
    assert data.load("sunspots?window=5").split("train").x.shape == (211, 5)
    for window in (0, 216):
        with pytest.raises(UserError, match=f"window={window}: .* Take a window from 1 to 215"):
            data.load(f"sunspots?window={window}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(dict.fromkeys(YEARS, 1), header="YEAR,SPOTS"), "its columns are YEAR, SPOTS"),
        (text({year: 1 for year in YEARS if year != 1812}), "its 308 years are not all those from 1700 to 2008"),
        (text({year: -(year == 1812) for year in YEARS}), "there are years of which it has no number"),
        (text({year: "nan" if year == 1812 else 1 for year in YEARS}), "there are years of which it has no number"),
        (text({year: "" if year == 1812 else 1 for year in YEARS}), "could not convert"),
        (text({year: "1,2" if year == 1812 else 1 for year in YEARS}), "too many values"),
        ("", "not enough values"),
        ("\x00", "its columns are|line contains NUL"),
    ],
)
def test_a_damaged_file_is_named(written: Path, content: str, said: str) -> None:
    written.write_text(content)
    with pytest.raises(UserError, match=rf"{sunspots.FILE}' is not as 'sunspots' was published: .*({said})"):
        data.load("sunspots")


def test_where_it_is_missing_the_message_has_the_command(data_place: Path) -> None:
    with pytest.raises(
        UserError, match=r"`rlgen data get sunspots` brings it \(4.5 MB, public domain\), or put the fol"
    ):
        data.load("sunspots")


def test_the_real_one() -> None:
    if Sunspots.origin.find() is None:
        pytest.skip("The sunspots are not here: `rlgen data get sunspots` brings them.")
    loaded = data.load("sunspots?window=1")
    spots = np.concatenate([loaded.split(part).y for part in data.PARTS])
    assert (len(spots), spots.min(), spots.max()) == (308, 0, np.float32(190.2))
    assert spots.mean() == pytest.approx(49.8974, abs=1e-4)
