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
    assert [column.name for column in made.columns] == ["width", "height"]
    assert made.target.numbers
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
        ([*rows(20), "1,2,"], "?target=price", "line 22: there is no 'price'"),
        (rows(20, last=lambda i: "sold"), "?target=price", "all rows have 'sold' in the column 'price'"),
        ([*rows(60), "1,tall,3"], "?target=height&task=numbers", "line 62: 'tall' in the column 'height' is no finite"),
        (rows(20), "?target=price&group=colour", "no column 'colour'"),
        (rows(20), "?target=price&group=height", "the column has 5 values, and there are two groups"),
        (rows(20), "?target=price&group=height:9", "nothing in the column 'height' is '9'"),
        (rows(20), "?target=price&window=20", "Take a window from 1 to 15"),
        (rows(20), "?target=price&window=2&group=height:1", "leave out group and task"),
        ([*rows(20), "1,2"], "?target=price", "line 22: 2 values where the header has 3 columns"),
        (rows(3), "?target=price", "3 rows below its header"),
        (rows(20), "?target=price&task=both", "not one of 'auto', 'classes', 'numbers'"),
        ([*rows(20), "1,2,inf"], "?target=price&task=numbers", "line 22: 'inf' in the column 'price'"),
    ],
)
def test_what_is_no_table_is_refused_with_the_line(table, content, query, said):
    with pytest.raises(UserError, match=said):
        data.load(f"csv:{table(content)}{query}")


def test_a_file_that_is_not_there():
    with pytest.raises(UserError, match="'nowhere.csv' cannot be read as a table"):
        data.load("csv:nowhere.csv?target=y")


def test_categories_gaps_and_groups(table):
    lines = [f"{'' if i % 4 == 0 else i},{'red' if i % 2 else 'blue'},{i % 3 > 0}" for i in range(60)]
    made = data.load(f"csv:{table(lines, header='size,colour,sold')}?target=sold&group=colour:red")
    assert [(column.name, column.width) for column in made.columns] == [("size", 2), ("colour", 2)]
    train = made.split("train")
    assert train.x.shape == (48, 4)
    assert made.target.classes == ("False", "True")
    # The group stays among what is seen.
    np.testing.assert_array_equal(train.group, train.x[:, 3])


def test_no_other_row_moves_what_the_training_rows_say(table):
    """Statistics of the training part are the same when the test part changes."""
    lines = rows(100)
    before = data.load(f"csv:{table(lines)}?target=price")
    columns = before.columns
    test = set(before.split("test").y)
    changed = [line if float(line.split(",")[2]) not in test else f"1e6,1e6,{line.split(',')[2]}" for line in lines]
    assert changed != lines
    assert data.load(f"csv:{table(changed)}?target=price").columns == columns


def test_rows_with_dates_are_a_series_in_their_order(table):
    days = [f"2026-01-{day:02},{day},x" for day in range(1, 31)]
    problem = f"csv:{table(days[::-1], header='day,price,note')}?target=price&window=3"
    made = data.load(problem)
    np.testing.assert_array_equal(made.split("test").y, [28, 29, 30])
    np.testing.assert_allclose(made.naive(made.split("test").x), [27, 28, 29], rtol=1e-5)
