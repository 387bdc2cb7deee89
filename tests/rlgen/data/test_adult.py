"""Adult out of its package and as it was published, small."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from rlgen import data
from rlgen.data import adult
from rlgen.data.adult import HEADER, Adult
from rlgen.errors import UserError

# By sex and by who is rich: women 20 and 10, men 15 and 15; a White person in three, an unknown work in five.
PEOPLE = [("Female", "<=50K")] * 20 + [("Female", ">50K")] * 10 + [("Male", "<=50K")] * 15 + [("Male", ">50K")] * 15


def row(i: int) -> list[str]:
    sex, income = PEOPLE[i]
    work = "?" if i % 5 == 0 else ("Private", "State-gov")[i % 2]
    race = "White" if i % 3 == 0 else ("Black", "Other")[i % 2]
    middle = ["HS-grad", str(i % 16), "Divorced", "Sales", "Wife", race, sex, str(1000 * (i % 2)), "0", "40"]
    return [str(17 + i), work, str(100_000 + i), *middle, "Peru", income]


ROWS = [row(i) for i in range(len(PEOPLE))]


def text(rows: list[list[str]], *, comma: str = ",", header: tuple[str, ...] = HEADER) -> str:
    return "\n".join(map(comma.join, [list(header), *rows] if header else rows)) + "\n"


def pack(place: Path, content: str, member: str = adult.MEMBER) -> Path:
    with zipfile.ZipFile(place / adult.WHEEL, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(member, content)
    return place / adult.WHEEL


@pytest.fixture
def packed(data_place: Path) -> Path:
    return pack(data_place, text(ROWS))


def test_what_was_written_is_read(packed: Path) -> None:
    loaded = data.load("adult")
    assert loaded.target.classes == ("<=50K", ">50K")
    assert [column.name for column in loaded.columns] == [
        *("age", "workclass", "education-num", "marital-status", "occupation", "relationship", "race", "sex"),
        *("capital-gain", "capital-loss", "hours-per-week", "native-country"),
    ]
    age, place = loaded.columns[0], [0, *np.cumsum([column.width for column in loaded.columns])]
    widths = dict(zip([column.name for column in loaded.columns], place, strict=False))
    seen = []
    for part, count in zip(data.PARTS, (48, 6, 6), strict=True):
        arrays = data.examples(loaded, part, name="adult")
        assert len(arrays) == count
        for x, y, group in zip(arrays.x, arrays.y, arrays.group, strict=True):
            i = round(float(x[0] * age.deviation + age.mean)) - 17
            seen.append(i)
            assert (("Female", "Male")[group], adult.CLASSES[y]) == PEOPLE[i]
            assert x[widths["sex"] :][:2].tolist() == [1 - group, group]
            assert x[widths["race"] :][:3].tolist() == [ROWS[i][8] == race for race in ("Black", "Other", "White")]
            assert x[widths["workclass"] :][:2].tolist() == [ROWS[i][1] == work for work in ("Private", "State-gov")]
    assert sorted(seen) == list(range(60))


def test_as_published_it_is_the_same(packed: Path) -> None:
    parts = [data.load("adult").split(part) for part in data.PARTS]
    packed.unlink()
    (packed.parent / adult.PUBLISHED).write_text(text(ROWS, comma=", ", header=()) + "\n")
    for part, expected in zip(data.PARTS, parts, strict=True):
        found = data.load("adult").split(part)
        for column in ("x", "y", "group"):
            np.testing.assert_array_equal(getattr(found, column), getattr(expected, column))


def test_whom_a_group_is_of(packed: Path) -> None:
    for part in data.PARTS:
        white, nobody = (data.load(f"adult?group={group}").split(part) for group in ("race:White", ""))
        assert nobody.group is None
        np.testing.assert_array_equal(white.x, nobody.x)
        column = next(column for column in data.load("adult").columns if column.name == "race")
        # Before it stand 2 numbers, 2 kinds of work and 3 columns in which all are alike.
        np.testing.assert_array_equal(white.group, white.x[:, 7 + column.values.index("White")])


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("race", "group=race: the column has 3 values, and there are two groups. .* group=race:Black"),
        ("race:Whit", "nothing in the column 'race' is 'Whit'. Did you mean 'White'"),
        ("fnlwgt", "no column 'fnlwgt'"),
    ],
)
def test_there_is_no_such_group(packed: Path, group: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        data.load(f"adult?group={group}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(ROWS, header=("years", *HEADER[1:])), "its columns are years, workclass"),
        (text([*ROWS, ROWS[0][:-1]]), "line 62 has 14 values, and there are 15 columns"),
        (text([ROWS[0], [], *ROWS[1:]]), "line 3 has 0 values"),
        (text([*ROWS[:9], [*ROWS[9][:-1], "50K"]]), "line 11 has the income '50K'"),
        ("", "list index out of range"),
    ],
)
def test_a_damaged_table_is_named(data_place: Path, content: str, said: str) -> None:
    pack(data_place, content)
    with pytest.raises(UserError, match=rf"{adult.WHEEL}' is not as 'adult' was published: {said}"):
        data.load("adult")


def test_a_damaged_or_missing_package_is_named(packed: Path) -> None:
    whole = packed.read_bytes()
    for content in (b"no archive", whole[:500], whole[:200] + b"?" + whole[201:]):
        packed.write_bytes(content)
        with pytest.raises(UserError, match=rf"{adult.WHEEL}' is not as 'adult' was published"):
            data.load("adult")
    pack(packed.parent, text(ROWS), member="another.csv")
    with pytest.raises(UserError, match="There is no item named"):
        data.load("adult")
    packed.unlink()
    with pytest.raises(
        UserError, match=r"`rlgen data get adult` brings it \(14.2 MB, CC BY 4.0\), or put adult.data as"
    ):
        data.load("adult")


def test_more_than_it_could_be_is_not_read(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adult, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match=r"it has more than 1.0 kB"):
        data.load("adult")


def test_the_real_one() -> None:
    if Adult.origin.find() is None:
        pytest.skip("Adult is not here: `rlgen data get adult` brings it.")
    loaded = data.load("adult")
    parts = [loaded.split(part) for part in data.PARTS]
    assert [arrays.x.shape for arrays in parts] == [(26_049, 87), (3_256, 87), (3_256, 87)]
    rich, men = (np.concatenate([getattr(arrays, column) for arrays in parts]) for column in ("y", "group"))
    assert (rich.sum(), men.sum(), rich[men == 1].sum()) == (7_841, 21_790, 6_662)
