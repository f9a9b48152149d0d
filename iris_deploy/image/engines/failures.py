"""What engines fail with, put into words with a next step.

Knows what engines say, and runs none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from iris_deploy.errors import ImageError


@dataclass(frozen=True)
class _Failure:
    """How a failure is recognised in what an engine says, what it is, and what to do about it."""

    signs: tuple[str, ...]
    what: str
    hint: str


_FAILURES = (
    _Failure(
        (r"permission denied.*docker.*sock", r"dial unix.*permission denied"),
        "this user may not talk to the Docker daemon",
        "`sudo usermod -aG docker $USER` and log in again, or use `builder` podman",
    ),
    _Failure(
        ("cannot connect to the docker daemon", "is the docker daemon running", "during connect"),
        "the Docker daemon does not answer",
        "start it: `sudo systemctl start docker`, or open Docker Desktop; or use `builder` podman",
    ),
    _Failure(
        ("no space left on device", "disk quota exceeded"),
        "the disk is full",
        "make room: `docker system df` shows what images take, `docker system prune` removes it",
    ),
    _Failure(
        ("was trained with Python", r"requirements/serve\.txt installs"),
        "the versions in the build are not those that trained the bundle",
        "choose another base with `base_image`, or train again with what it has",
    ),
    _Failure(
        ("unauthorized", "authentication required", "no basic auth", "denied: "),
        "the registry refuses: not logged in, or not allowed",
        "`docker login REGISTRY` (or podman, buildah), and check the name",
    ),
    _Failure(
        ("certificate signed by unknown authority", "certificate_verify_failed"),
        "a certificate is not trusted",
        "for pip set PIP_CERT to your authority's file; for a registry tell the engine of it",
    ),
    _Failure(
        (
            *("no matching distribution", "could not find a version", "max retries exceeded"),
            *("failed to establish a new connection", "do not match the hashes"),
        ),
        "pip cannot install what serving needs",
        "check the network of the build (`network`), and pip's index settings",
    ),
    _Failure(
        (
            *("pull access denied", "manifest unknown", "manifest for .* not found"),
            *("failed to resolve source", "short-name", "repository does not exist"),
            *("initializing source", "error pulling image", "unable to pull"),
        ),
        "the base image is not to be had",
        "pull it first, or choose another one with `base_image`",
    ),
    _Failure(
        (
            *("no such host", "connection refused", "server misbehaving", "i/o timeout"),
            *("tls handshake", "server gave http response", "name resolution"),
        ),
        "the registry does not answer",
        "check its name and port, and the network",
    ),
)


def explain(name: str, verb: str, lines: Sequence[str]) -> ImageError:
    """Put a failure into words, with the end of what the engine said."""
    text = "\n".join(line for line in lines if line.strip())
    for failure in _FAILURES:
        if any(re.search(sign, text, re.IGNORECASE) for sign in failure.signs):
            message = f"{failure.what} ({name} {verb} failed)\n{indent(text)}"
            return ImageError(message, hint=failure.hint)
    return ImageError(f"{name} {verb} failed\n{indent(text)}", hint="`verbose` shows the whole log")


def indent(text: str) -> str:
    """Set off what somebody else has said."""
    return "\n".join(f"  | {line}" for line in text.splitlines())
