import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rlgen import registry
from rlgen.errors import UnknownName, UserError
from rlgen.sources import lookup

AddPackage = Callable[[str, dict[str, str], str], Path]

GOOD = '''"""A package."""
import sys
sys.imported_for_the_test = sys.__dict__.get("imported_for_the_test", 0) + 1

class Agent:
    """Learns nothing.

    And more.
    """

def helper():
    """Not a class."""
'''


@pytest.fixture(autouse=True)
def _no_trace(monkeypatch: pytest.MonkeyPatch, clean_registry: None) -> None:
    monkeypatch.setattr(sys, "imported_for_the_test", 0, raising=False)


def imported() -> int:
    return sys.__dict__["imported_for_the_test"]


def test_built_ins_come_through_entry_points() -> None:
    found = {(plugin.kind, plugin.name): plugin for plugin in registry.available()}
    for key in [
        ("agent", "dqn"),
        ("agent", "double_dqn"),
        ("agent", "dueling_dqn"),
        ("generative", "gan"),
        ("supervised", "mlp"),
        ("env", "CartPole-v1"),
        ("dataset", "digits"),
        ("dataset", "ring"),
    ]:
        assert found[key].source.startswith("rlgen ")
        assert found[key].summary


def test_names_and_summaries_are_read_without_importing(add_package: AddPackage) -> None:
    add_package("stranger_one", {"agent.stranger": "stranger_one:Agent", "metric.help": "stranger_one:helper"}, GOOD)
    plugin = registry.find("stranger")
    assert plugin in registry.available("agent")
    assert plugin.source == "stranger_one 1.2"
    assert plugin.summary == "Learns nothing."
    assert registry.find("help").summary == "Not a class."
    assert "stranger_one" not in sys.modules
    assert imported() == 0
    assert registry.load("stranger").__name__ == "Agent"
    assert registry.load("stranger") is sys.modules["stranger_one"].Agent
    assert imported() == 1


def test_summaries_of_what_cannot_be_read(add_package: AddPackage) -> None:
    add_package("stranger_two", {"agent.no": "stranger_two:Agent"}, "def (")
    add_package("stranger_three", {"agent.gone": "no_such_module_at_all:Agent"}, "")
    assert registry.find("no").summary == registry.find("gone").summary == ""


def test_unknown_names_teach() -> None:
    with pytest.raises(UnknownName) as caught:
        registry.find("duble_dqn", registry.ALGORITHM_KINDS)
    assert str(caught.value).startswith("There is no algorithm 'duble_dqn'. Did you mean 'double_dqn'")
    assert "`rlgen list`" in str(caught.value)
    with pytest.raises(UnknownName, match="no dataset 'ringg'. Did you mean 'ring'.*`rlgen list --kind dataset`"):
        registry.find("ringg", ("dataset",))
    # Far from every name there is nothing to suggest.
    with pytest.raises(UnknownName) as caught:
        registry.find("zzzzzzzzzzzz")
    assert "Did you mean" not in str(caught.value)
    assert isinstance(caught.value, KeyError)


def test_kinds_are_checked() -> None:
    with pytest.raises(UserError, match="no kind 'agnet'. Did you mean 'agent'"):
        registry.available("agnet")
    with pytest.raises(UserError, match="no kind 'models'"):
        registry.register("models", "x")


def test_two_packages_with_one_name_are_both_named(add_package: AddPackage) -> None:
    add_package("left", {"agent.same": "left:Agent"}, GOOD)
    add_package("right", {"generative.same": "right:Agent", "metric.same": "right:helper"}, GOOD)
    with pytest.raises(UserError) as caught:
        registry.find("same", registry.ALGORITHM_KINDS)
    for word in ("left 1.2", "right 1.2", "left:Agent", "right:Agent", "Uninstall"):
        assert word in str(caught.value)
    # A metric is another kind of thing, and other names are untouched.
    assert registry.load("same", ("metric",)).__name__ == "helper"
    assert registry.find("dqn").name == "dqn"
    assert [plugin.source for plugin in registry.available() if plugin.name == "same"] == [
        "left 1.2",
        "right 1.2",
        "right 1.2",
    ]


