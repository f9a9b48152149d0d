"""Files are scored by the executors of a Spark cluster."""

import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import COMMAND, free_port
from tests.spark.conftest import ROWS, Command, cluster, environment
from tests.waits import wait_until


def names() -> set[str]:
    return {path.name for path in Path().iterdir()}


def test_a_cluster_writes_what_this_machine_writes(command: Command, master: str) -> None:
    assert command("score", "new.csv", "-o", "own.csv", "--details").code == 0
    ran = command("score", "new.csv", "-o", "cluster.csv", "--details", "--master", master)
    assert ran.code == 0, ran.err
    assert ran.err == ""  # Java keeps to itself
    assert f"{ROWS:,} rows" in ran.out
    assert Path("cluster.csv").read_bytes() == Path("own.csv").read_bytes()


def test_columns_may_stand_otherwise_in_the_next_file(command: Command, master: str) -> None:
    Path("other.csv").write_text("width,length\n" + "0.2,1.4\n2.4,5.1\n" * 100)
    given = ("new.csv", "other.csv", "--keep", "length", "-o")
    assert command("score", *given, "own.parquet").code == 0
    ran = command("score", *given, "cluster.parquet", "--engine", "spark", "--master", master)
    assert ran.code == 0, ran.err
    assert Path("cluster.parquet").read_bytes() == Path("own.parquet").read_bytes()


def test_a_bad_row_is_named_by_a_cluster_too(command: Command, master: str) -> None:
    with Path("new.csv").open("a") as file:
        file.write("x,long,1\n")
    ran = command("score", "new.csv", "-o", "out.csv", "--master", master)
    assert (ran.code, ran.out) == (1, "")
    assert f"new.csv: row {ROWS + 1}, length: expected a finite number" in ran.err
    assert names() == {"new.csv"}


def test_a_master_that_is_not_there_is_told(command: Command) -> None:
    for address in (f"spark://127.0.0.1:{free_port()}", "spark://nowhere", "spark://127.0.0.1:x"):
        ran = command("score", "new.csv", "-o", "out.csv", "--master", address)
        assert (ran.code, ran.out) == (1, "")
        assert f"no master answers at {address}" in ran.err
    ran = command("score", "new.csv", "-o", "out.csv", "--master", "nowhere")
    assert "Spark does not start with nowhere" in ran.err
    assert "Master must" in ran.err
    assert names() == {"new.csv"}


def test_no_java_is_told(command: Command, tmp_path: Path) -> None:
    java = tmp_path / "java"
    ran = command("score", "new.csv", "-o", "out.csv", "--master", "local", JAVA_HOME=str(java))
    assert (ran.code, ran.out) == (1, "")
    assert "Spark does not start with local" in ran.err
    assert "needs a Java" in ran.err


def test_no_spark_is_told(command: Command, tmp_path: Path) -> None:
    ran = command(
        "score", "new.csv", "-o", "out.csv", "--master", "local", PYTHONPATH=str(tmp_path)
    )
    assert (ran.code, ran.out) == (1, "")
    assert "Spark is not installed" in ran.err


def test_a_cluster_without_workers_is_told(command: Command, packages: str, tmp_path: Path) -> None:
    with cluster(packages, tmp_path, 0) as address:
        ran = command("score", "new.csv", "-o", "out.csv", "--master", address)
    assert (ran.code, ran.out) == (1, "")
    assert "the cluster has given no executor for 60 s" in ran.err
    assert names() == {"new.csv"}


@pytest.mark.parametrize("version", ["0.0.1", None])
def test_executors_of_another_version_are_told(
    command: Command, master: str, tmp_path: Path, version: str | None
) -> None:
    other = tmp_path / "other" / "iris_deploy"
    (other / "clusters").mkdir(parents=True)
    (other / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (other / "clusters" / "__init__.py").touch()
    if version:
        (other / "clusters" / "versions.py").write_text(f"own_version = lambda: '{version}'\n")
    python = tmp_path / "python"
    start = f'PYTHONPATH="{other.parent}:$PYTHONPATH" exec {sys.executable} "$@"'
    python.write_text(f"#!/bin/sh\n{start}\n")
    python.chmod(stat.S_IRWXU)
    words = ("score", "new.csv", "-o", "out.csv", "--master", master)
    ran = command(*words, PYSPARK_PYTHON=str(python))
    assert (ran.code, ran.out) == (1, "")
    assert f"has iris-deploy {version or 'none'}; expected" in ran.err


def executors(work: Path) -> list[int]:
    """Return the processes in which a worker with some directory has pieces scored."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_executor = b"CoarseGrainedExecutorBackend" in (path / "cmdline").read_bytes()
            if is_executor and (path / "cwd").resolve().is_relative_to(work):
                found.append(int(path.name))
    return found


def test_an_executor_that_is_killed_costs_no_row(
    command: Command, packages: str, tmp_path: Path
) -> None:
    with Path("new.csv").open("a") as file:
        file.write("1,5.1,2.4\n" * 3_000_000)
    assert command("score", "new.csv", "-o", "own.csv").code == 0
    with cluster(packages, tmp_path, 2) as address:
        words = ["score", "new.csv", "-o", "out.csv", "--master", address]
        env = {**os.environ, **environment(packages)}
        scoring = subprocess.Popen([*COMMAND, *words], env=env, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: any(p.stat().st_size for p in Path().glob(".out.csv.*.unfinished")), 120)
        killed = executors(tmp_path / "work0")
        assert killed
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        _, err = scoring.communicate(timeout=170)
    assert scoring.returncode == 0, err
    assert Path("out.csv").read_bytes() == Path("own.csv").read_bytes()


def test_a_cluster_that_goes_away_ends_it_with_an_error(
    command: Command, packages: str, tmp_path: Path
) -> None:
    with Path("new.csv").open("a") as file:
        file.write("1,5.1,2.4\n" * 3_000_000)
    del command
    env = {**os.environ, **environment(packages)}
    with cluster(packages, tmp_path, 1) as address:
        words = ["score", "new.csv", "-o", "out.csv", "--master", address]
        scoring = subprocess.Popen([*COMMAND, *words], env=env, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: any(p.stat().st_size for p in Path().glob(".out.csv.*.unfinished")), 120)
    _, err = scoring.communicate(timeout=170)
    assert scoring.returncode == 1
    assert "the cluster has given no executor for 60 s" in err
    assert names() == {"new.csv"}
