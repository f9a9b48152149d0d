"""bundle.json: everything there is to know about a bundle, as strict, versioned, digested JSON.

The file is an ordinary JSON object whose first two members have a fixed form::

    {
      "format": 1,
      "digest": "sha256:<64 hexadecimal digits>",
      ...

The digest is taken over every byte after its own line, and the rest holds the digests of all
artifacts. So one digest stands for the bundle, and no bit of it can change unnoticed.

Format numbers. `FORMAT` goes up by one when a reader of the old format could misunderstand the new
one: a member gone, renamed or with another meaning, a new member that must not be ignored (all of
them: unknown members are refused). Then: change the structures, raise `FORMAT`, keep reading the
older number only with a test on a bundle that was written by it (format_2.py), and write both into
docs/design.md and the changelog.
"""

import hashlib
import json
import re
from collections.abc import Callable

import msgspec

from iris_deploy.bundle.format_1 import decode_format_1
from iris_deploy.bundle.format_2 import decode_format_2
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.errors import BundleDigestError, BundleFormatError

FORMAT = 3
"""The format that this release writes."""

OLDEST_FORMAT = 1
"""The oldest that it reads."""

MAX_MANIFEST_BYTES = 16 * 1024 * 1024
"""Far above any manifest; what is larger is no manifest."""


_HEAD = re.compile(rb'\{\n  "format": (\d{1,9}),\n  "digest": "(sha256:[0-9a-f]{64})",\n')


_READERS: dict[int, Callable[[bytes], Manifest]] = {
    OLDEST_FORMAT: decode_format_1,
    2: decode_format_2,
    FORMAT: msgspec.json.Decoder(Manifest).decode,
}


def sha256(data: bytes) -> str:
    """Return the digest of some bytes as ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def encode_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as the bytes of bundle.json, with the digest filled in."""
    members = {
        k: v for k, v in msgspec.to_builtins(manifest).items() if k not in {"format", "digest"}
    }
    text = msgspec.json.format(msgspec.json.encode(members), indent=2).decode()
    rest = (text.removeprefix("{\n") + "\n").encode()
    return f'{{\n  "format": {FORMAT},\n  "digest": "{sha256(rest)}",\n'.encode() + rest


def decode_manifest(data: bytes) -> Manifest:
    """Read the bytes of bundle.json.

    Raises
    ------
    BundleFormatError
        If it is no manifest, of another format, or not as the format has it.
    BundleDigestError
        If it is not what was written.
    """
    head = _HEAD.match(data)
    number = int(head[1]) if head else _foreign_format(data)
    read = _READERS.get(number) if number is not None else None
    if read is None or head is None:
        if number is None or read:
            raise BundleFormatError(
                "bundle.json is not a manifest that iris-deploy wrote, or it was edited",
                hint="train again, or restore the file",
            )
        relation = "newer" if number > FORMAT else "unknown"
        raise BundleFormatError(
            f"bundle.json has the {relation} format {number}; this release reads "
            f"{OLDEST_FORMAT} to {FORMAT}",
            hint="install the iris-deploy that wrote it, or train again",
        )
    expected, got = head[2].decode(), sha256(data[head.end() :])
    if expected != got:
        raise BundleDigestError(
            f"bundle.json was changed after it was written: expected {expected}, got {got}",
            hint="train again, or restore the file",
        )
    try:
        return read(data)
    except msgspec.MsgspecError as exc:
        raise BundleFormatError(
            f"bundle.json is not as format {number} has it: {exc}", hint="train again"
        ) from exc


def _foreign_format(data: bytes) -> int | None:
    """Return the format number of JSON that is not laid out as ours, if it has one."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    number = content.get("format") if isinstance(content, dict) else None
    return number if type(number) is int else None
