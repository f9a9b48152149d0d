"""What goes into the build context: the Dockerfile, this package, one bundle, and pinned versions.

The layout is that of a checkout seen through its ``.dockerignore``, so that the one Dockerfile
fits both. Knows of no container engine.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import iris_deploy
from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.pins import pin_by_part
from iris_deploy.bundle.repository import copy_bundle
from iris_deploy.image.engines.pip import pip_settings
from iris_deploy.image.parts import PARTS, RUNTIME

DOCKERFILE: Final = "Dockerfile"

_CA = "requirements/ca.pem"
_COPY = "COPY --from=build /layers/{} /\n"
_BELOW = _COPY.format(PARTS[0])


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
    BundleError
        If what is installed is not what trained the bundle.
    """
    package = Path(iris_deploy.__path__[0])
    dockerfile = (package / "image" / DOCKERFILE).read_text()
    if bundle.manifest.library is not None:
        # Not in all: Docker's classic builder loses a layer without a byte (moby 37965).
        dockerfile = dockerfile.replace(_BELOW, _COPY.format(RUNTIME) + _BELOW)
    (directory / DOCKERFILE).write_text(dockerfile)
    shutil.copytree(
        package,
        directory / "iris_deploy",
        ignore=shutil.ignore_patterns("__pycache__", DOCKERFILE),
    )
    copy_bundle(bundle, directory / "artifacts")
    requirements = directory / "requirements"
    requirements.mkdir()
    for part, pins in pin_by_part(bundle).items():
        lines = [f"{name}=={version}\n" for name, version in pins.items()]
        (requirements / f"{part}.txt").write_text("".join(lines))
    settings, certificates = pip_settings(environ)
    if certificates is not None:
        shutil.copyfile(certificates, directory / _CA)
        settings["cert"] = f"/build/{_CA}"
    if settings:
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (requirements / "pip.conf").write_text("[global]\n" + "".join(lines))
