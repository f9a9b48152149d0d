"""HTTP over raw sockets: bytes sent as they are, in pieces, and what comes back taken apart."""

import http.client
import io
import random
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from tests.conftest import Answer, Server
from tests.waits import pause

Address = tuple[str, int]

GET = b"GET / HTTP/1.1"
PROBE = b"GET /health/live HTTP/1.1"
HOST = b"Host: x"
CHUNKED = b"Transfer-Encoding: chunked"
"""Lines that many requests have."""

BODY = b'{"length": 5.1, "width": 2.4}'
PREDICTION = b'{"prediction":"virginica"}'

LAST = b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-ID: last\r\nConnection: close\r\n\r\n"
"""Sent behind other requests: its answer shows that nothing is left over, and ends it all."""

POOL = b"Content-Encoding: identity"
"""Line that leaves a body as it is, and sends the request to a thread: coded ones are worked on
there, and this one is not looked at before."""

_PAUSE = 0.0005  # seconds between two pieces, for each to arrive alone
_PAUSES = 100


def head(*lines: bytes) -> bytes:
    """Write request line and header."""
    return b"\r\n".join((*lines, b"", b""))


def in_pool(request: bytes) -> bytes:
    """Have a request answered on a thread; the answer is the same."""
    return request.replace(b"\r\n", b"\r\n" + POOL + b"\r\n", 1)


DETAILED = b"/predict?details=true"
"""Target of a request for labels and scores."""


def post_head(*lines: bytes, target: bytes = b"/predict") -> bytes:
    """Write the head of a request for predictions, without anything about its body."""
    kind = b"Content-Type: application/json"
    return head(b"POST %s HTTP/1.1" % target, HOST, kind, *lines)


def post(body: bytes, *lines: bytes, target: bytes = b"/predict") -> bytes:
    """Write a request for predictions."""
    length = b"Content-Length: %d" % len(body)
    return post_head(*lines, length, target=target) + body


def chunks(body: bytes, size: int = 1 << 20) -> bytes:
    """Write a body in chunks, with the last one."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def _by_byte(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def _at_random(data: bytes) -> list[bytes]:
    places = random.Random(data)
    cuts = sorted(places.sample(range(1, len(data)), min(5, len(data) - 1)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


SPLITS: dict[str, Callable[[bytes], list[bytes]]] = {
    "whole": lambda data: [data],
    "by line": lambda data: data.splitlines(keepends=True),
    "by byte": _by_byte,
    "at random": _at_random,
}
"""Ways to cut a request into what arrives at a time."""


def send(connection: socket.socket, *pieces: bytes) -> None:
    """Send each piece alone, as far as that can be forced."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    each = -(-len(pieces) // _PAUSES)
    for number, piece in enumerate(pieces, 1):
        connection.sendall(piece)
        if number < len(pieces) and not number % each:
            pause(_PAUSE)


def read_to_end(connection: socket.socket, seconds: float) -> bytes:
    """Read until the other side closes; fail if it takes longer."""
    data = b""
    deadline = time.monotonic() + seconds
    while True:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            more = connection.recv(1 << 16)
        except TimeoutError:
            raise AssertionError(f"still open after {seconds} s and {data!r}") from None
        if not more:
            return data
        data += more


def talk(address: Address, *pieces: bytes, seconds: float = 2, source: str = "127.0.0.1") -> bytes:
    """Send and return all that comes until the other side closes."""
    with socket.create_connection(address, 20, (source, 0)) as connection:
        send(connection, *pieces)
        return read_to_end(connection, seconds)


def in_each_split(address: Address, request: bytes) -> list[bytes]:
    """Send a request cut in all ways, at the same time, and return what came for each."""
    with ThreadPoolExecutor(len(SPLITS)) as pool:
        ways = [split(request) for split in SPLITS.values()]
        return list(pool.map(lambda pieces: talk(address, *pieces), ways))


def take_apart(data: bytes, *methods: str) -> list[Answer]:
    """Return the answers to requests of these methods; nothing but answers may be there."""
    answers: list[Answer] = []
    while data:
        top, end, data = data.partition(b"\r\n\r\n")
        line, _, fields = (top + end).partition(b"\r\n")
        version, status, _ = line.split(b" ", 2)
        assert end, top
        assert version in {b"HTTP/1.1", b"HTTP/1.0"}, line
        headers = http.client.parse_headers(io.BytesIO(fields))
        is_head = methods[len(answers) : len(answers) + 1] == ("HEAD",)
        if headers["Transfer-Encoding"] == "chunked":
            body, data = _join_chunks(data)
        else:
            size = 0 if is_head or status == b"100" else int(headers["Content-Length"])
            assert len(data) >= size, data
            body, data = data[:size], data[size:]
        answers.append(Answer(int(status), headers, body))
    return answers


def _join_chunks(data: bytes) -> tuple[bytes, bytes]:
    """Return a body out of its chunks, and what follows it."""
    body, size = b"", -1
    while size:
        line, end, data = data.partition(b"\r\n")
        size = int(line, 16)
        assert end + data[size : size + 2] == b"\r\n\r\n", data
        body, data = body + data[:size], data[size + 2 :]
    return body, data


def no_traceback(server: Server) -> None:
    """Check that the server has met nothing that it did not expect."""
    assert server.errors.read_text() == ""
    assert "traceback" not in server.output.read_text()


INSTANCE = {"length": 5.1, "width": 2.4}


JSON = {"Content-Type": "application/json"}


PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}  # on Python 3.11 too


def is_problem(answer: Answer, status: int, *words: str) -> Any:
    """Check that an answer is problem details and return it."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"] == (PHRASES.get(status) or HTTPStatus(status).phrase)
    for word in words:
        assert word in problem["detail"]
    assert b"Traceback" not in answer.body
    return problem


def counted(route: str, status: int) -> str:
    """Name the series of the requests to a route that were answered with a status."""
    contract = "native" if route == "/predict" else ""
    labels = f'contract="{contract}",route="{route}",status="{status}"'
    return f"iris_deploy_requests_total{{{labels}}}"
