"""Data sets by name and argument, what is understood of their arrays, and what is refused in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rlgen import data, registry
from rlgen.data import Arrays, Dataset, Target
from rlgen.data.checks import understood
from rlgen.errors import UnknownName, UserError
from rlgen.spec import Spec

POINT, CLASS = Spec((2,)), Target.one_of("a", "b", "c")
X = np.zeros((4, 2), np.float32)


@pytest.mark.parametrize(
    "y", [[0, 2, 1, 1], [[0], [2], [1], [1]], np.eye(3)[[0, 2, 1, 1]], np.eye(3)[[0, 2, 1, 1]] > 0]
)
def test_labels_are_understood_as_numbers_as_a_column_and_one_hot(y):
    labels = understood(Arrays(X, np.asarray(y)), POINT, CLASS, where="here").y
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, [0, 2, 1, 1])


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ([1, 2, 3, 3], r"labels of here go from 1 to 3; 3 classes are numbered 0 to 2. Take 1 off each"),
        ([0, 1, 2, -1], "go from -1 to 2"),
        ([0.0, 1.0, 2.0, 1.0], "are float64: give whole numbers"),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], r"have the shape \[4, 2\]: give one whole number each"),
        ([0, 1], "has 4 examples and 2 targets"),
        (None, "has no targets"),
    ],
)
def test_labels_that_cannot_be_understood_are_refused(y, said):
    with pytest.raises(UserError, match=said):
        understood(Arrays(X, None if y is None else np.asarray(y)), POINT, CLASS, where="here")


def test_examples_that_are_not_as_promised_are_refused_and_the_rows_are_named():
    bad = X.copy()
    bad[[1, 3], 0] = np.nan, np.inf
    with pytest.raises(UserError, match="not finite in rows 1, 3, counted from 0"):
        understood(Arrays(bad), POINT, None, where="here")
    with pytest.raises(UserError, match=r"shape \[4, 2\]; \[N, 3\] was promised"):
        understood(Arrays(X), Spec((3,)), None, where="here")
    with pytest.raises(UserError, match="are float32; uint8 was promised"):
        understood(Arrays(X), Spec((2,), "uint8"), None, where="here")


def test_numbers_and_pictures_are_targets_too():
    number = understood(Arrays(X, np.ones((4, 1))), POINT, Target(Spec(())), where="here").y
    assert number.shape == (4,) and number.dtype == np.float32
    picture = Target(Spec((3, 3, 1), "uint8"))
    assert understood(Arrays(X, np.ones((4, 3, 3, 1), np.uint8)), POINT, picture, where="here").y.shape == (4, 3, 3, 1)
    mask = Target(Spec((3, 3), "int32"), classes=("no", "yes"))
    assert understood(Arrays(X, np.ones((4, 3, 3, 1), int)), POINT, mask, where="here").y.shape == (4, 3, 3)


@pytest.fixture
def sized(clean_registry):
    @registry.register("dataset", "sized")
    class Sized(Dataset):
        """So many points."""

        def __init__(self, *, count: int, scale: float = 1.0, noisy: bool = False) -> None:
            self.count, self.scale, self.noisy, self.spec = count, scale, noisy, POINT

        def split(self, part):
            if self.count == 13:
                raise ValueError("unlucky")
            return Arrays(np.full((self.count, 2), self.scale, np.float32))


def test_arguments_reach_the_constructor_in_their_types(sized):
    made = data.load("sized:7?scale=0.5&noisy=true")
    assert (made.count, made.scale, made.noisy) == (7, 0.5, True)
    assert len(data.load("sized:20?subset=5").split("train")) == 5


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("sized", "lacks count. Write sized:<count>.scale=1.0&noisy=False&fold=&folds=&subset="),
        ("sized:many", "count='many' is not a whole number. Write sized:<count>"),
        ("sized:7?scal=2", "has no argument 'scal'. Did you mean 'scale'"),
        ("sized:7?scale", "'scale' is not key=value"),
        ("sized:7?scale=1&scale=2", "'scale' is given twice"),
        ("sized:7?count=8", "given twice, behind the colon and by name"),
        ("digits:8", "takes nothing behind a colon"),
        ("digits?fold=6", "there are 5 folds"),
        ("digits?subset=0", "at least one training example"),
        ("digits?subset=some", "subset='some' is not a whole number"),
        ("digits?subst=5", "Did you mean 'subset'"),
    ],
)
def test_what_cannot_be_read_is_told_what_it_could_be(sized, problem, said):
    with pytest.raises(UserError, match=said.replace("(", "\\(")):
        data.load(problem)


def test_an_unknown_data_set_names_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'digits'"):
        data.load("digit")


def test_a_subset_has_the_classes_in_their_shares_and_leaves_the_others_alone():
    whole, few = data.load("digits"), data.load("digits?subset=100")
    counts = np.bincount(few.split("train").y, minlength=10)
    assert counts.sum() == 100 and counts.min() >= 8 and counts.max() <= 12
    for part in ("validation", "test"):
        np.testing.assert_array_equal(few.split(part).x, whole.split(part).x)
    assert few.target == whole.target and few.spec == whole.spec


def test_folds_validate_every_example_once_and_never_the_test_part():
    whole = data.load("digits")
    folds = [data.load(f"digits?fold={k}") for k in range(1, 6)]
    held_out = np.concatenate([fold.split("validation").x for fold in folds])
    everything = np.concatenate([whole.split("train").x, whole.split("validation").x])
    rows = [sorted(x.tobytes() for x in part) for part in (held_out, everything)]
    assert rows[0] == rows[1]
    for fold in folds:
        assert len(fold.split("train")) == len(everything) - 300
        np.testing.assert_array_equal(fold.split("test").x, whole.split("test").x)


def test_a_data_set_that_is_remembered_has_the_form_of_the_one_that_was_there() -> None:
    digits = data.load("digits")
    facts = json.loads(json.dumps(data.facts_of(digits)))
    again = data.Recorded("digits", facts)
    assert (again.spec, again.target) == (digits.spec, digits.target)
    assert data.Recorded("digits", {**facts, "target": None}).target is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"shape": shape} for shape in (None, "x", 5, [-1], ["8"], [8.0], [True])),
        *({"dtype": dtype} for dtype in (None, 5, "nothing", "object", "str", "datetime64[s]")),
        *({"target": target} for target in (5, [], "x", {}, {"shape": [], "dtype": "int32"})),
        *({"target": {"shape": [], "dtype": "int32", "classes": classes}} for classes in (5, "many", [1], None)),
        {"target": {"shape": None, "dtype": "int32", "classes": []}},
    ],
    ids=str,
)
def test_facts_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    facts = {**data.facts_of(data.load("digits")), **wrong}
    with pytest.raises(UserError, match="What the run says of its data set 'digits' cannot be used"):
        data.Recorded("digits", facts)
