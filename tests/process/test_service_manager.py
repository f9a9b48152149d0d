"""What a service manager like systemd hands over, and what it is told."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from iris_deploy.cli import main
from tests.conftest import COMMAND, Run, Server, serving
from tests.load import SMALL, Load, connections_of, files_of, forked, read_answer
from tests.pieces import INSTANCE
from tests.waits import assert_stays, wait_until, wait_until_read

HAND_OVER = """
import fcntl, os, sys
files = [fcntl.fcntl(int(file), fcntl.F_DUPFD_CLOEXEC, 100) for file in sys.argv[1].split(",")]
for file in sys.argv[1].split(","):
    os.close(int(file))
for number, file in enumerate(files, 3):
    os.dup2(file, number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(files)))
os.execv(sys.argv[2], sys.argv[2:])
"""


def hand_over(files: Sequence[int]) -> tuple[str, ...]:
    """Return a command's prefix that does as systemd: descriptors from 3 on, and for whom."""
    return (sys.executable, "-c", HAND_OVER, ",".join(map(str, files)))


@contextmanager
def listening(n: int = 1) -> Iterator[list[socket.socket]]:
    """Listen as a socket unit does."""
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(n)]
    try:
        yield sockets
    finally:
        for listener in sockets:
            listener.close()


@contextmanager
def handed(
    artifacts: Path, sockets: list[socket.socket], *options: object, **env: str
) -> Iterator[Server]:
    """Start a server with sockets from descriptor 3 on."""
    files = [listener.fileno() for listener in sockets]
    prefix = hand_over(files)
    with serving(artifacts, *options, env=env, prefix=prefix, files=files) as running:
        yield running


def test_it_serves_on_the_sockets_that_it_is_handed_and_on_no_other(artifacts: Path) -> None:
    with listening(2) as sockets, handed(artifacts, sockets, "--workers", 2) as running:
        urls = [f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in sockets]
        assert running.start["urls"] == urls
        assert running.predict(INSTANCE).json() == {"prediction": "virginica"}


def test_a_restart_on_a_handed_socket_loses_no_request(artifacts: Path) -> None:
    """Whoever connects between the two servers waits, and is answered by the second."""
    with listening() as sockets, ExitStack() as servers:
        address = sockets[0].getsockname()
        running = servers.enter_context(handed(artifacts, sockets, "--workers", 2))
        with Load(lambda: socket.create_connection(address, 20), keep_alive=0, renewing=4) as load:
            for _ in range(5):
                load.go_on(50)
                assert running.stop() == 0
                running = servers.enter_context(handed(artifacts, sockets, "--workers", 2))
            load.go_on(50)
        assert load.failures == []


def test_a_request_that_is_under_way_is_answered_and_newcomers_are_left_to_the_next(
    artifacts: Path,
) -> None:
    with listening() as sockets, handed(artifacts, sockets, "--workers", 1) as running:
        (worker,) = forked(running, 1)
        with running.connect() as begun, socket.socket() as newcomer:
            begun.sendall(SMALL[:-1])
            wait_until_read(begun)
            running.process.send_signal(signal.SIGTERM)
            wait_until(lambda: running.events("drain"))
            wait_until(lambda: not holds(worker, sockets[0]))
            newcomer.connect(sockets[0].getsockname())
            newcomer.sendall(SMALL)
            assert_stays(lambda: connections_of(worker) == 1, 0.3)
            begun.sendall(SMALL[-1:])
            assert read_answer(begun).status == 200
            begun.close()
            assert running.process.wait(20) == 0
            with handed(artifacts, sockets) as _:
                assert read_answer(newcomer).status == 200


def holds(pid: int, listener: socket.socket) -> bool:
    return f"socket:[{os.fstat(listener.fileno()).st_ino}]" in files_of(pid)


def test_sockets_for_another_process_are_not_taken(artifacts: Path) -> None:
    with serving(artifacts, env={"LISTEN_PID": "1", "LISTEN_FDS": "1"}) as running:
        assert running.predict(INSTANCE).status == 200


def a_file() -> int:
    return os.open(os.devnull, os.O_RDONLY)


def a_datagram_socket() -> int:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach()


def a_socket_that_does_not_listen() -> int:
    return socket.socket().detach()


