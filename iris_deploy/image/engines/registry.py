"""The engines that there are: one line for each."""

import shutil
from collections.abc import Mapping
from typing import Final

from iris_deploy.errors import ImageError, SettingsError
from iris_deploy.image.engines.buildah import Buildah
from iris_deploy.image.engines.docker import Docker
from iris_deploy.image.engines.podman import Podman
from iris_deploy.image.engines.protocol import Engine

ENGINES: Final = (Docker, Podman, Buildah)
"""In the order in which they are looked for."""


def find_engine(chosen: str | None, environ: Mapping[str, str]) -> Engine:
    """Find an engine on the path.

    Parameters
    ----------
    chosen : str or None
        Its name; None for the first that there is.
    environ : mapping of str to str

    Raises
    ------
    SettingsError
        If no engine has that name.
    ImageError
        If there is none.
    """
    names = ", ".join(engine.name for engine in ENGINES)
    if chosen is not None and all(engine.name != chosen for engine in ENGINES):
        raise SettingsError(
            f"`builder`: expected one of {names}; got {chosen!r:.100}",
            hint="leave `builder` out to use what there is",
        )
    for engine in ENGINES:
        path = shutil.which(engine.name, path=environ.get("PATH"))
        if path and chosen in {None, engine.name}:
            return engine(path, environ)
    if chosen:
        raise ImageError(
            f"{chosen} is not installed, or not on the PATH",
            hint="install it, or leave `builder` out to use what there is",
        )
    raise ImageError(
        f"no container engine: none of {names} is on the PATH",
        hint="install Docker or Podman, or use `context_only` DIR and build elsewhere",
    )
