"""What podman and buildah do alike: they are built on the same storage, with the same options."""

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from iris_deploy.errors import ImageError
from iris_deploy.image.engines.images import build_arguments, readable_directory
from iris_deploy.image.engines.layout import MARK, read_layers, remove_host_metadata
from iris_deploy.image.engines.program import Program
from iris_deploy.image.engines.protocol import Built
from iris_deploy.image.options import BuildOptions


def build_words(
    context: Path, id_file: Path, options: BuildOptions, environ: Mapping[str, str]
) -> list[str]:
    """Return what the builder is told."""
    return [
        # Docker's format: every platform takes it, and OCI's has no HEALTHCHECK.
        # A layer for each COPY, which buildah would not make; and podman's cache would take those
        # of another time.
        *("build", "--format", "docker", "--layers", "--no-cache"),
        *("--timestamp", str(options.epoch)),
        *build_arguments(context, id_file, options, environ),
    ]


def build(
    program: Program,
    context: Path,
    options: BuildOptions,
    environ: Mapping[str, str],
    on_line: Callable[[str], None],
) -> Built:
    """Build an image without a tag; see `Engine.build`."""
    files = readable_directory(program)
    with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=files) as directory:
        id_file = Path(directory) / "id"
        mark = f"{MARK}={secrets.token_hex(8)}"
        verb, *words = build_words(context, id_file, options, environ)
        try:
            program.stream([verb, "--label", mark, *words], on_line)
            return _normalize(program, id_file.read_text().strip(), Path(directory) / "image")
        finally:  # also the first stage's, which is of no use without a cache
            shown = ("images", "--quiet", "--no-trunc", "--filter", f"label={mark}")
            with contextlib.suppress(ImageError):  # what went wrong before it counts
                for image in program.run(*shown).split():
                    program.succeeds("rmi", image)


def push(program: Program, tag: str, on_line: Callable[[str], None]) -> str:
    """Push a tag, and return its digest."""
    files = readable_directory(program)
    with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=files) as directory:
        file = Path(directory) / "digest"
        program.stream(["push", "--digestfile", str(file), tag], on_line)
        return f"{tag.rpartition(':')[0]}@{file.read_text().strip()}"


def _normalize(program: Program, image: str, directory: Path) -> Built:
    """Make an image what it would be on any machine, and weigh its layers."""
    program.run("push", image, f"dir:{directory}")
    remove_host_metadata(directory)
    settled = program.run("pull", "--quiet", f"dir:{directory}").split()[-1]
    return Built(f"sha256:{settled}", read_layers(directory))
