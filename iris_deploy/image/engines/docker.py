"""Docker: its classic builder, BuildKit behind it, or buildx."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iris_deploy.image.engines.images import (
    build_arguments,
    inspect,
    readable_directory,
    tag_all,
)
from iris_deploy.image.engines.layout import Layer, shorten
from iris_deploy.image.engines.program import Program
from iris_deploy.image.engines.protocol import Built
from iris_deploy.image.options import BuildOptions


class Docker:
    """See `Engine`.

    Parameters
    ----------
    path : str
        Of the program.
    environ : mapping of str to str
        Of the process.
    """

    name = runner = "docker"
    runs = True

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        self.program = Program(self.name, path, environ)
        self._environ = environ
        self._buildx = self.program.succeeds("buildx", "version")
        self.files = readable_directory(self.program)

    @property
    def reproducible(self) -> bool:
        """Whether it can give all times: the classic builder cannot."""
        return self._buildx

    def check(self) -> None:
        """Ask whether a daemon answers."""
        self.program.run("version", "--format", "{{.Server.Version}}")

    def build_words(self, context: Path, id_file: Path, options: BuildOptions) -> list[str]:
        """Return what the builder is told."""
        if self._buildx:
            # No attestations: they make an index, which Lambda and some registries refuse.
            words = ["buildx", "build", "--load", "--provenance=false", "--sbom=false"]
        else:
            words = ["build", "--force-rm"]  # no containers are left of a build that fails
        return words + build_arguments(context, id_file, options, self._environ)

    def build(self, context: Path, options: BuildOptions, on_line: Callable[[str], None]) -> Built:
        """Build an image without a tag."""
        with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=self.files) as directory:
            id_file = Path(directory) / "id"
            self.program.stream(self.build_words(context, id_file, options), on_line)
            image = id_file.read_text().strip()
            return Built(image, self._history(image))

    def tag(self, image: str, tags: Sequence[str]) -> None:
        """Give an image all of its tags or none."""
        tag_all(self.program, image, tags)

    def push(self, tag: str, on_line: Callable[[str], None]) -> str:
        """Push a tag, and return its digest."""
        self.program.stream(["push", tag], on_line)
        known: list[str] = inspect(self.program, tag, "RepoDigests")
        return next(d for d in known if d.startswith(f"{tag.rpartition(':')[0]}@"))

    def remove_image(self, image: str) -> None:
        """Remove an image, unless it has a tag."""
        if not inspect(self.program, image, "RepoTags"):
            self.program.succeeds("rmi", image)

    def _history(self, image: str) -> list[Layer]:
        words = ("history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}")
        layers = []
        for line in reversed(self.program.run(*words, image).splitlines()):
            size, _, made_by = line.partition("\t")
            if int(size):
                layers.append(Layer(shorten(made_by), int(size)))
        return layers
