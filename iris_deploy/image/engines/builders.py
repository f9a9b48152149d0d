"""docker, podman and buildah behind one small interface: they build, tag, push and remove."""

import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from iris_deploy.errors import ImageError
from iris_deploy.image.engines.layout import MARK, Layer, forget_machine, read_layers, shorten
from iris_deploy.image.engines.program import Program
from iris_deploy.image.options import BuildOptions

Name = Literal["docker", "podman", "buildah"]
BUILDERS: Final[tuple[Name, ...]] = ("docker", "podman", "buildah")
"""In the order in which they are looked for."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


@dataclass(frozen=True)
class Built:
    """A fresh image without a tag: its id, and its layers that hold anything, from the base up."""

    image: str
    layers: list[Layer]


class Builder:
    """A container engine, by its command line.

    Parameters
    ----------
    name : {'docker', 'podman', 'buildah'}
    program : str
        Path of the program.
    environ : mapping of str to str
        Of the process.
    """

    def __init__(self, name: Name, program: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self.program = Program(name, program, environ)
        self._environ = environ
        self._snap = "/snap/" in program or "/snap/" in os.path.realpath(program)
        self._buildx = name == "docker" and self.program.succeeds("buildx", "version")

    @property
    def runs(self) -> bool:
        """Whether it can run what it has built."""
        return self.name != "buildah"

    @property
    def reproducible(self) -> bool:
        """Whether it can give all times, so that the same input makes the same image."""
        return self.name != "docker" or self._buildx

    @property
    def files(self) -> Path | None:
        """Where temporary files have to be so that it can read them; None for anywhere."""
        return Path.home() if self._snap else None  # confined to it

    def check(self) -> None:
        """Make sure that it answers, before any work is done.

        Raises
        ------
        ImageError
        """
        if self.name == "docker":
            self.program.run("version", "--format", "{{.Server.Version}}")

    def build_words(self, context: Path, id_file: Path, options: BuildOptions) -> list[str]:
        """Return what the builder is told, for whoever wants to see or to run it."""
        if self.name == "docker" and self._buildx:
            # No attestations: they make an index, which Lambda and some registries refuse.
            words = ["buildx", "build", "--load", "--provenance=false", "--sbom=false"]
        elif self.name == "docker":
            words = ["build", "--force-rm"]  # no containers are left of a build that fails
        else:
            # Docker's format: every platform takes it, and OCI's has no HEALTHCHECK.
            # A layer for each COPY, which buildah would not make; and podman's cache would take
            # those of another time.
            words = ["build", "--format", "docker", "--layers", "--no-cache"]
            words += ["--timestamp", str(options.epoch)]
        arguments = {
            "BASE_IMAGE": options.base_image,
            "SOURCE_DATE_EPOCH": str(options.epoch),
            **options.build_args,
        }
        for name, value in arguments.items():
            words += ["--build-arg", f"{name}={value}"]
        for name in _PROXIES:  # their values come from the environment, not from the command line
            for spelling in (name, name.lower()):
                if spelling in self._environ and spelling not in options.build_args:
                    words += ["--build-arg", spelling]
        for name, value in options.labels.items():
            words += ["--label", f"{name}={value}"]
        for option in ("platform", "network"):
            value = getattr(options, option)
            if value:
                words += [f"--{option}", value]
        return [*words, "--iidfile", str(id_file), str(context)]

    def build(self, context: Path, options: BuildOptions, tell: Callable[[str], None]) -> Built:
        """Build an image without a tag.

        Parameters
        ----------
        context : Path
        options : BuildOptions
        tell : callable
            Gets the builder's log, line by line.

        Returns
        -------
        Built

        Raises
        ------
        ImageError
            With the end of the builder's log.
        """
        with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=self.files) as directory:
            id_file = Path(directory) / "id"
            words = self.build_words(context, id_file, options)
            if self.name == "docker":
                self.program.stream(words, tell)
                image = id_file.read_text().strip()
                return Built(image, self._history(image))
            mark = f"{MARK}={secrets.token_hex(8)}"
            try:
                self.program.stream([words[0], "--label", mark, *words[1:]], tell)
                return self._settle(id_file.read_text().strip(), Path(directory) / "image")
            finally:  # also the first stage's, which is of no use without a cache
                shown = ("images", "--quiet", "--no-trunc", "--filter", f"label={mark}")
                with contextlib.suppress(ImageError):  # what went wrong before it counts
                    for image in self.program.run(*shown).split():
                        self.program.succeeds("rmi", image)

    def _settle(self, image: str, directory: Path) -> Built:
        """Make an image what it would be on any machine, and weigh its layers."""
        self.program.run("push", image, f"dir:{directory}")
        forget_machine(directory)
        settled = self.program.run("pull", "--quiet", f"dir:{directory}").split()[-1]
        return Built(f"sha256:{settled}", read_layers(directory))

    def tag(self, image: str, tags: Sequence[str]) -> None:
        """Give an image all of its tags or none."""
        given: list[str] = []
        try:
            for tag in tags:
                self.program.run("tag", image, tag)
                given.append(tag)
        except BaseException:
            for tag in given:
                self.program.succeeds("rmi", tag)
            raise

    def push(self, tag: str, tell: Callable[[str], None]) -> str:
        """Push a tag with the engine's own credentials.

        Returns
        -------
        str
            ``repository@sha256:...``
        """
        repository = tag.rpartition(":")[0]
        with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=self.files) as directory:
            if self.name == "docker":
                self.program.stream(["push", tag], tell)
                known: list[str] = self._inspect(tag, "RepoDigests")
                return next(d for d in known if d.startswith(f"{repository}@"))
            file = Path(directory) / "digest"
            self.program.stream(["push", "--digestfile", str(file), tag], tell)
            return f"{repository}@{file.read_text().strip()}"

    def remove_image(self, image: str) -> None:
        """Remove an image that did not earn its tag.

        The same input makes the same image, which may have earned a tag before: then it stays.
        """
        if not self._tags(image):
            self.program.succeeds("rmi", image)

    def _tags(self, image: str) -> list[str]:
        if self.name != "buildah":
            return list(self._inspect(image, "RepoTags") or ())
        known = json.loads(self.program.run("images", "--json", "--no-trunc"))
        return [name for entry in known if entry["id"] == image for name in entry["names"] or ()]

    def _inspect(self, image: str, what: str) -> Any:
        """Return something that docker and podman tell of an image."""
        template = "{{json ." + what + "}}"
        return json.loads(self.program.run("image", "inspect", "--format", template, image))

    def _history(self, image: str) -> list[Layer]:
        words = ("history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}")
        layers = []
        for line in reversed(self.program.run(*words, image).splitlines()):
            size, _, made_by = line.partition("\t")
            if int(size):
                layers.append(Layer(shorten(made_by), int(size)))
        return layers


def find_builder(chosen: Name | None, environ: Mapping[str, str]) -> Builder:
    """Find a builder on the path.

    Parameters
    ----------
    chosen : {'docker', 'podman', 'buildah'} or None
        None for the first that there is.
    environ : mapping of str to str

    Raises
    ------
    ImageError
        If there is none.
    """
    for name in (chosen,) if chosen else BUILDERS:
        program = shutil.which(name, path=environ.get("PATH"))
        if program:
            return Builder(name, program, environ)
    if chosen:
        raise ImageError(
            f"{chosen} is not installed, or not on the PATH",
            hint="install it, or leave `builder` out to use what there is",
        )
    message = f"no container engine: none of {', '.join(BUILDERS)} is on the PATH"
    hint = "install Docker or Podman, or use `context_only` DIR and build elsewhere"
    raise ImageError(message, hint=hint)
