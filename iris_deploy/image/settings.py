"""How `build-image` builds, tries and tags."""

from collections.abc import Mapping
from dataclasses import dataclass

from iris_deploy.bundle.gate import Gate


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """How `build-image` builds, tries and tags.

    Parameters
    ----------
    tags : tuple of str
        Whole ones, ``[registry/]name:tag``.
    base_image : str or None
        None for ``python:X.Y-slim`` with the Python that trained the bundle.
    platform, network : str or None
        As the builder takes them; None for its own default.
    build_args, labels : mapping of str to str
    trial : bool
        Whether the image has to answer before it gets its tags.
    max_size : int or None
        Bytes above which the image gets no tag.
    gates : tuple of Gate
        Bounds of metrics on the held-out samples beyond which nothing is built.
    push : bool
        Whether the tags are pushed.
    """

    tags: tuple[str, ...]
    base_image: str | None = None
    platform: str | None = None
    network: str | None = None
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    trial: bool = True
    max_size: int | None = None
    gates: tuple[Gate, ...] = ()
    push: bool = False
