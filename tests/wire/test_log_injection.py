"""Nothing that clients send forges a log line, breaks one, or drives a terminal."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Answer, Server, serving
from tests.injections import REQUESTS
from tests.raw_http import get, raw
from tests.waits import wait_until

ATOMIC = 4096  # PIPE_BUF: a longer line may mix with those of other workers in a pipe
CLEAN_ID = r"[A-Za-z0-9._-]{1,64}"
CONTROL = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # C0 but the line feed, C1, breaks


@contextmanager
def wildly_asked(artifacts: Path, style: str) -> Iterator[tuple[Server, list[Answer]]]:
    """Serve with two workers and send everything; yield when all of it is logged."""
    with serving(artifacts, "--workers", 2, "--log-format", style) as running:
        before = len(lines(running))
        answers = [raw(running, request) for request in REQUESTS]
        wait_until(lambda: len(lines(running)) >= before + len(answers))
        yield running, answers
        assert len(lines(running)) == before + len(answers)
        assert running.errors.read_text() == ""


def lines(server: Server) -> list[str]:
    """Return the lines as a collector of logs splits them, at line feeds and nowhere else."""
    found = server.output.read_bytes().decode().split("\n")
    assert found.pop() == ""
    return found


def test_every_request_is_one_json_object_on_one_line(artifacts: Path) -> None:
    with wildly_asked(artifacts, "json") as (running, answers):
        start, *requests = [json.loads(line) for line in lines(running)]
        assert start["event"] == "start"
        assert {line["event"] for line in requests} == {"request"}
        told = {line["id"]: line["status"] for line in requests}
        assert told == {a.headers["X-Request-ID"]: a.status for a in answers}
        assert len(requests) == len(answers) == len(told)
        assert all(re.fullmatch(CLEAN_ID, identity) for identity in told)


def test_every_request_is_one_line_of_text(artifacts: Path) -> None:
    with wildly_asked(artifacts, "text") as (running, answers):
        told = {line.rpartition(" ")[2]: line for line in lines(running)}
        for answer in answers:
            line = told[answer.headers["X-Request-ID"]]
            assert re.search(rf" {answer.status} .* ms 127\.0\.0\.1 {CLEAN_ID}$", line), line


@pytest.mark.parametrize("style", ["json", "text"])
def test_control_characters_are_escaped(artifacts: Path, style: str) -> None:
    """Those that no terminal and no viewer of logs should be told, U+009B (CSI) among them."""
    with wildly_asked(artifacts, style) as (running, _):
        wild = [line for line in lines(running) if CONTROL.search(line)]
        assert wild == []


@pytest.mark.parametrize("style", ["json", "text"])
@pytest.mark.parametrize(
    "request_bytes",
    [
        get(b"/", method=b"A" * 9000),
        get(b"/" + b"\xff" * 9000),
        get(b"/" + b"\x1b" * 9000),
        get(b"/", b"X-Forwarded-For: " + b"9" * 9000),
    ],
    ids=["method", "path", "escapes", "client"],
)
def test_a_line_is_short_enough_to_stay_whole_in_a_pipe(
    artifacts: Path, style: str, request_bytes: bytes
) -> None:
    options = ("--workers", 1, "--log-format", style, "--trusted-proxy", "127.0.0.1")
    with serving(artifacts, *options) as running:
        before = len(lines(running))
        raw(running, request_bytes)
        wait_until(lambda: len(lines(running)) > before)
        assert max(len(line.encode()) for line in lines(running)) < ATOMIC
