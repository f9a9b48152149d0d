"""Datatypes of tensors, and their elements in raw bytes.

References
----------
kserve.github.io, "Open Inference Protocol (V2)", tensor data types; Triton's binary tensor data
extension.
"""

from typing import Any, Final

import numpy as np

from iris_deploy.codec.strict_json import MalformedError

NUMBERS: Final = {
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
}
"""Datatypes of numbers, as they are in raw bytes."""

BOOL, BYTES = "BOOL", "BYTES"
LENGTH: Final = 4
"""Bytes of the length in front of each element of BYTES."""


def read_raw(datatype: str, raw: bytes, n_elements: int, where: str) -> Any:
    """Read the elements of a tensor out of raw bytes.

    Parameters
    ----------
    datatype : str
    raw : bytes
        Little-endian.
    n_elements : int
    where : str
        Of the tensor, for the message.

    Returns
    -------
    ndarray of float64, or list of str or bool

    Raises
    ------
    MalformedError
        If they are not as many, or not of the datatype.
    """
    check_datatype(datatype, where)
    if datatype == BYTES:
        return _read_texts(raw, n_elements, where)
    kind = NUMBERS.get(datatype, np.dtype("u1"))
    if len(raw) != n_elements * kind.itemsize:
        raise MalformedError(
            f"{where}: {len(raw)} bytes; {n_elements} elements of {datatype} have "
            f"{n_elements * kind.itemsize}"
        )
    values = np.frombuffer(raw, kind)
    if datatype != BOOL:
        return values.astype(np.float64)
    if values.max(initial=0) > 1:
        raise MalformedError(f"{where}: expected bytes of 0 and 1 for {BOOL}")
    return values.astype(bool).tolist()


def _read_texts(raw: bytes, n_elements: int, where: str) -> list[str]:
    texts: list[str] = []
    at = 0
    while at < len(raw) and len(texts) < n_elements:
        start = at + LENGTH
        at = start + int.from_bytes(raw[at:start], "little")
        if at > len(raw) or start > len(raw):
            break
        try:
            texts.append(raw[start:at].decode())
        except UnicodeDecodeError as exc:
            raise MalformedError(f"{where}: element {len(texts)} is no UTF-8") from exc
    if at != len(raw) or len(texts) != n_elements:
        raise MalformedError(
            f"{where}: {len(raw)} bytes are not {n_elements} elements of {BYTES}, each with its "
            "length in front"
        )
    return texts


def check_datatype(datatype: str, where: str) -> None:
    """Refuse a datatype that the protocol does not have."""
    if datatype not in NUMBERS and datatype not in {BOOL, BYTES}:
        known = (*NUMBERS, BOOL, BYTES)
        raise MalformedError(
            f"{where}: unknown datatype {datatype[:40]!r}; expected one of {', '.join(known)}"
        )
