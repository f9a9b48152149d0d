"""A Dask cluster scores files and fits pipelines: a scheduler and two workers as processes."""

import gc
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from distributed import Client
from palmerpenguins import load_penguins

from tests.clusters import SCHEDULER, WORKER, dask_cluster, dask_worker, running
from tests.conftest import COMMAND, Run, free_port
from tests.documents import read_blocks, read_commands
from tests.waits import wait_until

pytestmark = pytest.mark.once

ROWS = 60_000
PAGE = Path(__file__).parents[2] / "docs" / "clusters.md"


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a scheduler with two workers, and return its address."""
    with dask_cluster(tmp_path_factory.mktemp("dask")) as (address, _):
        yield address


@pytest.fixture(autouse=True)
def _home(run: Run, tmp_path: Path, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory with a bundle and a table."""
    del run
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("IRIS_DEPLOY_ARTIFACTS", str(artifacts))
    rows = "".join(f"{k},{k % 70 / 10},{k % 25 / 10}\n" for k in range(ROWS))
    Path("new.csv").write_text(f"id,length,width\n{rows}")


def test_a_cluster_writes_what_this_machine_writes(run: Run, scheduler: str) -> None:
    words = ("--version", 2, "--details")
    assert run("score", "new.csv", "-o", "own.csv", *words).code == 0
    ran = run("score", "new.csv", "-o", "cluster.csv", *words, "--scheduler", scheduler)
    assert ran.code == 0, ran.err
    assert f"{ROWS:,} rows" in ran.out
    assert Path("cluster.csv").read_bytes() == Path("own.csv").read_bytes()
    ran = run("score", "new.csv", "-o", "one.csv", "--version", 1, "--scheduler", scheduler)
    assert ran.code == 0  # of another bundle
    assert run("score", "new.csv", "-o", "two.csv", "--version", 1).code == 0
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()


def test_columns_may_stand_otherwise_in_the_next_file(run: Run, scheduler: str) -> None:
    Path("other.csv").write_text("width,length\n" + "0.2,1.4\n2.4,5.1\n" * 100)
    for name in (
        "new",
        "other",
        "new",
    ):  # workers keep the bundle
        ran = run("score", f"{name}.csv", "-o", "cluster.csv", "--force", "--scheduler", scheduler)
        assert ran.code == 0, ran.err
        assert run("score", f"{name}.csv", "-o", "own.csv", "--force").code == 0
        assert Path("cluster.csv").read_bytes() == Path("own.csv").read_bytes()


def begin_to_score(address: str) -> subprocess.Popen[str]:
    """Score a long file until something of it is written."""
    with Path("new.csv").open("a") as file:
        file.write("1,5.1,2.4\n" * 3_000_000)
    words = ["score", "new.csv", "-o", "out.csv", "--engine", "dask", "--scheduler", address]
    scoring = subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: any(p.stat().st_size for p in Path().glob(".out.csv.*.unfinished")), 60)
    return scoring


def test_a_worker_that_is_killed_costs_no_row(run: Run, tmp_path: Path) -> None:
    with dask_cluster(tmp_path) as (address, workers):
        scoring = begin_to_score(address)
        os.killpg(workers[0], signal.SIGKILL)
        _, err = scoring.communicate(timeout=120)
    assert scoring.returncode == 0, err
    assert run("score", "new.csv", "-o", "own.csv").code == 0
    assert Path("out.csv").read_bytes() == Path("own.csv").read_bytes()


def test_workers_that_are_all_replaced_cost_no_row(run: Run, tmp_path: Path) -> None:
    """Nobody is left then who has the bundle; Dask may take it from all workers but one, too."""
    with dask_cluster(tmp_path) as (address, workers):
        scoring = begin_to_score(address)
        for group in workers:
            os.killpg(group, signal.SIGKILL)
        with dask_worker(address, tmp_path, "another"):
            _, err = scoring.communicate(timeout=120)
    assert scoring.returncode == 0, err
    assert run("score", "new.csv", "-o", "own.csv").code == 0
    assert Path("out.csv").read_bytes() == Path("own.csv").read_bytes()


