"""What TensorBoard shows of runs, read off its pages."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest
from chromium import elements, text, wait, wait_for
from scalars import read_scalars
from selenium.webdriver import Chrome
from selenium.webdriver.remote.webelement import WebElement

import rlgen
from rlgen.board.charts import CATEGORIES

SECONDS_TO_START = 60.0
PLUGINS = (
    *("scalars", "timeseries", "custom_scalars", "images", "histograms", "distributions"),
    *("hparams", "text", "graphs", "pr_curves", "projector"),
)
# How each plug-in, and the page around them, says that there is nothing to show.
NOTHING = re.compile(r"\bNo (?:[\w-]+ )*(?:data|dashboards|graph|checkpoints?)\b[^.]*", re.IGNORECASE)
TOASTS = "paper-toast.paper-toast-open, mat-snack-bar-container, [role=alert]"
LINES = "path.line"


@pytest.fixture(scope="module")
def address(runs: dict[str, rlgen.Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where TensorBoard serves the runs, as it does unless told otherwise, once it has read all of them."""
    said = tmp_path_factory.mktemp("tensorboard") / "said"
    place = next(iter(runs.values())).path.parent
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(place), "--host", "127.0.0.1", "--port", "0"]
    with said.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield _started(process, said, {f"{name}/{part}" for name in runs for part in ("train", "eval", "test")})
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _started(process: subprocess.Popen[bytes], said: Path, names: set[str]) -> str:
    latest, missing = time.monotonic() + SECONDS_TO_START, ["its address"]
    while process.poll() is None and time.monotonic() < latest:
        if found := re.search(r"http://127\.0\.0\.1:\d+", said.read_text()):
            missing = _missing(found[0], names)
            if not missing:
                return found[0]
        time.sleep(0.1)
    pytest.fail(f"TensorBoard did not have {missing}. It said: {said.read_text()[-2000:]}")


def _missing(address: str, names: set[str]) -> list[str]:
    """Runs that it has not read, and plug-ins that have nothing to show, as far as it knows by now."""
    runs, plugins = (_fetched(f"{address}/data/{what}") for what in ("runs", "plugins_listing"))
    return [*sorted(names - set(runs)), *(name for name in PLUGINS if not plugins[name]["enabled"])]


def _fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=SECONDS_TO_START) as answer:
        return json.load(answer)


@pytest.fixture
def opened(browser: Chrome, address: str) -> Iterator[Callable[[str], Chrome]]:
    """Open the page of a plug-in. When the test is over the page complains of nothing, nor does the console."""
    chromium.resize(browser, 1400, 1400)

    def open_page(plugin: str) -> Chrome:
        # Another part of the same address would load nothing anew.
        browser.get("about:blank")
        browser.get(f"{address}/#{plugin}")
        return browser

    yield open_page
    browser.switch_to.default_content()
    assert NOTHING.findall(text(browser)) == []
    assert [toast.text for toast in elements(browser, TOASTS)] == []
    assert chromium.errors(browser) == []


def named(browser: Chrome, runs: dict[str, rlgen.Run], *parts: str) -> None:
    """Wait for the names of runs."""
    wait_for(browser, *(f"{name}/{part}" for name in runs for part in parts))


def drawn(browser: Chrome, selector: str, least: int) -> None:
    """Wait for so many drawings."""
    wait(browser, lambda: len(elements(browser, selector)) >= least)


def choose(browser: Chrome, menu: str, name: str) -> None:
    """Choose from a menu."""
    elements(browser, menu)[0].click()

    def items() -> list[WebElement]:
        shown = (each for each in elements(browser, "paper-item") if each.is_displayed())
        return [each for each in shown if each.text.split("\n")[0] == name]

    wait(browser, items)[0].click()


def test_scalars(opened: Callable[[str], Chrome], runs: dict[str, rlgen.Run]) -> None:
    browser = opened("scalars")
    named(browser, runs, "train", "eval", "test")
    wait_for(browser, "tag: eval/accuracy", "tag: eval/elbo", "tag: final/best", "tag: final/last", "rollout", "work")
    drawn(browser, LINES, 12)


def test_time_series(opened: Callable[[str], Chrome], runs: dict[str, rlgen.Run]) -> None:
    browser = opened("timeseries")
    named(browser, runs, "train", "eval", "test")
    accuracy = read_scalars(runs["cnn"].path / "eval")["eval/accuracy"][-1][1]
    # A card has a table of the last values.
    wait_for(browser, "/accuracy", f"{accuracy:.4g} 100", "gradients", "weights")
    drawn(browser, "line-chart canvas, line-chart svg", 4)


