"""Where the log goes: a terminal, a pipe that nobody reads, a full disk, nowhere."""

import errno
import fcntl
import json
import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from iris_deploy.serving.telemetry.log import Log
from iris_deploy.serving.telemetry.request_lines import Answered
from tests.conftest import COMMAND, Server, free_port, serving
from tests.load import read_answer
from tests.pieces import post
from tests.raw_http import get, raw
from tests.terminals import read_terminal
from tests.waits import wait_until, within

INSTANCE = {"length": 5.1, "width": 2.4}
REQUESTS = 100


@contextmanager
def saying_to(
    descriptor: int | None, artifacts: Path, *options: object, directory: Path
) -> Iterator[Server]:
    """Serve with a file descriptor for standard output; None for none at all."""
    port = free_port()
    words = ["serve", "--artifacts", str(artifacts), "--port", str(port), *map(str, options)]
    command = [*COMMAND, *words]
    if descriptor is None:
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    errors = directory / "errors"
    with errors.open("wb") as err:
        process = subprocess.Popen(
            command, stdout=descriptor, stderr=err, stdin=subprocess.DEVNULL, text=True
        )
    server = Server(process, f"http://127.0.0.1:{port}", {}, errors, errors)

    def is_up() -> bool:
        assert process.poll() is None, errors.read_text()
        try:
            return server.request("GET", "/health/ready").status == 200
        except OSError:
            return False

    try:
        wait_until(is_up)
        yield server
    finally:
        process.kill()
        process.wait()


def answers(server: Server) -> None:
    """Check that both lanes answer, well, and soon."""
    with within(20):
        for _ in range(REQUESTS):
            assert server.predict(INSTANCE).json() == {"prediction": "virginica"}
            assert server.request("GET", "/nope").json()["status"] == 404
        assert server.predict([INSTANCE] * 300).status == 200


