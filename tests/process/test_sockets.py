"""Where the server listens, and which options it refuses."""

import fcntl
import os
import signal
import socket
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path

import pytest

from iris_deploy.errors import ServerError
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.supervision.sockets import open_sockets, remove_unix_sockets
from tests.conftest import Answer, Run, free_port, run_process, serving
from tests.load import Load, ask_port, is_refused, read_answer
from tests.pieces import INSTANCE, post
from tests.waits import wait_until

SMALL = post(b'{"length": 5.1, "width": 2.4}')


def connector(path: Path) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(20)
            connection.connect(str(path))
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


def ask(path: Path) -> Answer:
    with connector(path)() as connection:
        connection.sendall(SMALL)
        return read_answer(connection)


@pytest.mark.parametrize(("options", "mode"), [((), 0o600), (("--unix-socket-mode", "666"), 0o666)])
def test_a_unix_socket_answers_and_is_removed_at_the_end(
    artifacts: Path, tmp_path: Path, options: tuple[str, ...], mode: int
) -> None:
    path = tmp_path / "socket"
    with serving(artifacts, "--unix-socket", path, *options) as running:
        assert running.start["urls"] == [f"unix:{path}"]
        assert ask(path).json() == {"prediction": "virginica"}
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert running.stop() == 0
        assert not path.exists()


def test_no_request_is_lost_on_a_unix_socket_when_a_busy_server_is_stopped(
    artifacts: Path, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    with (
        serving(artifacts, "--unix-socket", path, "--workers", 2) as running,
        Load(connector(path), keep_alive=8, renewing=8) as load,
    ):
        load.go_on(500)
        load.refusals_are_fine = True
        assert running.stop() == 0
        load.join()
        assert load.failures == []


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_a_unix_socket_that_a_dead_server_left_is_replaced(
    artifacts: Path, tmp_path: Path, how: str
) -> None:
    path = tmp_path / "socket"
    if how == "closed":
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
            left.bind(str(path))
    else:
        with serving(artifacts, "--unix-socket", path, "--workers", 1) as running:
            assert ask(path).status == 200
            workers = running.workers()
            for pid in (running.process.pid, *workers):
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: is_refused(connector(path)))
    assert path.is_socket()
    with serving(artifacts, "--unix-socket", path) as running:
        assert ask(path).status == 200


def test_a_unix_socket_in_use_is_refused_and_left_alone(artifacts: Path, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with serving(artifacts, "--unix-socket", path) as running:
        second = run_process("serve", "--artifacts", artifacts, "--unix-socket", path)
        assert second.returncode == 1
        assert b"in use" in second.stderr
        assert b"--unix-socket" in second.stderr
        assert ask(path).status == 200
        assert running.stop() == 0


def _other_server(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(path))


def _move_directory(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))


SUCCESSORS: dict[str, Callable[[Path], object]] = {
    "socket": _other_server,
    "file": lambda path: path.write_text("precious"),
    "directory": Path.mkdir,
    "link": lambda path: path.symlink_to("nothing"),
    "pipe": os.mkfifo,
    "nothing": lambda _: None,
    "no directory": _move_directory,
    "no directory any more": lambda path: path.parent.rmdir(),
}
"""What may be at the path of a server's socket, when it is the server's no more."""


