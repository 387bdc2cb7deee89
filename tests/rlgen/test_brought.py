"""Names for objects: those that can be imported, those that cannot, and the arguments that a name carries."""

from __future__ import annotations

from typing import Any

import pytest

from rlgen import brought
from rlgen.arguments import Named, guessed
from rlgen.errors import UserError


class Outer:
    """Can be imported, and so can what is in it."""

    class Inner:
        """As well."""


def test_what_a_module_holds_goes_by_its_place() -> None:
    assert brought.bring(Outer) == f"{__name__}:Outer"
    assert brought.bring(Outer.Inner) == f"{__name__}:Outer.Inner"
    assert brought.find(f"{__name__}:Outer") is None, "nothing was kept: it is imported"
    Outer.__module__, module = "__main__", Outer.__module__
    try:
        assert brought.import_name(Outer) is None, "another process has another __main__"
    finally:
        Outer.__module__ = module


def test_all_else_has_one_name_in_this_process() -> None:
    one, other = Outer(), Outer()
    first = brought.bring(one)
    assert first.startswith("@Outer") and brought.bring(one) == first != brought.bring(other)
    assert brought.find(first) is one
    assert brought.bring(other, name="@from-a-run?x=1") == "@from-a-run?x=1"
    assert brought.find("@from-a-run") is other


def test_an_object_of_another_process() -> None:
    with pytest.raises(UserError, match="'@gone' was an object of the program.*bring it again.*package.module:name"):
        brought.find("@gone")


@pytest.mark.parametrize(
    "value",
    [
        1,
        -2.5,
        1e-7,
        True,
        False,
        None,
        "text",
        "7",
        "true",
        "a&b=c?d %",
        "",
        [1, [2.5, "x"]],
        {"a": [1, None]},
        "[",
        "ä",
    ],
)
def test_arguments_come_back(value: Any) -> None:
    text = brought.with_arguments("name", {"x": value, "y": 1}, what="environment")
    options = Named.parse(text).options
    assert guessed(options["x"]) == value and type(guessed(options["x"])) is type(value)
    assert guessed(options["y"]) == 1
    assert brought.with_arguments("name?a=1", {"x": value}, what="").startswith("name?a=1&x=")


def test_arguments_that_no_text_stands_for() -> None:
    with pytest.raises(UserError, match="rng=.* is no number, text.* Bring a function that makes the environment"):
        brought.with_arguments("name", {"rng": object()}, what="environment")
