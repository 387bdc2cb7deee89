import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

import pytest

from rlgen.config import Config, another_default, differences, load_presets, option, parse_overrides
from rlgen.errors import UserError
from rlgen.values import MOST_STEPS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example(Config):
    presets = {
        "large": {"about": "More.", "units": [64, 64], "rate": 0.5},
        "text": {"count": "7"},
        "wrong": {"count": -1},
    }

    count: int = option(3, "How many.", at_least=1, at_most=100)
    rate: float = option(0.1, "How fast.", above=0, below=1)
    on: bool = option(False, "Whether.")
    loss: Literal["huber", "mse"] = option("huber", "Which.")
    level: Literal[1, 2] = option(1, "Which number.")
    units: tuple[int, ...] = option((8,), "Layers.", at_least=1)
    rates: tuple[float, ...] = option((), "Rates.")
    clip: float | None = option(None, "Or none.", above=0)
    layers: tuple[int, ...] | None = option(None, "Or none.")
    name: str = option("x", "Text.")

    def check(self) -> None:
        if self.clip is not None and not self.on:
            raise UserError("clip needs on=true.")


@pytest.mark.parametrize(
    ("field", "given", "want"),
    [
        ("count", "5", 5),
        ("count", "1e2", 100),
        ("count", "1_0", 10),
        ("count", " 7 ", 7),
        ("count", 5.0, 5),
        ("rate", "1e-3", 0.001),
        ("rate", ".25", 0.25),
        ("rate", 0.5, 0.5),
        ("on", "true", True),
        ("on", "No", False),
        ("on", "1", True),
        ("on", True, True),
        ("loss", "mse", "mse"),
        ("level", "2", 2),
        ("units", "16,32", (16, 32)),
        ("units", "[16, 32]", (16, 32)),
        ("units", "(16,)", (16,)),
        ("units", "16", (16,)),
        ("units", 16, (16,)),
        ("units", [16, "32"], (16, 32)),
        ("units", "[]", ()),
        ("rates", "1 2.5", (1.0, 2.5)),
        ("clip", "none", None),
        ("clip", "null", None),
        ("clip", None, None),
        ("layers", "4,4", (4, 4)),
        ("layers", "None", None),
        ("name", "none", "none"),
    ],
)
def test_values_come_to_their_type(field: str, given: Any, want: Any) -> None:
    value = getattr(Example.build({field: given}), field)
    assert value == want
    assert type(value) is type(want)


def test_whole_numbers_keep_every_digit() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Large(Config):
        seed: int = option(0, "Any.", at_least=-(2**63), at_most=MOST_STEPS)

    # 2**53 + 1 is no float.
    for given in (9007199254740993, "9007199254740993", "-9_007_199_254_740_993"):
        assert abs(Large.build({"seed": given}).seed) == 9007199254740993


def test_a_whole_number_for_a_number_becomes_one() -> None:
    assert type(Example.build({"rates": [1]}).rates[0]) is float


