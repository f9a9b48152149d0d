"""Podman."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iris_deploy.image.engines import storage
from iris_deploy.image.engines.images import inspect, readable_directory, tag_all
from iris_deploy.image.engines.program import Program
from iris_deploy.image.engines.protocol import Built
from iris_deploy.image.options import BuildOptions


class Podman:
    """See `Engine`.

    Parameters
    ----------
    path : str
        Of the program.
    environ : mapping of str to str
        Of the process.
    """

    name = runner = "podman"
    runs = True
    reproducible = True

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        self.program = Program(self.name, path, environ)
        self._environ = environ
        self.files = readable_directory(self.program)

    def check(self) -> None:
        """Do nothing: there is no daemon that could not answer."""

    def build_words(self, context: Path, id_file: Path, options: BuildOptions) -> list[str]:
        """Return what the builder is told."""
        return storage.build_words(context, id_file, options, self._environ)

    def build(self, context: Path, options: BuildOptions, on_line: Callable[[str], None]) -> Built:
        """Build an image without a tag."""
        return storage.build(self.program, context, options, self._environ, on_line)

    def tag(self, image: str, tags: Sequence[str]) -> None:
        """Give an image all of its tags or none."""
        tag_all(self.program, image, tags)

    def push(self, tag: str, on_line: Callable[[str], None]) -> str:
        """Push a tag, and return its digest."""
        return storage.push(self.program, tag, on_line)

    def remove_image(self, image: str) -> None:
        """Remove an image, unless it has a tag."""
        if not inspect(self.program, image, "RepoTags"):
            self.program.succeeds("rmi", image)
