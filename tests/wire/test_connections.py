"""What one connection carries: many requests, too much of one, or a sudden end."""

import json
import random
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.conftest import Server, serving
from tests.load import Load, batch, connections_of, used_in_a_second
from tests.pieces import (
    BODY,
    CHUNKED,
    HOST,
    INSTANCE,
    JSON,
    LAST,
    POOL,
    PREDICTION,
    PROBE,
    chunks,
    head,
    in_each_split,
    is_problem,
    no_traceback,
    post,
    post_head,
    read_to_end,
    send,
    take_apart,
    talk,
)
from tests.waits import wait_until

LIMIT = 1024 * 1024  # bytes of a body
LANES = pytest.mark.parametrize("lines", [(), (POOL,)], ids=["loop", "pool"])


@LANES
def test_a_client_that_has_said_all_still_gets_its_answer(
    server: Server, lines: tuple[bytes, ...]
) -> None:
    with server.connect() as connection:
        send(connection, post(BODY, *lines))
        connection.shutdown(socket.SHUT_WR)
        (answer,) = take_apart(read_to_end(connection, 2))
    assert answer.body == PREDICTION


@LANES
@pytest.mark.parametrize("framing", [b"Content-Length: %d" % len(BODY), CHUNKED])
def test_who_waits_to_continue_is_told_to_and_answered(
    server: Server, lines: tuple[bytes, ...], framing: bytes
) -> None:
    body = chunks(BODY) if framing == CHUNKED else BODY
    with server.connect(1) as connection:
        waiting = post_head(framing, b"Expect: 100-continue", *lines)
        send(connection, post(BODY) + waiting)
        data = b""
        while not data.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            data += connection.recv(1 << 16)
        send(connection, body + LAST)
        answers = take_apart(data + read_to_end(connection, 1))
    assert [answer.status for answer in answers] == [200, 100, 200, 200]
    assert answers[2].body == PREDICTION


def finals(data: bytes) -> list[int]:
    return [answer.status for answer in take_apart(data) if answer.status != 100]


@LANES
def test_who_does_not_wait_to_continue_is_answered_once(
    server: Server, lines: tuple[bytes, ...]
) -> None:
    request = post(BODY, b"Expect: 100-continue", *lines)
    for data in in_each_split(server.address, request + LAST):
        assert finals(data) == [200, 200]
    without = head(PROBE, HOST, b"Expect: 100-continue")
    assert finals(talk(server.address, without + LAST, seconds=1)) == [200, 200]


