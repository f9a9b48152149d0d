"""Programs that clusters are made of, each in a group of its own; a Dask cluster of some."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tests.conftest import free_port
from tests.waits import wait_until

SCHEDULER = (sys.executable, "-m", "distributed.cli.dask_scheduler")
WORKER = (sys.executable, "-m", "distributed.cli.dask_worker")


@contextmanager
def running(*command: str | Path, log: Path, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a program, and end it and all that it has started; give the number of its group."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def dask_worker(address: str, home: Path, name: str) -> AbstractContextManager[int]:
    """Start a worker of a scheduler; give its group."""
    own = ("--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    given = (*WORKER, address, *own, "--local-directory", str(home))
    return running(*given, log=home / name)


@contextmanager
def dask_cluster(home: Path, n_workers: int = 2) -> Iterator[tuple[str, list[int]]]:
    """Start a scheduler with some workers; give its address, and their groups."""
    address = f"tcp://127.0.0.1:{free_port()}"
    words = ("--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard")
    with ExitStack() as stack:
        log = home / "scheduler"
        stack.enter_context(running(*SCHEDULER, *words, log=log))
        workers = []
        for number in range(n_workers):
            workers.append(stack.enter_context(dask_worker(address, home, f"worker{number}")))
        ready = "Register worker" if n_workers else "Scheduler at"
        wait_until(
            lambda: log.read_text().count(ready) >= max(n_workers, 1), 60, failed=log.read_text
        )
        yield address, workers
