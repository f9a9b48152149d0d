"""How the server stops: nothing that has come is lost, and nobody waits for ever."""

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Server, free_port, serving
from tests.load import (
    ASKED,
    SMALL,
    Load,
    batch,
    can_unshare,
    forked,
    is_closed,
    is_refused,
    read_answer,
)
from tests.pieces import DETAILED, INSTANCE, is_problem, post
from tests.waits import pause, wait_until, wait_until_read

pytestmark = pytest.mark.once

LARGE = ("--max-body-bytes", 100_000_000)
SLOW = 100_000  # instances; with details about a second


@contextmanager
def connected(server: Server, n: int = 1) -> Iterator[list[socket.socket]]:
    """Open connections, and close them at the end."""
    connections: list[socket.socket] = []
    try:
        for _ in range(n):
            connections.append(server.connect(60))
        yield connections
    finally:
        for connection in connections:
            connection.close()


def say_stop(server: Server) -> None:
    """Send the signal, and wait until it has come."""
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: server.events("drain"))


def met(server: Server) -> set[int]:
    """Ask often enough to meet every worker what it says of its readiness."""
    return {server.request("GET", "/health/ready").status for _ in range(20)}


def only_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT] * 3)
def test_no_request_is_lost_when_a_busy_server_is_stopped(artifacts: Path, number: int) -> None:
    with (
        serving(artifacts, "--workers", 2) as running,
        Load(running.connect, keep_alive=8, renewing=8) as load,
    ):
        load.go_on(500)
        load.refusals_are_fine = True
        assert running.stop(number) == 0
        load.join()
        assert load.failures == []
        assert running.log()[-1]["event"] == "stop"
        assert running.errors.read_text() == ""


@pytest.mark.skipif(not can_unshare("-pf"), reason="needs a PID namespace")
def test_no_request_is_lost_when_pid_1_is_stopped(artifacts: Path) -> None:
    """A process with this number gets no signal that it has no handler for."""
    prefix = ("unshare", "-pf", "--kill-child")
    with (
        serving(artifacts, "--workers", 2, prefix=prefix) as running,
        Load(running.connect, keep_alive=4, renewing=4) as load,
    ):
        assert running.start["pid"] == 1
        load.go_on()
        load.refusals_are_fine = True
        os.kill(only_child(running.process.pid), signal.SIGTERM)
        assert running.process.wait(20) == 0
        load.join()
        assert load.failures == []
        assert running.log()[-1]["event"] == "stop"


def test_requests_that_wait_for_a_thread_are_answered(artifacts: Path) -> None:
    n = SLOW // 2
    options = ("--workers", 1, "--threads", 1, "--grace", 60, "--queue-timeout", 50, *LARGE)
    with serving(artifacts, *options) as running, connected(running, 4) as connections:
        for connection in connections:
            connection.sendall(post(batch(n), target=DETAILED))
        say_stop(running)
        for connection in connections:
            answer = read_answer(connection)
            assert answer.headers["Connection"] == "close"
            assert len(answer.json()["predictions"]) == n
            connection.close()
        assert running.process.wait(20) == 0


def test_what_is_not_done_at_the_deadline_is_cut_and_counted(artifacts: Path) -> None:
    """A request whose end never comes, and an answer that nobody reads."""
    with (
        serving(artifacts, "--workers", 1, "--grace", 2, *LARGE) as running,
        connected(running, 3) as (unread, unfinished, begun),
    ):
        unread.sendall(post(batch(SLOW), target=DETAILED))
        assert unread.recv(1) == b"H"
        unfinished.sendall(SMALL[:-1])
        begun.sendall(b"P")
        wait_until_read(unfinished, begun)
        say_stop(running)
        assert running.process.wait(20) == 1
        (cut,) = running.events("cut")
        assert cut["requests"] == 3
        assert not running.events("stop")
        assert "--grace" in running.errors.read_text()


def test_an_answer_that_is_cut_is_not_taken_for_a_whole_one(artifacts: Path) -> None:
    options = ("--workers", 1, "--grace", 1.5, *LARGE)
    with serving(artifacts, *options) as running, connected(running) as (connection,):
        connection.sendall(post(batch(8 * SLOW), target=DETAILED))
        say_stop(running)
        assert running.process.wait(20) == 1
        begun = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(1 << 20):
                begun = piece
        assert not begun.endswith(b"\r\n0\r\n\r\n")  # so that nobody takes it for an answer
        assert "--grace" in running.errors.read_text()


def test_a_large_answer_arrives_whole_however_slowly_it_is_read(artifacts: Path) -> None:
    n = 3 * SLOW // 2  # 17 MB, several times what sockets hold
    with (
        serving(artifacts, "--workers", 1, "--grace", 30, *LARGE) as running,
        connected(running) as (connection,),
    ):
        connection.sendall(post(batch(n), target=DETAILED))
        response = http.client.HTTPResponse(connection)
        response.begin()
        say_stop(running)
        pieces = []
        while piece := response.read(1_000_000):
            pieces.append(piece)
            pause(0.1)
        assert len(json.loads(b"".join(pieces))["predictions"]) == n
        assert running.process.wait(20) == 0


