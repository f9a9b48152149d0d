"""The page at /docs as people have it: in a browser, which runs it under its policy."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Visit, browser, find_violations, visiting
from tests.conftest import Server, serving
from tests.tools import require

pytestmark = pytest.mark.once

__all__ = ["browser"]

TOKEN = "browser-0123456789abcdef"
ANSWER = '{"prediction":"virginica"}'
SENT, SEND, STATE = ".answer .body", ".operation form button", "#state"
FILES = {f"/iris/page/{name}" for name in ("docs.js", "common.js", "style.css")}


@pytest.fixture(scope="module")
def below(_trained: Path) -> Iterator[Server]:
    with serving(_trained, "--version", 1, "--workers", 1, "--url-prefix", "/iris") as running:
        yield running


@pytest.fixture
def visit(browser: Browser, below: Server) -> Iterator[Visit]:
    """The page below a prefix, once it has written the API down."""
    with visiting(browser) as visit:
        read(visit.page, below)
        yield visit


def read(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/iris/docs")
    expect(page.locator(SEND).first).to_be_visible()


def test_the_example_is_tried_with_the_keyboard_alone(visit: Visit, below: Server) -> None:
    page = visit.page
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement === document.querySelector('{SEND}')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(SENT)).to_have_text(ANSWER)
    expect(page.locator(".answer [role=status]")).to_contain_text("200 OK")
    expect(page.locator(".answer details")).to_contain_text("content-type: application/json")
    assert visit.errors == []
    asked = {"/iris/docs", "/iris/openapi.json", "/iris/predict"}
    assert visit.paths(below.url) - {"data:,"} == asked | FILES


def test_every_operation_is_there_by_its_contract_and_every_schema_is_understood(
    visit: Visit, below: Server
) -> None:
    paths = below.request("GET", "/openapi.json").json()["paths"]
    found = visit.page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('main > section')].map((section) =>"
        "[section.querySelector('h2').textContent,"
        "[...section.querySelectorAll('summary code')].map((code) => code.textContent)]))"
    )
    assert "/predict" in found["native"]
    assert "/health/live" in found["server"]
    assert found.pop("Schemas") == []
    assert sorted(path for group in found.values() for path in group) == sorted(paths)
    sketches = visit.page.locator("h4 ~ pre, section > pre").all_text_contents()
    assert any(text.startswith("Instance | array of") for text in sketches)
    assert not [text for text in sketches if '{"' in text and "curl" not in text]
    hashes = visit.page.evaluate("[...document.querySelectorAll('pre a')].map((a) => a.hash)")
    assert hashes
    assert all(visit.page.locator(f"[id='{each[1:]}']").count() == 1 for each in set(hashes))


def test_parameters_count_and_errors_are_shown(visit: Visit) -> None:
    page = visit.page
    page.locator("select[name=details]").first.select_option("true")
    page.locator(SEND).first.click()
    expect(page.locator(SENT)).to_contain_text("warnings")
    assert {"prediction", "warnings"} < json.loads(page.locator(SENT).inner_text()).keys()
    page.locator(".operation textarea").first.fill('{"lenght": 1}')
    page.locator(SEND).first.click()
    expect(page.locator(SENT)).to_contain_text("lenght")
    expect(page.locator(".answer [role=status]")).to_contain_text("422")


def test_the_command_that_is_shown_does_the_same(visit: Visit) -> None:
    instance = '{"length": 5.1, "width": 2.4, "it\'s": "$HOME"}'
    visit.page.locator(".operation textarea").first.fill(instance)
    require("curl")
    shown = visit.page.locator(".operation[open] pre").all_text_contents()
    (command,) = (text for text in shown if text.startswith("curl"))
    ran = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=20, check=True
    )
    pointers = [error["pointer"] for error in json.loads(ran.stdout)["errors"]]
    assert pointers == ["#/it's"]  # the rest came as it was typed


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_keeps_nobody_out(
    browser: Browser, below: Server, scheme: str, tmp_path: Path
) -> None:
    size = {"width": 320, "height": 700}
    with visiting(browser, viewport=size, color_scheme=scheme) as visit:
        page = visit.page
        read(page, below)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        style = page.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(style.removeprefix("rgb(").partition(",")[0])
        assert (red < 64) == (scheme == "dark")
        visit.picture(f"docs-{scheme}", tmp_path)
        assert find_violations(page) == []


def test_a_token_is_asked_for_and_kept_nowhere(browser: Browser, artifacts: Path) -> None:
    env = {"IRIS_DEPLOY_TOKENS": TOKEN}
    with (
        serving(artifacts, "--workers", 1, env=env) as running,
        visiting(browser) as visit,
    ):
        page = visit.page
        page.goto(f"{running.url}/docs")
        expect(page.locator(STATE)).to_have_text("This server wants a token.")
        expect(page.locator("main *")).to_have_count(0)
        page.get_by_label("Token").fill("another-0123456789abcdef")
        page.get_by_role("button", name="Use it").click()
        expect(page.locator(STATE)).to_have_text("The server has no such token.")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Use it").click()
        page.locator(SEND).first.click()
        expect(page.locator(SENT)).to_have_text(ANSWER)
        text = page.locator("body").inner_text()
        assert 'Authorization: Bearer $TOKEN"' in text
        assert TOKEN not in text
        kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
        assert kept == [0, 0, ""]
        assert len(visit.errors) == 2  # what the console says of a 401, twice
        page.goto(f"{running.url}/docs")
        expect(page.locator(STATE)).to_have_text("This server wants a token.")
