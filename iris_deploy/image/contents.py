"""What is in the image: assembled inside the build, by the first stage of the Dockerfile.

Chooses and verifies the bundle, copies the serving part of this package, leaves out what serving
does not import, compiles to byte code, and gives every file the same time and modes. Knows of no
container engine: it sees directories.
"""

import argparse
import compileall
import os
import py_compile
import shutil
import stat
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

import iris_deploy
from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.pins import PREDICTS
from iris_deploy.bundle.repository import Repository, copy_bundle
from iris_deploy.errors import ImageError, IrisDeployError
from iris_deploy.image.libraries import strip_library
from iris_deploy.image.parts import (
    NEVER_SERVED,
    ONLY_FOR_SCIKIT_LEARN,
    PARTS,
    RUNTIME,
    SERVING_PART,
    LeftOut,
    parts_for,
)
from iris_deploy.image.standard_library import WITHOUT_DOCUMENTATION, compile_missing

_LAUNCHER = """\
#!{python} -IB
import sys

sys.pycache_prefix = {prefix!r}
sys.path[:0] = {paths!r}
from {module} import main

sys.exit(main())
"""


def assemble(root: Path, repository: Repository, model: str | None, version: int | None) -> Bundle:
    """Put the image's directory together.

    Parameters
    ----------
    root : Path
        Holds the dependencies in ``lib``; gets ``app`` and ``artifacts``.
    repository : Repository
        Of the build context.
    model, version
        The bundle; None for the only model and its newest version.

    Returns
    -------
    Bundle
        As it is read from ``artifacts``: verified where it will be served from.

    Raises
    ------
    BundleError
        If the bundle does not verify.
    ImageError
        If Python or a package is not of the version that trained it.
    """
    bundle = repository.read(model, version)
    check_versions(bundle, root / "lib")
    parts = parts_for(bundle.manifest)
    has_library = RUNTIME in parts
    slim(root / "lib", NEVER_SERVED if has_library else (*NEVER_SERVED, *ONLY_FOR_SCIKIT_LEARN))
    if has_library:
        slim(root / RUNTIME, NEVER_SERVED)
    copy_package(root / "app" / "iris_deploy")
    compile_all(root / "lib", optimize=WITHOUT_DOCUMENTATION)
    compile_all(root / "app")  # whose commands show theirs
    if has_library:  # whose packages may look into their own sources
        compile_all(root / RUNTIME, with_sources=True)
    write_launchers(root, [str(root / part) for part in ("app", "lib", RUNTIME) if part in parts])
    copy_bundle(bundle, root / "artifacts")
    manifest = bundle.manifest
    return Repository(root / "artifacts").read(manifest.model, manifest.version)


def copy_package(target: Path) -> None:
    """Copy the serving part of this package."""
    package = Path(iris_deploy.__path__[0])
    for part in SERVING_PART:
        source, copy = package / part, target / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, copy)


def write_launchers(root: Path, paths: list[str]) -> None:
    """Write what is called in the image, by the Python of the base."""
    python = os.path.realpath(sys.executable)  # a link may lead elsewhere in another base
    byte_code = root / "lib" / "__pycache__"
    prefix = str(byte_code) if compile_missing(byte_code, paths) else None
    for name, module in (
        ("iris-deploy", "iris_deploy.cli"),
        ("healthcheck", "iris_deploy.serving.healthcheck"),
    ):
        launcher = root / "app" / name
        text = _LAUNCHER.format(python=python, prefix=prefix, paths=paths, module=module)
        launcher.write_text(text)
        launcher.chmod(0o755)


def check_versions(bundle: Bundle, lib: Path) -> None:
    """Refuse a Python or a package of another version than trained the bundle."""
    manifest = bundle.manifest
    trained = manifest.environment
    minor = trained.python_minor
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if minor != here:
        message = (
            f"{manifest.model} version {manifest.version} was trained with Python {minor}; "
            f"the base image has {here}"
        )
        hint = f"choose a base image with Python {minor}: BASE_IMAGE=python:{minor}-slim"
        raise ImageError(message, hint=hint)
    installed = {_name(found): found.version for found in distributions(path=[str(lib)])}
    expected, got = trained.packages[PREDICTS], installed.get(PREDICTS, "none")
    if expected != got:
        message = (
            f"{manifest.model} version {manifest.version} was trained with {PREDICTS} {expected}; "
            f"requirements/serve.txt installs {got}"
        )
        hint = f"train again with {PREDICTS} {got}, or pin {PREDICTS}=={expected} there"
        raise ImageError(message, hint=hint)


def _name(found: Distribution) -> str:
    name: str = found.metadata["Name"]
    return name.lower().replace("_", "-")


def slim(lib: Path, left_out: Iterable[LeftOut]) -> None:
    """Leave out what serving does not import, and of libraries what no loader reads."""
    for rule in left_out:
        for path in [path for pattern in rule.paths for path in sorted(lib.glob(pattern))]:
            if rule.stay:
                path.write_text("")
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)  # a folder above it may be gone
    for path in sorted(lib.rglob("*.so*")):
        strip_library(path)


def compile_all(directory: Path, *, with_sources: bool = False, optimize: int = 0) -> None:
    """Write byte code that is never compared with its source, whose time does not matter then.

    Without sources it takes their place; a traceback then has no lines of them, but their numbers.

    Parameters
    ----------
    directory : Path
    with_sources : bool
        Whether they stay beside it.
    optimize : int
        As Python's own option; where sources stay, Python looks for other names then.
    """
    compiled = compileall.compile_dir(
        directory,
        quiet=2,
        force=True,
        maxlevels=20,
        legacy=not with_sources,
        optimize=optimize,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        raise ImageError(f"not every module below {directory} could be compiled")
    if not with_sources:
        for path in directory.rglob("*.py"):
            path.unlink()


def normalize(root: Path, layers: Path, epoch: int) -> None:
    """Lay out what becomes a layer each, with the same times and modes whenever it is built.

    Parameters
    ----------
    root : Path
        The image's directory.
    layers : Path
        Gets a directory with a tree from ``/`` on for each part. The classic builder gives new
        times to folders that a COPY names, but takes those of the folders inside as they are.
    epoch : int
        Seconds since 1970.
    """
    for part in (RUNTIME, *PARTS):
        if not (root / part).exists():
            continue
        target = layers / part / root.relative_to("/") / part
        target.parent.mkdir(parents=True)
        shutil.move(root / part, target)
    for path in [*sorted(layers.rglob("*"), reverse=True), layers]:
        runs = path.is_dir() or bool(path.stat().st_mode & stat.S_IXUSR)
        path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch))


def main(argv: Sequence[str] | None = None) -> int:
    """Assemble the image's directory and say what is in it; the Dockerfile calls this."""
    parser = argparse.ArgumentParser(prog="python -m iris_deploy.image.contents")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--layers", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--version")
    parser.add_argument("--epoch", type=int, required=True)
    given = parser.parse_args(argv)
    version = int(given.version) if given.version else None
    repository = Repository(Path("artifacts"))
    try:
        bundle = assemble(given.root, repository, given.model or None, version)
        normalize(given.root, given.layers, given.epoch)
    except IrisDeployError as exc:
        hint = f"\nhint: {exc.hint}" if exc.hint else ""
        sys.stderr.write(f"error: {exc}{hint}\n")
        return exc.exit_code
    manifest = bundle.manifest
    sys.stdout.write(f"{manifest.model} version {manifest.version}, {manifest.digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