def test_a_drain_delay_lets_load_balancers_see_it_before_the_end(artifacts: Path) -> None:
    options = ("--workers", 2, "--drain-delay", 3, "--grace", 60)
    with serving(artifacts, *options) as running:
        start = time.monotonic()
        say_stop(running)
        wait_until(lambda: running.request("GET", "/health/ready").status == 503)
        asked = 0
        with contextlib.suppress(ConnectionError):
            while True:
                answer = running.request("GET", "/health/ready")
                is_problem(answer, 503, "draining")
                assert int(answer.headers["Retry-After"]) > 0
                assert running.request("GET", "/health/live").status == 200
                assert running.predict(INSTANCE).status == 200
                asked += 1
        assert asked
        assert time.monotonic() - start >= 3
        assert running.process.wait(20) == 0
        assert is_refused(running.connect)


def test_answers_of_a_drain_close_their_connection(artifacts: Path) -> None:
    options = ("--workers", 2, "--drain-delay", 1, "--grace", 5)
    with serving(artifacts, *options) as running, connected(running, 4) as connections:
        for connection in connections:
            connection.sendall(SMALL)
            assert read_answer(connection).headers["Connection"] is None
        say_stop(running)
        wait_until(lambda: met(running) == {503})
        for connection in connections:
            connection.sendall(SMALL)
            assert read_answer(connection).headers["Connection"] == "close"
            assert is_closed(connection)
            connection.close()
        assert running.process.wait(20) == 0


def test_idle_connections_are_closed_and_half_sent_requests_are_answered(artifacts: Path) -> None:
    with (
        serving(artifacts, "--workers", 2, "--grace", 60) as running,
        connected(running, 4) as (idle, silent, half, quarter),
    ):
        idle.sendall(SMALL)
        assert read_answer(idle).status == 200
        half.sendall(SMALL[:-5])
        quarter.sendall(SMALL[:9])
        wait_until_read(half, quarter)
        say_stop(running)
        assert is_closed(idle)
        assert is_closed(silent)
        for connection, rest in ((half, SMALL[-5:]), (quarter, SMALL[9:])):
            connection.sendall(rest)
            assert read_answer(connection).json() == {"prediction": "virginica"}
            connection.close()
        assert running.process.wait(20) == 0


@pytest.mark.parametrize("delay", [0, 60])
def test_a_second_signal_ends_at_once(artifacts: Path, delay: int) -> None:
    options = ("--workers", 2, "--grace", 90, "--drain-delay", delay)
    with serving(artifacts, *options) as running, connected(running) as (connection,):
        connection.sendall(SMALL[:-1])
        wait_until_read(connection)
        say_stop(running)
        pause(1.1)  # what comes within a second is the same wish, and no second one
        assert running.stop(signal.SIGINT) == 1
        assert is_closed(connection)
        assert "second signal" in running.errors.read_text()
        assert not running.events("stop")


def test_workers_stop_by_themselves_when_the_supervisor_is_killed(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--grace", 3) as running:
        workers = forked(running, 2)
        with connected(running) as (connection,):
            connection.sendall(SMALL[:-1])
            wait_until_read(connection)
            running.process.kill()
            wait_until(lambda: len(running.events("orphaned")) == 2)
            connection.sendall(SMALL[-1:])  # what has come is answered even now
            assert read_answer(connection).status == 200
        wait_until(lambda: is_refused(running.connect))
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_a_worker_that_is_killed_in_a_drain_is_not_passed_over(artifacts: Path) -> None:
    """Its requests are lost, so the end is not the one of a server that answered them all."""
    with serving(artifacts, "--workers", 1, "--grace", 10) as running:
        (worker,) = forked(running, 1)
        with connected(running) as (connection,):
            connection.sendall(SMALL[:-1])
            wait_until_read(connection)
            say_stop(running)
            wait_until(lambda: is_refused(running.connect))
            os.kill(worker, signal.SIGKILL)
            assert is_closed(connection)
        assert running.process.wait(20) == 1
        assert not running.events("stop")


def test_a_worker_that_dies_in_the_drain_delay_is_replaced(artifacts: Path) -> None:
    """Listening goes on, so somebody has to answer; readiness tells of the drain even then."""
    options = ("--workers", 1, "--drain-delay", 2, "--grace", 6)
    with serving(artifacts, *options) as running:
        (worker,) = forked(running, 1)
        say_stop(running)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: worker not in running.workers())
        assert running.predict(INSTANCE).status == 200
        assert running.request("GET", "/health/ready").status == 503
        assert running.process.wait(20) == 0


def test_the_next_server_can_have_the_port_at_once(artifacts: Path) -> None:
    """As in an update in place: clients that are told to go find the successor."""
    port = free_port()
    options = ("--workers", 2, "--port", port)
    with serving(artifacts, *options) as first, connected(first) as (connection,):
        connection.sendall(SMALL)
        assert read_answer(connection).status == 200
        assert first.stop() == 0
        with serving(artifacts, *options) as second:
            assert second.predict(ASKED[0][0]).status == 200
            assert second.stop() == 0


def test_reloads_in_a_drain_change_nothing(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--drain-delay", 1, "--access-log", "off") as running:
        with Load(running.connect, keep_alive=2, renewing=2) as load:
            load.go_on()
            load.refusals_are_fine = True
            say_stop(running)
            for _ in range(5):
                running.process.send_signal(signal.SIGHUP)
                pause(0.05)
            assert running.process.wait(20) == 0
            load.join()
        assert load.failures == []
        assert not running.events("reload_same")