def test_a_cluster_that_has_no_worker_left_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iris_deploy.scoring.engines.dask._PATIENCE", 1)
    with Path("new.csv").open("a") as file:
        file.write("1,5.1,2.4\n" * 3_000_000)
    with dask_cluster(tmp_path) as (address, workers):

        def kill_all() -> None:
            wait_until(lambda: any(p.stat().st_size for p in Path().glob(".out.csv.*")), 60)
            for group in workers:
                os.killpg(group, signal.SIGKILL)

        killing = threading.Thread(target=kill_all)
        killing.start()
        ran = run("score", "new.csv", "-o", "out.csv", "--scheduler", address)
        killing.join()
    assert (ran.code, ran.out) == (1, "")
    assert "no worker of the cluster is left: none came for 1 s" in ran.err
    assert {path.name for path in Path().iterdir()} == {"new.csv"}


def test_a_bad_row_is_named_by_a_cluster_too(run: Run, scheduler: str) -> None:
    with Path("new.csv").open("a") as file:
        file.write("x,long,1\n")
    ran = run("score", "new.csv", "-o", "out.csv", "--scheduler", scheduler)
    assert (ran.code, ran.out) == (1, "")
    assert f"new.csv: row {ROWS + 1}, length: expected a finite number" in ran.err
    assert {path.name for path in Path().iterdir()} == {"new.csv"}


def test_a_scheduler_that_is_not_there_is_told(run: Run) -> None:
    for address in (f"tcp://127.0.0.1:{free_port()}", "nowhere", "http://127.0.0.1:1"):
        ran = run("score", "new.csv", "-o", "out.csv", "--scheduler", address)
        assert (ran.code, ran.out) == (1, "")
        assert f"no scheduler answers at {address}" in ran.err
        assert _open_clients() == []
    assert {path.name for path in Path().iterdir()} == {"new.csv"}


def test_a_scheduler_without_workers_is_told(run: Run, tmp_path: Path) -> None:
    with dask_cluster(tmp_path, 0) as (address, _):
        ran = run("score", "new.csv", "-o", "out.csv", "--scheduler", address)
    assert (ran.code, ran.out) == (1, "")
    assert "the scheduler has no worker" in ran.err
    assert _open_clients() == []