def test_a_terminal_gets_text_for_people(artifacts: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    try:
        with saying_to(slave, artifacts, "--workers", 2, directory=tmp_path) as running:
            os.close(slave)
            assert running.predict(INSTANCE, **{"X-Request-ID": "mine"}).status == 200
            assert running.stop() == 0
        shown = b"".join(read_terminal(master)).decode().replace("\r\n", "\n").splitlines()
    finally:
        os.close(master)
    assert any(re.fullmatch(r"[\d:]{8} 200 POST /predict [\d.]+ ms \S+ mine", x) for x in shown)
    shown = [line for line in shown if not line.endswith(" mine")]  # wherever it is
    assert re.fullmatch(
        rf"(\d\d:\d\d:\d\d )?Serving iris version 2 \(sha256:\w{{12}}\) at {running.url}, "
        r"2 workers, Ctrl-C to stop",
        shown[0],
    )
    assert shown[1].startswith(f"Try: curl -s {running.url}/predict ")
    assert shown[-1].endswith("topped; every request was answered")
    assert not [line for line in shown if line.startswith("{") or "\x1b" in line]


def test_a_terminal_where_another_process_writes_at_the_moment_loses_no_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    master, slave = pty.openpty()
    write, refusals = os.write, iter(range(10))

    def refusing_at_first(descriptor: int, data: bytes) -> int:
        if next(refusals, None) is not None:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return write(descriptor, data)

    try:
        log = Log("text", descriptor=slave)
        monkeypatch.setattr(os, "write", refusing_at_first)
        log.event("info", "start", "Here I am")
        monkeypatch.undo()
        assert select.select([master], [], [], 5)[0], "nothing was written"
        assert b"Here I am" in os.read(master, 1000)
        log.event("info", "start", "And again")
        assert b"lost" not in os.read(master, 1000)
    finally:
        os.close(master)
        os.close(slave)


def test_json_may_be_asked_for_on_a_terminal(artifacts: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    try:
        options = ("--workers", 1, "--log-format", "json", "--access-log", "all")
        with saying_to(slave, artifacts, *options, directory=tmp_path) as running:
            os.close(slave)
            assert running.stop() == 0
        shown = b"".join(read_terminal(master)).decode().splitlines()
    finally:
        os.close(master)
    events = [json.loads(line)["event"] for line in shown]
    assert sorted(events) == ["drain", "request", "start", "stop"]


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_full_disk_does_not_stop_the_server(artifacts: Path, tmp_path: Path, style: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        options = ("--workers", 2, "--log-format", style)
        with saying_to(full, artifacts, *options, directory=tmp_path) as running:
            answers(running)
            assert running.stop() == 0
            assert running.errors.read_text() == ""
    finally:
        os.close(full)


def test_a_reader_that_went_away_does_not_stop_the_server(artifacts: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        with saying_to(writer, artifacts, "--workers", 2, directory=tmp_path) as running:
            os.close(writer)
            assert running.predict(INSTANCE).status == 200
            os.close(reader)
            wait_until(lambda: len(running.workers()) == 2)  # the first answers before
            workers = running.workers()
            answers(running)
            assert running.workers() == workers
            assert running.stop() == 0
            assert running.errors.read_text() == ""
    finally:
        for descriptor in (reader, writer):
            try:
                os.close(descriptor)
            except OSError:
                continue


def test_a_reader_that_stopped_reading_does_not_stop_the_server(
    artifacts: Path, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    try:
        with saying_to(writer, artifacts, "--workers", 2, directory=tmp_path) as running:
            os.close(writer)
            for _ in range(REQUESTS):
                assert raw(running, get(b"/health/live"), timeout=5).status == 200
            answers(running)
            assert running.stop() == 0
    finally:
        os.close(reader)


def test_the_lines_of_workers_do_not_mix_in_a_pipe(artifacts: Path, tmp_path: Path) -> None:
    """Nor are any lost without a word, if the reader cannot keep up."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with (
        os.fdopen(reader, "rb") as end,
        ThreadPoolExecutor(5) as pool,
        saying_to(writer, artifacts, "--workers", 2, directory=tmp_path) as running,
    ):
        os.close(writer)
        text = pool.submit(end.read)
        path = "/" + "x" * 200
        sent = [pool.submit(running.request, "GET", path) for _ in range(4 * REQUESTS)]
        assert {request.result().status for request in sent} == {404}
        for _ in range(20):  # so that both workers have a line to tell a loss before
            running.request("GET", path)
        assert running.stop() == 0
        lines = [json.loads(line) for line in text.result().splitlines()]
        requests = [line for line in lines if line["event"] == "request" and line["path"] == path]
        lost = [int(line["message"].split()[0]) for line in lines if line["event"] == "lost"]
        assert len(requests) + sum(lost) == 4 * REQUESTS + 20


def test_no_standard_output_at_all_is_no_harm(artifacts: Path, tmp_path: Path) -> None:
    """A service manager may start it with descriptor 1 closed; another file must not get lines."""
    with saying_to(None, artifacts, "--workers", 2, directory=tmp_path) as running:
        answers(running)
        assert running.stop() == 0
        assert running.errors.read_text() == ""


def answered(number: int, client: str = "192.0.2.1") -> Answered:
    return f"id-{number}", client, "POST", "/predict", 200, 0.001, 26, "loop", ""


def test_lines_that_are_gathered_keep_their_order_among_events(tmp_path: Path) -> None:
    file = tmp_path / "log"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        log = Log("json", descriptor=descriptor)
        log.gather()
        for number in range(3):
            log.request(answered(number))
        assert file.read_bytes() == b""
        log.event("warning", "full", "It is full")
        log.request(answered(3))
        log.flush()
        log.flush()
    finally:
        os.close(descriptor)
    told = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("id", line["event"]) for line in told] == [
        *("id-0", "id-1", "id-2"),
        *("full", "id-3"),
    ]


def test_writes_to_a_pipe_are_of_whole_lines_that_the_kernel_keeps_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    written: list[bytes] = []
    try:
        log = Log("json", descriptor=writer)
        monkeypatch.setattr(os, "write", lambda _to, data: written.append(data))
        log.gather()
        for number in range(500):
            log.request(answered(number, "x" * (number % 300)))
        log.flush()
        monkeypatch.undo()
    finally:
        os.close(reader)
        os.close(writer)
    assert max(map(len, written)) <= select.PIPE_BUF
    assert len(written) < 100
    assert all(data.endswith(b"}\n") for data in written)
    told = [json.loads(line)["id"] for line in b"".join(written).splitlines()]
    assert told == [f"id-{number}" for number in range(500)]


def test_a_line_is_there_before_the_next_request_of_its_client_is_answered(
    artifacts: Path,
) -> None:
    """Whatever ends a worker then, it takes no more than the lines of one turn."""
    with serving(artifacts, "--workers", 1) as running, running.connect() as connection:
        for number in range(50):
            connection.sendall(
                post(b'{"length": 5.1, "width": 2.4}', b"X-Request-ID: a-%d" % number)
            )
            assert read_answer(connection).status == 200
            told = [event["id"] for event in running.events("request")]
            assert told[:number] == [f"a-{before}" for before in range(number)]
