"""A browser, and runs to look at: made once, and only where there is a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest
import unshown
from selenium.webdriver import Chrome

import rlgen

HERE = Path(__file__).parent
OFTEN = {"trainer.evaluate_every_steps": 25}
RUNS: dict[str, dict[str, Any]] = {
    "double_dqn": {
        "env": "CartPole-v1",
        "steps": 1500,
        "config": {
            "num_envs": 4,
            "hidden_units": [16],
            "learning_starts_env_steps": 100,
            "trainer.evaluate_every_steps": 500,
            "trainer.evaluation_episodes": 2,
        },
    },
    "vae": {"data": "digits", "steps": 50, "config": {**OFTEN, "evaluation_samples": 50}},
    "cnn": {"data": "digits", "steps": 100, "config": OFTEN},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These come first, so that of several processes the first gets all of them, and it alone trains and starts any."""
    items.sort(key=lambda item: HERE not in item.path.parents)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser for all pages."""
    with chromium.started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module", autouse=True)
def rest(browser: Chrome) -> Iterator[None]:
    """The browser shows nothing between modules and behind the last: what moves on a page takes half a core."""
    yield
    browser.get("about:blank")


@pytest.fixture(scope="session")
def runs(browser: Chrome, tmp_path_factory: pytest.TempPathFactory) -> dict[str, rlgen.Run]:
    """A small run of each family, by the names of their algorithms and directories, with all there is to look at."""
    place = tmp_path_factory.mktemp("runs")
    with unshown.undone():
        return {name: rlgen.train(name, run=place / name, **arguments) for name, arguments in RUNS.items()}
