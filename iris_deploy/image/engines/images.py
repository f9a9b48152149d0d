"""What all engines do with images in the same words."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iris_deploy.image.engines.program import Program
from iris_deploy.image.options import BuildOptions

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


def readable_directory(program: Program) -> Path | None:
    """Return where a program's temporary files have to be; None for anywhere.

    One that is installed as a snap is confined to the home directory.
    """
    snap = "/snap/" in program.path or "/snap/" in os.path.realpath(program.path)
    return Path.home() if snap else None


def build_arguments(
    context: Path, id_file: Path, options: BuildOptions, environ: Mapping[str, str]
) -> list[str]:
    """Return the words of a build that all engines take."""
    words = []
    arguments = {
        "BASE_IMAGE": options.base_image,
        "SOURCE_DATE_EPOCH": str(options.epoch),
        **options.build_args,
    }
    for name, value in arguments.items():
        words += ["--build-arg", f"{name}={value}"]
    for name in _PROXIES:  # their values come from the environment, not from the command line
        for spelling in (name, name.lower()):
            if spelling in environ and spelling not in options.build_args:
                words += ["--build-arg", spelling]
    for name, value in options.labels.items():
        words += ["--label", f"{name}={value}"]
    for option in ("platform", "network"):
        value = getattr(options, option)
        if value:
            words += [f"--{option}", value]
    return [*words, "--iidfile", str(id_file), str(context)]


def tag_all(program: Program, image: str, tags: Sequence[str]) -> None:
    """Give an image all of its tags or none."""
    given: list[str] = []
    try:
        for tag in tags:
            program.run("tag", image, tag)
            given.append(tag)
    except BaseException:
        for tag in given:
            program.succeeds("rmi", tag)
        raise


def inspect(program: Program, image: str, what: str) -> Any:
    """Return something that docker and podman tell of an image."""
    template = "{{json ." + what + "}}"
    return json.loads(program.run("image", "inspect", "--format", template, image))
