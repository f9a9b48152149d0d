"""An image as a directory of files, as podman and buildah write it with ``dir:``."""

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARK: Final = "io.iris-deploy.build"
"""A label for all images of one build, those between too, so that they can be found again."""


@dataclass(frozen=True)
class Layer:
    """One layer of an image: the instruction that made it, and the bytes of its files."""

    instruction: str
    size: int


def remove_host_metadata(directory: Path) -> None:
    """Take the names of what an image was built in and from out of its configuration, and its mark.

    podman and buildah leave them there, in Docker's format, whatever time they are given; with
    them no two images are alike.
    """
    file = directory / "manifest.json"
    manifest = json.loads(file.read_text())
    old = _blob(directory, manifest["config"])
    configuration = json.loads(old.read_text())
    for member in ("container", "parent"):
        configuration.pop(member, None)
    history = configuration["history"]
    history[:] = [entry for entry in history if MARK not in entry.get("created_by", "")]
    for entry in history:
        if entry.get("comment", "").startswith("FROM "):
            del entry["comment"]
    for part in ("config", "container_config"):
        options = configuration.get(part, {})
        options.pop("Hostname", None)
        (options.get("Labels") or {}).pop(MARK, None)
    new = json.dumps(configuration, separators=(",", ":")).encode()
    manifest["config"] |= {"digest": f"sha256:{hashlib.sha256(new).hexdigest()}", "size": len(new)}
    old.unlink()
    _blob(directory, manifest["config"]).write_bytes(new)
    file.write_text(json.dumps(manifest))


def read_layers(directory: Path) -> list[Layer]:
    """Return the layers that hold anything, from the base up."""
    manifest = json.loads((directory / "manifest.json").read_text())
    configuration = json.loads(_blob(directory, manifest["config"]).read_text())
    made_by = [
        e.get("created_by", "") for e in configuration["history"] if not e.get("empty_layer")
    ]
    layers = []
    for instruction, descriptor in zip(made_by, manifest["layers"], strict=True):
        with tarfile.open(_blob(directory, descriptor)) as archive:
            layers.append(Layer(shorten(instruction), sum(member.size for member in archive)))
    return [layer for layer in layers if layer.size]


def shorten(made: str) -> str:
    """Return what the history of an image says of a layer, in the words of a Dockerfile."""
    words = re.sub(r"^/bin/sh -c #\(nop\) +|^/bin/sh -c |# buildkit$", "", made)
    words = re.sub(r"\s+", " ", words).strip()
    return re.sub(r"^COPY (\w+:[0-9a-f]{64}|dir:\w+|multi:\w+) in ", "COPY ", words)


def _blob(directory: Path, descriptor: dict[str, str]) -> Path:
    return directory / descriptor["digest"].removeprefix("sha256:")
