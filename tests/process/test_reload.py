"""How a new bundle comes into a running server: by SIGHUP, or by itself with --watch."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from iris_deploy.cli import main
from tests.conftest import Server, serving
from tests.load import Load, forked
from tests.pieces import INSTANCE
from tests.waits import assert_stays, wait_until

pytestmark = pytest.mark.once

SWAPPED = 'iris_deploy_reloads_total{result="swapped"}'
REFUSED = 'iris_deploy_reloads_total{result="refused"}'


def train(artifacts: Path) -> None:
    assert main(["train", "--artifacts", str(artifacts)]) == 0


def damage(bundle: Path) -> None:
    """Flip a bit of the classifier."""
    file = next(path for path in bundle.glob("*.pkl") if not path.name.startswith("sc_"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def served(server: Server) -> set[int]:
    """Ask often enough to meet every worker which version it serves."""
    return {server.request("GET", "/").json()["version"] for _ in range(20)}


def reload(server: Server) -> None:
    server.process.send_signal(signal.SIGHUP)


def wait_until_told(server: Server, version: int) -> None:
    """Wait until the supervisor has taken a version and told its workers."""
    wait_until(lambda: [event for event in server.events("reload") if event["version"] == version])


def information(server: Server) -> str:
    (name,) = [name for name in server.metrics() if "bundle_info" in name]
    return name


def test_sighup_swaps_in_the_newest_version_and_no_request_is_lost(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2) as running:
        workers = forked(running, 2)
        assert served(running) == {2}
        with Load(running.connect, keep_alive=8, renewing=4) as load:
            load.go_on()
            train(artifacts)
            load.go_on()
            reload(running)
            wait_until(lambda: served(running) == {3})
            load.go_on()
        assert load.failures == []
        assert 'version="3"' in information(running)
        assert running.metrics()[SWAPPED] == 1
        assert running.workers() == workers
        (event,) = running.events("reload")
        assert event["version"] == 3


def test_many_reloads_in_a_row_lose_no_request(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--access-log", "off") as running:
        workers = forked(running, 2)
        with Load(running.connect, keep_alive=8, renewing=4) as load:
            for version in range(3, 23):
                train(artifacts)
                load.go_on(20)
                reload(running)
                wait_until_told(running, version)
            wait_until(lambda: served(running) == {22})
            load.go_on()
        assert load.failures == []
        assert running.workers() == workers
        assert running.stop() == 0


def test_reloads_that_come_together_end_with_the_newest(artifacts: Path) -> None:
    """A worker that was busy gets several orders at once, and obeys the last one last."""
    with serving(artifacts, "--workers", 1) as running:
        (worker,) = forked(running, 1)
        for version in range(3, 13):
            os.kill(worker, signal.SIGSTOP)
            for newest in (2 * version - 3, 2 * version - 2):
                train(artifacts)
                reload(running)
                wait_until_told(running, newest)
            os.kill(worker, signal.SIGCONT)
            wait_until(lambda v=version: served(running) == {2 * v - 2})  # type: ignore[misc]
            assert_stays(lambda v=version: served(running) == {2 * v - 2}, 0.2)  # type: ignore[misc]
        assert running.workers() == [worker]


def test_a_sighup_without_anything_new_changes_nothing(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2) as running:
        workers = forked(running, 2)
        reload(running)
        wait_until(lambda: running.events("reload_same"))
        assert served(running) == {2}
        assert running.metrics()[SWAPPED] == 0
        assert running.workers() == workers


def test_a_damaged_bundle_is_refused_and_the_old_one_serves_on(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--access-log", "off") as running:
        workers = forked(running, 2)
        train(artifacts)
        damage(artifacts / "iris" / "3")
        with Load(running.connect, keep_alive=4, renewing=4) as load:
            load.go_on()
            reload(running)
            wait_until(lambda: running.events("reload_refused"))
            load.go_on()
        assert load.failures == []
        assert served(running) == {2}
        assert running.metrics()[REFUSED] == 1
        (event,) = running.events("reload_refused")
        assert event["version"] == 2
        assert "sha256" in event["message"]
        train(artifacts)
        reload(running)
        wait_until(lambda: served(running) == {4})
        os.kill(workers[0], signal.SIGKILL)  # its successor serves what the others do
        wait_until(lambda: workers[0] not in running.workers() and len(running.workers()) == 2)
        assert served(running) == {4}


BAD_ROUTES = """
from iris_deploy.serving.http import endpoints
real = endpoints.build_routes
def build_routes(served):
    if served.bundle.manifest.version == 3:
        raise LookupError("no words for version 3")
    return real(served)
endpoints.build_routes = build_routes
"""


def test_a_bundle_whose_routes_cannot_be_built_is_refused(artifacts: Path, tmp_path: Path) -> None:
    """A fault of a contract's ends nobody who serves already."""
    (tmp_path / "sitecustomize.py").write_text(BAD_ROUTES)
    env = {"PYTHONPATH": str(tmp_path)}
    with serving(artifacts, "--watch", "--workers", 2, env=env) as running:
        workers = forked(running, 2)
        train(artifacts)
        wait_until(lambda: running.events("reload_refused"))
        assert served(running) == {2}
        assert running.metrics()[REFUSED] == 1
        (bug,) = running.events("bug")
        assert "no words for version 3" in bug["traceback"]
        train(artifacts)
        wait_until(lambda: served(running) == {4})
        assert len(running.events("reload_refused")) == 1
        assert running.workers() == workers