@pytest.mark.parametrize("make", [a_file, a_datagram_socket, a_socket_that_does_not_listen])
def test_a_descriptor_that_is_no_listening_socket_is_named(
    artifacts: Path, make: Callable[[], int]
) -> None:
    descriptor = make()
    try:
        ran = run_handed(artifacts, [descriptor])
    finally:
        os.close(descriptor)
    assert ran.returncode == 1
    assert "descriptor 3: expected a listening socket" in ran.stderr
    assert "ListenStream=" in ran.stderr


def run_handed(
    artifacts: Path, files: Sequence[int], *options: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*hand_over(files), *COMMAND, "serve", "--artifacts", str(artifacts), *options],
        pass_fds=files,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("option", "said"),
    [("--port=5000", "LISTEN_FDS"), ("--unix-socket=here", "LISTEN_FDS"), ("--dev", "of its own")],
)
def test_a_handed_socket_beside_an_address_is_refused(
    artifacts: Path, option: str, said: str
) -> None:
    with listening() as (listener,):
        ran = run_handed(artifacts, [listener.fileno()], option)
    assert ran.returncode == 2
    assert said in ran.stderr


@pytest.mark.parametrize("number", ["-1", "65", "1e3", "", "x" * 1000])
def test_a_number_of_sockets_that_nobody_means_is_refused(run: Run, number: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTEN_PID", str(os.getpid()))
        patch.setenv("LISTEN_FDS", number)
        ran = run("serve")
    assert ran.code == 2
    assert "LISTEN_FDS: expected a number from 0 to 64" in ran.err
    assert len(ran.err) < 500


@contextmanager
def told(path: Path, *, abstract: bool = False) -> Iterator[tuple[str, socket.socket]]:
    """Listen as a service manager does, and yield what to call it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"iris-deploy-{os.getpid()}" if abstract else str(path / "notify")
        manager.bind("\0" + name if abstract else name)
        manager.settimeout(20)
        yield ("@" if abstract else "") + name, manager


def fields(manager: socket.socket) -> dict[str, str]:
    """Return the next message that is no sign of life."""
    while True:
        message = dict(line.split("=", 1) for line in manager.recv(4096).decode().splitlines())
        if message != {"WATCHDOG": "1"}:
            return message


@pytest.mark.parametrize("abstract", [False, True])
def test_a_service_manager_is_told_when_it_is_ready_reloads_and_stops(
    artifacts: Path, tmp_path: Path, abstract: bool
) -> None:
    with (
        told(tmp_path, abstract=abstract) as (address, manager),
        serving(artifacts, "--workers", 2, env={"NOTIFY_SOCKET": address}) as running,
    ):
        ready = fields(manager)
        assert ready["READY"] == "1"
        assert ready["STATUS"].startswith("Serving iris version 2 (sha256:")
        assert running.predict(INSTANCE).status == 200
        before = time.monotonic_ns() // 1000
        assert main(["train", "--artifacts", str(artifacts)]) == 0
        running.process.send_signal(signal.SIGHUP)
        reloading = fields(manager)
        assert reloading["RELOADING"] == "1"
        assert before < int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert "version 3" in fields(manager)["STATUS"]
        running.process.send_signal(signal.SIGTERM)
        assert fields(manager)["STOPPING"] == "1"
        assert running.process.wait(20) == 0


def test_a_watchdog_gets_a_sign_of_life_each_second_as_long_as_the_supervisor_lives(
    artifacts: Path, tmp_path: Path
) -> None:
    with (
        told(tmp_path) as (address, manager),
        serving(artifacts, env={"NOTIFY_SOCKET": address}) as running,
    ):
        signs = [manager.recv(4096) for _ in range(4)]
        assert signs[1:] == [b"WATCHDOG=1"] * 3
        os.kill(running.process.pid, signal.SIGSTOP)
        while select.select([manager], [], [], 0.1)[0]:  # what it had said before
            manager.recv(4096)
        assert not select.select([manager], [], [], 2.5)[0]
        os.kill(running.process.pid, signal.SIGCONT)


@pytest.mark.parametrize("address", ["/no/such/place", "nothing", "vsock:2:1234", "@"])
def test_a_service_manager_that_cannot_be_reached_changes_nothing(
    artifacts: Path, address: str
) -> None:
    with serving(artifacts, env={"NOTIFY_SOCKET": address}) as running:
        assert running.predict(INSTANCE).status == 200
        assert running.stop() == 0
