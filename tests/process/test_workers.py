"""Several processes: how many there are, what follows a dead one, and how a new bundle comes in."""

import os
import signal
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from iris_deploy.serving.supervision.control_groups import limit_of_memory
from iris_deploy.serving.supervision.cpus import usable_cpus
from tests.conftest import Server, serving
from tests.load import ASKED, Load, connections_of, forked, read_answer
from tests.pieces import INSTANCE, post
from tests.waits import assert_stays, pause, wait_until

pytestmark = pytest.mark.once

RESTARTS = "iris_deploy_worker_restarts_total"
ANSWERED = 'iris_deploy_requests_total{contract="native",route="/predict",status="200"}'
SMALL = post(b'{"length": 5.1, "width": 2.4}')
THIRD_FORK = """
import os, time
real, count = os.fork, [0]
def fork():
    count[0] += 1
    if count[0] != 3:
        return real()
    {what}
os.fork = fork
"""
FAILS = 'raise BlockingIOError(11, "Resource temporarily unavailable")'
DIES = "pid = real(); pid or os._exit(1); time.sleep(0.1); return pid"
TOKENS = ("the-first-token-of-two", "the-second-token-of-two")


def threads(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("Threads:")[2].split()[0])


def kill_one(server: Server) -> int:
    """Kill the worker that is the eldest, and return its process id."""
    pid = min(server.workers(), key=lambda pid: Path(f"/proc/{pid}").stat().st_ctime)
    os.kill(pid, signal.SIGKILL)
    return pid


