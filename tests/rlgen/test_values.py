"""Values of every field of every configuration: whatever somebody gives is taken as it is or refused by a sentence."""

import json
import math
from fractions import Fraction
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
import pytest
import wrong_values
from hypothesis import given, settings
from hypothesis import strategies as st

from rlgen import values
from rlgen.config import Config, coerce
from rlgen.errors import UserError
from rlgen.schedules import KINDS, Schedule

CONFIGURATIONS = wrong_values.configurations()
CALM = settings(derandomize=True, max_examples=20, deadline=None)

anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=5),
        st.complex_numbers(), st.fractions(), st.decimals(), st.integers(min_value=10**4299, max_value=10**4400),
        st.integers(-(2**31), 2**31 - 1).map(np.int64), st.floats().map(np.float64), st.booleans().map(np.bool_),
        st.just(np.zeros((2, 2))), st.just(object()), st.sampled_from(["none", "1e999", "[[1]]", "\0", "\ud800"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=6,
)  # fmt: skip


def refused(config: type[Config], field: str, value: Any) -> None:
    with pytest.raises(UserError) as caught:
        config.build({field: value})
    assert field in str(caught.value)
    assert len(str(caught.value)) < 1000


def good(hint: Any, limits: dict[str, float]) -> st.SearchStrategy[Any]:
    """Values that a field of this type takes."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is Union or parts and type(None) in parts:
        return st.one_of(*(good(part, limits) for part in parts))
    if origin is tuple:
        return st.lists(good(parts[0], limits), max_size=4).map(tuple)
    if hint is type(None):
        return st.none()
    if hint is bool:
        return st.booleans()
    least, most = wrong_values.within(hint, limits)
    if hint is int:
        return st.integers(int(least), int(most))
    if hint in (float, Schedule):
        number = st.floats(least, most)
        # In a schedule every number keeps its digits, too.
        return number if hint is float else st.one_of(number.map(Schedule.parse), _schedules(number))
    return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


def _schedules(number: st.SearchStrategy[float]) -> st.SearchStrategy[Schedule]:
    positive, factor = st.floats(1e-3, 1e9), st.floats(1e-3, 0.999)

    def made(kind: str) -> st.SearchStrategy[Schedule]:
        other = number.map(abs).filter(lambda value: value > 1e-30) if kind == "geometric" else number
        of = {
            name: {"factor": factor, "over": positive, "every": positive}.get(name, other)
            for name in KINDS[kind].arguments
        }
        return st.fixed_dictionaries(of).map(
            lambda drawn: Schedule.parse(f"{kind}:" + ",".join(f"{name}={value!r}" for name, value in drawn.items()))
        )

    return st.sampled_from(sorted(KINDS)).flatmap(made)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_values_out_of_range_or_of_another_type_are_refused_by_name(name: str) -> None:
    config = CONFIGURATIONS[name]
    for field, hint, limits in wrong_values.fields(config):
        for value in (*wrong_values.texts(hint, limits), *wrong_values.objects(hint)):
            refused(config, field, value)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_whatever_a_field_is_given_it_takes_or_refuses_by_name(name: str) -> None:
    config = CONFIGURATIONS[name]
    known = list(wrong_values.fields(config))

    @CALM
    @given(anything)
    def check(value: Any) -> None:
        for field, hint, _ in known:
            try:
                coerce(field, value, hint)
            except UserError as error:
                assert field in str(error)

    check()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_values_in_range_come_back_from_json(name: str) -> None:
    config = CONFIGURATIONS[name]
    known = {field: good(hint, limits) for field, hint, limits in wrong_values.fields(config)}

    @CALM
    @given(st.data())
    def check(data: st.DataObject) -> None:
        for field, strategy in known.items():
            value = data.draw(strategy, label=field)
            try:
                made = config.build({field: value})
            except UserError as error:
                assert "is out of range: it must be" not in str(error)  # Only together with the others is it wrong.
                continue
            assert getattr(made, field) == value or isinstance(value, str)
            assert config.build(json.loads(json.dumps(made.to_dict()))) == made

    check()


@pytest.mark.parametrize(
    ("value", "number"),
    [("1e5", 100_000), (5.0, 5), (np.int64(7), 7), (np.float32(3), 3), (Fraction(4, 2), 2), ("٣", 3)],
)
def test_whole_numbers(value: Any, number: int) -> None:
    assert values.whole(value) == number and type(values.whole(value)) is int


@pytest.mark.parametrize("value", [True, np.True_, b"5", None, 1j, "1.5", 2.5, math.inf, "9" * 5000, [1], np.ones(1)])
def test_what_is_no_whole_number(value: Any) -> None:
    with pytest.raises(ValueError):
        values.whole(value)


def test_messages_show_anything_in_a_few_words() -> None:
    class Unshowable:
        def __repr__(self) -> str:
            raise RuntimeError

    assert values.shown("x") == "'x'"
    assert values.shown(Unshowable()) == "a Unshowable that cannot be shown"
    for value in (10**5000, "x" * 1000, list(range(1000))):
        assert len(values.shown(value)) <= values.SHOWN_CHARACTERS
