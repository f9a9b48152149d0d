"""A listening Unix socket, and the path by which it is reached.

The path is the part that goes wrong: it outlives a server that is killed, and somebody else may
have put something of his own there by the time that it is to be removed.
"""

import contextlib
import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

_PATIENCE = 0.5  # seconds; who holds the lock for longer is none of us, and not waited for


class UnixListener(socket.socket):
    """Bind a Unix socket and listen; one that a dead server left is replaced, nothing else is.

    Parameters
    ----------
    path : Path
    mode : int
        Permissions.
    backlog : int
        Connections that the kernel holds until they are accepted.

    Raises
    ------
    OSError
        If it is not to be had.
    """

    def __init__(self, path: Path, mode: int, backlog: int) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path = path
        self._place: tuple[int, int] | None = None
        try:
            # Else two that start at once both find the dead one, and the second removes the first.
            with _alone(path.parent):
                _remove_dead(path)
                mask = os.umask(0o777 & ~mode)
                try:
                    self.bind(str(path))
                finally:
                    os.umask(mask)
                self._place = _place(path)
                self.listen(backlog)
        except BaseException:
            self.remove()
            self.close()
            raise

    def remove(self) -> None:
        """Take the path away, so that nobody comes in by it any more, if it still leads here.

        Device and inode tell: the number is not given to another as long as the socket is open.
        A path that cannot be removed is left; it is no reason for a server not to end.
        """
        if self.fileno() < 0 or self._place is None:
            return
        with contextlib.suppress(OSError), _alone(self._path.parent):
            if _place(self._path) == self._place:
                self._path.unlink()
        self._place = None


def _place(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _remove_dead(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode) and not _answers(path):
            path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)  # one that is alive and has a full queue would keep us waiting
        try:
            probe.connect(str(path))
        except OSError as exc:
            return exc.errno != errno.ECONNREFUSED
        return True


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep other servers of ours from a directory, where it can be locked.

    The kernel lets go of the lock when its holder dies, and no file is left.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield
        return
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _locked(descriptor) and time.monotonic() < deadline:
            time.sleep(0.002)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True
