"""What a report shows, on a desk and on a phone, read off its page."""

from __future__ import annotations

import re
from pathlib import Path

import chromium
import pytest
from chromium import elements, text, wait
from selenium.webdriver import Chrome
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE, POINTER_TOUCH
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.remote.webelement import WebElement

import rlgen
from rlgen.summary import SummaryWriter

WIDTHS = {"desk": 1280, "phone": 390}
WIDTH = "const page = document.scrollingElement; return [page.scrollWidth, page.clientWidth, innerWidth]"
LOADED = "return location.href === arguments[0] && document.readyState === 'complete'"
OTHER = {"speed": [1.0, 1.5, 2.25], "noise": [3.0, 3.0, 3.0]}
STEPS = [0, 10, 20]


@pytest.fixture(scope="module")
def page(runs: dict[str, rlgen.Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on the runs, and on what another program logged."""
    place = tmp_path_factory.mktemp("report")
    other = SummaryWriter(place / "other")
    for step, values in zip(STEPS, zip(*OTHER.values(), strict=True), strict=True):
        other.scalars(step, dict(zip(OTHER, values, strict=True)))
    other.close()
    return rlgen.report([*(run.path for run in runs.values()), place / "other"], out=place / "report.html")


@pytest.fixture(params=list(WIDTHS))
def opened(browser: Chrome, page: Path, request: pytest.FixtureRequest) -> Chrome:
    """The report on a page of either width."""
    chromium.resize(browser, WIDTHS[request.param], 900, phone=request.param == "phone")
    browser.get("about:blank")
    chromium.errors(browser)
    browser.get(page.as_uri())
    wait(browser, lambda: browser.execute_script(LOADED, page.as_uri()))
    return browser


def plot(browser: Chrome, title: str) -> WebElement:
    """The only one, or the last one, of this title, in sight."""
    charts = [each for each in elements(browser, "figure.chart") if each.text.split("\n")[0] == title]
    found: WebElement = charts[-1].find_element("css selector", ".plot")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
    return found


def ground(browser: Chrome) -> list[int]:
    """Red, green and blue of what is behind the text."""
    colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    return [int(part) for part in re.findall(r"\d+", colour)]


def test_it_is_as_wide_as_the_screen(opened: Chrome) -> None:
    scrolled, shown, screen = opened.execute_script(WIDTH)
    assert scrolled <= shown <= screen and screen in WIDTHS.values()


def test_all_is_there(opened: Chrome, runs: dict[str, rlgen.Run]) -> None:
    said = text(opened)
    assert [word for word in (*runs, *OTHER, "Report on 4 runs", "Learning curve", "A log") if word not in said] == []
    names = {each.text for each in elements(opened, "figcaption .name")}
    assert {"film.gif", "eval_confusion.png", "eval_samples.png"} <= names


def test_pictures_are_pictures(opened: Chrome) -> None:
    images = elements(opened, "img")
    shown = [each.get_property("complete") and each.get_property("naturalWidth") for each in images]
    assert len(images) >= 10 and all(shown)


def test_curves_are_drawn(opened: Chrome) -> None:
    lines = opened.find_elements("css selector", ".plot path.line")
    assert len(lines) >= 30 and len(elements(opened, ".plot path.line")) == len(lines)


def test_the_value_under_the_pointer(opened: Chrome) -> None:
    curve = plot(opened, "speed")
    value = curve.find_element("css selector", ".value")
    assert not value.is_displayed()
    kind = POINTER_TOUCH if opened.execute_script("return navigator.maxTouchPoints") else POINTER_MOUSE
    pointer = ActionBuilder(opened, mouse=PointerInput(kind, kind))
    pointer.pointer_action.move_to(curve).pointer_down()
    pointer.perform()
    assert value.is_displayed() and value.text == "step 10\n1.5"
    screen = opened.execute_script("return document.documentElement.clientWidth")
    assert value.rect["x"] >= 0 and value.rect["x"] + value.rect["width"] <= screen
    pointer.clear_actions()


def test_dark_and_light(opened: Chrome) -> None:
    before, button = ground(opened), opened.find_element("id", "theme")
    assert min(before) > 200 and button.text == "Dark"
    button.click()
    assert max(ground(opened)) < 60 and button.text == "Light"
    button.click()
    assert ground(opened) == before


def test_it_asks_for_nothing(opened: Chrome) -> None:
    asked = opened.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
    assert [name for name in asked if not name.startswith(("file:", "data:"))] == []
    assert chromium.errors(opened) == []
