"""A browser without a window: found, started, and asked what its page shows.

Run as a program it says by its exit status whether there is one, with its driver.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

# Variables that name the programs, and what these are called on PATH.
PROGRAMS = {
    "CHROMIUM": ("chromium", "chromium-browser", "google-chrome"),
    "CHROMEDRIVER": ("chromedriver",),
}
# Set where a test that is skipped would be one that nobody runs.
NEEDED = "RLGEN_NEEDS_BROWSER"
OPTIONS = (
    "--headless=new",
    "--window-size=1400,1400",
    "--no-sandbox",
    "--disable-gpu",
    # The shared memory of a container is small.
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that asks another machine for anything gets an error, which its console tells.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SECONDS = 30.0
# Elements may hide what they are made of, which is then no child of theirs.
ELEMENTS = """
const inside = (node) => [...node.children, ...(node.shadowRoot ? node.shadowRoot.children : [])];
const all = (node) => [node, ...inside(node).flatMap(all)];
const shown = (node) => node.checkVisibility() && [...node.getClientRects()].some((box) => box.width + box.height > 0);
return all(document.documentElement).filter((node) => node.matches(arguments[0]) && shown(node));
"""
TEXT = """
const inside = (node) => (node.shadowRoot ?? node).childNodes;
const text = (node) => {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches("style, script, template, noscript")) return "";
  const style = getComputedStyle(node);
  if (style.display === "none" || style.visibility === "hidden") return "";
  return [...(node.matches("slot") ? node.assignedNodes() : inside(node))].map(text).join(" ");
};
return text(document.body).replace(/\\s+/g, " ").trim();
"""

Found = TypeVar("Found")


def programs() -> tuple[str, str]:
    """The browser and its driver; without them the test is skipped, or fails where they have to be."""
    browser, driver = (_program(variable) for variable in PROGRAMS)
    if browser and driver:
        return browser, driver
    reason = "there is no Chromium, or no driver of it: apt-get install chromium chromium-driver"
    if os.environ.get(NEEDED):
        pytest.fail(f"{reason} ({NEEDED} is set)", pytrace=False)
    pytest.skip(reason)


def _program(variable: str) -> str | None:
    """What the variable names, or else the first that is on PATH."""
    names = (os.environ[variable],) if variable in os.environ else PROGRAMS[variable]
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def started(profile: Path) -> Iterator[Chrome]:
    """A browser with nothing in its profile, as long as it is needed."""
    browser, driver = programs()
    options = ChromeOptions()
    options.binary_location = browser
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def resize(browser: Chrome, width: int, height: int, *, phone: bool = False) -> None:
    """Let pages be so many pixels wide and high, and be touched if it is a phone."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})


def text(browser: Chrome) -> str:
    """What can be read on the page, whichever elements it is made of."""
    return str(browser.execute_script(TEXT))


def elements(browser: Chrome, selector: str) -> list[WebElement]:
    """What there is of a CSS selector and takes room on the page, inside of other elements too."""
    return list(browser.execute_script(ELEMENTS, selector))


def errors(browser: Chrome) -> list[str]:
    """What the console of the pages since the last call says went wrong: errors, and what could not be loaded."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def wait(browser: Chrome, ask: Callable[[], Found]) -> Found:
    """The answer, once there is one that is not false; half a minute without one fails the test."""
    waiting = WebDriverWait(browser, SECONDS, 0.1, (StaleElementReferenceException,))
    try:
        return waiting.until(lambda _: ask())
    except TimeoutException:
        pytest.fail(f"{SECONDS:g} seconds were not enough. The page shows: {text(browser)[:3000]}")


def wait_for(browser: Chrome, *words: str) -> str:
    """All that can be read, once all of these can."""

    def read() -> str:
        now = text(browser)
        missing[:] = [each for each in words if each not in now]
        return "" if missing else now

    missing: list[str] = []
    try:
        return wait(browser, read)
    except pytest.fail.Exception as error:
        pytest.fail(f"The page never said {missing}. {error}")


if __name__ == "__main__":
    sys.exit(not all(map(_program, PROGRAMS)))
