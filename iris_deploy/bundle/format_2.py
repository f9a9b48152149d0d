"""Manifests of format 2: what training saw stood among a column's own members; read, not written.

All bundles were trained and measured.
"""

from typing import Any

import msgspec

from iris_deploy.bundle.manifest import Manifest

_SEEN = {
    "number": ("n_missing", "minimum", "maximum", "mean", "bin_edges", "bin_counts"),
    "category": ("n_missing", "counts", "n_rest"),
}
"""Members of a column, by its kind."""

_SEEN_OF_TARGET = ("minimum", "maximum", "mean", "bin_edges")


def decode_format_2(data: bytes) -> Manifest:
    """Read a manifest of format 2, and return it as one of today's.

    Raises
    ------
    msgspec.MsgspecError
        If it is not as the format has it.
    """
    content = msgspec.json.decode(data, type=dict[str, Any])
    try:
        signature, evaluation = content["signature"], content["evaluation"]
        for column in signature["columns"]:
            _gather(column, _SEEN[column["kind"]])
        if signature["output"]["kind"] == "number":
            _gather(signature["output"], _SEEN_OF_TARGET)
        known = "adapter" not in content
        known = known and all("path" not in artifact for artifact in content["artifacts"])
        known = known and content["provenance"]["kind"] == "trained" and evaluation is not None
    except (KeyError, TypeError, AttributeError) as exc:
        raise msgspec.ValidationError(f"a member is missing or no object: {exc}") from exc
    if not known:
        raise msgspec.ValidationError("it has what came with a later format")
    return msgspec.convert(content, Manifest)


def _gather(described: dict[str, Any], names: tuple[str, ...]) -> None:
    """Put members together that are one object today."""
    if "seen" in described:
        raise msgspec.ValidationError("`seen` came with a later format")
    described["seen"] = {name: described.pop(name) for name in names}