@pytest.mark.parametrize(
    ("field", "given", "words"),
    [
        ("count", "many", ["count='many'", "whole number"]),
        ("count", "2.5", ["whole number"]),
        ("count", True, ["whole number"]),
        ("count", None, ["whole number"]),
        ("count", "inf", ["whole number"]),
        ("count", [1, 2], ["whole number"]),
        ("count", "", ["whole number"]),
        ("rate", "nan", ["number"]),
        ("rate", "fast", ["number"]),
        ("rate", True, ["number"]),
        ("rate", "1e999", ["number"]),
        ("on", "maybe", ["true or false"]),
        ("on", 2, ["true or false"]),
        ("loss", "hubber", ["not one of", "'huber', 'mse'", "Did you mean 'huber'"]),
        ("level", "3", ["not one of 1, 2"]),
        ("units", "16,x", ["whole number"]),
        ("units", "16,0", ["units=0", "out of range", ">= 1"]),
        ("clip", "little", ["number"]),
        ("clip", "0", ["out of range", "> 0"]),
        ("name", 3, ["text"]),
        ("count", 0, ["count=0", ">= 1 and <= 100"]),
        ("count", 101, ["<= 100"]),
        ("rate", 0, ["> 0 and < 1"]),
        ("rate", "1", ["< 1"]),
    ],
)
def test_wrong_values_are_refused_with_what_is_allowed(field: str, given: Any, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        Example.build({field: given})
    for word in words:
        assert word in str(caught.value)


def test_limits_are_inclusive_where_they_say_so() -> None:
    assert [Example.build({"count": n}).count for n in (1, 100)] == [1, 100]


def test_combinations_are_checked_after_the_values() -> None:
    with pytest.raises(UserError, match="clip needs on=true"):
        Example.build({"clip": "1"})
    assert Example.build({"clip": "1", "on": "true"}).clip == 1.0


def test_unknown_fields_name_the_nearest_and_all() -> None:
    with pytest.raises(UserError) as caught:
        Example.build({"cuont": 1})
    assert "Did you mean 'count'" in str(caught.value)
    assert "Fields: count, rate, on" in str(caught.value)


def test_presets_and_overrides() -> None:
    assert Example.build(preset="default") == Example.build(preset=None) == Example()
    assert Example.build(preset="text").count == 7
    large = Example.build({"rate": 0.25}, preset="large")
    assert (large.units, large.rate, large.count) == ((64, 64), 0.25, 3)
    with pytest.raises(UserError, match="out of range"):
        Example.build(preset="wrong")
    with pytest.raises(UserError, match="no preset 'larg'.* Did you mean 'large'.*default, large, text, wrong"):
        Example.build(preset="larg")


def test_json_round_trip() -> None:
    config = Example.build({"units": "3,4", "clip": "2", "on": "yes", "rate": "0.3", "layers": "1"})
    assert Example.build(json.loads(json.dumps(config.to_dict()))) == config
    assert Example.build(Example().to_dict()) == Example()


def test_configurations_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Example().count = 4  # type: ignore[misc]


def test_describe_says_it_all() -> None:
    rows = {row["name"]: row for row in Example.describe()}
    assert rows["count"] == {
        "name": "count",
        "type": "whole number",
        "default": 3,
        "doc": "How many.",
        "range": ">= 1 and <= 100",
    }
    assert rows["loss"]["type"] == "one of 'huber', 'mse'"
    assert rows["units"]["type"] == "list of whole numbers"
    assert rows["clip"]["type"] == "number or none"
    assert rows["units"]["default"] == [8]
    assert rows["name"]["range"] == ""
    json.dumps(list(rows.values()))


def test_overrides_from_the_command_line() -> None:
    assert parse_overrides(["a=1", " b = x=y "]) == {"a": "1", "b": "x=y"}
    assert parse_overrides([]) == {}
    for wrong in (["a"], ["=1"], [""]):
        with pytest.raises(UserError, match="key=value"):
            parse_overrides(wrong)
    with pytest.raises(UserError, match="'a' is set twice"):
        parse_overrides(["a=1", "a=2"])


def test_differences_show_both_values() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1}) == []
    assert differences({"a": 1}, {"a": 2, "c": 3}) == [
        "a: the run has 1, you asked for 2",
        "c: the run has None, you asked for 3",
    ]


def test_presets_kept_as_data(tmp_path: Path) -> None:
    file = tmp_path / "presets.json"
    file.write_text(json.dumps({"large": {"about": "More.", "count": 9}}))
    assert load_presets(file) == {"large": {"about": "More.", "count": 9}}


def test_another_default_keeps_sentence_and_range() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class First(Config):
        count: int = option(1, "How many.", at_least=1)

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Second(First):
        count: int = another_default(First, "count", 5)

    assert (First().count, Second().count) == (1, 5)
    assert Second.describe()[0] == {**First.describe()[0], "default": 5}
    with pytest.raises(UserError, match="count=0"):
        Second(count=0)


def test_the_preset_of_a_problem_is_its_own_or_that_of_its_kind() -> None:
    class Tuned(Config):
        presets = {"Pole-v1": {"about": "Its own."}, "Games": {"about": "A kind.", "problems": ["ALE/*", "*Skip-v4"]}}

    found = {name: Tuned.preset_for(name) for name in ("Pole-v1", "ALE/Pong-v5", "PongSkip-v4", "PongSkip-v5")}
    assert list(found.values()) == ["Pole-v1", "Games", "Games", "default"]
    assert Tuned.build(preset="Games") == Tuned(), "what a preset is for is no field"
