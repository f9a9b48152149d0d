"""The code-free reader: fitted attributes out of a ``joblib.dump``, without unpickling it.

A pickle is a program for a small stack machine, and ``joblib.load`` runs it: every class and
function that the file names is imported and called. Here the same instructions are carried out by a
machine that can only build plain values and inert records (machine.py). This module unpacks
the file, runs that machine over it, and turns whatever goes wrong into one kind of error.

Must not import joblib or scikit-learn.
"""

import bz2
import io
import lzma
import zlib
from typing import Any

from iris_deploy.dumps.instructions import run
from iris_deploy.dumps.machine import StackMachine
from iris_deploy.dumps.names import Classes
from iris_deploy.dumps.stack import DAMAGE
from iris_deploy.errors import ArtifactError

MAX_DUMP_BYTES = 256 * 1024 * 1024
"""A dump may have this many bytes, when decompressed: what 32 million weights take."""


def read_dump(plain: bytes, classes: Classes, *, hint: str) -> object:
    """Read what ``joblib.dump`` or ``pickle.dump`` wrote, without running any of it.

    Parameters
    ----------
    plain : bytes
        The whole file, unpacked.
    classes : mapping of (str, str) to str
        Public names of the classes that it may name, by module and name.
    hint : str
        Which these are, for whoever has others.

    Returns
    -------
    object
        A record of an estimator, or plain values and what holds several of either.

    Raises
    ------
    ArtifactError
        If the bytes are damaged or name a class that is not in the list.
    """
    try:
        machine = StackMachine(io.BytesIO(plain), classes, hint)
        value = run(machine)
        trailing = len(plain) - machine.stream.tell()
    except ArtifactError:
        raise
    except DAMAGE as exc:
        raise _damaged(exc) from exc
    if trailing:
        raise ArtifactError(
            f"the dump is damaged: {trailing} bytes follow its end", hint="dump the estimator again"
        )
    return value


def unpack(data: bytes, limit: int) -> bytes:
    """Return a file uncompressed; a bomb is cut off at the limit.

    Parameters
    ----------
    data : bytes
        The whole file, plain or compressed with zlib, gzip, bz2, lzma or xz.
    limit : int
        Largest size; bytes.

    Raises
    ------
    ArtifactError
        If it is larger, damaged, or compressed otherwise.
    """
    try:
        return _decompress(data, limit)
    except (EOFError, MemoryError, OSError, ValueError, lzma.LZMAError, zlib.error) as exc:
        raise _damaged(exc) from exc


def _damaged(exc: Exception) -> ArtifactError:
    return ArtifactError(
        f"the dump is damaged: {str(exc)[:100] or type(exc).__name__}",
        hint="dump the estimator again",
    )


def _decompress(data: bytes, limit: int) -> bytes:
    """Return the plain dump."""
    decompressor: Any
    if data.startswith((b"\x78", b"\x1f\x8b")):
        decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: zlib or gzip by its header
    elif data.startswith(b"BZ"):
        decompressor = bz2.BZ2Decompressor()
    elif data.startswith((b"\xfd7zXZ", b"\x5d\x00")):
        decompressor = lzma.LZMADecompressor(memlimit=MAX_DUMP_BYTES)
    elif data.startswith((b"\x04\x22\x4d\x18", b"ZF")):
        kind = "with lz4" if data[:1] == b"\x04" else "by a joblib older than 0.10"
        raise ArtifactError(
            f"the dump was written {kind}, which cannot be read",
            hint="dump again, uncompressed or with zlib",
        )
    else:
        if len(data) > limit:
            raise ArtifactError(f"the dump has more than {limit} bytes")
        return data
    plain: bytes = decompressor.decompress(data, limit + 1)
    if len(plain) > limit:
        raise ArtifactError(f"the dump has more than {limit} bytes when decompressed")
    if not decompressor.eof:
        raise EOFError("the compressed stream ends too early")
    if decompressor.unused_data:
        raise ValueError(f"{len(decompressor.unused_data)} bytes follow the compressed stream")
    return plain
