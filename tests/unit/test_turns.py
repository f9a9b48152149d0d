"""Nothing that one connection sends holds the loop: it is worked on in turns, as others are.

In one process, without a loop: a connection is told that something has come, and each of its turns
is measured.
"""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.serving.contracts.exchange import Exchange
from tests.conftest import serving
from tests.growth import assert_linear, seconds
from tests.hostile import LOOP, RECEIVED, SENT, filled
from tests.load import batch, used_in_a_second
from tests.pieces import (
    BODY,
    CHUNKED,
    HOST,
    INSTANCE,
    LAST,
    PREDICTION,
    PROBE,
    chunks,
    head,
    post,
    post_head,
    take_apart,
)
from tests.turns import Turns
from tests.waits import wait_until

pytestmark = [pytest.mark.timeout(60), pytest.mark.no_cover]  # work is measured here

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def turns(_trained: Path) -> Iterator[Callable[..., Turns]]:
    with contextlib.ExitStack() as stack:
        yield lambda token="": Turns(_trained, stack, token=token)


@pytest.mark.parametrize("name", SENT)
def test_no_step_of_the_loop_takes_long_whatever_has_come(
    turns: Callable[[], Turns], name: str
) -> None:
    data = SENT[name]()
    assert len(data) <= RECEIVED + 4096
    longest = []
    for _ in range(3):
        connection = turns()
        connection.client.sendall(data)
        longest.append(max(seconds(step) for step in connection.work()))
    assert min(longest) < LOOP


HEADERS = (
    *("Accept", "Authorization", "Connection", "Content-Encoding", "Content-Type", "Expect"),
    *("Host", "Origin", "Traceparent", "X-Forwarded-For", "X-Forwarded-Prefix", "X-Request-ID"),
)
"""All that mean something to the server, but for what says where a body ends."""

VALUES: dict[str, Callable[[int], bytes]] = {
    "letters": lambda n: b"a" * n,
    "digits": lambda n: b"0" * n,
    "blanks": lambda n: b"a" + b" " * n + b"b",
    "commas": lambda n: b",a" * (n // 2),
    "semicolons": lambda n: b";a=b" * (n // 4),
    "slashes": lambda n: b"/a" * (n // 2),
    "quotes": lambda n: b'"' * n,
    "brackets": lambda n: b"[:" * (n // 2),
    "words": lambda n: b"Bearer " * (n // 7),
    "weights": lambda n: b"text/plain;version=1.0.0;q=0.5," * (n // 31),
}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", HEADERS)
def test_a_header_costs_no_more_than_its_bytes(
    turns: Callable[..., Turns], name: str, value: str
) -> None:
    start = b"GET /metrics HTTP/1.1" if name == "Accept" else b"POST /predict HTTP/1.1"
    if name == "X-Forwarded-Prefix":
        start = b"GET / HTTP/1.1"
    others = [HOST] if name != "Host" else []

    def make(n: int) -> Callable[[], object]:
        connection = turns()
        line = name.encode() + b": " + VALUES[value](n)
        connection.client.sendall(head(start, *others, line, b"Content-Length: 2") + b"{}")

        def run() -> None:
            for step in connection.work():
                step()

        return run

    assert_linear(make, 15_000)
    assert min(seconds(make(15_000)) for _ in range(9)) < LOOP


def test_a_pipeline_is_answered_whole_and_in_its_order(turns: Callable[[], Turns]) -> None:
    names = [f"name-{k}".encode() for k in range(500)]
    connection, steps = turns(), 0
    connection.client.sendall(
        b"".join(head(PROBE, HOST, b"X-Request-ID: " + name) for name in names)
    )
    for step in connection.work():
        step()
        steps += 1
    answers = take_apart(connection.answered)
    assert [answer.headers["X-Request-ID"].encode() for answer in answers] == names
    assert steps > 1


@pytest.mark.parametrize("body", [BODY, batch(500), batch(30_000)], ids=["small", "plain", "large"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_without_a_token_nothing_of_a_body_is_kept_or_decoded(
    turns: Callable[..., Turns], monkeypatch: pytest.MonkeyPatch, body: bytes, framing: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("handle", "handle_quickly"):
        monkeypatch.setattr(Exchange, name, refuse)
    request = post(body) if framing == "length" else post_head(CHUNKED) + chunks(body, 1000)
    connection = turns(TOKEN)
    for at in range(0, len(request), RECEIVED):
        connection.client.sendall(request[at : at + RECEIVED])
        for step in connection.work():
            step()
        assert connection.connections.memory.taken == 0
    assert take_apart(connection.answered + connection.read())[0].status == 401


def test_urgent_data_and_a_pipeline_cost_nothing_once_they_are_dealt_with(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1) as running, running.connect() as connection:
        connection.send(b"!", socket.MSG_OOB)
        connection.sendall(filled(head(PROBE, HOST)))
        wait_until(lambda: used_in_a_second(running) < 0.2)
        assert running.predict(INSTANCE).json() == {"prediction": "virginica"}
        assert not running.events("log")


def test_while_one_connection_sends_a_pipeline_without_end_others_are_answered(
    artifacts: Path,
) -> None:
    with serving(artifacts, "--workers", 1) as running, running.connect() as greedy:
        greedy.setblocking(False)
        data = filled(post(json.dumps([INSTANCE] * 20).encode()))
        for _ in range(50):
            with contextlib.suppress(BlockingIOError):
                greedy.send(data)
            with contextlib.suppress(BlockingIOError):
                greedy.recv(1 << 20)
            assert running.predict(INSTANCE).status == 200


def test_a_client_without_a_token_is_not_told_to_continue(artifacts: Path) -> None:
    with (
        serving(artifacts, "--workers", 1, env={"IRIS_DEPLOY_TOKENS": TOKEN}) as running,
        running.connect(5) as connection,
    ):
        connection.sendall(post_head(b"Content-Length: 100", b"Expect: 100-continue"))
        data = b""
        while more := connection.recv(1 << 16):
            data += more
        (answer,) = take_apart(data)
        assert (answer.status, answer.headers["Connection"]) == (401, "close")


def test_whoever_is_refused_may_ask_again_on_the_same_connection(artifacts: Path) -> None:
    with (
        serving(artifacts, "--workers", 1, env={"IRIS_DEPLOY_TOKENS": TOKEN}) as running,
        running.connect(5) as connection,
    ):
        right = post(BODY, b"Authorization: Bearer " + TOKEN.encode())
        connection.sendall(post(batch(20_000)) + right + LAST)
        data = b""
        while more := connection.recv(1 << 16):
            data += more
        assert [answer.status for answer in take_apart(data)] == [401, 200, 200]


def test_a_model_whose_row_is_slow_here_is_answered_on_threads(
    turns: Callable[[], Turns], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was counted of it: a row is tried when a bundle is read."""
    assert turns().endpoints.served.table.resources["/predict"].routes["POST"].quick is not None
    quick = Predictor.decide

    def slowly(self: Predictor, row: Sequence[float]) -> tuple[int, tuple[float, ...]]:
        begun = time.perf_counter()
        while time.perf_counter() - begun < LOOP:
            pass
        return quick(self, row)

    monkeypatch.setattr(Predictor, "decide", slowly)
    connection = turns()
    for path in ("/predict", "/v2/models/iris/infer", "/v1/models/iris:predict", "/invocations"):
        assert connection.endpoints.served.table.resources[path].routes["POST"].quick is None
    assert connection.ask(post(BODY)).body == PREDICTION
