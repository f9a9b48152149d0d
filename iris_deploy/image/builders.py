"""docker, podman and buildah behind one small interface.

The only module that runs a container engine. What they say is passed on line by line.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from iris_deploy.errors import ImageError
from iris_deploy.image.failures import explain

Name = Literal["docker", "podman", "buildah"]
BUILDERS: Final[tuple[Name, ...]] = ("docker", "podman", "buildah")
"""In the order in which they are looked for."""

_TAIL = 25  # lines of a builder's log that are shown when it fails
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What a build is told, beside its context.

    Parameters
    ----------
    base_image : str
    epoch : int
        Seconds since 1970, for all times in the image.
    platform, network : str or None
        As the builder takes them.
    build_args, labels : mapping of str to str
    """

    base_image: str
    epoch: int
    platform: str | None = None
    network: str | None = None
    build_args: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Layer:
    """One layer of an image: the instruction that made it, and its size in bytes."""

    instruction: str
    size: int


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
        self._program = program
        self._environ = environ
        self._snap = "/snap/" in program or "/snap/" in os.path.realpath(program)
        self._buildx = name == "docker" and self._succeeds("buildx", "version")

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
            self._run("version", "--format", "{{.Server.Version}}")

    def build_command(self, context: Path, id_file: Path, options: BuildOptions) -> list[str]:
        """Return the command that builds, for whoever wants to see or to run it."""
        words = [self._program]
        if self.name == "docker" and self._buildx:
            # No attestations: they make an index, which Lambda and some registries refuse.
            words += ["buildx", "build", "--load", "--provenance=false", "--sbom=false"]
        elif self.name == "docker":
            words += ["build", "--force-rm"]  # no containers are left of a build that fails
        else:
            # Docker's format: every platform takes it, and OCI's has no HEALTHCHECK.
            # A layer for each COPY, which buildah would not make; and podman's cache would take
            # those of another time.
            words += ["build", "--format", "docker", "--layers", "--no-cache"]
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

    def build(self, context: Path, options: BuildOptions, tell: Callable[[str], None]) -> str:
        """Build an image without a tag.

        Parameters
        ----------
        context : Path
        options : BuildOptions
        tell : callable
            Gets the builder's log, line by line.

        Returns
        -------
        str
            The image's id.

        Raises
        ------
        ImageError
            With the end of the builder's log.
        """
        with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=self.files) as directory:
            id_file = Path(directory) / "id"
            self._stream(self.build_command(context, id_file, options), tell)
            image = id_file.read_text().strip()
            return image if self.name == "docker" else self._forget_machine(image, Path(directory))

    def _forget_machine(self, image: str, directory: Path) -> str:
        """Take the names of what it was built in and from out of an image's configuration.

        podman and buildah leave them there, in Docker's format, whatever time they are given; with
        them no two images are alike.
        """
        layout = directory / "layout"
        self._run("push", image, f"dir:{layout}")
        file = layout / "manifest.json"
        manifest = json.loads(file.read_text())
        old = layout / manifest["config"]["digest"].removeprefix("sha256:")
        configuration = json.loads(old.read_text())
        for member in ("container", "parent"):
            configuration.pop(member, None)
        for entry in configuration["history"]:
            if entry.get("comment", "").startswith("FROM "):
                del entry["comment"]
        for part in ("config", "container_config"):
            configuration.get(part, {}).pop("Hostname", None)
        new = json.dumps(configuration, separators=(",", ":")).encode()
        digest = hashlib.sha256(new).hexdigest()
        old.unlink()
        (layout / digest).write_bytes(new)
        manifest["config"] |= {"digest": f"sha256:{digest}", "size": len(new)}
        file.write_text(json.dumps(manifest))
        settled = self._run("pull", "--quiet", f"dir:{layout}").split()[-1]
        if settled != image.removeprefix("sha256:"):
            self._succeeds("rmi", image)
        return f"sha256:{settled}"

    def tag(self, image: str, tags: Sequence[str]) -> None:
        """Give an image all of its tags or none."""
        given: list[str] = []
        try:
            for tag in tags:
                self._run("tag", image, tag)
                given.append(tag)
        except BaseException:
            for tag in given:
                self._succeeds("rmi", tag)
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
                self._stream([self._program, "push", tag], tell)
                known: list[str] = self._inspect(tag, "RepoDigests")
                return next(d for d in known if d.startswith(f"{repository}@"))
            file = Path(directory) / "digest"
            self._stream([self._program, "push", "--digestfile", str(file), tag], tell)
            return f"{repository}@{file.read_text().strip()}"

    def remove_image(self, image: str) -> None:
        """Remove an image that did not earn its tag.

        The same input makes the same image, which may have earned a tag before: then it stays.
        """
        if self.runs and not self._inspect(image, "RepoTags"):
            self._succeeds("rmi", image)

    def _inspect(self, image: str, what: str) -> Any:
        """Return something that docker and podman tell of an image."""
        template = "{{json ." + what + "}}"
        return json.loads(self._run("image", "inspect", "--format", template, image))

    def size(self, image: str) -> int:
        """Return an image's size, bytes."""
        return int(self._inspect(image, "Size"))

    def layers(self, image: str) -> list[Layer]:
        """Return the layers of an image that hold anything, from the base up."""
        words = ["history", "--no-trunc", "--human=false", "--format"]
        if self.name == "podman":  # which knows numbers in JSON only
            made = [
                (e.get("CreatedBy", ""), e["size"])
                for e in json.loads(self._run(*words, "json", image))
            ]
        else:
            lines = self._run(*words, "{{.Size}}\t{{.CreatedBy}}", image).splitlines()
            made = [(by, int(size)) for size, _, by in (line.partition("\t") for line in lines)]
        return [Layer(_instruction(by), size) for by, size in reversed(made) if size]

    def start(self, name: str, image: str, *options: str) -> None:
        """Run a container in the background, under a name that its end needs whatever happens."""
        self._run("run", "--detach", "--name", name, *options, image)

    def execute(self, container: str, *command: str, given: str = "") -> str:
        """Run a command inside a container and return what it prints."""
        return self._run("exec", "--interactive", container, *command, given=given)

    def state(self, container: str) -> dict[str, object]:
        """Return what is known of a container's life: whether it runs, its start and exit code."""
        state: dict[str, object] = json.loads(
            self._run("inspect", "--format", "{{json .State}}", container)
        )
        return state

    def logs(self, container: str) -> str:
        """Return what a container has printed."""
        command = [self._program, "logs", container]
        ran = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return ran.stdout

    def stop(self, container: str, seconds: int) -> None:
        """Send SIGTERM, and SIGKILL after so many seconds."""
        self._run("stop", "--time", str(seconds), container)

    def remove(self, container: str) -> None:
        """Remove a container with its volumes, whatever its state."""
        self._succeeds("rm", "--force", "--volumes", container)

    def _succeeds(self, *words: str) -> bool:
        command = [self._program, *words]
        ran = subprocess.run(command, capture_output=True, start_new_session=True, check=False)
        return ran.returncode == 0

    def _run(self, *words: str, given: str = "") -> str:
        ran = subprocess.run(
            [self._program, *words],
            input=given,
            capture_output=True,
            text=True,
            start_new_session=True,  # a Ctrl-C is ours: it should not be cut off half-way
            check=False,
        )
        if ran.returncode:
            raise explain(self.name, words[0], ran.stderr.strip().splitlines() or [ran.stdout])
        return ran.stdout

    def _stream(self, command: Sequence[str], tell: Callable[[str], None]) -> None:
        """Run a command whose output people want to see; end it if we are interrupted."""
        tail: deque[str] = deque(maxlen=_TAIL)
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**self._environ, "BUILDKIT_PROGRESS": "plain"},
        ) as process:
            assert process.stdout is not None  # noqa: S101
            try:
                for line in process.stdout:
                    tail.append(line.rstrip())
                    tell(line.rstrip())
                code = process.wait()
            except BaseException:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                process.kill()
                raise
        if code:
            raise explain(self.name, command[1], list(tail))


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
        message = f"{chosen} is not installed, or not on the PATH"
        raise ImageError(message, hint="install it, or leave --builder out to use what there is")
    message = f"no container engine: none of {', '.join(BUILDERS)} is on the PATH"
    hint = "install Docker or Podman, or use --context-only DIR and build elsewhere"
    raise ImageError(message, hint=hint)


def _instruction(made: str) -> str:
    """Shorten what a history says of a layer."""
    words = re.sub(r"^/bin/sh -c #\(nop\) +|^/bin/sh -c |# buildkit$", "", made)
    words = re.sub(r"\s+", " ", words).strip()
    return re.sub(r"^COPY (\w+:[0-9a-f]{64}|dir:\w+|multi:\w+) in ", "COPY ", words)
