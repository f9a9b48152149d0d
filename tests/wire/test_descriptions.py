"""What a server says of itself is where it is, and what it has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.bundle.repository import Repository
from iris_deploy.serving.http.endpoints import Endpoints
from iris_deploy.serving.telemetry.exposition import Exposition
from iris_deploy.serving.telemetry.slots import SharedMemory
from tests.conftest import Server, serving
from tests.pieces import BODY, JSON, is_problem

FORWARDED = "X-Forwarded-Prefix"


@pytest.fixture(scope="module", params=["", "/iris", "/a/b"])
def prefixed(request: pytest.FixtureRequest, _trained: Path) -> Iterator[tuple[str, Server]]:
    prefix: str = request.param
    options = ("--url-prefix", prefix) if prefix else ()
    with serving(_trained, "--workers", 1, "--trusted-proxy", "127.0.0.1", *options) as running:
        yield prefix, running


def describe(server: Server, path: str, **headers: str) -> Any:
    answer = server.request("GET", path, headers=headers)
    assert answer.status == 200
    return answer.json()


@pytest.fixture(scope="module")
def paths(_trained: Path) -> set[str]:
    """Return the paths that routes have, as the table of routes says."""
    memory = SharedMemory(1)
    bundle = Repository(_trained).read(None, None)
    figures = Exposition(memory, lambda: bundle.manifest).build_route(is_open=False)
    routes = Endpoints(bundle, [figures]).served.table.routes
    return {route.path for route in routes if route.describe is not None}


def told(server: Server, **headers: str) -> list[str]:
    """Return the paths that the description, the document and the text of a 404 name, joined."""
    index = [route.split(" ")[1] for route in describe(server, "/", **headers)["routes"]]
    document = describe(server, "/openapi.json", **headers)
    ((base,),) = [server.values() for server in document["servers"]]
    base = base.rstrip("/")
    assert sorted(index) == sorted(base + path for path in document["paths"])
    detail = is_problem(server.request("GET", "/nope", headers=headers), 404)["detail"]
    assert all(path in detail.replace(",", " ").split() for path in index)
    return index


def test_every_path_that_is_told_is_where_it_is(
    prefixed: tuple[str, Server], paths: set[str]
) -> None:
    prefix, server = prefixed
    assert set(told(server)) == {prefix + path for path in paths}
    document = describe(server, "/openapi.json")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = None
            if method == "post":
                content = operation.get("requestBody", {"content": {}})["content"]
                body = json.dumps(content.get("application/json", {}).get("example"))
            answer = server.request(method.upper(), prefix + path, body, JSON if body else {})
            assert answer.status == (200 if "200" in operation["responses"] else 501), path


@pytest.mark.parametrize("given", ["/models", "/models/", "/a.b/c-d_e~f"])
def test_a_trusted_proxy_tells_what_it_has_taken_away(
    prefixed: tuple[str, Server], paths: set[str], given: str
) -> None:
    prefix, server = prefixed
    outer = given.rstrip("/")
    assert set(told(server, **{FORWARDED: given})) == {outer + prefix + path for path in paths}


@pytest.mark.parametrize(
    "given", ["", "/", "models", "//x", "/a b", "/<script>", "http://x", "/a" * 9, "/" + "a" * 200]
)
def test_what_is_no_prefix_counts_for_nothing(
    prefixed: tuple[str, Server], paths: set[str], given: str
) -> None:
    prefix, server = prefixed
    assert set(told(server, **{FORWARDED: given})) == {prefix + path for path in paths}


def test_nobody_else_tells_a_prefix(server: Server, paths: set[str]) -> None:
    assert set(told(server, **{FORWARDED: "/models"})) == paths


def test_without_figures_nothing_speaks_of_them(artifacts: Path, paths: set[str]) -> None:
    with serving(artifacts, "--workers", 1, "--metrics", "off") as running:
        assert set(told(running)) == paths - {"/metrics"}
        is_problem(running.request("GET", "/metrics"), 404)
        for path in ("/", "/openapi.json"):
            assert "metrics" not in json.dumps(describe(running, path))
        lines = running.events("request")
        assert {line["path"] for line in lines} >= {"/metrics"}


@pytest.mark.parametrize("query", ["", "?details=true"])
def test_predict_with_a_slash_behind_it_is_predict(
    prefixed: tuple[str, Server], query: str
) -> None:
    prefix, server = prefixed
    expected, answer = (
        server.request("POST", f"{prefix}/predict{slash}{query}", BODY, JSON) for slash in ("", "/")
    )
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert "Location" not in answer.headers
    assert server.request("GET", f"{prefix}/predict/").status == 405
