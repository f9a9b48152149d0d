"""What podman and buildah have in common: the same storage beneath, and the same options."""

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iris_deploy.errors import ImageError
from iris_deploy.image.engines.images import build_arguments, readable_directory, tag_all
from iris_deploy.image.engines.layout import MARK, read_layers, remove_host_metadata
from iris_deploy.image.engines.program import Program
from iris_deploy.image.engines.protocol import Built
from iris_deploy.image.options import BuildOptions


class StorageEngine:
    """An engine on containers/storage; see `Engine`.

    Parameters
    ----------
    path : str
        Of the program.
    environ : mapping of str to str
        Of the process.
    """

    name: str
    reproducible = True

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        self.program = Program(self.name, path, environ)
        self._environ = environ
        self.files = readable_directory(self.program)

    def check(self) -> None:
        """Do nothing: there is no daemon that could not answer."""

    def build_words(self, context: Path, id_file: Path, options: BuildOptions) -> list[str]:
        """Return what the builder is told."""
        return [
            # Docker's format: every platform takes it, and OCI's has no HEALTHCHECK.
            # A layer for each COPY, which buildah would not make; and podman's cache would take
            # those of another time.
            *("build", "--format", "docker", "--layers", "--no-cache"),
            *("--timestamp", str(options.epoch)),
            *build_arguments(context, id_file, options, self._environ),
        ]

    def build(self, context: Path, options: BuildOptions, on_line: Callable[[str], None]) -> Built:
        """Build an image without a tag."""
        with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=self.files) as directory:
            id_file = Path(directory) / "id"
            mark = f"{MARK}={secrets.token_hex(8)}"
            verb, *words = self.build_words(context, id_file, options)
            try:
                self.program.stream([verb, "--label", mark, *words], on_line)
                return self._normalize(id_file.read_text().strip(), Path(directory) / "image")
            finally:  # also the first stage's, which is of no use without a cache
                shown = ("images", "--quiet", "--no-trunc", "--filter", f"label={mark}")
                with contextlib.suppress(ImageError):  # what went wrong before it counts
                    for image in self.program.run(*shown).split():
                        self.program.succeeds("rmi", image)

    def _normalize(self, image: str, directory: Path) -> Built:
        """Make an image what it would be on any machine, and weigh its layers."""
        self.program.run("push", image, f"dir:{directory}")
        remove_host_metadata(directory)
        pulled = self.program.run("pull", "--quiet", f"dir:{directory}").split()[-1]
        return Built(f"sha256:{pulled}", read_layers(directory))

    def tag(self, image: str, tags: Sequence[str]) -> None:
        """Give an image all of its tags or none."""
        tag_all(self.program, image, tags)

    def push(self, tag: str, on_line: Callable[[str], None]) -> str:
        """Push a tag, and return its digest."""
        with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=self.files) as directory:
            file = Path(directory) / "digest"
            self.program.stream(["push", "--digestfile", str(file), tag], on_line)
            return f"{tag.rpartition(':')[0]}@{file.read_text().strip()}"
