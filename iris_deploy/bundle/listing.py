"""What a repository holds, as the manifests say: nothing else of a bundle is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from iris_deploy.bundle.bundle import read_manifest
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.repository import Repository
from iris_deploy.errors import BundleError


@dataclass(frozen=True)
class Listed:
    """One version of a model.

    Parameters
    ----------
    model : str
    version : int
    path : Path
        Its directory.
    manifest : Manifest or None
        None if it cannot be read.
    problem : str
        Why it cannot.
    """

    model: str
    version: int
    path: Path
    manifest: Manifest | None
    problem: str = ""

    @property
    def size(self) -> int:
        """Bytes of its artifacts, as the manifest has them."""
        return sum(each.size for each in self.manifest.artifacts) if self.manifest else 0


def list_bundles(repository: Repository) -> Iterator[Listed]:
    """Yield every version of every model, by name and the newest first.

    Raises
    ------
    BundleError
        If a directory cannot be listed.
    """
    for model in repository.models():
        for version in reversed(repository.versions(model)):
            path = repository.root / model / str(version)
            try:
                yield Listed(model, version, path, read_manifest(path))
            except BundleError as exc:
                yield Listed(model, version, path, None, str(exc))
