"""The page at /docs as people have it: in a browser, which runs it under its policy."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Page, browsing
from tests.conftest import Server, serving
from tests.tools import require

pytestmark = pytest.mark.once

TOKEN = "browser-0123456789abcdef"
ANSWER = '{"prediction":"virginica"}'
SENT = "document.querySelector('.answer .body')?.textContent"
SEND = "document.querySelector('.operation form button')"
STATE = "document.querySelector('#state').textContent"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="module")
def below(_trained: Path) -> Iterator[Server]:
    with serving(_trained, "--version", 1, "--workers", 1, "--url-prefix", "/iris") as running:
        yield running


def open_page(page: Page, url: str) -> None:
    page.errors.clear()
    page.asked.clear()
    page.open(url)


def ready(page: Page, server: Server) -> None:
    """Open the page below a prefix, and wait until it has written the API down."""
    open_page(page, f"{server.url}/iris/docs")
    page.wait_for(SEND)


def test_the_example_is_tried_with_the_keyboard_alone(page: Page, below: Server) -> None:
    ready(page, below)
    for _ in range(10):
        page.press("Tab")
        if page.run(f"document.activeElement === {SEND}"):
            break
    page.press("Enter")
    page.wait_for(SENT)
    assert page.run(SENT) == ANSWER
    assert "200 OK" in page.text()
    headers = page.run("document.querySelector('.answer details').textContent")
    assert "content-type: application/json" in headers
    assert page.errors == []
    assert {url.removeprefix(below.url) for url in page.asked} == {
        *("/iris/docs", "/iris/docs/app.js", "/iris/docs/style.css"),
        *("/iris/openapi.json", "/iris/predict"),
    }


def test_every_operation_is_there_by_its_contract_and_every_schema_is_understood(
    page: Page, below: Server
) -> None:
    ready(page, below)
    paths = below.request("GET", "/openapi.json").json()["paths"]
    found = page.run(
        "Object.fromEntries([...document.querySelectorAll('main > section')].map((section) =>"
        "[section.querySelector('h2').textContent,"
        "[...section.querySelectorAll('summary code')].map((code) => code.textContent)]))"
    )
    assert "/predict" in found["native"]
    assert "/health/live" in found["server"]
    assert found.pop("Schemas") == []
    assert sorted(path for group in found.values() for path in group) == sorted(paths)
    sketches = page.run("[...document.querySelectorAll('h4 ~ pre, section > pre')].map("
                        "(pre) => pre.textContent)")  # fmt: skip
    assert any(text.startswith("Instance | array of") for text in sketches)
    assert not [text for text in sketches if '{"' in text and "curl" not in text]
    links = page.run("[...document.querySelectorAll('pre a')].every((link) =>"
                     "document.getElementById(link.hash.slice(1)))")  # fmt: skip
    assert links


def test_parameters_count_and_errors_are_shown(page: Page, below: Server) -> None:
    ready(page, below)
    page.run("document.querySelector('select[name=details]').value = 'true'")
    page.run(f"{SEND}.click()")
    page.wait_for(SENT)
    assert {"prediction", "warnings"} < json.loads(page.run(SENT)).keys()
    page.run("document.querySelector('.operation textarea').value = '{\"lenght\": 1}'")
    page.run(f"{SEND}.click()")
    page.wait_for(f"{SENT}?.includes('lenght')")
    assert "422" in page.text()


def test_the_command_that_is_shown_does_the_same(page: Page, below: Server) -> None:
    ready(page, below)
    instance = '{"length": 5.1, "width": 2.4, "it\'s": "$HOME"}'
    page.run(f"document.querySelector('.operation textarea').value = {json.dumps(instance)}")
    page.run("document.querySelector('.operation form').dispatchEvent(new Event('input'))")
    require("curl")
    (command,) = page.run(
        "[...document.querySelectorAll('.operation[open] pre')].map((pre) => pre.textContent)"
        ".filter((text) => text.startsWith('curl'))"
    )
    ran = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=20, check=True
    )
    pointers = [error["pointer"] for error in json.loads(ran.stdout)["errors"]]
    assert pointers == ["#/it's"]  # the rest came as it was typed


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_is_as_dark_as_the_system(
    page: Page, below: Server, scheme: str
) -> None:
    size = {"width": 320, "height": 700, "deviceScaleFactor": 1}
    page.command("Emulation.setDeviceMetricsOverride", **size, mobile=True)
    preferred = {"name": "prefers-color-scheme", "value": scheme}
    page.command("Emulation.setEmulatedMedia", features=[preferred])
    try:
        ready(page, below)
        page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.run("document.documentElement.scrollWidth") == 320
        style = page.run("getComputedStyle(document.body).backgroundColor")
        red = int(style.removeprefix("rgb(").partition(",")[0])
        assert (red < 64) == (scheme == "dark")
    finally:
        page.command("Emulation.setEmulatedMedia", features=[])
        page.command("Emulation.clearDeviceMetricsOverride")


def test_every_field_and_button_has_a_name(page: Page, below: Server) -> None:
    """As those hear it who do not see it."""
    ready(page, below)
    page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    nodes = page.command("Accessibility.getFullAXTree")["nodes"]
    kinds = {"button", "textbox", "combobox", "link", "heading", "DisclosureTriangle"}
    named = [
        (node["role"]["value"], node["name"]["value"])
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in kinds
    ]
    assert {kind for kind, _ in named} >= {"button", "textbox", "combobox", "link", "heading"}
    assert [kind for kind, name in named if not name.strip()] == []


def test_a_token_is_asked_for_and_kept_nowhere(page: Page, artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, env={"IRIS_DEPLOY_TOKENS": TOKEN}) as running:
        open_page(page, f"{running.url}/docs")
        page.wait_for(f"{STATE} === 'This server wants a token.'")
        assert page.run("document.querySelector('main').children.length") == 0
        use = "document.querySelector('#access button').click()"
        page.run("document.querySelector('#token').value = 'another-0123456789abcdef'")
        page.run(use)
        page.wait_for(f"{STATE} === 'The server has no such token.'")
        page.run(f"document.querySelector('#token').value = '{TOKEN}'")
        page.run(use)
        page.wait_for(SEND)
        page.run(f"{SEND}.click()")
        page.wait_for(SENT)
        assert page.run(SENT) == ANSWER
        text = page.text()
        assert 'Authorization: Bearer $TOKEN"' in text
        assert TOKEN not in text
        assert page.run("[localStorage.length, sessionStorage.length, document.cookie]") == [
            0,
            0,
            "",
        ]
        assert len(page.errors) == 2  # what the console says of a 401, twice
        page.open(f"{running.url}/docs")
        page.wait_for(f"{STATE} === 'This server wants a token.'")
