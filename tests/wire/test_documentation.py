"""``GET /docs``: a page and its files, under a policy of their own, wherever the server is seen."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.conftest import Answer, Server, serving
from tests.lanes import DATE_AND_ID
from tests.pieces import in_pool, talk
from tests.raw_http import get, raw

FILES = {"/docs/app.js": "text/javascript", "/docs/style.css": "text/css"}


def policy(answer: Answer) -> dict[str, str]:
    """Return the only policy of an answer, by directive."""
    (value,) = answer.headers.get_all("Content-Security-Policy", [])
    parted = (directive.strip().partition(" ") for directive in value.split(";"))
    return {name: sources for name, _, sources in parted}


@pytest.fixture(scope="module")
def prefixed(_trained: Path) -> Iterator[Server]:
    with serving(_trained, "--workers", 1, "--url-prefix", "/iris") as running:
        yield running


def test_the_page_runs_its_own_files_and_nothing_else(server: Server) -> None:
    answer = server.request("GET", "/docs")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    told = policy(answer)
    assert told["default-src"] == told["frame-ancestors"] == told["base-uri"] == "'none'"
    assert told["script-src"] == told["style-src"] == told["connect-src"] == "'self'"
    assert "unsafe" not in str(told)
    text = answer.body.decode()
    assert not re.search(r"<style|\bstyle=|\bon\w+=|<script(?![^>]* src=)", text)
    for name in ("Cache-Control", "X-Content-Type-Options"):
        assert len(answer.headers.get_all(name) or ()) == 1


def test_every_other_answer_allows_nothing(server: Server) -> None:
    for path in (*FILES, "/", "/docs/nope", "/docs/"):
        assert policy(server.request("GET", path)) == {
            "default-src": "'none'",
            "frame-ancestors": "'none'",
        }


@pytest.mark.parametrize("prefix", ["", "/iris"])
def test_the_page_finds_its_files_wherever_it_is_seen(prefixed: Server, prefix: str) -> None:
    page = prefixed.request("GET", f"{prefix}/docs")
    addresses = re.findall(rb'(?:src|href)="([^"]*)"', page.body)
    seen = {urljoin(f"{prefix}/docs", each.decode()) for each in addresses}
    assert seen == {"data:,", *(prefix + path for path in (*FILES, "/openapi.json"))}
    for path, kind in FILES.items():
        file = prefixed.request("GET", prefix + path)
        assert file.status == 200
        assert file.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert file.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(rb"https?://|@import|eval|innerHTML", file.body)


@pytest.mark.parametrize("path", ["/docs", *FILES])
def test_both_lanes_answer_alike(server: Server, path: str) -> None:
    request = get(path.encode(), b"Connection: close")
    with_body = get(path.encode(), b"Connection: close", b"Content-Length: 2") + b"{}"
    answers = [talk(server.address, each) for each in (request, in_pool(request), with_body)]
    quick, pooled, bodied = (DATE_AND_ID.sub(b"", answer) for answer in answers)
    assert quick.startswith(b"HTTP/1.1 200 ")
    assert quick == pooled == bodied
    lines = [line for line in server.events("request") if line["path"] == path]
    assert [line["lane"] for line in lines[-3:]] == ["loop", "pool", "pool"]


def test_a_head_that_is_remembered_is_answered_under_the_same_policy(server: Server) -> None:
    with server.connect() as connection:
        page = raw(server, get(b"/docs"))
        for _ in range(3):
            connection.sendall(get(b"/docs"))
            data = b""
            while not data.endswith(page.body):
                data += connection.recv(1 << 16)
            assert data.count(b"Content-Security-Policy: ") == 1
            assert policy(page)["script-src"].encode() in data


def test_the_page_is_listed_and_its_files_are_not(prefixed: Server) -> None:
    listed = prefixed.request("GET", "/").json()["routes"]
    assert [route for route in listed if "/docs" in route] == ["GET /iris/docs"]
    paths = prefixed.request("GET", "/openapi.json").json()["paths"]
    assert [path for path in paths if "/docs" in path] == ["/docs"]
    detail = prefixed.request("GET", "/nope").json()["detail"]
    assert "GET /iris/docs" in detail
    assert "/docs/" not in detail
