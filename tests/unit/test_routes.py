"""A route is said once, and known wherever routes are."""

import contextlib
import dataclasses
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.bundle.repository import Repository
from iris_deploy.serving.contracts.registry import build_routes
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.http.app import create_app
from iris_deploy.serving.http.endpoints import Endpoints
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.route import Below, Operation, Route
from iris_deploy.serving.telemetry.log import Log
from iris_deploy.serving.telemetry.metrics import REQUESTS
from tests.pieces import HOST, head, post
from tests.turns import Turns

TOKEN = "a-token-of-the-tests"
AUTHORIZATION = b"Authorization: Bearer " + TOKEN.encode()

ECHO = Route(
    method="POST",
    path="/echo",
    summary="say it again",
    handle=lambda _asked, body: Reply(200, JSON, b"slow " + body),
    quick=lambda _asked, body: Reply(200, JSON, b"quick " + body) if len(body) < 10 else None,
    describe=lambda: Operation({"summary": "Say it again", "responses": {}}),
)
CLOCK = Route(
    method="GET",
    path="/clock",
    summary="tell the time",
    handle=lambda asked, _body: Reply(200, JSON, f"noon at {asked.root}".encode()),
    describe=lambda: Operation({"summary": "Tell the time", "responses": {}}),
    open=True,
    probe=True,
)


PART = dataclasses.replace(CLOCK, path="/clock/hand", summary="a part of it", describe=None)


class House:
    """A worker with three routes more."""

    def __init__(self, artifacts: Path, stack: contextlib.ExitStack, descriptor: int) -> None:
        log = Log("json", access=True, descriptor=descriptor)
        self._turns = Turns(
            artifacts, stack, token=TOKEN, others=[ECHO, CLOCK, PART], prefix="/iris", log=log
        )

    def get(self, path: str, method: str = "GET", *, token: bool = True) -> tuple[int, bytes]:
        """Ask a path."""
        line = f"{method} {path} HTTP/1.1".encode()
        return self._ask(head(line, HOST, *([AUTHORIZATION] if token else [])))

    def post(self, path: str, body: bytes, *headers: bytes) -> tuple[int, bytes]:
        """Send a body to a path."""
        return self._ask(post(body, *headers, target=path.encode()))

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        answer = self._turns.ask(request)
        return answer.status, answer.body

    def counts(self) -> set[str]:
        """Return the routes that requests were counted under."""
        (slot, _) = self._turns.memory.read()
        return {dict(labels)["route"] for name, labels in slot if name == REQUESTS}


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def house(_trained: Path, logged: Path) -> Iterator[House]:
    with contextlib.ExitStack() as stack:
        descriptor = os.open(logged, os.O_WRONLY | os.O_CREAT)
        stack.callback(os.close, descriptor)
        yield House(_trained, stack, descriptor)


def test_a_new_route_is_answered_in_both_lanes(house: House) -> None:
    assert house.post("/echo", b"short", AUTHORIZATION) == (200, b"quick short")
    assert house.post("/echo", b"long" * 10, AUTHORIZATION) == (200, b"slow " + b"long" * 10)
    for _ in range(3):  # the second time its head is remembered
        assert house.post("/iris/echo", b"short", AUTHORIZATION) == (200, b"quick short")
    assert house.get("/clock") == (200, b"noon at /iris")


def test_a_new_route_is_guarded_unless_it_is_open(house: House) -> None:
    status, body = house.post("/echo", b"short")
    assert (status, b"quick" in body) == (401, False)
    assert house.get("/clock", token=False)[0] == 200


def test_a_new_route_is_listed_described_and_named_in_errors(house: House) -> None:
    listed = json.loads(house.get("/")[1])["routes"]
    assert listed["POST /iris/echo"] == "say it again"
    paths: dict[str, Any] = json.loads(house.get("/openapi.json")[1])["paths"]
    assert paths["/echo"]["post"]["summary"] == "Say it again"
    assert paths["/clock"]["get"]["security"] == []
    assert "security" not in paths["/echo"]["post"]
    status, body = house.get("/nowhere")
    assert (status, b"POST /iris/echo" in body) == (404, True)
    status, body = house.get("/echo")
    assert status == 405
    assert b"expected POST" in body
    assert house.get("/clock", "DELETE")[0] == 405


