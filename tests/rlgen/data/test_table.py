"""Tables from CSV files."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen import data
from rlgen.errors import UserError


@pytest.fixture
def table(tmp_path):
    def write(rows, header="width,height,price"):
        file = tmp_path / "table.csv"
        file.write_text("\n".join([header, *rows]) + "\n")
        return file

    return write


def rows(count, *, last=lambda i: f"{i / 2 + 0.25}"):
    return [f"{i},{(i * 7) % 5},{last(i)}" for i in range(count)]


def test_columns_are_standardised_by_the_training_part_and_the_target_is_as_it_is(table):
    made = data.load(f"csv:{table(rows(100))}?target=price")
    train, validation, test = (made.split(part) for part in ("train", "validation", "test"))
    assert (len(train), len(validation), len(test)) == (80, 10, 10)
    np.testing.assert_allclose(train.x.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(train.x.std(0), 1, atol=1e-5)
    everything = np.concatenate([train.y, validation.y, test.y])
    np.testing.assert_array_equal(np.sort(everything), np.arange(100) / 2 + 0.25)
    assert made.columns == ["width", "height"] and made.target.numbers
    np.testing.assert_array_equal(made.split("train").x, train.x)


@pytest.mark.parametrize(
    ("last", "more", "classes"),
    [
        (lambda i: "yes" if i % 3 else "no", "", ("no", "yes")),
        (lambda i: 10 * (i % 3), "", ("0", "10", "20")),
        (lambda i: i % 3, "&task=numbers", ()),
        (lambda i: i, "", ()),
        (lambda i: 0.5 * (i % 2), "&task=classes", ("0.0", "0.5")),
    ],
)
def test_what_the_target_is(table, last, more, classes):
    made = data.load(f"csv:{table(rows(60, last=last))}?target=price{more}")
    assert made.target.classes == classes
    y = made.split("train").y
    assert y.dtype == (np.int32 if classes else np.float32)
    assert not classes or set(y) <= set(range(len(classes)))


@pytest.mark.parametrize(
    ("content", "query", "said"),
    [
        (rows(20), "?target=prise", "no column 'prise'. Did you mean 'price'"),
        (rows(20), "", "lacks target. Write csv:<file>.target=&task=auto"),
        ([*rows(20), "1,,3"], "?target=price", "line 22: '' in the column 'height' is no finite number"),
        ([*rows(20), "1,2"], "?target=price", "line 22: 2 values where the header has 3 columns"),
        (rows(3), "?target=price", "3 rows below its header"),
        (rows(20), "?target=price&task=both", "not one of 'auto', 'classes', 'numbers'"),
        ([*rows(20), "1,2,nan"], "?target=price&task=numbers", "line 22: 'nan' in the column 'price'"),
    ],
)
def test_what_is_no_table_is_refused_with_the_line(table, content, query, said):
    with pytest.raises(UserError, match=said):
        data.load(f"csv:{table(content)}{query}")


def test_a_file_that_is_not_there():
    with pytest.raises(UserError, match="'nowhere.csv' cannot be read as a table"):
        data.load("csv:nowhere.csv?target=y")
