"""Requests that two programs may read differently: alone with ours, and behind a real nginx."""

import contextlib
import json
import socket
import subprocess
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Server, free_port, serving
from tests.pieces import (
    BODY,
    HOST,
    INSTANCE,
    LAST,
    POOL,
    PREDICTION,
    Address,
    chunks,
    head,
    in_each_split,
    in_pool,
    is_problem,
    no_traceback,
    post,
    take_apart,
    talk,
)
from tests.smuggling import SMUGGLING, in_chunks
from tests.tools import require
from tests.waits import wait_until

TWO_FOR_NGINX = {
    *("chunked behind bare LF", "chunk size with LF", "chunk size with LF, of a line end"),
    *("chunk extension with LF", "trailer that ends with LF", "LF for every CR LF"),
    *("host with a user", "HTTP/0.9"),
}
"""What is two requests by nginx's own reading: it takes LF for a line end, and more."""


def smuggled(server: Server) -> int:
    return server.output.read_text().count("/smuggled")


@pytest.mark.parametrize("name", SMUGGLING)
def test_an_ambiguous_request_is_refused_and_nothing_behind_it_is_read(
    server: Server, name: str
) -> None:
    before = smuggled(server)
    for data in in_each_split(server.address, SMUGGLING[name]):
        (answer,) = take_apart(data)
        assert answer.status in {400, 413, 417, 501}
        is_problem(answer, answer.status)
        assert answer.headers["Connection"] == "close"
    assert server.predict(INSTANCE).json() == {"prediction": "virginica"}
    assert smuggled(server) == before
    no_traceback(server)


