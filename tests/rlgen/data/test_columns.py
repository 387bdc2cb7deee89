import json

import numpy as np
import pytest

from rlgen.data.columns import Column, all_numbers, encode
from rlgen.errors import UserError


def read(column, texts):
    return column.encode(texts, where="table", lines=range(2, 2 + len(texts)))


def numbers(name, texts):
    return all_numbers(name, texts, where="t", lines=range(2, 2 + len(texts)))


def test_a_number_is_standardised_by_the_training_rows_and_a_missing_one_is_their_median():
    column = Column.fit("age", ["10", "?", "20", "60"], number=True)
    assert (column.mean, column.median, column.gaps, column.width) == (30, 20, True, 2)
    found = read(column, ["30", "", "30"])
    expected = [[0, 0], [(20 - 30) / column.deviation, 1], [0, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_category_is_one_hot_and_an_unknown_one_nothing():
    column = Column.fit("colour", ["red", "blue", "red", ""], number=False)
    assert column.values == ("blue", "red")
    np.testing.assert_array_equal(read(column, ["red", "green", "na"]), [[0, 1], [0, 0], [0, 0]])


def test_a_column_that_never_changes_is_zero():
    assert read(Column.fit("k", ["5", "5"], number=True), ["5"]) == 0


def test_columns_go_through_json_and_nothing_else_comes_back():
    for column in (Column.fit("a", ["1", "2.5"], number=True), Column.fit("b", ["x", "y"], number=False)):
        assert Column.of_row(json.loads(json.dumps(column.to_row()))) == column
    for row in (3, {}, {**Column(name="a").to_row(), "deviation": 0.0}, {**Column(name="a").to_row(), "mean": "1"}):
        with pytest.raises(TypeError, match="is no column"):
            Column.of_row(row)


def test_rows_in_another_order_of_columns_say_the_same():
    columns = [Column.fit("a", ["0", "2"], number=True), Column.fit("b", ["x", "y"], number=False)]
    one = encode(columns, ["a", "b"], [["1", "y"]], where="t", lines=[2])
    other = encode(columns, ["b", "more", "a"], [["y", "?", "1"]], where="t", lines=[2])
    np.testing.assert_array_equal(one, other)
    with pytest.raises(UserError, match="t has no column 'b'. Columns: a"):
        encode(columns, ["a"], [["1"]], where="t", lines=[2])


def test_what_stands_in_a_column():
    assert numbers("a", ["1", "", "2e3"])
    assert not numbers("a", ["1", "x"])
    with pytest.raises(UserError, match="nothing stands in the column 'a'"):
        numbers("a", ["", "?"])
    with pytest.raises(UserError, match="t, line 62: 'sixty' in the column 'a' is no number, and with 61 different"):
        numbers("a", [*map(str, range(60)), "sixty"])
