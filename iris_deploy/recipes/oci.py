"""Manifests and configurations of images, as far as they are read.

References
----------
OCI Image Specification 1.1; Docker's image manifest V2, schema 2.
"""

from typing import Annotated

import msgspec


class Descriptor(msgspec.Struct):
    """Where something is: by its digest."""

    digest: Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]


class Platform(msgspec.Struct, frozen=True):
    """For which system an image is."""

    os: str = ""
    architecture: str = ""


class Entry(Descriptor):
    """One image of several."""

    platform: Platform = Platform()


class Manifest(msgspec.Struct):
    """Of an image, or of an index of images."""

    config: Descriptor | None = None
    manifests: list[Entry] | None = None


class Inner(msgspec.Struct, rename={"labels": "Labels"}):
    """What a container gets from its image."""

    labels: dict[str, str] | None = None


class Configuration(msgspec.Struct):
    """Of an image."""

    config: Inner | None = None


class Token(msgspec.Struct):
    """What an authorization service answers."""

    token: str = ""
    access_token: str = ""
