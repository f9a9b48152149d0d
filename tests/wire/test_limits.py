"""What nobody can do to the server: take all its time, connections, files, memory, or threads."""

import contextlib
import http.client
import json
import resource
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import COMMAND, Answer, Server, serving
from tests.load import Load, batch, can_unshare, forked, is_closed, read_answer, resident
from tests.pieces import DETAILED, INSTANCE, is_problem, post, post_head
from tests.waits import pause, wait_until

pytestmark = pytest.mark.once

LARGE = ("--max-body-bytes", 100_000_000)
SMALL = post(json.dumps(INSTANCE).encode())

READ_ONLY = """
set -e
mount --make-rprivate /
for directory in /dev/shm /run /var/tmp; do mount -t tmpfs -o ro none $directory; done
mount -o remount,bind,ro /
for directory in /tmp /var/tmp /dev/shm /run . "$HOME"; do
    if touch "$directory/written" 2>/dev/null; then echo "written to $directory" >&2; exit 99; fi
done
exec "$@"
"""


@contextlib.contextmanager
def flood(server: Server, n: int, start: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open connections that say no more than a beginning."""
    connections: list[socket.socket] = []
    try:
        for _ in range(n):
            connections.append(server.connect())
            connections[-1].sendall(start)
        yield connections
    finally:
        for connection in connections:
            connection.close()


def drip(connection: socket.socket, data: bytes) -> bool:
    """Send a byte every 0.2 s until an answer comes; tell whether one did."""
    connection.settimeout(0.2)
    for byte in data:
        connection.sendall(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            return len(connection.recv(1, socket.MSG_PEEK)) == 1
    return False


def ask_large(server: Server, body: bytes) -> tuple[Answer, float]:
    begun = time.monotonic()
    with server.connect(60) as connection:
        connection.sendall(post(body, target=DETAILED))
        return read_answer(connection), time.monotonic() - begun


@pytest.fixture(scope="module")
def hasty(_trained: Path) -> Iterator[Server]:
    """Serve with time-outs of a second."""
    options = ("--workers", 1, "--request-timeout", 1, "--idle-timeout", 2)
    with serving(_trained, *options) as running:
        yield running


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Drip: " + b"a" * 30),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"A: b\r\n" * 5),
        (post_head(b"Content-Length: 1000"), b" " * 30),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\n[\r\n" * 5,
        ),
    ],
    ids=["request line", "header", "body", "chunks"],
)
def test_a_request_that_drips_is_given_up_in_time(hasty: Server, start: bytes, drop: bytes) -> None:
    begun = time.monotonic()
    with hasty.connect() as connection:
        connection.sendall(start)
        assert drip(connection, drop)
        assert time.monotonic() - begun >= 1
        answer = read_answer(connection)
    is_problem(answer, 408, "within 1 seconds")
    assert answer.headers["Connection"] == "close"


def test_empty_lines_without_a_request_are_given_up_in_time(hasty: Server) -> None:
    """A client may send one in front of a request (RFC 9112 section 2.2), not one after another."""
    with hasty.connect() as connection:
        assert drip(connection, b"\r\n" * 12)
        assert read_answer(connection).status in {400, 408}


def test_a_request_is_not_late_because_the_answer_before_took_long(artifacts: Path) -> None:
    """Its rest cannot be read before that is out, so that the time does not count."""
    options = ("--workers", 1, "--request-timeout", 3, *LARGE)
    with serving(artifacts, *options) as running, running.connect(60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(post(batch(200_000), target=DETAILED) + SMALL[:-1])
        response = http.client.HTTPResponse(connection)
        response.begin()
        for _ in range(15):  # of 23 MB; what is left is more than sockets hold
            assert response.read(1_000_000)
            pause(0.25)
        assert response.read()
        pause(1.2)
        connection.sendall(SMALL[-1:])
        assert read_answer(connection).status == 200


def test_a_request_has_not_waited_while_the_one_before_was_answered(artifacts: Path) -> None:
    """Two on one connection, no other client: nothing is overloaded."""
    options = ("--workers", 1, "--queue-timeout", 0.5, *LARGE)
    with serving(artifacts, *options) as running, running.connect(60) as connection:
        connection.sendall(
            post(batch(150_000), target=DETAILED) + post(b"[]", b"Connection: close")
        )
        data = b""
        while piece := connection.recv(1_000_000):
            data += piece
        assert b"overloaded" not in data[-1000:]


@pytest.mark.parametrize("start", [b"", SMALL[:-1], b"P"], ids=["idle", "half sent", "begun"])
def test_a_flood_of_connections_gives_way_to_whoever_asks(artifacts: Path, start: bytes) -> None:
    """Probes and figures are answered at once, others a second after the last of the flood."""
    with (
        serving(artifacts, "--workers", 1, "--connections", 20) as running,
        flood(running, 23, start),
    ):
        for path in ("/health/ready", "/metrics"):
            assert running.request("GET", path).status == 200
        wait_until(lambda: all(running.predict(INSTANCE).status == 200 for _ in range(10)))


def test_without_room_others_than_operators_are_told_to_come_again(artifacts: Path) -> None:
    """Each connection is in the middle of something, so that none has to go."""
    with (
        serving(artifacts, "--workers", 1, "--connections", 5) as running,
        flood(running, 5, SMALL[:-1]) as connections,
    ):
        answer = running.predict(INSTANCE)
        is_problem(answer, 503, "no room")
        assert (answer.headers["Retry-After"], answer.headers["Connection"]) == ("1", "close")
        assert running.request("GET", "/health/live").status == 200
        for connection in connections:
            connection.sendall(SMALL[-1:])
            assert read_answer(connection).status == 200


def test_whoever_has_been_idle_longest_goes_first_and_it_is_logged_once_and_counted(
    artifacts: Path,
) -> None:
    with (
        serving(artifacts, "--workers", 1, "--connections", 5) as running,
        flood(running, 5) as connections,
    ):
        first, second, *others = connections
        for connection in (*connections, first):
            connection.sendall(SMALL)
            assert read_answer(connection).status == 200
        assert running.metrics()["iris_deploy_connections_evicted_total"] == 1
        assert is_closed(second)
        assert running.predict(INSTANCE).status == 200
        for connection in (others[-1], first):
            connection.sendall(SMALL)
            assert read_answer(connection).status == 200
        (line,) = running.events("full")
        assert (line["level"], line["evicted"]) == ("warning", 1)


def test_a_thousand_idle_connections_keep_nobody_out(artifacts: Path) -> None:
    """With the limit as it is by default, of one client."""
    with serving(artifacts, "--workers", 1) as running, flood(running, 1010, SMALL):
        for path in ("/health/live", "/health/ready", "/metrics") * 5:
            assert running.request("GET", path).status == 200
        assert running.predict(INSTANCE).status == 200


def test_more_than_a_thousand_connections_are_served(artifacts: Path) -> None:
    """Beyond 1,024 files ``select`` would fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        with (
            serving(artifacts, "--workers", 1, "--connections", 1500) as running,
            flood(running, 1200) as connections,
        ):
            for connection in connections[::50] + connections[-50:]:
                connection.sendall(SMALL)
                assert read_answer(connection).json() == {"prediction": "virginica"}
            assert running.predict(INSTANCE).status == 200
            wait_until(lambda: running.metrics()["iris_deploy_connections"] >= 1200)
            assert running.stop() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_files_are_told_before_it_starts(artifacts: Path) -> None:
    result = subprocess.run(
        ["prlimit", "--nofile=100:100", *COMMAND, "serve", "--artifacts", artifacts, "--port", "0"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 1
    assert "564 open files, but the limit is 100" in result.stderr
    assert "--connections 36" in result.stderr
    assert result.stdout == ""


def test_the_connections_that_the_hint_names_are_possible(artifacts: Path) -> None:
    """With as many files as are reserved, everything works while all connections are taken."""
    options = ("--connections", 36, "--workers", 1)
    with (
        serving(artifacts, *options, prefix=("prlimit", "--nofile=100:100")) as running,
        flood(running, 36, SMALL) as connections,
    ):
        for connection in connections:
            assert read_answer(connection).status == 200
        for path in (b"/metrics", b"/openapi.json", b"/"):
            connections[0].sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
            assert read_answer(connections[0]).status == 200
        connections[35].sendall(SMALL)
        assert read_answer(connections[35]).status == 200
        assert running.predict(INSTANCE).status == 200
        assert running.stop() == 0
        assert not running.events("log")
        assert not running.events("bug")


def test_without_a_descriptor_it_waits_for_one_and_serves_on(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1) as running:
        (worker,) = forked(running, 1)
        assert running.predict([INSTANCE] * 3000).status == 200
        limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        highest = max(int(path.name) for path in Path(f"/proc/{worker}/fd").iterdir())
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (highest + 3, limits[1]))
        with flood(running, 6, SMALL):
            wait_until(lambda: bool(running.events("accept")))
            resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
            assert running.predict(INSTANCE).status == 200
        assert len(running.events("accept")) == 1
        assert running.workers() == [worker]


def test_a_soft_limit_of_files_is_raised(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, prefix=("prlimit", "--nofile=256:4096")) as running:
        (worker,) = forked(running, 1)
        assert resource.prlimit(worker, resource.RLIMIT_NOFILE) == (564, 4096)
        with flood(running, 400):
            assert running.predict(INSTANCE).status == 200


def test_a_client_that_does_not_read_holds_up_nobody_and_is_cut(artifacts: Path) -> None:
    options = ("--workers", 1, "--threads", 1, "--request-timeout", 4, *LARGE)
    with serving(artifacts, *options) as running, running.connect() as connection:
        connection.sendall(post(batch(200_000), target=DETAILED))
        assert connection.recv(1) == b"H"
        assert running.predict(INSTANCE).status == 200
        assert ask_large(running, batch(5_000))[0].status == 200
        wait_until(lambda: len(running.events("request")) == 3)
        assert [line["status"] for line in running.events("request")] == [200, 200, 499]
        with pytest.raises((http.client.HTTPException, OSError)):
            read_answer(connection)  # what is left of it is no answer
        assert running.predict(INSTANCE).status == 200


def ask_at_once(server: Server, body: bytes, n: int) -> list[tuple[Answer, float]]:
    """Ask so often at one moment, however slowly a body is sent: the last bytes go together."""
    asked = post(body, target=DETAILED)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(n) as pool:
        connections = [stack.enter_context(server.connect(60)) for _ in range(n)]
        list(pool.map(lambda each: each.sendall(asked[:-1]), connections))
        begun = time.monotonic()
        for connection in connections:
            connection.sendall(asked[-1:])
        return list(
            pool.map(lambda each: (read_answer(each), time.monotonic() - begun), connections)
        )


def test_overload_is_refused_in_time_and_small_requests_are_answered(artifacts: Path) -> None:
    body = batch(50_000)
    options = ("--workers", 1, "--threads", 1, "--queue-timeout", 0.02, *LARGE)
    with serving(artifacts, *options) as running:
        (worker,) = forked(running, 1)
        alone = min(ask_large(running, body)[1] for _ in range(2))
        with Load(running.connect, keep_alive=2, pause=0.02) as load:
            together = [each for _ in range(3) for each in ask_at_once(running, body, 12)]
        assert load.failures == []
        assert statistics.median(load.seconds) < 0.5
        refused = [answer for answer, _ in together if answer.status != 200]
        assert 0 < len(refused) < len(together)
        for answer in refused:
            is_problem(answer, 503, "overloaded")
            assert int(answer.headers["Retry-After"]) > 0
        # All twelve at once, each in its turn.
        assert max(seconds for _, seconds in together) < 0.5 + 1 + 2 * 12 * alone
        wait_until(lambda: resident(worker) < 300)
        assert ask_large(running, body)[0].status == 200


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.skipif(not can_unshare("-m"), reason="needs a mount namespace")
def test_nothing_is_written_to_disk_whatever_the_sizes(artifacts: Path, tmp_path: Path) -> None:
    """On a read-only system, up to the largest body, in one piece or in chunks."""
    limit = 5_000_000
    body = batch(160_000).ljust(limit)
    env = {"TMPDIR": "", "HOME": str(tmp_path)}
    prefix = ("unshare", "-m", "sh", "-c", READ_ONLY, "sh")
    with serving(artifacts, "--max-body-bytes", limit, env=env, prefix=prefix) as running:
        answer, _ = ask_large(running, body)
        assert answer.status == 200
        assert len(answer.body) > 3 * limit
        pieces = [body[i : i + 100_000] for i in range(0, limit, 100_000)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        chunked = running.request("POST", "/predict", chunks + b"0\r\n\r\n", headers)
        assert len(chunked.json()["predictions"]) == 160_000
        is_problem(ask_large(running, body + b" ")[0], 413)
        assert running.request("GET", "/metrics").status == 200
        assert running.stop() == 0
        assert running.errors.read_text() == ""


def test_many_connections_that_come_and_go_leave_nothing_behind(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1) as running:
        (worker,) = forked(running, 1)
        assert running.request("GET", "/metrics").status == 200
        files = Path(f"/proc/{worker}/fd")
        before = len(list(files.iterdir()))
        for start in (b"", SMALL[:-1], SMALL, b"\x16nonsense"):
            for _ in range(5):
                with flood(running, 50, start):
                    pass
        wait_until(lambda: len(list(files.iterdir())) <= before)
        assert not running.events("log")
