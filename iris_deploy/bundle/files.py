"""Files that somebody else has made: read without waiting for anybody, and never without end.

A server that is told to read one again must not hang on a named pipe that nobody writes to, take a
terminal, or read a device until its memory is full.
"""

import errno
import os
import stat
from pathlib import Path

_PIECE = 1 << 20  # bytes; what a manifest promises is taken as it comes, not reserved beforehand

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


Fingerprint = dict[str, tuple[int, ...]]
"""See `take_fingerprint`."""


def read_file(path: Path, limit: int) -> bytes:
    """Read an ordinary file, or a link to one.

    Parameters
    ----------
    path : Path
    limit : int
        Bytes that it may have.

    Returns
    -------
    bytes
        One byte more than the limit if the file is larger: the caller has to look.

    Raises
    ------
    OSError
        If it cannot be read, or is anything but an ordinary file; ``strerror`` says which.
    """
    try:
        _check_ordinary(path.stat())  # before it is opened, which alone makes some devices do much
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            _check_ordinary(os.fstat(file.fileno()))  # it may be another one by now
            data = bytearray()
            while piece := file.read(min(_PIECE, max(limit + 1 - len(data), 0))):
                data += piece
            return bytes(data)
    except ValueError as exc:  # a name that no file can have: with a NUL, or half a character
        raise OSError(errno.EINVAL, "no file can have this name") from exc


def take_fingerprint(directory: Path) -> Fingerprint:
    """Note how a directory and what is in it look from outside, to tell later if anything changed.

    Opens no file and raises nothing: that something is missing, no directory, or not to be looked
    at is a state like any other, and ends like any other. Links are followed.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    dict of str to tuple of int
        By name: mode, device, inode, bytes, and nanoseconds of the last change of content and of
        anything; or the number of the error alone. Equal if nothing has changed.
    """
    looks = {"": _look(directory)}
    try:
        return looks | {path.name: _look(path) for path in directory.iterdir()}
    except OSError as exc:
        return looks | {"/": (exc.errno or 0,)}


def _look(path: Path) -> tuple[int, ...]:
    try:
        s = path.stat()
    except OSError as exc:
        return (exc.errno or 0,)
    return (s.st_mode, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _check_ordinary(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "none")
        raise OSError(errno.EINVAL, f"it is {kind}; expected an ordinary file")