def test_a_part_of_another_route_is_answered_and_not_told_of(house: House) -> None:
    assert house.get("/clock/hand") == (200, b"noon at /iris")
    told = [house.get(path)[1] for path in ("/", "/openapi.json", "/nowhere")]
    assert [b"/clock" in text for text in told] == [True, True, True]
    assert not any(b"/clock/hand" in text for text in told)


def test_the_description_puts_routes_together_by_their_contract(house: House) -> None:
    paths: dict[str, Any] = json.loads(house.get("/openapi.json")[1])["paths"]
    assert paths["/predict"]["post"]["tags"] == ["native"]
    assert paths["/echo"]["post"]["tags"] == ["server"]


def test_a_new_route_is_counted_and_logged_by_its_kind(house: House, logged: Path) -> None:
    house.post("/iris/echo", b"short", AUTHORIZATION)
    house.get("/clock")
    assert {"/echo", "/clock"} <= house.counts()
    paths = [json.loads(line)["path"] for line in logged.read_text().splitlines()]
    assert paths == ["/iris/echo"]  # and no probe


def test_another_bundle_may_have_other_routes(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that is remembered, Flask's views and the texts of errors follow the swap."""
    names = iter(("/first", "/second"))

    def build(served: ServedModel) -> tuple[list[Route], list[Below]]:
        path, (routes, below) = next(names), build_routes(served)
        reading = dataclasses.replace(CLOCK, path=path + "/clock")
        return [*routes, dataclasses.replace(ECHO, path=path), reading], below

    monkeypatch.setattr("iris_deploy.serving.http.endpoints.build_routes", build)
    with contextlib.ExitStack() as stack:
        turns = Turns(artifacts, stack)

        def ask(path: str) -> list[int]:
            line = f"GET {path}/clock HTTP/1.1".encode()
            bodies = (b"short", b"short", b"long" * 10)
            asked = [*(post(body, target=path.encode()) for body in bodies), head(line, HOST)]
            return [turns.ask(request).status for request in asked]

        assert (ask("/first"), ask("/second")) == ([200] * 4, [404] * 4)
        turns.endpoints.prepare(turns.endpoints.bundle)()
        assert (ask("/first"), ask("/second")) == ([404] * 4, [200] * 4)
        listed = json.loads(turns.ask(head(b"GET / HTTP/1.1", HOST)).body)["routes"]
        assert "POST /second" in listed
        assert "POST /first" not in listed
        assert b"POST /second" in turns.ask(head(b"GET /nowhere HTTP/1.1", HOST)).body


def test_the_application_alone_answers_as_the_worker_does(artifacts: Path) -> None:
    """As `serve --dev` runs it."""
    endpoints = Endpoints(Repository(artifacts).read(None, 1))
    app = create_app(endpoints.served.table, max_body_bytes=1 << 20)
    client = app.test_client()
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64"}
    head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": 16}}]}).encode()
    raw = {"Inference-Header-Content-Length": str(len(head))}
    body = head + struct.pack("<2d", 5.1, 2.4)
    for path in ("/v2/models/iris/infer", "/v2/models/iris/versions/1/infer"):
        answer = client.post(path, data=body, headers=raw)
        assert answer.json is not None
        assert answer.json["outputs"][0]["data"] == ["virginica"]
    assert client.get("/v2/").json == client.get("/v2").json
    missing = client.get("/v2/models/none")
    assert (missing.status_code, missing.json) == (
        404,
        {"error": "there is no model 'none'; there is 'iris'"},
    )
    wrong = client.get("/v2/models/iris/infer")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "OPTIONS, POST")
    assert wrong.json == {"error": "GET is not allowed here; expected POST"}
    assert client.get("/nowhere").mimetype == "application/problem+json"