def test_a_version_that_was_asked_for_stays(artifacts: Path) -> None:
    with serving(artifacts, "--version", 1, "--watch", "--workers", 2) as running:
        train(artifacts)
        reload(running)
        wait_until(lambda: running.events("reload_same"))
        assert_stays(lambda: served(running) == {1}, 1.5)
        assert not running.events("reload")


def test_watching_swaps_in_what_is_trained(artifacts: Path) -> None:
    with (
        serving(artifacts, "--watch", "--workers", 2) as running,
        Load(running.connect, keep_alive=4, renewing=4) as load,
    ):
        load.go_on()
        train(artifacts)
        wait_until(lambda: served(running) == {3})
        load.go_on()
        assert load.failures == []


def test_watching_tells_of_a_damaged_version_once(artifacts: Path) -> None:
    with serving(artifacts, "--watch", "--workers", 2) as running:
        elsewhere = Path(shutil.copytree(artifacts, artifacts.with_name("elsewhere")))
        train(elsewhere)
        damage(elsewhere / "iris/3")
        (elsewhere / "iris/3").rename(artifacts / "iris/3")
        wait_until(lambda: running.events("reload_refused"))
        assert_stays(lambda: refusals(running) == 1, 2.5)
        assert served(running) == {2}
        assert running.predict(INSTANCE).status == 200
        train(artifacts)
        wait_until(lambda: served(running) == {4})


def refusals(server: Server) -> int:
    return len(server.events("reload_refused"))


def test_watching_swaps_in_a_version_that_is_copied_slowly(artifacts: Path) -> None:
    """It is refused in every state but the last, once in each."""
    with serving(artifacts, "--watch", "--workers", 2, "--access-log", "off") as running:
        elsewhere = Path(shutil.copytree(artifacts, artifacts.with_name("elsewhere")))
        train(elsewhere)
        copy, files = artifacts / "iris/3", sorted((elsewhere / "iris/3").iterdir())
        copy.mkdir()
        for number, file in enumerate(files):
            wait_until(lambda n=number: refusals(running) > 2 * n)  # type: ignore[misc]
            data = file.read_bytes()
            (copy / file.name).write_bytes(data[:-1])
            wait_until(lambda n=number: refusals(running) > 2 * n + 1)  # type: ignore[misc]
            assert served(running) == {2}
            (copy / file.name).write_bytes(data)
        wait_until(lambda: served(running) == {3})
        assert refusals(running) == 2 * len(files)


def test_watching_swaps_in_what_a_sighup_found_incomplete(artifacts: Path) -> None:
    with serving(artifacts, "--watch", "--workers", 2) as running:
        elsewhere = Path(shutil.copytree(artifacts, artifacts.with_name("elsewhere")))
        train(elsewhere)
        (artifacts / "iris/3").mkdir()
        reload(running)
        wait_until(lambda: running.events("reload_refused"))
        shutil.copytree(elsewhere / "iris/3", artifacts / "iris/3", dirs_exist_ok=True)
        wait_until(lambda: served(running) == {3})


def test_a_broken_model_beside_it_does_not_keep_a_model_from_its_reloads(artifacts: Path) -> None:
    with serving(artifacts, "--model", "iris", "--watch", "--workers", 2) as running:
        (artifacts / "loop").symlink_to("loop")  # nobody can list it, not even root
        train(artifacts)
        wait_until(lambda: served(running) == {3})
        assert not running.events("reload_refused")


@pytest.mark.parametrize("watch", [True, False])
def test_a_repository_that_is_gone_changes_nothing(artifacts: Path, watch: bool) -> None:
    options = ["--watch"] if watch else []
    with serving(artifacts, *options, "--workers", 2) as running:
        artifacts.rename(artifacts.with_name("elsewhere"))
        reload(running)
        wait_until(lambda: running.events("reload_refused"))
        assert_stays(lambda: refusals(running) == 1, 1.5)
        assert served(running) == {2}


def test_watching_a_repository_that_cannot_be_read_goes_on(artifacts: Path) -> None:
    """A network file system that fails for a while, permissions that are being changed."""
    with serving(artifacts, "--watch", "--workers", 2) as running:
        directory, moved = artifacts / "iris", artifacts / "moved"
        directory.rename(moved)
        directory.symlink_to("iris")  # to itself: nobody can list it, not even root
        assert_stays(lambda: running.process.poll() is None, 2.5)
        assert served(running) == {2}
        directory.unlink()
        moved.rename(directory)
        train(artifacts)
        wait_until(lambda: served(running) == {3})


def test_a_bundle_that_is_never_read_to_its_end_does_not_stop_the_stop(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1) as running:
        (artifacts / "iris/3").mkdir()
        os.mkfifo(artifacts / "iris/3/bundle.json")
        reload(running)
        assert_stays(lambda: served(running) == {2}, 0.5)
        assert running.stop() == 0


def test_refused_bundles_leave_no_file_open(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1) as running:
        files = Path(f"/proc/{running.process.pid}/fd")
        before = len(list(files.iterdir()))
        (artifacts / "iris/3/bundle.json").mkdir(parents=True)
        for n in range(1, 6):
            reload(running)
            wait_until(lambda: len(running.events("reload_refused")) >= n)  # noqa: B023
        assert len(list(files.iterdir())) == before
