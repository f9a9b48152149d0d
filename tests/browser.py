"""A browser that tests drive: the system's Chromium by Playwright, and what a page says meanwhile.

References
----------
https://playwright.dev/python/docs/api/class-playwright
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.tools import require, validators

SCREENSHOTS = os.environ.get("IRIS_DEPLOY_TEST_SCREENSHOTS")
"""Folder in which pictures of pages are kept; where it is not set, pytest's own."""


@dataclass
class Visit:
    """A page, and what it has said and asked for since it was opened.

    Attributes
    ----------
    page : Page
    errors : list of str
        Of its console: exceptions, what a policy has blocked, answers that were errors.
    asked : list of str
        Addresses of its requests.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"}:
            self.errors.append(message.text)

    def paths(self, origin: str) -> set[str]:
        """Return what was asked for of an origin, and whole addresses of whatever else was."""
        return {url.removeprefix(origin).partition("?")[0] for url in self.asked}

    def picture(self, name: str, folder: Path) -> None:
        """Keep a picture of the whole page."""
        path = Path(SCREENSHOTS or folder) / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        assert path.stat().st_size


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser without a window."""
    program = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--no-proxy-server"]
        )
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, **surroundings: Any) -> Iterator[Visit]:
    """Open an empty page in a profile of its own.

    Parameters
    ----------
    browser : Browser
    **surroundings : object
        Of `Browser.new_context`: locale, color_scheme, viewport.
    """
    context = browser.new_context(**surroundings)
    context.set_default_timeout(20_000)
    try:
        yield Visit(context.new_page())
    finally:
        context.close()


def find_violations(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe-core finds that keeps people from using a page: rules, and where."""
    script = validators() / "node_modules/axe-core/axe.min.js"
    page.evaluate(script.read_text())
    found = page.evaluate("axe.run()")
    return [(v["id"], [node["html"] for node in v["nodes"]]) for v in found["violations"]]