NGINX = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 0;
    client_header_timeout 1s;
    client_body_timeout 1s;
    keepalive_timeout 300ms;
    upstream iris {{
        server {host}:{upstream};
        keepalive 4;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://iris;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


@contextmanager
def nginx(directory: Path, upstream: Server) -> Iterator[Address]:
    """Run nginx in front of a server, with all its files in a directory."""
    program = require("nginx")
    port = free_port()
    host, behind = upstream.address
    config, errors = directory / "nginx.conf", directory / "errors"
    config.write_text(NGINX.format(directory=directory, host=host, upstream=behind, port=port))
    process = subprocess.Popen([program, "-p", directory, "-c", config, "-e", errors])
    address = ("127.0.0.1", port)

    def listens() -> bool:
        assert process.poll() is None, errors.read_text()
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(address):
            return True
        return False

    try:
        wait_until(listens)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def front(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """An nginx in front of the server of this test process."""
    with nginx(tmp_path_factory.mktemp("nginx"), server) as address:
        yield address


@pytest.mark.parametrize("name", sorted(SMUGGLING.keys() - TWO_FOR_NGINX))
def test_nothing_is_smuggled_past_nginx(server: Server, front: Address, name: str) -> None:
    before = smuggled(server)
    with ThreadPoolExecutor(4) as pool:
        for data in pool.map(lambda _: talk(front, SMUGGLING[name], seconds=5), range(4)):
            answers = take_apart(data)
            assert [answer.status >= 400 for answer in answers] == [True]
    for number in range(4):
        identity = f"{number}-{name.replace(' ', '-').replace(',', '').replace('/', '')}"
        data = talk(front, post(BODY, b"X-Request-ID: " + identity.encode()) + LAST)
        answer, last = take_apart(data)
        assert (answer.headers["X-Request-ID"], answer.body) == (identity, PREDICTION)
        assert last.headers["X-Request-ID"] == "last"
    assert smuggled(server) == before
    no_traceback(server)


@pytest.mark.parametrize("name", sorted(TWO_FOR_NGINX - {"HTTP/0.9"}))
def test_what_is_two_requests_for_nginx_gets_no_third_answer(front: Address, name: str) -> None:
    assert len(take_apart(talk(front, SMUGGLING[name], seconds=5))) in {1, 2}
    answer, _ = take_apart(talk(front, post(BODY) + LAST))
    assert answer.body == PREDICTION


def test_pipelined_and_large_requests_pass_nginx(front: Address) -> None:
    rows = json.dumps([INSTANCE] * 30_000).encode()
    data = talk(front, (post(BODY) + in_chunks(chunks(rows, 5000))) * 3 + LAST, seconds=10)
    *answers, last = take_apart(data)
    assert [len(answer.body) for answer in answers[::2]] == [len(PREDICTION)] * 3
    assert [len(answer.json()["predictions"]) for answer in answers[1::2]] == [30_000] * 3
    assert last.status == 200


def test_the_refusal_of_a_body_passes_nginx(front: Address) -> None:
    answer, *_ = take_apart(talk(front, post(bytes(5_000_000)), seconds=5))
    is_problem(answer, 413)


def request_lines(server: Server, identity: str, n: int) -> list[dict[str, object]]:
    """Wait for the log lines of the requests of a name."""

    def found() -> list[dict[str, object]]:
        return [line for line in server.events("request") if line["id"] == identity]

    wait_until(lambda: len(found()) == n)
    return found()


FORWARDED = ("--workers", 1, "--trusted-proxy", "127.0.0.1")


@pytest.mark.parametrize("prefix", ["", "/iris"])
def test_behind_nginx_the_log_has_the_clients_address_and_the_prefix_is_known(
    artifacts: Path, tmp_path: Path, prefix: str
) -> None:
    options = ("--url-prefix", prefix) if prefix else ()
    with serving(artifacts, *FORWARDED, *options) as running, nginx(tmp_path, running) as front:
        path = f"{prefix}/predict"
        for lane, more in (("loop", ()), ("pool", (POOL,))):
            lines = (b"X-Forwarded-For: 198.51.100.7", b"X-Request-ID: " + lane.encode(), *more)
            request = post(BODY, *lines, b"Connection: close", target=path.encode())
            (answer,) = take_apart(talk(front, request, source="127.0.0.2"))
            assert answer.body == PREDICTION
            (line,) = request_lines(running, lane, 1)
            assert (line["client"], line["lane"], line["path"]) == ("127.0.0.2", lane, path)
        for path in ("/", "/health/live", "/health/ready", "/metrics", "/openapi.json"):
            request = head(f"GET {prefix}{path} HTTP/1.1".encode(), HOST, b"Connection: close")
            (answer,) = take_apart(talk(front, request))
            assert answer.status == 200
        without = talk(front, head(f"GET {prefix} HTTP/1.1".encode(), HOST) + LAST)
        if prefix:
            index = take_apart(without)[0]
            assert (index.status, index.headers["Location"]) == (200, None)


@pytest.fixture(scope="module")
def trusting(_trained: Path) -> Iterator[Server]:
    with serving(_trained, *FORWARDED, "--trusted-proxy-count", 2) as running:
        yield running


def in_both_lanes(server: Server, identity: str, *lines: bytes) -> list[bytes]:
    named = b"X-Request-ID: " + identity.encode()
    request = post(BODY, named, b"Connection: close", *lines)
    return [talk(server.address, asked) for asked in (request, in_pool(request))]


@pytest.mark.parametrize(
    ("given", "client"),
    [
        (b"192.0.2.1", "192.0.2.1"),
        (b"192.0.2.1:4711", "192.0.2.1"),
        (b"198.51.100.7, 192.0.2.1, 127.0.0.1", "192.0.2.1"),
        (b'"192.0.2.1", 127.0.0.1', "192.0.2.1"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"[2001:db8::1]", "2001:db8::1"),
        (b'"[2001:db8::1]:4711"', "2001:db8::1"),
    ],
)
def test_the_log_has_the_address_that_the_proxies_tell(
    trusting: Server, given: bytes, client: str
) -> None:
    identity = f"for-{given.hex()[-60:]}"
    first, second = in_both_lanes(trusting, identity, b"X-Forwarded-For: " + given)
    assert {take_apart(data)[0].body for data in (first, second)} == {PREDICTION}
    lines = request_lines(trusting, identity, 2)
    assert [line["client"] for line in lines] == [client] * 2


@pytest.mark.parametrize(
    "line",
    [
        b"X-Forwarded-For:",
        b"X-Forwarded-For: unknown",
        b"X-Forwarded-For: _hidden, 127.0.0.1",
        b'X-Forwarded-For: "',
        b'X-Forwarded-For: ", 192.0.2.1',
        b"X-Forwarded-For: :80.",
        b"X-Forwarded-For: :80., 192.0.2.1",
        b"X-Forwarded-For: \xff",
        b"X-Forwarded-For: " + b"," * 9000,
        b'X-Forwarded-Host: "x',
        b"X-Forwarded-Proto: ftp",
        b"X-Forwarded-Proto: wss",
        b"X-Forwarded-Proto: https,http",
        b'X-Forwarded-Proto: "',
        b"X-Forwarded-Port: x",
        b"X-Forwarded-By: ;",
        b'Forwarded: for="',
    ],
    ids=lambda line: line.decode("latin-1")[:50],
)
def test_what_proxies_garble_changes_no_answer_in_either_lane(
    trusting: Server, line: bytes
) -> None:
    identity = f"garbled-{zlib.crc32(line):x}"
    for data in in_both_lanes(trusting, identity, line):
        (answer,) = take_apart(data)
        assert (answer.status, answer.body) == (200, PREDICTION)
    assert {e["client"] for e in request_lines(trusting, identity, 2)} == {"127.0.0.1"}


@pytest.mark.parametrize("host", [b"x.example", b"x:8080", b"[::1]:80", b"", b"a..b", b"a b"])
def test_both_lanes_think_the_same_of_a_forwarded_host(trusting: Server, host: bytes) -> None:
    told = in_both_lanes(trusting, "x", b"X-Forwarded-Host: " + host)
    (loop,), (pool,) = (take_apart(data) for data in told)
    assert (loop.status, loop.body) == (pool.status, pool.body) == (200, PREDICTION)


def test_nobody_else_is_believed(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--trusted-proxy", "127.0.0.9") as running:
        lines = (b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: ftp", b'X-Forwarded-Host: "')
        for data in in_both_lanes(running, "liar", *lines):
            assert take_apart(data)[0].body == PREDICTION
        assert {line["client"] for line in request_lines(running, "liar", 2)} == {"127.0.0.1"}
