"""Signals that come when nobody expects them: while the server starts, and to all its processes."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import COMMAND, serving
from tests.load import SMALL, Load, forked, read_answer
from tests.waits import pause, wait_until, wait_until_read

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
    pause(delay)
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
        pause(milliseconds / 1000)
        os.killpg(process.pid, number)
        _, err = end(process)
        assert (process.returncode, err) in {(0, ""), (128 + signal.SIGINT, "")}


def test_a_signal_to_all_processes_counts_once_later(artifacts: Path) -> None:
    process = start(artifacts, "--workers", 4)
    assert process.stdout
    process.stdout.readline()
    pause(0.5)
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


PAIRS = [(signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT), (signal.SIGINT,) * 2]


@pytest.mark.parametrize(
    ("apart", "pair"),
    [(0, PAIRS[0]), (0.0001, PAIRS[1]), (0.005, PAIRS[2]), (0.15, PAIRS[0]), (0.4, PAIRS[1])],
)
def test_two_stop_signals_within_a_second_are_one_wish(
    artifacts: Path, apart: float, pair: tuple[int, int]
) -> None:
    """As of Ctrl-C below make or timeout: one for the group, and one more from the program."""
    with serving(artifacts, "--workers", 2) as running, running.connect() as connection:
        forked(running, 2)
        connection.sendall(SMALL[:-1])
        wait_until_read(connection)
        for number in pair:
            running.process.send_signal(number)
            pause(apart)
        connection.sendall(SMALL[-1:])
        assert read_answer(connection).status == 200
        assert running.process.wait(20) == 0
        assert running.errors.read_text() == ""
        assert running.log()[-1]["event"] == "stop"


@pytest.mark.parametrize("pair", PAIRS)
def test_a_stop_signal_that_comes_after_the_end_changes_nothing(
    artifacts: Path, pair: tuple[int, int]
) -> None:
    """Of one that comes a second after the first, but before the end, it would be another wish."""
    with serving(artifacts, "--workers", 1) as running:
        forked(running, 1)
        running.process.send_signal(pair[0])
        wait_until(lambda: running.events("stop") or running.process.poll() is not None)
        while running.process.poll() is None:
            running.process.send_signal(pair[1])
        assert running.process.wait(20) == 0, running.errors.read_text()
        assert running.errors.read_text() == ""
        assert running.log()[-1]["event"] == "stop"


def test_a_stop_signal_is_never_lost_in_many_others(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--access-log", "off") as running:
        forked(running, 2)
        for _ in range(5000):
            running.process.send_signal(signal.SIGHUP)
            os.sched_yield()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) == 0


def test_a_stop_signal_does_not_wait_for_reloads_that_go_on(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--access-log", "off") as running:
        forked(running, 2)
        begun = time.monotonic()
        while running.process.poll() is None and time.monotonic() - begun < 10:
            running.process.send_signal(signal.SIGHUP)  # as fast as they can be sent
            if time.monotonic() - begun > 0.7:
                running.process.send_signal(signal.SIGTERM)
            if time.monotonic() - begun > 1.2:
                break
        assert running.process.wait(20) == 0
        assert running.errors.read_text() == ""


def test_a_reload_that_is_asked_for_while_it_starts_is_not_lost(artifacts: Path) -> None:
    """What it had read by then may be old."""
    process = start(artifacts, "--workers", 1)
    status = Path(f"/proc/{process.pid}/status")
    bit = 1 << (signal.SIGHUP - 1)

    def catches() -> bool:
        (caught,) = (line for line in status.read_text().splitlines() if line[:7] == "SigCgt:")
        return bool(int(caught.split()[1], 16) & bit)

    wait_until(catches)
    process.send_signal(signal.SIGHUP)
    assert process.stdout
    events = [json.loads(process.stdout.readline())["event"] for _ in range(2)]
    process.terminate()
    end(process)
    assert events == ["start", "reload_same"]
    assert process.returncode == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_signals_loses_neither_the_stop_nor_a_request(
    artifacts: Path, seed: int
) -> None:
    chance = random.Random(seed)
    noise = [signal.SIGHUP, signal.SIGCHLD, signal.SIGCONT, signal.SIGWINCH]
    options = ("--workers", 2, "--watch", "--access-log", "off")
    with (
        serving(artifacts, *options) as running,
        Load(running.connect, keep_alive=4, renewing=2) as load,
    ):
        forked(running, 2)
        load.go_on(50)
        for _ in range(1500):
            running.process.send_signal(chance.choice(noise))
            if chance.random() < 0.02:
                pause(chance.random() / 50)
        load.go_on(50)
        load.refusals_are_fine = True
        begun = time.monotonic()
        for number in chance.choice(PAIRS):
            for _ in range(chance.randrange(300)):
                running.process.send_signal(chance.choice(noise))
            running.process.send_signal(number)
        while running.process.poll() is None and time.monotonic() - begun < 0.9:
            running.process.send_signal(chance.choice([*noise, signal.SIGTERM, signal.SIGINT]))
            pause(chance.random() / 100)
        assert running.process.wait(20) == 0
        load.join()
        assert load.failures == []
        assert running.errors.read_text() == ""
        assert len(running.events("drain")) == 1
