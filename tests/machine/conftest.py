"""What virtual machines are started from: a bare disk, an image in a registry, packages."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import require_engine, running_registry
from tests.package import ROOT
from tests.tools import require

TOOLS = ("qemu-system-x86_64", "qemu-img", "xorriso", "mmdebstrap", "docker-registry")


@pytest.fixture(scope="session", autouse=True)
def _asked_for() -> None:
    """Machines take minutes: ``make test-vm`` starts them."""
    if "IRIS_DEPLOY_TEST_MACHINES" not in os.environ:
        pytest.skip("machines are not tested: make test-vm starts them")
    for tool in TOOLS:
        require(tool)


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a disk with a bare Debian, or take the one that IRIS_DEPLOY_TEST_DISK names."""
    given = os.environ.get("IRIS_DEPLOY_TEST_DISK")
    folder = Path(given) if given else tmp_path_factory.mktemp("disk")
    if not (folder / "disk.raw").exists():
        subprocess.run([ROOT / "tests/machine/disk.sh", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a registry on loopback, which a machine reaches too."""
    require_engine()
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address
