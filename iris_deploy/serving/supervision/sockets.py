"""Listening sockets: made once by the supervisor, inherited by every worker.

Knows nothing of HTTP.
"""

import contextlib
import errno
import resource
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from iris_deploy.errors import ServerError
from iris_deploy.serving.addresses import ALL_ADDRESSES
from iris_deploy.serving.environment import reachable_host
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.supervision.handed_socket import HandedSocket
from iris_deploy.serving.supervision.unix_listener import UnixListener

BACKLOG = 1024  # connections that the kernel holds until they are accepted

RESERVED_FILES = 64
"""Descriptors of a worker beside its connections: listeners, pipes, memory, modules, a reload."""

_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}

_HINT = "stop what listens there, or choose another with `port` (0 picks a free one)"
_HINTS: dict[type[Exception], str] = {
    PermissionError: "ports below 1024 need privileges; choose another with `port`",
    socket.gaierror: "choose an address of this machine with `host`",
    UnicodeError: "choose an address of this machine with `host`",
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
        for descriptor in settings.descriptors:
            listeners.append(HandedSocket(descriptor))  # noqa: PERF401
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
        Name or address; ``*`` for all addresses of the machine. ``*`` and ``::`` are IPv6 and IPv4
        on one socket, and ``*`` is IPv4 alone where the kernel has no IPv6.
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
        if host != ALL_ADDRESSES:
            return _listen(host, port)
        try:
            return _listen("::", port)
        except OSError as exc:
            if exc.errno not in _NO_IPV6:
                raise
            return _listen("0.0.0.0", port)  # noqa: S104
    except (OSError, UnicodeError) as exc:  # UnicodeError: a name that DNS cannot have
        reason = getattr(exc, "strerror", None) or exc
        raise ServerError(
            f"cannot listen on {host} port {port}: {reason}", hint=_HINTS.get(type(exc), _HINT)
        ) from exc


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address[0] == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _open_unix_socket(path: Path, mode: int) -> UnixListener:
    try:
        return UnixListener(path, mode, BACKLOG)
    except OSError as exc:
        raise ServerError(
            f"cannot listen on the Unix socket {path}: {exc.strerror or exc}",
            hint="choose another path with `unix_socket`",
        ) from exc


def close_sockets(listeners: Sequence[socket.socket]) -> None:
    """Close this process's copies."""
    for listener in listeners:
        listener.close()


def remove_unix_sockets(listeners: Sequence[socket.socket]) -> None:
    """Take the paths of Unix sockets away, so that nobody comes in by them any more."""
    for listener in listeners:
        if isinstance(listener, UnixListener):
            listener.remove()


def stop_accepting(listeners: Sequence[socket.socket]) -> None:
    """Stop TCP connections from being begun, without disturbing those in the queue.

    A socket that was handed over is left as it is: it has a next server to wait for.

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
        if isinstance(listener, HandedSocket):
            continue
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
            raise ServerError(
                f"{connections} connections need {needed} open files, but the limit is {hard}",
                hint=f"raise it (ulimit -n {needed}), or take fewer with "
                f"`connections` {max(hard - RESERVED_FILES, 1)}",
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return _http_url(host, port)


def url_to_try(listener: socket.socket) -> str:
    """Return a URL by which a program on this machine reaches a listening socket.

    With numbers: ``localhost`` may lead to another program, which listens on the other of
    ``127.0.0.1`` and ``::1``. Through a Unix socket any name will do.
    """
    if listener.family == socket.AF_UNIX:
        return "http://localhost"
    host, port = listener.getsockname()[:2]
    return _http_url(reachable_host(host), port)


def _http_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def shared_ports(listeners: Sequence[socket.socket]) -> list[str]:
    """Say which ports another program answers on, at the address that ``localhost`` may mean too.

    On macOS AirPlay listens on port 5000 of all addresses, and whoever then listens on 127.0.0.1
    gets what is sent there, but not what is sent to ``::1``.

    Returns
    -------
    list of str
        A sentence for each.
    """
    said = []
    for listener in listeners:
        if listener.family == socket.AF_UNIX:
            continue
        host, port = listener.getsockname()[:2]
        ours = reachable_host(host)
        if host == "::" or ours not in _LOOPBACKS:  # both are ours, or neither
            continue
        other = _LOOPBACKS[ours]
        with contextlib.suppress(OSError), socket.create_connection((other, port), _LOOK):
            said.append(
                f"another program answers at {_http_url(other, port)}, and localhost may mean "
                f"that one; say {_http_url(ours, port)} to reach this server"
            )
    return said


_LOOPBACKS = {"127.0.0.1": "::1", "::1": "127.0.0.1"}
_LOOK = 0.2  # seconds; who listens on loopback answers in less than a thousandth
