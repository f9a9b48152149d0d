"""The pages at `/` and `/docs`, and their files: under a policy of their own, wherever the server
is seen."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from iris_deploy.serving.page import pages
from tests.conftest import Answer, Server, serving
from tests.lanes import DATE_AND_ID
from tests.pieces import in_pool, talk
from tests.raw_http import get, raw
from tests.waits import wait_until

SCRIPTS = ("calls", "common", "docs", "fields", "front", "pictures", "scoring")
FILES = {
    "/page/style.css": "text/css",
    **{f"/page/{name}.js": "text/javascript" for name in SCRIPTS},
}
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
TOKEN = "pages-0123456789abcdef"
WORDS = Path(pages.__file__).parent / "files"


def policy(answer: Answer) -> dict[str, str]:
    """Return the only policy of an answer, by directive."""
    (value,) = answer.headers.get_all("Content-Security-Policy", [])
    parted = (directive.strip().partition(" ") for directive in value.split(";"))
    return {name: sources for name, _, sources in parted}


@pytest.fixture(scope="module")
def prefixed(_trained: Path) -> Iterator[Server]:
    with serving(_trained, "--workers", 1, "--url-prefix", "/iris") as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_runs_its_own_files_and_nothing_else(server: Server, path: str) -> None:
    answer = server.request("GET", path, headers=HTML)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    told = policy(answer)
    assert told["default-src"] == told["frame-ancestors"] == told["base-uri"] == "'none'"
    assert told["script-src"] == told["style-src"] == told["connect-src"] == "'self'"
    assert "unsafe" not in str(told)
    text = answer.body.decode()
    assert not re.search(r"<style|\bstyle=|\bon\w+=", text)
    for script in re.findall(r"<script[^>]*>", text):
        assert " src=" in script or 'type="application/json"' in script
    for name in ("Cache-Control", "X-Content-Type-Options"):
        assert len(answer.headers.get_all(name) or ()) == 1


def test_every_other_answer_allows_nothing(server: Server) -> None:
    for path in (*FILES, "/", "/page/nope", "/page/", "/docs/", "/page/front.html"):
        assert policy(server.request("GET", path)) == {
            "default-src": "'none'",
            "frame-ancestors": "'none'",
        }


@pytest.mark.parametrize("path", ["/", "/docs"])
@pytest.mark.parametrize("prefix", ["", "/iris"])
def test_a_page_finds_its_files_wherever_it_is_seen(
    prefixed: Server, prefix: str, path: str
) -> None:
    page = prefixed.request("GET", f"{prefix}{path}", headers=HTML)
    addresses = re.findall(rb'(?:src|href)="([^"]*)"', page.body)
    seen = {urljoin(f"{prefix}{path}", each.decode()) for each in addresses} - {"data:,"}
    for address in {each.partition("?")[0] for each in seen}:
        found = prefixed.request("GET", address, headers=HTML)
        assert found.status == 200, address
        assert found.headers["Content-Type"] != "application/problem+json"


def test_every_module_that_a_script_wants_is_there_and_nothing_from_elsewhere(
    server: Server,
) -> None:
    for path, kind in FILES.items():
        file = server.request("GET", path)
        assert file.status == 200
        assert file.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert file.headers["X-Content-Type-Options"] == "nosniff"
        text = file.body.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|\beval\(|innerHTML|insertAdjacent", text)
        for module in re.findall(r'from "\./(.*?)"', text):
            assert f"/page/{module}" in FILES


@pytest.mark.parametrize("path", ["/docs", *FILES])
def test_both_lanes_answer_alike(server: Server, path: str) -> None:
    request = get(path.encode(), b"Connection: close")
    with_body = get(path.encode(), b"Connection: close", b"Content-Length: 2") + b"{}"
    answers = [talk(server.address, each) for each in (request, in_pool(request), with_body)]
    quick, pooled, bodied = (DATE_AND_ID.sub(b"", answer) for answer in answers)
    assert quick.startswith(b"HTTP/1.1 200 ")
    assert quick == pooled == bodied

    def lanes() -> list[str]:
        return [line["lane"] for line in server.events("request") if line["path"] == path]

    wait_until(lambda: lanes()[-3:] == ["loop", "pool", "pool"])


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
    assert not [route for route in listed if "/page" in route]
    paths = prefixed.request("GET", "/openapi.json").json()["paths"]
    assert [path for path in paths if "/docs" in path or "/page" in path] == ["/docs"]
    detail = prefixed.request("GET", "/nope").json()["detail"]
    assert "GET /iris/docs" in detail
    assert "/page" not in detail


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (HTML["Accept"], "text/html; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("TEXT/HTML;level=1", "text/html; charset=utf-8"),
        ("text/html;q=0.5, application/json;q=0.4", "text/html; charset=utf-8"),
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json, text/html", "application/json"),
        ("text/html;q=0", "application/json"),
        ("text/html;q=nonsense", "application/json"),
        ("text/html;q=0.4, application/json;q=0.5", "application/json"),
        (",".join(["a/b"] * 100) + ",text/html", "application/json"),
    ],
)
def test_browsers_get_a_page_and_programs_json(
    server: Server, accept: str | None, kind: str
) -> None:
    for method in ("GET", "HEAD"):
        asked = {} if accept is None else {"Accept": accept}
        assert server.request(method, "/", headers=asked).headers["Content-Type"] == kind


@pytest.mark.parametrize(
    ("query", "preferred", "language"),
    [
        ("", None, "en"),
        ("", "ja", "ja"),
        ("", "ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("", "fr,de;q=0.9,JA;q=0.2", "ja"),
        ("", "en-GB,ja;q=0.9", "en"),
        ("", "ja;q=0.1,en;q=0.2", "en"),
        ("", "fr", "en"),
        ("?lang=ja", "en", "ja"),
        ("?lang=en", "ja", "en"),
        ("?lang=../../x", "ja", "ja"),
        ("?" + "&" * 5000 + "lang=ja", None, "en"),
    ],
)
def test_the_page_speaks_the_language_that_is_preferred(
    server: Server, query: str, preferred: str | None, language: str
) -> None:
    headers = HTML if preferred is None else {**HTML, "Accept-Language": preferred}
    answer = server.request("GET", f"/{query}", headers=headers)
    assert answer.status == 200
    text = answer.body.decode()
    assert f'<html lang="{language}"' in text
    assert "{{" not in text


def test_both_languages_say_the_same_things() -> None:
    """With the same places for what is filled in; and each is used."""
    read = {
        language: json.loads((WORDS / f"words.{language}.json").read_text("utf-8"))
        for language in pages.LANGUAGES
    }
    places = {
        language: {name: sorted(re.findall(r"\{\w+\}", text)) for name, text in words.items()}
        for language, words in read.items()
    }
    assert places["en"] == places["ja"]
    used = "".join(p.read_text("utf-8") for p in WORDS.iterdir() if p.suffix in {".js", ".html"})
    starts = ("task_", "runtime_", "provenance_")  # of names that are put together
    assert [
        n for n in read["en"] if not re.search(rf"\b{n}\b", used) and not n.startswith(starts)
    ] == []
    said = re.findall(r'say\("(\w+)"', used) + re.findall(r"\{\{(\w+)\}\}", used)
    assert set(said) - {"lang", "root", "words"} <= read["en"].keys()


def test_no_page_tells_without_a_token_what_is_served(artifacts: Path) -> None:
    env = {"IRIS_DEPLOY_TOKENS": TOKEN}
    with serving(artifacts, "--workers", 1, env=env) as running:
        for path in ("/", "/docs", *FILES):
            answer = running.request("GET", path, headers=HTML)
            assert answer.status == 200
            for secret in ("setosa", "sha256:", "cm", "/v2/models/iris"):
                assert f'"{secret}' not in answer.body.decode()
        assert running.request("GET", "/").status == 401
        for accept in ("*/*", "application/json, text/html", "text/html;q=0"):
            assert running.request("GET", "/", headers={"Accept": accept}).status == 401
        for path in ("/predict", "/metrics", "/openapi.json", "//", "/nope"):
            assert running.request("GET", path, headers=HTML).status == 401
        assert running.request("POST", "/", "{}", HTML).status == 401
        asked = {"Authorization": f"Bearer {TOKEN}"}
        assert running.request("GET", "/", headers=asked).json()["model"] == "iris"


def test_a_path_that_a_proxy_tells_cannot_become_markup(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--trusted-proxy", "127.0.0.1") as running:
        told = {**HTML, "X-Forwarded-Prefix": "/a/b"}
        page = running.request("GET", "/", headers=told).body.decode()
        assert '<html lang="en" data-root="/a/b">' in page
        assert 'src="/a/b/page/front.js"' in page
        told = {**HTML, "X-Forwarded-Prefix": '/a"><script>'}
        page = running.request("GET", "/", headers=told).body.decode()
        assert 'data-root=""' in page


def test_pages_can_be_left_out(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--page", "off") as running:
        assert running.request("GET", "/", headers=HTML).json()["model"] == "iris"
        for path in ("/docs", *FILES):
            assert running.request("GET", path, headers=HTML).status == 404
        paths = running.request("GET", "/openapi.json").json()["paths"]
        assert "/docs" not in paths
        assert "text/html" not in json.dumps(paths)
