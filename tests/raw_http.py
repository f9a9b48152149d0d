"""Requests as bytes: what no HTTP library would send."""

import contextlib
from http.client import HTTPResponse
from typing import Any

from tests.conftest import Answer, Server
from tests.pieces import HOST, head
from tests.waits import wait_until


def raw(server: Server, request: bytes, timeout: float = 20) -> Answer:
    """Send bytes as they are and read one answer."""
    with server.connect(timeout) as connection:
        with contextlib.suppress(ConnectionError):  # the answer may come before the end
            connection.sendall(request)
        response = HTTPResponse(connection, method=request.partition(b" ")[0].decode("latin-1"))
        with contextlib.closing(response):
            response.begin()
            return Answer(response.status, response.headers, response.read())


def get(target: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    """Write a request without a body."""
    return head(b"%s %s HTTP/1.1" % (method, target), HOST, *headers)


def request_line(server: Server, identity: str | None) -> dict[str, Any]:
    """Wait for the log line of a request and return it."""
    lines: list[dict[str, Any]] = []

    def found() -> bool:
        lines[:] = [line for line in server.events("request") if line["id"] == identity]
        return bool(lines)

    wait_until(found)
    assert len(lines) == 1
    return lines[0]