def _open_clients() -> list[str]:
    """Return the state of each client that the collector of garbage would have to close.

    It may do so while another client starts, and waits for that one's lock for ever.
    """
    found = (thing for thing in gc.get_objects() if isinstance(thing, Client))
    return [state for client in found if (state := client.status) != "closed"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--engine", "dask"), "--scheduler: expected the address of a cluster for dask, got none"),
        (("--engine", "spark"), "--master: expected the address of a cluster for spark, got none"),
        (("--engine", "ray"), "--engine: expected one of local, dask, spark, got ray"),
        (("--engine", "local", "--scheduler", "x"), "--scheduler: expected none for local, got x"),
        (("--master", "x", "--scheduler", "y"), "--master: expected none for dask, got x"),
    ],
)
def test_an_engine_has_its_own_address(run: Run, words: tuple[str, ...], told: str) -> None:
    ran = run("score", "new.csv", "-o", "out.csv", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_worker_of_another_version_is_told(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other" / "iris_deploy"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text('__version__ = "0.0.1"\n')
    for name in ("scoring", "scoring/engines"):
        (other / name).mkdir()
        (other / name / "__init__.py").touch()
    told = 'def _version():\n    return "0.0.1"\n'
    (other / "scoring/engines/dask.py").write_text(told)
    port = free_port()
    words = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    env = {"PYTHONPATH": str(other.parent)}
    own = ("--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path))
    with ExitStack() as stack:
        log = tmp_path / "log"
        stack.enter_context(running(*SCHEDULER, *words, log=log))
        given = (*WORKER, f"tcp://127.0.0.1:{port}", *own)
        stack.enter_context(running(*given, log=tmp_path / "worker", env=env))
        wait_until(lambda: "Register worker" in log.read_text(), 60, failed=log.read_text)
        asked = ("--scheduler", f"tcp://127.0.0.1:{port}")
        ran = run("score", "new.csv", "-o", "out.csv", *asked)
    assert (ran.code, ran.out) == (1, "")
    assert "has iris-deploy 0.0.1; expected" in ran.err


def test_a_scheduler_of_another_version_is_told(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    changed = "import importlib.metadata as m\nversion = m.version\n"
    changed += "m.version = lambda name: '2020.1.0' if name == 'distributed' else version(name)\n"
    (other / "sitecustomize.py").write_text(changed)
    port = free_port()
    words = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    env = {"PYTHONPATH": str(other)}
    with running(*SCHEDULER, *words, log=tmp_path / "log", env=env):
        wait_until(lambda: "Scheduler at" in (tmp_path / "log").read_text(), 60)
        ran = run("score", "new.csv", "-o", "out.csv", "--scheduler", f"tcp://127.0.0.1:{port}")
    assert (ran.code, ran.out) == (1, "")
    assert "the scheduler has Dask 2020.1.0; expected" in ran.err


def test_a_scheduler_that_dies_ends_it_with_an_error(tmp_path: Path) -> None:
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    words = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    own = ("--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path), "--no-nanny")
    with ExitStack() as stack:
        log = tmp_path / "log"
        scheduler_pid = stack.enter_context(running(*SCHEDULER, *words, log=log))
        given = (*WORKER, address, *own)
        stack.enter_context(running(*given, log=tmp_path / "worker"))
        wait_until(lambda: "Register worker" in log.read_text(), 60, failed=log.read_text)
        with Path("new.csv").open("a") as file:
            file.write("1,5.1,2.4\n" * 3_000_000)
        asked = ["score", "new.csv", "-o", "out.csv", "--scheduler", address]
        scoring = subprocess.Popen([*COMMAND, *asked], stderr=subprocess.PIPE, text=True)
        wait_until(lambda: any(p.name.endswith(".unfinished") for p in Path().iterdir()), 60)
        os.killpg(scheduler_pid, signal.SIGKILL)
        _, err = scoring.communicate(timeout=120)
    assert scoring.returncode == 1
    assert "the scheduler is gone" in err
    assert {path.name for path in Path().iterdir()} == {"new.csv"}


def penguins(*, rows: int = 344) -> tuple[str, ...]:
    """Write a table, and return the words that name it."""
    load_penguins().head(rows).to_csv("penguins.csv", index=False)
    return ("--data", "penguins.csv", "--target", "species")


def test_estimators_are_compared_by_a_cluster_with_the_same_figures(
    run: Run, scheduler: str
) -> None:
    names = ("--estimator", "random-forest", "--estimator", "decision-tree", "--cv", "3")
    words: tuple[object, ...] = ("train", *penguins(), *names)
    own = run(*words)
    ran = run(*words, "--scheduler", scheduler)
    assert ran.code == 0, ran.err
    figures = [line for line in own.out.splitlines() if " +- " in line or "  held out" in line]
    assert len(figures) == 4
    for line in figures:
        assert line in ran.out
    more = ("--json", "--scheduler", scheduler)
    bundles = [Path(ran.json()["path"]) for ran in (run(*words, "--json"), run(*words, *more))]
    dumps = [(each / "pipeline_penguins.pkl").read_bytes() for each in bundles]
    assert dumps[0] == dumps[1]


def test_what_a_cluster_cannot_fit_is_told_as_on_one_machine(run: Run, scheduler: str) -> None:
    names = ("sklearn.svm.NuSVC", "sklearn.svm._classes.NuSVC")
    given = ("--estimator", names[0], "--estimator", names[1], "--set", "nu=0.99")
    for more in ((), ("--engine", "dask", "--scheduler", scheduler)):
        ran = run("train", *penguins(), *given, *more)
        assert (ran.code, ran.out) == (1, "")
        assert "error: sklearn.svm.NuSVC cannot be fitted: specified nu is infeasible" in ran.err


def test_a_cluster_is_for_several_estimators(run: Run) -> None:
    ran = run("train", *penguins(), "--estimator", "ridge", "--scheduler", "tcp://127.0.0.1:1")
    assert (ran.code, ran.out) == (2, "")
    assert "--scheduler: expected several estimators for a cluster to compare, got one" in ran.err


def test_a_class_that_workers_do_not_have_is_told(
    run: Run, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine_alone.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\n"
        "class Mine(DecisionTreeClassifier):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(Path.cwd()))
    names = ("--estimator", "mine_alone:Mine", "--estimator", "decision-tree")
    more = ("--runtime", "scikit-learn", "--code", "mine_alone.py")
    ran = run("train", *penguins(), *names, *more, "--scheduler", scheduler)
    assert (ran.code, ran.out) == (1, "")
    assert "has no module mine_alone, which is to be fitted" in ran.err


def test_the_commands_of_the_page_run_as_they_stand(run: Run, scheduler: str) -> None:
    penguins()
    blocks = [block for block in read_blocks(PAGE) if block.kind == "console"]
    commands = [words for block in blocks for words, _ in read_commands(block)]
    assert [words.split()[1] for words in commands] == ["train", "score", "train"]
    for words in commands:
        given = words.replace("tcp://10.0.0.1:8786", scheduler).split()[1:]
        ran = run(*given, "--model", "penguins")
        assert ran.code == 0, ran.err