def test_in_the_first_version_nobody_is_told_to_continue(server: Server) -> None:
    """RFC 9110 section 10.1.1."""
    length = b"Content-Length: %d" % len(BODY)
    request = post_head(length, b"Expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    with server.connect(5) as connection:
        send(connection, request)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        send(connection, BODY)
        (answer,) = take_apart(read_to_end(connection, 5))
    assert answer.body == PREDICTION


@pytest.mark.parametrize("length", [LIMIT + 1, 2 * LIMIT, 20 * LIMIT])
def test_who_waits_to_send_too_much_is_refused_and_not_told_to_continue(
    server: Server, length: int
) -> None:
    request = post_head(b"Content-Length: %d" % length, b"Expect: 100-continue")
    (answer,) = take_apart(talk(server.address, request, seconds=1))
    is_problem(answer, 413, str(LIMIT))


def mixed() -> tuple[bytes, list[tuple[str, object]]]:
    """Return 30 requests that go to both lanes, and the answers' names and predictions."""
    rows = [INSTANCE, {"length": 1.4, "width": 0.2}] * 100
    asked: dict[str, tuple[bytes, object]] = {
        "quick": (post(b'{"length": 1.4, "width": 0.2}'), {"prediction": "setosa"}),
        "index": (head(b"GET / HTTP/1.1", HOST), None),
        "large": (post(json.dumps(rows).encode()), {"predictions": ["virginica", "setosa"] * 100}),
    }
    data, expected = b"", []
    for number in range(10):
        for kind, (request, prediction) in asked.items():
            name = f"{kind}-{number}"
            data += request.replace(HOST, HOST + b"\r\nX-Request-ID: " + name.encode(), 1)
            expected.append((name, prediction))
    return data, expected


SLOW_ROWS = 34_000
SLOW = post(b"[%s]" % b",".join([BODY] * SLOW_ROWS))
FIRST = pytest.mark.parametrize("first", [b"", SLOW], ids=["quick first", "slow first"])


@FIRST
def test_pipelined_requests_are_all_answered_in_their_order(server: Server, first: bytes) -> None:
    data, expected = mixed()
    answers = take_apart(talk(server.address, first + data + LAST, seconds=10))
    if first:
        assert answers.pop(0).json() == {"predictions": ["virginica"] * SLOW_ROWS}
    assert answers.pop().headers["X-Request-ID"] == "last"
    assert [answer.headers["X-Request-ID"] for answer in answers] == [name for name, _ in expected]
    for answer, (_, prediction) in zip(answers, expected, strict=True):
        assert answer.status == 200
        assert prediction in (None, answer.json())


@FIRST
def test_pipelined_requests_before_a_malformed_one_are_answered_and_none_behind_it(
    server: Server, first: bytes
) -> None:
    data, expected = mixed()
    answers = take_apart(talk(server.address, first + data + head(b"HELLO") + data, seconds=10))
    assert [answer.status for answer in answers] == [200] * (len(expected) + bool(first)) + [400]


@pytest.mark.parametrize("limit", [100, 6000], ids=["in the loop", "in the pool"])
def test_a_body_of_the_limit_is_taken_however_it_comes_and_one_byte_more_is_not(
    artifacts: Path, limit: int
) -> None:
    with serving(artifacts, "--max-body-bytes", limit, "--workers", 1) as running:
        for size, status in ((limit - 1, 200), (limit, 200), (limit + 1, 413)):
            body = BODY.ljust(size)
            for request in (post(body), *(post_head(CHUNKED) + chunks(body, n) for n in (7, size))):
                answer, *_ = take_apart(talk(running.address, request + LAST))
                assert answer.status == status
                if status == 413:
                    is_problem(answer, 413, f"at most {limit} bytes")


def test_a_header_below_the_limit_is_taken_and_one_of_it_is_431(artifacts: Path) -> None:
    limit = 2000
    start = head(PROBE, HOST, b"Connection: close", b"A: ")[:-4]
    with serving(artifacts, "--max-header-bytes", limit, "--workers", 1) as running:
        for size, status in ((limit - 1, 200), (limit, 431), (limit + 1, 431), (9 * limit, 431)):
            request = start.ljust(size - 4, b"a") + b"\r\n\r\n"
            for data in in_each_split(running.address, request):
                (answer,) = take_apart(data)
                assert answer.status == status
                if status == 431:
                    is_problem(answer, 431, f"less than {limit} bytes")


def many(total: int) -> Iterator[bytes]:
    for _ in range(total // 50_000):
        yield b" " * 50_000


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_who_sends_far_too_much_reads_why_it_is_refused(server: Server, framing: str) -> None:
    total = 20_000_000
    if framing == "length":
        is_problem(server.request("POST", "/predict", b" " * total, JSON), 413, str(LIMIT))
        return
    pieces = (chunks(piece)[:-5] for piece in many(total))
    data = talk(server.address, post_head(CHUNKED), *pieces, b"0\r\n\r\n")
    is_problem(take_apart(data)[0], 413, str(LIMIT))


LARGE = post(b"[%s]" % b",".join([BODY] * 2000), target=b"/predict?details")
ENDS: list[tuple[int, bytes, int]] = [
    (30, b"", 0),
    (30, b"POST /predict HTTP/1.1\r\nHos", 0),
    (30, post(BODY)[:-9], 0),
    (30, post_head(CHUNKED) + b"1D\r\n" + BODY, 0),
    (30, post(BODY), 0),
    (30, post(BODY, POOL), 0),
    (30, post(BODY), 10),
    (20, post(BODY) * 3 + post(BODY, POOL) * 3, 0),
    (20, head(b"HELLO"), 0),
    (10, post_head(b"Content-Length: 99999999") + bytes(50_000), 0),
    (2, LARGE, 0),
    (2, LARGE, 1000),
]
"""How often, what is sent, and how much of the answer is read before the connection is reset."""


def reset(server: Server, request: bytes, read: int) -> None:
    with socket.create_connection(server.address, 20) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(request)
        if read:
            connection.recv(read)


def open_files(server: Server) -> list[int]:
    return [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in server.workers()]


def have_all_worked(server: Server) -> bool:
    """Ask for something that threads do, and tell whether each worker has by now."""
    assert server.predict([INSTANCE] * 200, "?details=true").status == 200
    worked = {line["worker"] for line in server.events("request") if line["lane"] == "pool"}
    return len(worked) == len(server.workers())


def test_connections_on_which_nothing_moves_cost_nothing(artifacts: Path) -> None:
    unread = LARGE * 20  # more than the kernel's buffers hold
    states = (b"", post(BODY), post(BODY)[:-9], post_head(CHUNKED), head(b"HELLO"), unread)
    with serving(artifacts, "--workers", 2) as running, ExitStack() as stack:
        for request in states * 8:
            connection = stack.enter_context(running.connect())
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.send(request)
        wait_until(lambda: used_in_a_second(running) < 0.2)
        assert running.predict(INSTANCE).json() == {"prediction": "virginica"}


@pytest.mark.once
def test_ten_thousand_sudden_ends_do_no_harm(artifacts: Path) -> None:
    ends = [end[1:] for end in ENDS for _ in range(end[0])]
    ends *= 10_000 // len(ends) + 1
    random.Random(0).shuffle(ends)
    with serving(artifacts, "--workers", 2) as running:
        wait_until(lambda: have_all_worked(running))
        wait_until(lambda: not any(map(connections_of, running.workers())))
        before, workers = open_files(running), running.workers()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda end: reset(running, *end), ends))
        assert running.predict(INSTANCE).json() == {"prediction": "virginica"}
        wait_until(
            lambda: open_files(running) == before,
            failed=lambda: f"{open_files(running)} files are open, {before} before",
        )
        assert used_in_a_second(running) < 0.2
        assert running.workers() == workers
        assert len(running.log()) < 3 * len(ends)
        no_traceback(running)
        assert {line["event"] for line in running.log()} == {"start", "request"}


@pytest.mark.once
def test_without_epoll_as_elsewhere_than_on_linux_it_answers_and_drains_all_the_same(
    artifacts: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import select\ndel select.epoll\n")
    env = {"PYTHONPATH": str(tmp_path)}
    with (
        serving(artifacts, "--workers", 2, env=env) as running,
        Load(running.connect, keep_alive=4, renewing=2) as load,
    ):
        load.go_on(500)
        assert running.predict(json.loads(batch(5000))).status == 200
        assert load.failures == []
        load.refusals_are_fine = True
        assert running.stop() == 0
        load.join()
        assert load.failures == []
