"""The wheel: what a user gets from ``pip install``."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import iris_deploy
from iris_deploy.image.parts import SERVING_PART
from tests.package import ROOT, build_wheel

pytestmark = pytest.mark.once

INSTANCE = '{"length": 5.1, "width": 2.4}'


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("source"))


def test_the_wheel_holds_every_module_the_types_marker_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "iris_deploy"
    templates = [p for p in (package / "recipes/templates").rglob("*") if p.is_file()]
    page = [*(package / "serving/page/files").iterdir()]
    paths = [*package.rglob("*.py"), *templates, *page]
    expected = {f"iris_deploy/{path.relative_to(package)}" for path in paths}
    assert {name for name in names if ".dist-info/" not in name} == expected | {
        "iris_deploy/py.typed",
        "iris_deploy/image/Dockerfile",
    }


def test_the_wheel_and_the_checkout_have_one_dockerfile(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel).read("iris_deploy/image/Dockerfile")
    assert packed == (ROOT / "Dockerfile").read_bytes()


def test_the_metadata_say_what_is_needed(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (path,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    metadata = Parser().parsestr(archive.read(path).decode())
    assert metadata["Name"] == "iris-deploy"
    assert metadata["Version"] == iris_deploy.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    needed = {line.split(";")[0] for line in metadata.get_all("Requires-Dist", [])}
    for package in ("typer", "scikit-learn", "joblib", "waitress", "flask", "rich"):
        assert any(line.startswith(package) for line in needed)
    assert "plots" in metadata.get_all("Provides-Extra", [])


def test_the_wheel_works_alone_in_an_empty_directory(wheel: Path, tmp_path: Path) -> None:
    """Unpacked beside the installed dependencies, far from the checkout."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    script = (
        "import sys; sys.path.insert(0, 'site'); import iris_deploy; "
        "assert iris_deploy.__file__.startswith(sys.argv.pop(1)), iris_deploy.__file__; "
        "from iris_deploy.cli import main; sys.exit(main())"
    )
    for arguments, output in (
        (["train"], "41 of 45"),
        (["predict", '{"length": 5.1, "width": 2.4}'], "virginica"),
    ):
        ran = subprocess.run(
            [sys.executable, "-I", "-c", script, str(site), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert output in ran.stdout


def test_what_goes_into_an_image_works_without_the_rest(artifacts: Path, tmp_path: Path) -> None:
    """With the installed packages alone beside it: a module that was left out would be missed."""
    for part in SERVING_PART:
        source, target = ROOT / "iris_deploy" / part, tmp_path / "app/iris_deploy" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    packages = Path(sysconfig.get_path("purelib"))  # as a path, without what .pth files add
    script = (
        f"import sys; sys.path[:0] = {[str(tmp_path / 'app'), str(packages)]!r}; "
        "import iris_deploy.serving.healthcheck, iris_deploy.serving.launch; "
        "from iris_deploy.serving.page.pages import build_routes; [*build_routes()]; "
        "from iris_deploy.cli import main; sys.exit(main())"
    )
    words = ("predict", "--artifacts", str(artifacts), "--version", "1")
    for arguments, output in (([*words, INSTANCE], "virginica"), (["serve", "--help"], "--port")):
        ran = subprocess.run(
            [sys.executable, "-I", "-S", "-c", script, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert output in ran.stdout
