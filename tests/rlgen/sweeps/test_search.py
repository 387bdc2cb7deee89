"""What is searched: how it is written, and that every end fits its field."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import rlgen
from rlgen.errors import UserError
from rlgen.schedules import Schedule
from rlgen.sweeps.search import Choices, Range, parse_pairs, read_space, size


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(rlgen.Config):
    """One field of each kind."""

    learning_rate: Schedule = rlgen.option(1e-3, "A step.", above=0)
    gamma: float = rlgen.option(0.99, "A discount.", at_least=0, at_most=1)
    batch: int = rlgen.option(32, "A number.", at_least=1)
    limit: float | None = rlgen.option(None, "Or none.")
    units: tuple[int, ...] = rlgen.option((64,), "Widths.", at_least=1)
    double: bool = rlgen.option(False, "A switch.")


def read(**asked: Any) -> dict[str, Any]:
    return read_space(asked, Settings)


def test_ranges() -> None:
    assert read(learning_rate="3e-5..3e-2:log") == {"learning_rate": Range(3e-5, 3e-2, False, log=True)}
    assert read(gamma="0.9..1") == {"gamma": Range(0.9, 1.0, False)}
    assert read(batch="8..64") == {"batch": Range(8, 64, True, step=1)}
    assert read(batch="8..70:16") == {"batch": Range(8, 56, True, step=16)}
    assert read(batch="8..1e3:log") == {"batch": Range(8, 1000, True, log=True)}
    assert read(limit="-1.5..+2.") == {"limit": Range(-1.5, 2.0, False)}
    assert read_space({"trainer.keep_checkpoints": "1..3"}, Settings)["trainer.keep_checkpoints"].high == 3


def test_choices_by_text_and_by_values() -> None:
    assert read(units="64,64|256,256") == read(units=[(64, 64), (256, 256)]) == {"units": Choices(("64,64", "256,256"))}
    assert read(limit=[None, 1.5], double=[True, False])["limit"].values == ("None", "1.5")
    assert read(learning_rate="1e-3 | 3e-4")["learning_rate"].values == ("1e-3", "3e-4")


def test_what_is_kept_reads_as_it_was() -> None:
    for text in ("0.1..0.7:log", "0.0..1.0:0.25", "0.25..0.5"):
        (part,) = read(gamma=text).values()
        assert str(part) == text and read(gamma=str(part))["gamma"] == part
    assert str(read(batch="8..64:8")["batch"]) == "8..64:8"


def test_how_large_it_is() -> None:
    assert size(read(gamma="0..1:0.25", double="true|false")) == 10
    assert size(read(batch="1..7", units="4|8|16")) == 21
    assert size(read(gamma="0..1", double="true|false")) is None


def test_pairs() -> None:
    assert parse_pairs(["a=1..2", " b = x|y=z "]) == {"a": "1..2", "b": "x|y=z"}
    for pairs, words in ((["a"], "is not field=range"), (["=1..2"], "is not field"), (["a=1..2", "a=x|y"], "twice")):
        with pytest.raises(UserError, match=words):
            parse_pairs(pairs)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "nothing to search"),
        ({"gama": "0..1"}, "no field 'gama' in Settings to search. Did you mean 'gamma'"),
        ({"trainer.flm": "true|false"}, "no field 'flm' in TrainerConfig"),
        ({"gamma": "0.9..1.5"}, "gamma=1.5 is out of range: it must be >= 0 and <= 1"),
        ({"learning_rate": "0..1"}, "learning_rate.* out of range"),
        ({"batch": "0..8"}, "batch=0 is out of range"),
        ({"batch": "1.5..8"}, "batch='1.5' is not a whole number"),
        ({"batch": "8..8"}, "is empty"),
        ({"gamma": "0..1:log"}, "a logarithmic range begins above 0"),
        ({"gamma": "0..1:lg"}, "after the colon stands log, or a step"),
        ({"gamma": "0..1:2"}, "fit into the range"),
        ({"gamma": "0.5"}, "neither a range nor a choice.*One value is --set"),
        ({"gamma": ["0.5"]}, "has 1 choice"),
        ({"gamma": "0.5|0.5"}, "a choice twice"),
        ({"gamma": 0.5}, "write it as text"),
        ({"gamma": [0.5, object()]}, "neither text nor number"),
        ({"units": "1..2"}, "has no range: list its values"),
        ({"double": "0..1"}, "has no range: list its values"),
        ({"units": "8|0,8"}, "units=0 is out of range"),
        ({"double": "true|maybe"}, "double='maybe'"),
        ({"trainer.patience_evaluations": "1..4"}, "cannot be compared"),
    ],
)
def test_what_cannot_be_searched_is_named(asked: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_space(asked, Settings)


def test_a_field_is_set_or_searched() -> None:
    with pytest.raises(UserError, match="'gamma' is both set and searched"):
        read_space({"gamma": "0..1"}, Settings, fixed=("gamma",))
