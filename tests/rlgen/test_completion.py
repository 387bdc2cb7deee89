"""What a shell is offered: asked as a shell asks."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete

from rlgen.cli import cli


def offered(*words: str) -> list[str]:
    """Completions of the last word."""
    *before, last = words
    complete = ShellComplete(cli, {}, "rlgen", "_RLGEN_COMPLETE")
    return [item.value for item in complete.get_completions(list(before), last)]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("tr",), {"train", "translate"}),
        (("train", "double"), {"double_dqn"}),
        (("train", "dqn", "--env", "FrozenLake"), {"FrozenLake-v1", "FrozenLake8x8-v1"}),
        (("train", "dqn", "--env", "CartPole-v"), {"CartPole-v0", "CartPole-v1"}),
        (("train", "mlp", "--data", "dig"), {"digits"}),
        (("train", "dqn", "--wrapper", "frame"), {"frame_stack"}),
        (("train", "dqn", "--preset", "mnih"), {"mnih-2015"}),
        (("train", "dqn", "--set", "learning_r"), {"learning_rate="}),
        (("train", "dqn", "--set", "trainer.keep"), {"trainer.keep_checkpoints="}),
        (("train", "dqn", "--engine", "c"), {"compiled"}),
        (("list", "--kind", "wr"), {"wrapper"}),
        (("describe", "cs"), {"csv"}),
    ],
)
def test_names(words: tuple[str, ...], some: set[str]) -> None:
    assert set(offered(*words)) == some


def test_nothing_where_the_algorithm_is_no_name() -> None:
    assert offered("train", "dqnn", "--preset", "") == ["default"]
    assert offered("train", "digits", "--set", "learning") == []
