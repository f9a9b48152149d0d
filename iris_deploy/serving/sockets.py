"""Listening sockets: made once by the supervisor, inherited by every worker.

Knows nothing of HTTP.
"""

import contextlib
import resource
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from iris_deploy.errors import ServerError
from iris_deploy.serving.unix_listener import UnixListener
from iris_deploy.settings import ServeSettings

BACKLOG = 1024  # connections that the kernel holds until they are accepted

RESERVED_FILES = 64
"""Descriptors of a worker beside its connections: listeners, pipes, memory, modules, a reload."""

_HINT = "stop what listens there, or choose another with --port (0 picks a free one)"
_HINTS: dict[type[OSError], str] = {
    PermissionError: "ports below 1024 need privileges; choose another with --port",
    socket.gaierror: "choose an address of this machine with --host",
}


def open_sockets(settings: ServeSettings) -> list[socket.socket]:
    """Bind and listen wherever the settings say.

    Raises
    ------
    ServerError
        If an address is not to be had; then none is kept.
    """
    listeners: list[socket.socket] = []
    try:
        for port in settings.ports:
            listeners.append(open_socket(settings.host, port))  # noqa: PERF401
        if settings.unix_socket is not None:
            listeners.append(_open_unix_socket(settings.unix_socket, settings.unix_socket_mode))
    except BaseException:
        close_sockets(listeners)
        raise
    return listeners


def open_socket(host: str, port: int) -> socket.socket:
    """Bind a TCP port and listen.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        0 lets the system choose.

    Returns
    -------
    socket.socket

    Raises
    ------
    ServerError
        If the address is not to be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as exc:
        message = f"cannot listen on {host} port {port}: {exc.strerror or exc}"
        raise ServerError(message, hint=_HINTS.get(type(exc), _HINT)) from exc
    return listener


def _open_unix_socket(path: Path, mode: int) -> UnixListener:
    try:
        return UnixListener(path, mode, BACKLOG)
    except OSError as exc:
        message = f"cannot listen on the Unix socket {path}: {exc.strerror or exc}"
        raise ServerError(message, hint="choose another path with --unix-socket") from exc


def close_sockets(listeners: Sequence[socket.socket]) -> None:
    """Close this process's copies."""
    for listener in listeners:
        listener.close()


def remove_unix_sockets(listeners: Sequence[socket.socket]) -> None:
    """Take the paths of Unix sockets away, so that nobody comes in by them any more."""
    for listener in listeners:
        if isinstance(listener, UnixListener):
            listener.remove()


def refuse_newcomers(listeners: Sequence[socket.socket]) -> None:
    """Stop TCP connections from being begun, without disturbing those in the queue.

    A connection that the kernel takes after the last ``accept`` and before ``close`` would be
    reset. So the sockets are bound to a network interface that does not exist: nothing reaches them
    any more, and the kernel refuses in good order. Handshakes that have begun go on, since they
    belong to the interface that they came by. Needs Linux 5.7, and no privilege; elsewhere the gap
    remains.

    References
    ----------
    Linux, socket(7), SO_BINDTODEVICE; commit c427bfec18f2 for those without privileges.
    """
    for listener in listeners:
        if listener.family != socket.AF_UNIX and sys.platform.startswith("linux"):
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, _SO_BINDTOIFINDEX, _NO_INTERFACE)


_SO_BINDTOIFINDEX = 62  # asm-generic/socket.h
_NO_INTERFACE = 2**31 - 1  # numbers are given out from 1 on


def reserve_files(connections: int) -> None:
    """Make sure that a worker may open as many files as it will have connections.

    Raises
    ------
    ServerError
        If the hard limit is too low.
    """
    needed = connections + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            message = f"{connections} connections need {needed} open files, but the limit is {hard}"
            raise ServerError(
                message,
                hint=f"raise it (ulimit -n {needed}), or take fewer with "
                f"--connections {max(hard - RESERVED_FILES, 1)}",
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
