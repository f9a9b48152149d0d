"""The image that the tests run: built once for all of them."""

import json
import subprocess
import sys
import zipfile

import pytest

from tests.containers import BASE, TAG, locked, require_engine
from tests.package import build_wheel

WHEEL_ALONE = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import iris_deploy; "
    "assert 'site' in iris_deploy.__file__, iris_deploy.__file__; "
    "from iris_deploy.cli import main; sys.exit(main())"
)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the image once: from an empty directory, with nothing but the wheel installed."""
    require_engine()
    shared = tmp_path_factory.getbasetemp().parent
    with locked(shared / "image.lock"):
        done = shared / "image.json"
        if not done.exists():
            directory = tmp_path_factory.mktemp("empty")
            wheel = build_wheel(tmp_path_factory.mktemp("source"))
            site = tmp_path_factory.mktemp("wheel") / "site"
            zipfile.ZipFile(wheel).extractall(site)
            for arguments in (
                ["train"],
                ["build-image", "--tag", TAG, "--base-image", BASE, "--json"],
            ):
                ran = subprocess.run(
                    [sys.executable, "-I", "-c", WHEEL_ALONE, str(site), *arguments],
                    cwd=directory,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert ran.returncode == 0, ran.stderr
            assert [path.name for path in directory.iterdir()] == ["artifacts"]
            done.write_text(ran.stdout)
    return TAG


@pytest.fixture(scope="session")
def report(image: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What build-image has reported."""
    assert image
    path = tmp_path_factory.getbasetemp().parent / "image.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found
