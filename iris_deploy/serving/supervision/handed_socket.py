"""Listening sockets that a service manager has made, and goes on holding when we stop.

So nothing is lost in a restart: who connects meanwhile waits in the kernel's queue for the next
server.

References
----------
sd_listen_fds(3), systemd.socket(5).
"""

import os
import socket
import stat

from iris_deploy.errors import ServerError

_HINT = "let the socket unit listen: ListenStream=, with Accept=no"


class HandedSocket(socket.socket):
    """A listening socket by its descriptor.

    Parameters
    ----------
    descriptor : int

    Raises
    ------
    ServerError
        If it is no listening stream socket, of TCP or of Unix.
    """

    def __init__(self, descriptor: int) -> None:
        expected = f"descriptor {descriptor}: expected a listening socket of TCP or Unix"
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                raise ServerError(f"{expected}, got a file of another kind", hint=_HINT)
        except OSError as exc:
            raise ServerError(f"{expected}, got none: {exc.strerror}", hint=_HINT) from exc
        super().__init__(fileno=descriptor)
        families = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)
        listens = self.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if self.family not in families or self.type != socket.SOCK_STREAM or not listens:
            self.detach()
            raise ServerError(f"{expected}, got another socket", hint=_HINT)
        self.set_inheritable(False)
