"""Signals that come when nobody expects them: while the server starts, and to all its processes."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import COMMAND

IN_THE_GAP = """
import os, signal
real = signal.set_wakeup_fd
def late(*args, **kwargs):
    signal.set_wakeup_fd = real
    os.kill(os.getpid(), signal.SIGTERM)
    return real(*args, **kwargs)
signal.set_wakeup_fd = late
"""


def start(artifacts: Path, *options: object, **more: str) -> "subprocess.Popen[str]":
    """Start the server as the leader of a process group, as a shell does."""
    return subprocess.Popen(
        [*COMMAND, "serve", "--artifacts", artifacts, "--port", "0", *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **more},
    )


def end(process: "subprocess.Popen[str]") -> tuple[str, str]:
    try:
        return process.communicate(timeout=10)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("delay", [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5])
def test_a_signal_while_it_starts_ends_it(artifacts: Path, delay: float) -> None:
    process = start(artifacts)
    time.sleep(delay)
    process.terminate()
    _, err = end(process)
    assert process.returncode in {0, -signal.SIGTERM}
    assert err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_counts_once_while_workers_are_forked(
    artifacts: Path, number: int
) -> None:
    """Ctrl-C reaches the workers too, and what they are told is not told by them again."""
    for milliseconds in (0, 2, 4, 6):
        process = start(artifacts, "--workers", 4)
        assert process.stdout
        process.stdout.readline()
        time.sleep(milliseconds / 1000)
        os.killpg(process.pid, number)
        _, err = end(process)
        assert (process.returncode, err) in {(0, ""), (128 + signal.SIGINT, "")}


def test_a_signal_to_all_processes_counts_once_later(artifacts: Path) -> None:
    process = start(artifacts, "--workers", 4)
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    out, err = end(process)
    assert (process.returncode, err) == (0, "")
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["drain", "stop"]


def test_no_signal_is_lost_between_two_ways_to_take_it(artifacts: Path, tmp_path: Path) -> None:
    """One that comes just before the supervisor begins to listen to signals ends it too."""
    (tmp_path / "sitecustomize.py").write_text(IN_THE_GAP)
    process = start(artifacts, PYTHONPATH=str(tmp_path))
    _, err = end(process)
    assert (process.returncode, err) == (0, "")
