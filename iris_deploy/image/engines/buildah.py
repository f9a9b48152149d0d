"""Buildah, which builds and pushes, and runs nothing."""

import json

from iris_deploy.image.engines.storage import StorageEngine


class Buildah(StorageEngine):
    """See `Engine`."""

    name = "buildah"
    runner = "podman"
    runs = False

    def remove_image(self, image: str) -> None:
        """Remove an image, unless it has a tag."""
        known = json.loads(self.program.run("images", "--json", "--no-trunc"))
        if not any(entry["id"] == image and entry["names"] for entry in known):
            self.program.succeeds("rmi", image)