def test_code_against_a_package_names_both(add_package: AddPackage) -> None:
    add_package("left", {"agent.same": "left:Agent"}, GOOD)
    with pytest.raises(UserError) as caught:

        @registry.register("supervised", "same")
        class Mine:
            pass

    assert "left 1.2" in str(caught.value)
    assert f"code in {__name__}" in str(caught.value)
    assert registry.find("same").source == "left 1.2"


def test_the_same_class_again_is_no_duplicate(add_package: AddPackage) -> None:
    def cell() -> type:
        @registry.register("agent", "cell")
        class Mine:
            """Mine."""

        return Mine

    cell()
    second = cell()
    assert registry.load("cell") is second
    assert registry.find("cell").summary == "Mine."
    registry.unregister("agent", "cell")
    with pytest.raises(UnknownName):
        registry.find("cell")
    # A module that decorates what its own entry point names.
    source = "from rlgen.registry import register\n@register('agent', 'own')\nclass Agent:\n    pass\n"
    add_package("decorated", {"agent.own": "decorated:Agent"}, source)
    assert registry.load("own") is registry.load("own")
    assert len([plugin for plugin in registry.available() if plugin.name == "own"]) == 1


@pytest.mark.parametrize("name", ["", "-x", "a b", "a=b", "_x"])
def test_names_that_cannot_be_typed_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be a name"):
        registry.register("agent", name)


def test_only_what_can_be_called_is_a_plugin() -> None:
    with pytest.raises(UserError, match="a class or a function; 'x' is a int"):
        registry.register("agent", "x")(3)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('out of coffee')", ["RuntimeError: out of coffee"]),
        ("import a_module_nobody_has", ["ModuleNotFoundError", "a_module_nobody_has"]),
        ("def (", ["SyntaxError"]),
        ("import sys; sys.exit('enough')", ["SystemExit: enough"]),
        ("Agnet = 3", ["AttributeError", "Agent"]),
    ],
)
def test_a_broken_plugin_breaks_itself_alone(add_package: AddPackage, source: str, words: list[str]) -> None:
    add_package("broken", {"agent.broken": "broken:Agent"}, source)
    assert registry.find("broken").source == "broken 1.2"
    assert registry.load("ring").__name__ == "Ring"
    with pytest.raises(UserError) as caught:
        registry.load("broken")
    for word in (*words, "broken 1.2", "broken:Agent", "could not be imported"):
        assert word in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_broken_family_of_environments_hides_no_environment(add_package: AddPackage) -> None:
    add_package("broken", {"env_family.broken": "broken:find"}, "raise RuntimeError('out of coffee')")
    assert lookup("FrozenLake-v1").make().observation_space.n == 16
    assert lookup("ALE/Pong-v5").about.startswith("machado")


def test_plugins_can_be_disabled(add_package: AddPackage, monkeypatch: pytest.MonkeyPatch) -> None:
    add_package("stranger_four", {"agent.stranger": "stranger_four:Agent"}, GOOD)
    before = registry.available()
    monkeypatch.setenv("RLGEN_DISABLE_PLUGINS", "1")
    after = registry.available()
    assert [plugin for plugin in before if plugin not in after] == [
        plugin for plugin in before if plugin.name == "stranger"
    ]
    assert after
    with pytest.raises(UnknownName):
        registry.find("stranger")
    monkeypatch.setenv("RLGEN_DISABLE_PLUGINS", "0")
    assert registry.find("stranger")


def test_malformed_entry_points_are_told_and_ignored(
    add_package: AddPackage, capsys: pytest.CaptureFixture[str]
) -> None:
    points = {"robot.r2": "odd:Agent", "agent": "odd:Agent", "agent.": "odd:Agent", "agent.fine": "odd:Agent [extra]"}
    add_package("odd", points, GOOD)
    names = [plugin.name for plugin in registry.available() if plugin.source == "odd 1.2"]
    assert names == ["fine"]
    assert registry.load("fine").__name__ == "Agent"
    captured = capsys.readouterr()
    assert captured.out == ""
    for point in ("'robot.r2'", "'agent'", "'agent.'"):
        assert f"ignored the entry point {point}" in captured.err


def test_a_target_without_an_attribute_is_named(add_package: AddPackage) -> None:
    add_package("bare", {"agent.bare": "bare"}, GOOD)
    with pytest.raises(UserError, match="'bare' of bare 1.2 could not be imported"):
        registry.load("bare")
    assert registry.find("bare").summary == ""
