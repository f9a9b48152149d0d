"""A Spark cluster: a master, two workers, and the package where Spark is."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from iris_deploy.cli import main
from tests.clusters import running
from tests.conftest import Result, free_port, run_process
from tests.waits import wait_until

VARIABLE = "IRIS_DEPLOY_TEST_SPARK"  # where ``make test-spark`` has installed it
ROWS = 60_000

Command = Callable[..., Result]


@pytest.fixture(scope="session")
def packages() -> str:
    """Return the directory that has Spark, and nothing else."""
    if VARIABLE not in os.environ:
        pytest.skip("Spark is not tested: make test-spark installs it and asks it")
    return os.environ[VARIABLE]


def environment(packages: str, **more: str) -> dict[str, str]:
    """Return what programs need that use Spark."""
    path = os.pathsep.join(filter(None, (packages, os.environ.get("PYTHONPATH"))))
    own = {"PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable}
    return {**own, "SPARK_LOCAL_IP": "127.0.0.1", **more}


@contextmanager
def cluster(packages: str, home: Path, workers: int) -> Iterator[str]:
    """Start a master with some workers, and return its address."""
    port = free_port()
    deploy = "org.apache.spark.deploy"
    own = ("--host", "127.0.0.1", "--webui-port", "0")
    program, env = Path(packages, "pyspark", "bin", "spark-class"), environment(packages)
    address = f"spark://127.0.0.1:{port}"
    with ExitStack() as stack:
        log = home / "master"
        main_class = f"{deploy}.master.Master"
        stack.enter_context(
            running(program, main_class, *own, "--port", str(port), log=log, env=env)
        )
        wait_until(lambda: "New state: ALIVE" in log.read_text(), 60, failed=log.read_text)
        for number in range(workers):
            each = home / f"worker{number}"
            given = ("--cores", "1", "--memory", "1g", "--work-dir", str(home / f"work{number}"))
            words = (f"{deploy}.worker.Worker", address, *own, *given)
            stack.enter_context(running(program, *words, log=each, env=env))
        wait_until(
            lambda: log.read_text().count("Registering worker") == workers, 60, failed=log.read_text
        )
        yield address


@pytest.fixture(scope="session")
def master(packages: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a cluster of two workers, and return its address."""
    with cluster(packages, tmp_path_factory.mktemp("spark"), 2) as address:
        yield address


@pytest.fixture
def command(packages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the console command where Spark is, in a directory with a bundle and a table."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    assert main(["train", "--artifacts", str(tmp_path / "artifacts")]) == 0
    monkeypatch.setenv("IRIS_DEPLOY_ARTIFACTS", str(tmp_path / "artifacts"))
    rows = "".join(f"{k},{k % 70 / 10},{k % 25 / 10}\n" for k in range(ROWS))
    Path("new.csv").write_text(f"id,length,width\n{rows}")

    def run(*words: object, **more: str) -> Result:
        process = run_process(*words, env=environment(packages, **more))
        return Result(process.returncode, process.stdout.decode(), process.stderr.decode())

    return run
