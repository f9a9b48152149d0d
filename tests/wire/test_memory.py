"""What a request takes of memory is in proportion to its bytes, and that of all is bounded."""

import contextlib
import gzip
import http.client
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.repository import Repository
from iris_deploy.serving.reply import Reply, Stream
from iris_deploy.serving.worker.memory import SMALL, WORKING, Budget
from tests.conftest import Server, serving
from tests.contracts import Contract
from tests.growth import peak
from tests.hostile import BODIES, DENSE, arrays
from tests.load import batch, forked, read_answer, resident
from tests.pieces import DETAILED, INSTANCE, is_problem, post
from tests.waits import wait_until

pytestmark = pytest.mark.once

SIZE = 1 << 20  # bytes of a body, the most that is taken by default
WRITING = 4  # bytes for each of the body that a large answer takes while it is written


@pytest.fixture(scope="module")
def bundle(_trained: Path) -> Bundle:
    return Repository(_trained).read(None, 1)


@pytest.mark.parametrize("query", ["", "details"])
@pytest.mark.parametrize("name", [*BODIES, *DENSE])
def test_working_on_a_body_takes_so_many_bytes_for_each_of_its_own(
    bundle: Bundle, name: str, query: str
) -> None:
    contract, body = Contract(bundle.predictor), (BODIES | DENSE)[name](SIZE)
    replies: list[Reply] = []
    took = peak(lambda: replies.append(contract.reply(query, "application/json", body)))
    assert took <= (WORKING - 1) * len(body)
    (reply,) = replies
    if isinstance(reply.body, Stream):
        stream = reply.body
        assert stream.held <= WRITING * 2 * len(body)
        assert peak(lambda: [None for _ in stream.pieces]) <= len(body)
    else:
        assert len(reply.body) <= SMALL


@pytest.mark.parametrize("query", ["", "details"])
def test_an_answer_in_pieces_is_the_answer_and_as_long_as_it_says(
    bundle: Bundle, query: str
) -> None:
    contract, body = Contract(bundle.predictor), batch(20_000)
    reply = contract.reply(query, "application/json", body)
    assert isinstance(reply.body, Stream)
    pieces = list(reply.body.pieces)
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 400_000
    answer = b"".join(pieces)
    assert reply.body.length in (len(answer), None if query else -1)
    assert answer == contract.answer(body, details=bool(query))
    members = msgspec.json.decode(answer)
    assert {len(of) for of in members.values()} == {20_000}


def test_the_budget_lets_one_in_that_is_alone_and_others_as_far_as_it_goes() -> None:
    budget = Budget(100)
    assert budget.take(1000)
    assert not budget.take(1)
    budget.release(1000)
    assert budget.take(60)
    assert not budget.take(41)
    assert budget.take(40)
    budget.release(100)
    assert budget.taken == 0


@contextlib.contextmanager
def asked(server: Server, request: bytes, n: int) -> Iterator[list[socket.socket]]:
    """Send a request on several connections, and read nothing."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect(60)) for _ in range(n)]
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(request)
        yield connections


@pytest.mark.once
@pytest.mark.parametrize("target", [b"/predict", DETAILED])
def test_clients_that_do_not_read_take_no_more_than_the_budget(
    artifacts: Path, target: bytes
) -> None:
    """Of arrays as dense as they can be, each of which is answered by 25 times its bytes."""
    budget = 1 << 26
    options = ("--workers", 1, "--max-memory-bytes", budget)
    request = post(arrays(b"0", b"0")(SIZE), target=target)
    with serving(artifacts, *options) as running:
        (worker,) = forked(running, 1)
        assert running.predict([INSTANCE] * 1000).status == 200
        before = resident(worker)
        with asked(running, request, 30):
            wait_until(lambda: running.metrics()["iris_deploy_in_flight"] == 0, 30)
            assert resident(worker) - before < (budget + 2 * WORKING * SIZE) / 1e6
            assert running.predict(INSTANCE).status == 200
        wait_until(lambda: running.metrics()["iris_deploy_connections"] <= 1)


def test_beyond_the_budget_large_requests_are_refused_until_there_is_room(
    artifacts: Path,
) -> None:
    options = ("--workers", 1, "--max-memory-bytes", 4_000_000)
    large = post(batch(30_000))
    with serving(artifacts, *options) as running:
        half = large[: len(large) // 2]
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(running.connect(20)) for _ in range(8)]
            for connection in connections:
                connection.sendall(half)
            refused = []
            for connection in connections:
                connection.settimeout(1)
                with contextlib.suppress(TimeoutError):
                    refused.append(read_answer(connection))
            assert 0 < len(refused) < 8
            for answer in refused:
                is_problem(answer, 503, "no memory")
                assert answer.headers["Retry-After"] == "1"
            assert running.predict([INSTANCE] * 1000).status == 200  # a small one
        with running.connect(20) as connection:
            connection.sendall(large)
            assert len(read_answer(connection).json()["predictions"]) == 30_000


def test_large_requests_wait_for_memory_instead_of_a_refusal(artifacts: Path) -> None:
    """Only one of them may be worked on at a time."""
    options = ("--workers", 1, "--max-memory-bytes", 30_000_000, "--queue-timeout", 20)
    with serving(artifacts, *options) as running, ThreadPoolExecutor(6) as pool:

        def ask(_: int) -> int:
            with running.connect(30) as connection:
                connection.sendall(post(batch(25_000)))
                return len(read_answer(connection).json()["predictions"])

        assert list(pool.map(ask, range(12))) == [25_000] * 12


def test_an_answer_that_is_cut_gives_its_memory_back(artifacts: Path) -> None:
    options = ("--workers", 1, "--max-memory-bytes", 4_000_000)
    request = post(batch(30_000), target=DETAILED)
    with serving(artifacts, *options) as running:
        for _ in range(12):
            with running.connect() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.sendall(request)
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
        with running.connect(20) as connection:
            connection.sendall(request)
            assert len(read_answer(connection).json()["predictions"]) == 30_000
        statuses = [line["status"] for line in running.events("request")]
        assert 499 in statuses
        assert 503 not in statuses


def test_a_bomb_takes_no_more_than_a_body_may_have(artifacts: Path) -> None:
    bomb = gzip.compress(bytes(1 << 28))
    assert len(bomb) < SIZE
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    with serving(artifacts, "--workers", 1) as running:
        (worker,) = forked(running, 1)
        assert running.predict([INSTANCE] * 1000).status == 200
        before = resident(worker)
        for _ in range(5):
            is_problem(running.request("POST", "/predict", bomb, headers), 413, str(SIZE))
        assert resident(worker) - before < 2 * WORKING * SIZE / 1e6


def test_a_stream_reaches_clients_of_every_version_whole(server: Server) -> None:
    expected = server.predict(msgspec.json.decode(batch(3000)), "?details=true").json()
    for version, connection_line in (("1.0", "keep-alive"), ("1.0", "close"), ("1.1", "close")):
        with server.connect(20) as connection:
            request = post(batch(3000), f"Connection: {connection_line}".encode(), target=DETAILED)
            connection.sendall(request.replace(b"HTTP/1.1", b"HTTP/" + version.encode(), 1))
            response = http.client.HTTPResponse(connection)
            response.begin()
            body = response.read()
            assert (response.getheader("Transfer-Encoding") == "chunked") == (version == "1.1")
            assert response.getheader("Connection") == "close"
            assert msgspec.json.decode(body) == expected