def is_dead(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_there_are_as_many_processes_and_threads_as_asked_for(artifacts: Path) -> None:
    with (
        serving(artifacts, "--workers", 3, "--threads", 2) as running,
        Load(running.connect, keep_alive=4, renewing=4) as load,
    ):
        load.go_on()
        assert [threads(pid) for pid in forked(running, 3)] == [1 + 2] * 3
        assert threads(running.process.pid) == 1
        assert load.failures == []


def test_there_is_a_process_for_each_usable_processor(artifacts: Path) -> None:
    with serving(artifacts) as running:
        wait_until(lambda: len(running.workers()) == usable_cpus())
        assert running.start["workers"] == usable_cpus()


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"": "50000 100000"}, 1),
        ({"": "150000 100000"}, 2),
        ({"": "max 100000"}, 8),
        ({}, 8),
        ({"": "1600000 100000"}, 8),
        ({"a/b": "max 100000", "a": "300000 100000"}, 3),
        ({"a/b": "200000 100000", "a": "300000 100000", "": "max 100000"}, 2),
        ({"elsewhere": "100000 100000"}, 8),
        ({"": "nonsense"}, 8),
    ],
)
def test_a_quota_of_the_control_group_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: dict[str, str], expected: int
) -> None:
    """Version 2; the group's own quota or one above it, whichever is lowest."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "own").write_text("0::/a/b\n")
    for group, text in figures.items():
        directory = tmp_path / "cgroup" / group
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "cpu.max").write_text(f"{text}\n")
    assert usable_cpus(tmp_path / "cgroup", tmp_path / "own") == expected


@pytest.mark.parametrize(
    ("quota", "expected"), [("50000", 1), ("150000", 2), ("-1", 8), ("400000", 4)]
)
@pytest.mark.parametrize("inside", ["", "docker/x"], ids=["mounted as the top", "from the host"])
def test_a_quota_of_version_1_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int, inside: str
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "own").write_text("5:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/docker/x\n")
    directory = tmp_path / "cgroup" / "cpu,cpuacct" / inside
    directory.mkdir(parents=True)
    (directory / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (directory / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cpus(tmp_path / "cgroup", tmp_path / "own") == expected


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/", {"memory.max": "max"}, None),
        ("0::/", {"memory.max": "1000"}, 1000),
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "3000"}, 3000),
        ("0::/a/b", {"a/b/memory.max": "5000", "a/memory.max": "3000"}, 3000),
        ("0::/a", {"b/memory.max": "5"}, None),
        ("0::/", {"memory.max": "nonsense"}, None),
        ("5:memory:/docker/x", {"memory/docker/x/memory.limit_in_bytes": "7"}, 7),
        ("5:memory:/docker/x", {"memory/memory.limit_in_bytes": "7"}, 7),
    ],
)
def test_a_limit_of_memory_counts(
    tmp_path: Path, own: str, files: dict[str, str], expected: int | None
) -> None:
    (tmp_path / "own").write_text(f"{own}\n")
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert limit_of_memory(tmp_path / "cgroup", tmp_path / "own") == expected


def test_a_killed_worker_is_replaced_and_only_its_requests_are_lost(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2) as running:
        with Load(running.connect, keep_alive=8, renewing=8) as load:
            load.go_on(500)
            before = running.metrics()
            killed = kill_one(running)
            wait_until(lambda: is_dead(killed) and len(running.workers()) == 2)
            load.go_on(500)
            assert len(load.failures) <= 16
            assert set(load.kinds()) <= {"closed", "reset"}
        after = running.metrics()
        assert (before[RESTARTS], after[RESTARTS]) == (0, 1)
        for name, value in before.items():
            if name.endswith("_total") and not name.startswith("process_"):
                assert after[name] >= value, name
        assert abs(after[ANSWERED] - load.right) <= 16
        (event,) = running.events("worker_died")
        assert (event["pid"], event["how"]) == (killed, "killed by SIGKILL")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGRTMIN + 1])
def test_a_worker_that_dies_of_any_signal_is_replaced(artifacts: Path, number: int) -> None:
    with serving(artifacts, "--workers", 2) as running:
        killed, sound = forked(running, 2)
        os.kill(killed, number)
        wait_until(lambda: is_dead(killed) and len(running.workers()) == 2)
        assert sound in running.workers()
        assert len(running.events("worker_died")) == 1
        assert running.stop() == 0


def test_service_goes_on_while_a_worker_is_killed_every_second(artifacts: Path) -> None:
    with (
        serving(artifacts, "--workers", 2) as running,
        Load(running.connect, keep_alive=4, renewing=4) as load,
    ):
        load.go_on(20)
        assert load.failures == []
        for number in range(1, 7):
            kill_one(running)
            pause(1)
            wait_until(lambda n=number: running.metrics()[RESTARTS] == n)  # type: ignore[misc]
            failed = len(load.failures)
            assert failed <= number * 8  # what each killed one had
            load.go_on(20)
            assert len(load.failures) == failed
        load.go_on(100)
        assert running.process.poll() is None


def test_workers_that_keep_dying_end_the_server(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1) as running:

        def killed() -> bool:
            for pid in running.workers():
                os.kill(pid, signal.SIGKILL)
            return running.process.poll() is not None

        wait_until(killed)
        assert running.process.returncode == 1
        error = running.errors.read_text()
        assert "workers in a row died" in error
        assert "killed by SIGKILL" in error
        assert not running.events("stop")


@pytest.mark.parametrize("what", [FAILS, DIES], ids=["it fails", "it dies at once"])
def test_a_replacement_that_cannot_be_had_now_is_had_later(
    artifacts: Path, tmp_path: Path, what: str
) -> None:
    """The system has no process or memory to spare for a moment; the other worker serves on."""
    (tmp_path / "sitecustomize.py").write_text(THIRD_FORK.format(what=what))
    env = {"PYTHONPATH": str(tmp_path)}
    with serving(artifacts, "--workers", 2, env=env) as running:
        killed, sound = forked(running, 2)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(running.events("worker_died") + running.events("fork")) == 2)
        wait_until(lambda: is_dead(killed) and len(running.workers()) == 2)
        assert_stays(lambda: len(running.workers()) == 2, 0.5)
        assert sound in running.workers()
        assert running.predict(INSTANCE).status == 200
        assert running.stop() == 0


def test_a_worker_that_hangs_is_replaced(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--worker-timeout", 5) as running:
        hung, sound = forked(running, 2)
        os.kill(hung, signal.SIGSTOP)
        wait_until(lambda: is_dead(hung) and len(running.workers()) == 2)
        assert sound in running.workers()
        (event,) = running.events("kill")
        assert event["pid"] == hung
        assert "no sign of life for 5 s" in event["message"]
        assert running.predict(INSTANCE).status == 200
        assert running.stop() == 0


def test_a_server_that_was_paused_as_a_whole_keeps_its_workers(artifacts: Path) -> None:
    """As by Ctrl-Z and fg, by docker pause, or by a machine that is moved."""
    with serving(artifacts, "--workers", 2, "--worker-timeout", 5) as running:
        workers = forked(running, 2)
        with running.connect() as connection:
            connection.sendall(SMALL[:-1])
            for pid in (running.process.pid, *workers):
                os.kill(pid, signal.SIGSTOP)
            pause(6)
            for pid in (running.process.pid, *workers):
                os.kill(pid, signal.SIGCONT)
            connection.sendall(SMALL[-1:])
            assert read_answer(connection).status == 200
        assert running.workers() == workers
        assert not running.events("kill")


def test_tokens_rotate_at_sighup(artifacts: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKENS[0])

    def statuses() -> set[tuple[int, int]]:
        """Ask often enough to meet every worker."""
        headers = [{"Authorization": f"Bearer {token}"} for token in TOKENS]
        return {
            (
                running.predict(ASKED[0][0], **first).status,
                running.predict(INSTANCE, **second).status,
            )
            for _ in range(20)
            for first, second in [headers]
        }

    with serving(artifacts, "--workers", 2, "--tokens-file", file) as running:
        assert statuses() == {(200, 401)}
        file.write_text(TOKENS[1])
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: statuses() == {(401, 200)})
        file.write_text("short")
        running.process.send_signal(signal.SIGHUP)
        processes = 3
        wait_until(lambda: len(running.events("tokens_refused")) == processes)
        file.unlink()
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(running.events("tokens_refused")) == 2 * processes)
        assert statuses() == {(401, 200)}


@pytest.mark.parametrize("workers", [2, 4])
def test_clients_that_connect_together_are_spread_over_the_workers(
    artifacts: Path, workers: int
) -> None:
    with serving(artifacts, "--workers", workers) as running, ExitStack() as stack:
        pids = forked(running, workers)
        for _ in range(3):
            clients = [stack.enter_context(running.connect()) for _ in range(8 * workers)]
            for client in clients:
                client.sendall(SMALL)
            assert {read_answer(client).status for client in clients} == {200}
        held = [connections_of(pid) for pid in pids]
        assert sum(held) == 24 * workers
        assert min(held) >= 12  # 24 each, but for a worker that was not scheduled in time


def test_a_worker_that_hangs_keeps_newcomers_from_no_other(artifacts: Path) -> None:
    """The others leave a newcomer to it, since it has fewer connections, but not for long."""
    with serving(artifacts, "--workers", 2) as running, ExitStack() as stack:
        hung, _ = forked(running, 2)
        os.kill(hung, signal.SIGSTOP)
        try:
            seconds = []
            for _ in range(30):
                begun = time.monotonic()
                client = stack.enter_context(running.connect())
                client.sendall(SMALL)
                assert read_answer(client).status == 200
                seconds.append(time.monotonic() - begun)
            assert statistics.median(seconds) < 0.1
        finally:
            os.kill(hung, signal.SIGCONT)
