"""What a service manager is told: ready, reloading, stopping, and that the server is alive.

References
----------
sd_notify(3), systemd.service(5): ``Type=notify``, ``WatchdogSec=``.
"""

import contextlib
import socket
import time


class ServiceManager:
    """Who started the server, and wants to know how it is.

    What cannot be delivered is left out: a server serves, whoever listens.

    Parameters
    ----------
    address : str
        Of a Unix datagram socket, `@` in front of an abstract one; empty if nobody wants to know.
    """

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self, status: str) -> None:
        """Say that the server serves, and what."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that a reload has begun; `ready` says that it is over."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> None:
        """Say that the server stops."""
        self._send("STOPPING=1", f"STATUS={status}")

    def alive(self) -> None:
        """Give a sign of life, for a watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.settimeout(0)
            sender.sendto("\n".join(lines).encode(), self._address)
