"""The one member of an object that holds what is asked about, cut out of it without being read."""

from functools import lru_cache
from typing import Any

import msgspec


def read_members(body: bytes, names: tuple[str, ...]) -> tuple[str, bytes] | None:
    """Cut out the only member that an object has.

    Parameters
    ----------
    body : bytes
    names : tuple of str
        That it may have, none of which has to be escaped in JSON.

    Returns
    -------
    tuple of str and bytes, or None
        Its name and JSON; None if the strict reader has to judge.
    """
    try:
        found = _decoder(names).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    members = [(name, raw) for name in names if (raw := getattr(found, name)) is not msgspec.UNSET]
    if len(members) != 1:
        return None
    name, raw = members[0]
    value = bytes(raw)
    # Two quotes for its name, and no others outside of it: no name came twice.
    return (name, value) if body.count(b'"') == 2 + value.count(b'"') else None


class _Split(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A data frame in the form ``split``."""

    columns: list[str]
    data: msgspec.Raw
    index: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_SPLIT = msgspec.json.Decoder(_Split)


def read_split(body: bytes) -> tuple[list[str], bytes] | None:
    """Cut the rows out of a data frame in the form ``split``.

    Parameters
    ----------
    body : bytes

    Returns
    -------
    tuple of list of str and bytes, or None
        Its columns, and its rows in JSON; None if the strict reader has to judge.
    """
    try:
        found = _SPLIT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    data = bytes(found.data)
    index = b"" if isinstance(found.index, msgspec.UnsetType) else bytes(found.index)
    members = 3 if index else 2
    quotes = 2 * (members + len(found.columns)) + data.count(b'"') + index.count(b'"')
    is_plain = body.count(b'"') == quotes and not index.startswith((b"{", b'"'))
    return (found.columns, data) if is_plain else None


@lru_cache
def _decoder(names: tuple[str, ...]) -> Any:
    fields: list[Any] = [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in names]
    struct: Any = msgspec.defstruct("Members", fields, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(struct)