def test_charts_by_category(opened: Callable[[str], Chrome]) -> None:
    browser = opened("custom_scalars")
    scores = ("eval/accuracy", "eval/mean_reward", "eval/elbo")
    wait_for(browser, *scores, "losses", "steps per second")
    assert [each.text for each in elements(browser, "button.heading .name")] == list(CATEGORIES)

    def empty() -> list[str]:
        said = text(browser)
        wanted = (*scores, "losses", "norm of the gradient", "step size", "steps per second", "work")
        return [title for title in wanted if not re.search(rf" {title} [^()]*Matches \([1-9]", said)]

    wait(browser, lambda: not empty())
    drawn(browser, LINES, 15)


def test_images_and_the_film(opened: Callable[[str], Chrome]) -> None:
    browser = opened("images")
    wait_for(browser, "tag: eval/reconstructions", "tag: test/confusion", "tag: test/film")

    def shown() -> list[WebElement]:
        loaded = [each for each in elements(browser, "img") if each.get_property("naturalWidth")]
        return loaded if len(loaded) == len(elements(browser, "tf-image-loader")) else []

    assert len(wait(browser, shown)) >= 12
    film = next(each for each in elements(browser, "tf-image-loader") if "test/film" in each.text)
    source = browser.execute_script("return arguments[0].shadowRoot.querySelector('img').src", film)
    with urllib.request.urlopen(source) as answer:
        assert answer.read(6) == b"GIF89a"


@pytest.mark.parametrize("plugin", ["histograms", "distributions"])
def test_histograms(opened: Callable[[str], Chrome], plugin: str) -> None:
    browser = opened(plugin)
    wait_for(browser, "tag: eval/actions", "tag: eval/codes", "tag: eval/confidence", "gradients", "weights")
    drawn(browser, "svg path", 50)


def test_table_of_hyperparameters(opened: Callable[[str], Chrome], runs: dict[str, rlgen.Run]) -> None:
    browser = opened("hparams")
    named(browser, runs, "test")
    for name, run in runs.items():
        final = read_scalars(run.path / "test")
        values = [final[f"final/{which}"][0][1] for which in ("best", "last", "mean_of_last_5")]
        row = [name, *(f"{number:#.5g}" for number in (run.config.config["learning_rate"], *values))]

        def found(name: str = name, row: list[str] = row) -> bool:
            rows = [each.text.split("\n") for each in elements(browser, "tr")]
            return any(each[0] == f"{name}/test" and set(row) <= set(each) for each in rows)

        wait(browser, found)
    wait_for(browser, "Hyperparameters", "algorithm", "problem", "seed", "Metrics", "final/best", "test/accuracy")


def test_text(opened: Callable[[str], Chrome], runs: dict[str, rlgen.Run]) -> None:
    browser = opened("text")
    wait_for(browser, "tag: about/configuration", "tag: about/command", "tag: about/versions")
    for run in runs.values():
        rate = run.config.config["learning_rate"]
        wait_for(browser, f"algorithm {run.config.algorithm}", f"learning_rate {rate}", "trainer.graph True")
    assert len(elements(browser, "table")) >= 6


def test_graphs(opened: Callable[[str], Chrome]) -> None:
    browser = opened("graphs")
    wait(browser, lambda: elements(browser, "g.node"))
    for name, network in {"double_dqn": "online", "vae": "average_encoder", "cnn": "net"}.items():
        choose(browser, ".run-dropdown", f"{name}/train")

        def nodes(network: str = network) -> bool:
            return network in {each.get_attribute("data-name") for each in elements(browser, "g.node")}

        wait(browser, nodes)


def test_precision_recall(opened: Callable[[str], Chrome]) -> None:
    browser = opened("pr_curves")
    wait_for(browser, "tag: eval/0", "tag: eval/9", "cnn/eval is at step 100", "cnn/test is at step 100")
    drawn(browser, LINES, 10)


def test_projector(opened: Callable[[str], Chrome], runs: dict[str, rlgen.Run]) -> None:
    browser = opened("projector")
    # What turns is painted without a graphics card.
    chromium.resize(browser, 1000, 600)
    for _ in ("the plug-in", "the projector in it"):
        browser.switch_to.frame(wait(browser, lambda: elements(browser, "iframe"))[0])
    wait(browser, lambda: elements(browser, "paper-dropdown-menu"))
    for name, run in runs.items():
        choose(browser, "paper-dropdown-menu", f"{name}/test")
        points = (run.path / "test" / "embedding.tsv").read_text().splitlines()
        wait_for(browser, f"Points: {len(points)}", f"Dimension: {len(points[0].split())}")
    drawn(browser, "canvas", 1)
