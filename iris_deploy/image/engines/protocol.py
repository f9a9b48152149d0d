"""What an engine has to know; docker.py, podman.py and buildah.py are engines.

A new one is a module like these, and its line in the registry. What differs between engines is said
by what they are, and asked of them: nobody else looks at their names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from iris_deploy.image.engines.layout import Layer
from iris_deploy.image.engines.program import Program
from iris_deploy.image.options import BuildOptions


@dataclass(frozen=True)
class Built:
    """A fresh image without a tag: its id, and its layers that hold anything, from the base up."""

    image: str
    layers: list[Layer]


class Engine(Protocol):
    """A container engine, by its command line.

    Attributes
    ----------
    name : str
        As people know it, and of its program.
    runner : str
        The program that people run its images with.
    program : Program
    runs : bool
        Whether it can run what it has built.
    reproducible : bool
        Whether it can give all times, so that the same input makes the same image.
    files : Path or None
        Where temporary files have to be so that it can read them; None for anywhere.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def runner(self) -> str: ...  # noqa: D102

    @property
    def program(self) -> Program: ...  # noqa: D102

    @property
    def runs(self) -> bool: ...  # noqa: D102

    @property
    def reproducible(self) -> bool: ...  # noqa: D102

    @property
    def files(self) -> Path | None: ...  # noqa: D102

    def check(self) -> None:
        """Make sure that it answers, before any work is done; raise `ImageError` if not."""

    def build_words(self, context: Path, id_file: Path, options: BuildOptions) -> list[str]:
        """Return what the builder is told, for whoever wants to see or to run it."""
        ...

    def build(self, context: Path, options: BuildOptions, on_line: Callable[[str], None]) -> Built:
        """Build an image without a tag.

        Parameters
        ----------
        context : Path
        options : BuildOptions
        on_line : callable
            Gets the builder's log, line by line.

        Raises
        ------
        ImageError
            With the end of the builder's log.
        """
        ...

    def tag(self, image: str, tags: Sequence[str]) -> None:
        """Give an image all of its tags or none."""

    def push(self, tag: str, on_line: Callable[[str], None]) -> str:
        """Push a tag with the engine's own credentials; return ``repository@sha256:...``."""
        ...

    def remove_image(self, image: str) -> None:
        """Remove an image that did not earn its tag, unless it has earned one before."""
