"""When a version that was refused is worth another look."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from iris_deploy.bundle.repository import Repository
from iris_deploy.errors import BundleError
from iris_deploy.serving.supervision.newest import Newest
from tests.waits import wait_until

FILE = "lr_iris.pkl"


@pytest.fixture
def version(artifacts: Path) -> Path:
    """Return the directory of a version that was being copied: one file is not complete."""
    (artifacts / "iris/2").rename(artifacts / "whole")
    manifest = artifacts / "whole/bundle.json"
    shutil.copytree(manifest.parent, artifacts / "iris/2")
    file, later = artifacts / "iris/2" / FILE, artifacts / "later"
    file.write_bytes(b"half")

    def tick() -> bool:
        later.touch()
        return later.stat().st_ctime_ns > file.stat().st_ctime_ns

    wait_until(tick)  # a file system's clock moves in steps of some milliseconds
    return artifacts / "iris/2"


def _replace(version: Path) -> None:
    other = version.parent / "other"
    version.rename(other)
    shutil.copytree(version.parent.parent / "whole", version)


def _link(version: Path) -> None:
    shutil.rmtree(version)
    version.symlink_to("../whole")


def _make_directory(version: Path) -> None:
    (version / FILE).unlink()
    (version / FILE).mkdir()


def _turn_into_file(version: Path) -> None:
    shutil.rmtree(version)
    version.write_text("no directory")


def _keep_time_and_size(version: Path) -> None:
    """Write other bytes into the same file, as some tools do that keep times."""
    path = version / FILE
    before = path.stat()
    path.write_bytes(b"HALF")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file grows": lambda version: (version / FILE).write_bytes(b"half and more"),
    "a file shrinks": lambda version: (version / FILE).write_bytes(b""),
    "other bytes": lambda version: (version / FILE).write_bytes(b"HALF"),
    "other bytes, the time put back": _keep_time_and_size,
    "a file comes": lambda version: (version / "more").touch(),
    "a file goes": lambda version: (version / FILE).unlink(),
    "a file is renamed": lambda version: (version / FILE).rename(version / "other"),
    "a directory for a file": _make_directory,
    "a file is complete": lambda version: shutil.copy(version / "../../whole" / FILE, version),
    "permissions": lambda version: (version / FILE).chmod(0o640),
    "permissions of the directory": lambda version: version.chmod(0o700),
    "another directory": _replace,
    "a link to a directory": _link,
}
"""What may happen to a version after it was refused."""


@pytest.mark.parametrize("change", CHANGES)
def test_a_refused_version_is_worth_another_look_once_it_has_changed(
    artifacts: Path, version: Path, change: str
) -> None:
    newest = Newest(Repository(artifacts), "iris", None)
    assert newest.is_worth_reading(1)
    for _ in range(2):
        with pytest.raises(BundleError):
            newest.read()
        assert not newest.is_worth_reading(1)
    CHANGES[change](version)
    assert newest.is_worth_reading(1)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_while_a_version_is_read_is_seen(
    artifacts: Path, version: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_repository: Repository, *_: object) -> None:
        CHANGES[change](version)
        raise BundleError("refused")

    monkeypatch.setattr(Repository, "read", read)
    newest = Newest(Repository(artifacts), "iris", None)
    with pytest.raises(BundleError):
        newest.read()
    assert newest.is_worth_reading(1)


@pytest.mark.parametrize("gone", [shutil.rmtree, _turn_into_file])
def test_a_version_that_is_gone_is_not_worth_reading(
    artifacts: Path, version: Path, gone: Callable[[Path], None]
) -> None:
    newest = Newest(Repository(artifacts), "iris", None)
    gone(version)
    assert not newest.is_worth_reading(1)


@pytest.mark.parametrize("state", [shutil.rmtree, _turn_into_file, lambda path: path.chmod(0)])
def test_a_version_that_vanishes_between_two_looks_is_no_failure(
    artifacts: Path,
    version: Path,
    state: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The repository has listed it, and it is gone before anybody looks at it."""
    monkeypatch.setattr(Repository, "versions", lambda *_: [1, 2])
    newest = Newest(Repository(artifacts), "iris", None)
    state(version)
    assert newest.is_worth_reading(1)
    with pytest.raises(BundleError):
        newest.read()
    assert not newest.is_worth_reading(1)
    if version.is_dir():
        return
    version.unlink(missing_ok=True)
    version.symlink_to("../whole")
    assert newest.is_worth_reading(1)
    newest.read()


def test_what_is_served_is_not_worth_reading(artifacts: Path, version: Path) -> None:
    newest = Newest(Repository(artifacts), "iris", None)
    assert not newest.is_worth_reading(int(version.name))
    assert not Newest(Repository(artifacts), "iris", 1).is_worth_reading(1)
