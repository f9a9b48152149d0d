"""Podman."""

from iris_deploy.image.engines.images import inspect
from iris_deploy.image.engines.storage import StorageEngine


class Podman(StorageEngine):
    """See `Engine`."""

    name = runner = "podman"
    runs = True

    def remove_image(self, image: str) -> None:
        """Remove an image, unless it has a tag."""
        if not inspect(self.program, image, "RepoTags"):
            self.program.succeeds("rmi", image)
