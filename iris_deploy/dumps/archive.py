"""The ZIP archive that skops writes: members within bounds, each read once; NumPy's own files.

Arrays lie in it as ``numpy.save`` writes them, of which the header is a line of Python: it is
matched, not evaluated.
"""

import io
import re
import zipfile
import zlib
from typing import Any

import numpy as np

from iris_deploy.dumps.arrays import checked_shape, view_array
from iris_deploy.dumps.dtypes import MAX_FIELDS, PendingDtype

_ENTRY = b"PK\x01\x02"
_FEW_MEMBERS, _BYTES_PER_MEMBER = 1000, 128
"""Of an archive; the smallest array has 130 bytes, and its name twice 70 more."""

_ENCRYPTED = 1

_DTYPE = r"[<>|=][biufUV]\d{1,6}"
_HEADER = re.compile(
    rf"\{{'descr': (?:'({_DTYPE})'|\[([^\[\]]{{1,3000}})\]), 'fortran_order': (True|False), "
    r"'shape': \(([\d, ]{0,200})\), \}[ \n]*"
)
_FIELD = re.compile(rf"\('([A-Za-z_]\w{{0,40}}|)', '({_DTYPE})'\)(?:, |,?$)")
_VERSIONS = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}
"""Of NumPy's files, and in how many bytes they say how long the header is."""

DAMAGE = (NotImplementedError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""As which a damaged archive shows, beside `stack.DAMAGE`."""

Array = np.ndarray[Any, Any]


class Archive:
    """The members of an archive.

    Parameters
    ----------
    data : bytes
        The whole of it.
    limit : int
        Bytes that its members may have together, decompressed.

    Attributes
    ----------
    size : int
        Bytes that they have.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If it is damaged, or larger.
    """

    def __init__(self, data: bytes, limit: int) -> None:
        if data.count(_ENTRY) > _FEW_MEMBERS + len(data) // _BYTES_PER_MEMBER:
            raise ValueError("it has more members than its size could need")
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        members = self._zip.infolist()
        self.size = sum(member.file_size for member in members)
        if self.size > limit:
            raise ValueError(f"its members have more than {limit} bytes")
        if sum(member.compress_size for member in members) > len(data):
            raise ValueError("its members lie over one another")
        self._members = {member.filename: member for member in members}
        self._read: dict[str, bytes] = {}
        self._arrays: dict[str, Array] = {}

    def read(self, name: object) -> bytes:
        """Return the bytes of a member.

        Raises
        ------
        LookupError, ValueError
            If there is none of this name, or it is compressed by what few can read.
        """
        key = str(name)
        if key not in self._read:
            self._read[key] = self._decompress(key)
        return self._read[key]

    def read_array(self, name: object) -> Array:
        """Return the array of a member, as `read` does.

        Raises
        ------
        ArtifactError, LookupError, TypeError, ValueError
            If it is none of numbers, text or structures of numbers.
        """
        key = str(name)
        if key not in self._arrays:
            self._arrays[key] = _parse_array(self._decompress(key))
        return self._arrays[key]

    def _decompress(self, name: str) -> bytes:
        if name not in self._members:
            raise LookupError(f"it has no member {name!r:.80}")
        member = self._members[name]
        if member.flag_bits & _ENCRYPTED:
            raise ValueError("it is encrypted")
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError("it is compressed otherwise than by deflate")
        with self._zip.open(member) as file:  # which ends where the archive says that it ends
            return file.read(member.file_size)


def _parse_array(data: bytes) -> Array:
    """Return the array of a file of NumPy's."""
    width = _VERSIONS.get(data[6:8], 0)
    if data[:6] != b"\x93NUMPY" or not width:
        raise ValueError("an array is not in NumPy's format")
    start = 8 + width
    end = start + int.from_bytes(data[8:start], "little")
    header = _HEADER.fullmatch(data[start:end].decode("latin1"))
    if header is None or end > len(data):
        raise ValueError("an array is not described as NumPy does it")
    plain, fields, fortran, lengths = header.groups()
    dtype = PendingDtype(plain[1:], (3, plain[0])) if plain else _structure(fields)
    shape = checked_shape(tuple(int(n) for n in lengths.split(",") if n.strip()))
    return view_array(data[end:], dtype.resolve(), shape, "F" if fortran == "True" else "C")


def _structure(text: str) -> PendingDtype:
    """Return the type of structures; what lies between fields has no name."""
    fields: dict[str, tuple[PendingDtype, int]] = {}
    at = size = 0
    while at < len(text):
        found = _FIELD.match(text, at)
        if found is None or len(fields) > MAX_FIELDS:
            raise ValueError("a structure is not described as NumPy does it")
        name, code = found.groups()
        if name:
            fields[name] = PendingDtype(code[1:], (3, code[0])), size
        size += int(code[2:]) * (4 if code[1] == "U" else 1)
        at = found.end()
    return PendingDtype(f"V{size}", (3, "|", None, tuple(fields), fields, size, 1))