@pytest.mark.parametrize("kind", SUCCESSORS)
def test_a_server_that_stops_leaves_alone_what_is_not_its_own(
    artifacts: Path, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "run/socket"
    path.parent.mkdir()
    with serving(artifacts, "--unix-socket", path, "--workers", 1) as running:
        assert ask(path).status == 200
        path.unlink()
        SUCCESSORS[kind](path)
        before = path.lstat().st_ino if os.path.lexists(path) else None
        assert running.stop() == 0
        assert running.errors.read_text() == ""
        assert (path.lstat().st_ino if os.path.lexists(path) else None) == before


def test_a_server_goes_on_at_the_path_of_one_that_stops_later(
    artifacts: Path, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    with serving(artifacts, "--unix-socket", path, "--workers", 1) as old:
        path.unlink()
        with serving(artifacts, "--unix-socket", path, "--workers", 1) as new:
            assert old.stop() == 0
            assert ask(path).status == 200
            assert new.stop() == 0
            assert not path.exists()


def test_of_servers_that_start_at_once_at_a_dead_ones_path_one_has_it(tmp_path: Path) -> None:
    """Whichever it is, it is reached by the path."""
    path = tmp_path / "socket"
    settings = ServeSettings(ports=(), unix_socket=path)

    def start(barrier: threading.Barrier) -> list[socket.socket]:
        barrier.wait()
        try:
            return open_sockets(settings)
        except ServerError:
            return []

    with ThreadPoolExecutor(4) as pool:
        for _ in range(60):
            _other_server(path)  # and is gone
            barrier = threading.Barrier(4)
            listeners = list(chain.from_iterable(pool.map(start, [barrier] * 4)))
            try:
                assert len(listeners) == 1
                connector(path)().close()
                remove_unix_sockets(listeners)
                assert not path.exists()
            finally:
                for listener in listeners:
                    listener.close()


def test_a_unix_socket_whose_queue_is_full_is_in_use(artifacts: Path, tmp_path: Path) -> None:
    """Its server may be stopped, or busy; whoever would wait for it waits for ever."""
    path = tmp_path / "socket"
    with ExitStack() as open_, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stuck:
        stuck.bind(str(path))
        stuck.listen(0)
        with suppress(BlockingIOError):
            while True:
                waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                open_.enter_context(waiting).settimeout(0)
                waiting.connect(str(path))
        result = run_process("serve", "--artifacts", artifacts, "--unix-socket", path)
        assert result.returncode == 1
        assert b"in use" in result.stderr
        assert path.is_socket()


def test_a_foreign_lock_on_the_directory_is_not_waited_for(artifacts: Path, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        with serving(artifacts, "--unix-socket", path, "--workers", 1) as running:
            assert ask(path).status == 200
            assert running.stop() == 0
            assert not path.exists()
    finally:
        os.close(directory)


@pytest.mark.parametrize("kind", ["file", "directory", "link", "missing directory", "too long"])
def test_what_is_no_socket_is_refused_and_left_alone(
    artifacts: Path, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "path"
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.with_name("target").write_text("precious")
        path.symlink_to("target")
    else:
        path = path / "below" if kind == "missing directory" else path.with_name("p" * 150)
    result = run_process("serve", "--artifacts", artifacts, "--unix-socket", path)
    assert result.returncode == (2 if kind == "too long" else 1)
    expected = b"at most 107 bytes" if kind == "too long" else b"cannot listen on the Unix socket"
    assert expected in result.stderr
    if kind in {"file", "link"}:
        assert path.read_text() == "precious"
    assert path.is_symlink() == (kind == "link")


def test_a_unix_socket_and_a_port_work_side_by_side(artifacts: Path, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with serving(artifacts, "--unix-socket", path, "--port", 0, "--workers", 2) as running:
        assert len(running.start["urls"]) == 2
        for _ in range(5):
            assert running.predict(INSTANCE).status == 200
            assert ask(path).status == 200


def test_several_ports_work_side_by_side(artifacts: Path) -> None:
    ports = free_port(), free_port()
    with serving(artifacts, "--port", ports[0], "--port", ports[1], "--port", 0) as running:
        third = int(running.start["urls"][2].rpartition(":")[2])
        for port in (*ports, third):
            assert ask_port(port) == 200


def test_one_port_that_is_taken_lets_go_of_the_others(artifacts: Path, tmp_path: Path) -> None:
    first, path = free_port(), tmp_path / "socket"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        second = taken.getsockname()[1]
        options = ("--port", first, "--port", second, "--unix-socket", path)
        result = run_process("serve", "--artifacts", artifacts, *options)
    assert result.returncode == 1
    assert f"port {second}" in result.stderr.decode()
    assert not path.exists()
    with serving(artifacts, "--port", first):
        assert ask_port(first) == 200


@pytest.mark.parametrize(
    "options",
    [
        ("--port", 5000, "--port", 5000),
        ("--port", "many"),
        ("--workers", 0),
        ("--threads", -1),
        ("--connections", 0),
        ("--max-body-bytes", 0),
        ("--max-header-bytes", 1023),
        ("--worker-timeout", 4.9),
        ("--request-timeout", 0),
        ("--idle-timeout", "inf"),
        ("--queue-timeout", "nan"),
        ("--grace", 0),
        ("--grace", "soon"),
        ("--drain-delay", 5),
        ("--drain-delay", -1),
        ("--unix-socket-mode", "rw"),
        ("--unix-socket-mode", "1777"),
        ("--unix-socket-mode", "-1"),
        ("--url-prefix", "iris"),
        ("--url-prefix", "/iris/"),
        ("--cors-origin", "example.com"),
        ("--trusted-proxy", "localhost"),
        ("--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.1/8"),
        ("--cors-header", "a b"),
        ("--cors-header", ""),
        ("--access-log", "yes"),
        ("--trusted-proxy-count", 0),
        ("--metrics", "perhaps"),
        ("--log-format", "xml"),
    ],
    ids=lambda options: " ".join(map(str, options)),
)
def test_a_wrong_option_is_a_usage_error_that_names_it(
    run: Run, artifacts: Path, options: tuple[object, ...]
) -> None:
    result = run("serve", "--artifacts", artifacts, *options)
    assert result.code == 2
    assert str(options[0]) in result.err
    assert result.out == ""


@pytest.mark.parametrize("text", [None, "", "short", "sixteen-letters-but\u00e9", "a" * 600])
def test_a_wrong_tokens_file_is_a_usage_error(
    run: Run, artifacts: Path, tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "tokens"
    if text is not None:
        path.write_text(text)
    result = run("serve", "--artifacts", artifacts, "--port", 0, "--tokens-file", path)
    assert result.code == 2
    assert "--tokens-file" in result.err
    assert (text or "?") not in result.err
