"""What goes into the build context: the Dockerfile, this package, one bundle, and pinned versions.

The layout is that of a checkout seen through its ``.dockerignore``, so that the one Dockerfile
fits both. Knows of no container engine.
"""

import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path
from typing import Final

import iris_deploy
from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.repository import copy_bundle
from iris_deploy.errors import ImageError
from iris_deploy.image.engines.pip import pip_settings
from iris_deploy.image.parts import PACKAGES_LEFT_OUT, PREDICTS, SERVING_PACKAGES

DOCKERFILE: Final = "Dockerfile"

_CA = "requirements/ca.pem"


def write_context(directory: Path, bundle: Bundle, environ: Mapping[str, str]) -> None:
    """Write the build context.

    Parameters
    ----------
    directory : Path
        An empty directory.
    bundle : Bundle
        Verified; only this version goes in.
    environ : mapping of str to str
        Of the process: may name the file with the certificates of a private authority.

    Raises
    ------
    ImageError
        If what is installed is not what trained the bundle.
    """
    package = Path(iris_deploy.__path__[0])
    shutil.copyfile(package / "image" / DOCKERFILE, directory / DOCKERFILE)
    shutil.copytree(
        package,
        directory / "iris_deploy",
        ignore=shutil.ignore_patterns("__pycache__", DOCKERFILE),
    )
    copy_bundle(bundle, directory / "artifacts")
    requirements = directory / "requirements"
    requirements.mkdir()
    pins = pin_versions(bundle)
    lines = [f"{name}=={version}\n" for name, version in pins.items()]
    (requirements / "serve.txt").write_text("".join(lines))
    settings, certificates = pip_settings(environ)
    if certificates is not None:
        shutil.copyfile(certificates, directory / _CA)
        settings["cert"] = f"/build/{_CA}"
    if settings:
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (requirements / "pip.conf").write_text("[global]\n" + "".join(lines))


def pin_versions(bundle: Bundle) -> dict[str, str]:
    """Return the versions of what serving needs: those that are installed here.

    Parameters
    ----------
    bundle : Bundle

    Returns
    -------
    dict of str to str
        By name, sorted.

    Raises
    ------
    ImageError
        If the package that predicts is not of the version that trained the bundle.
    """
    pins: dict[str, str] = {}
    waiting = list(SERVING_PACKAGES)
    while waiting:
        name = waiting.pop()
        if name in pins or name in PACKAGES_LEFT_OUT:
            continue
        try:
            pins[name] = distribution(name).version
        except PackageNotFoundError:
            continue  # needed by other systems or older Pythons only
        waiting += [_required(text) for text in requires(name) or () if "extra ==" not in text]
    manifest = bundle.manifest
    expected, got = manifest.environment.packages[PREDICTS], pins[PREDICTS]
    if expected != got:
        message = (
            f"{manifest.model} version {manifest.version} was trained with {PREDICTS} {expected}; "
            f"installed is {got}"
        )
        hint = f"`pip install {PREDICTS}=={expected}`, or `iris-deploy train` again"
        raise ImageError(message, hint=hint)
    return dict(sorted(pins.items()))


def _required(requirement: str) -> str:
    """Return the normalised name in a requirement, PEP 508 and 503."""
    end = next((k for k, c in enumerate(requirement) if c in " ;<>=!~[("), len(requirement))
    return requirement[:end].lower().replace("_", "-").replace(".", "-")
