"""How `serve` listens, works and stops: defaults, units, bounds, and names in the environment.

A limit is one line here: its default, the least and the most that it can be. Beyond that a value is
a slip of the pen: what it asks of the system is not to be had.
"""

import dataclasses
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from iris_deploy import facts
from iris_deploy.errors import expect, expect_between
from iris_deploy.serving.addresses import (
    ALL_ADDRESSES,
    LONGEST_SOCKET_PATH,
    UNIX_PEER,
    is_host,
    is_proxy,
    is_socket_path,
)
from iris_deploy.serving.contract_settings import ALL_CONTRACTS, ContractSettings

PORT_VARIABLES = (
    *("SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT", "PORT"),
    *("IRIS_DEPLOY_PORT", "IRIS_DEPLOY_PORTS"),
)
"""Environment variables that say the port, or several with spaces between; the first set counts.

SageMaker endpoints, Vertex AI prediction, Cloud Run, Heroku and Azure, in this order, set theirs.
Of ours the first is for people; an image has the last, a name that no Service of Kubernetes makes.
"""

HOST_VARIABLE = "IRIS_DEPLOY_HOST"

TOKENS_VARIABLE = "IRIS_DEPLOY_TOKENS"
"""Bearer tokens that `serve` takes, separated by white space or commas."""

NOTIFY_VARIABLE = "NOTIFY_SOCKET"
"""Environment variable in which a service manager says where it listens (sd_notify(3))."""

FREE_PORT = 0

YEAR = 365 * 24 * 3600.0
"""Seconds. Every clock and every call of the system can still count them."""

CORS_HEADERS = ("traceparent", "baggage")
"""What browsers' tracing adds to requests (W3C Trace Context and Baggage)."""

Metrics = Literal["closed", "open", "off"]
Page = Literal["on", "off"]
AccessLog = Literal["all", "no-probes", "off"]
LogFormat = Literal["text", "json"]

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")  # RFC 9110 section 5.6.2
_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.:\[\]-]+")


def _between(default: int | None, least: int, most: int) -> Any:
    """Make a field that is a whole number."""

    def check(name: str, value: int) -> None:
        expect_between(name, value, least, most)

    return dataclasses.field(default=default, metadata={"check": check})


def _seconds(default: float) -> Any:
    """Make a field that is a time."""

    def check(name: str, value: float) -> None:
        expect(0 < value <= YEAR, name, "seconds above 0, a year at most", value)

    return dataclasses.field(default=default, metadata={"check": check})


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """How `serve` listens, works, and stops.

    Parameters
    ----------
    host : str
        Address to bind. Loopback unless told otherwise, so that trying it on a laptop opens
        nothing to the network; ``*``, which a container binds, is all of the machine's addresses.
    ports : tuple of int
        TCP ports; 0 lets the system choose. 5000 is the talk's. May be empty beside a Unix socket.
    unix_socket : Path or None
        Where to make a Unix socket.
    unix_socket_mode : int
        Its permissions. Only the same user, unless told otherwise.
    descriptors : tuple of int
        Listening sockets that a service manager has made and hands over, instead of addresses.
    workers : int or None
        Processes; None for as many as there are processors to use.
    threads : int
        Large requests that a worker works on at the same time.
    worker_timeout : float
        Seconds without a sign of life after which a worker is replaced.
    max_body_bytes : int
        Largest request body; what is larger is answered with 413. 1 MiB is some 30,000 instances
        of two features.
    max_header_bytes : int
        Largest request line and header together; what is larger is answered with 431. Browsers and
        proxies stay below 8 KiB; 16 KiB is twice that.
    max_memory_bytes : int
        Memory of one worker for large requests; beyond it they wait, and are refused after a while.
    connections : int
        Open connections of one worker; more wait in the kernel's queue.
    request_timeout : float
        Seconds in which a request has to arrive, from its first byte to its last; then 408.
    idle_timeout : float
        Seconds after which a connection is closed on which nothing moves.
    queue_timeout : float
        Seconds that a large request waits for a thread; then 503, so that nobody waits for an
        answer that comes too late.
    drain_delay : float
        Seconds between SIGTERM and the end of listening, for load balancers that are slow to look.
    grace : float
        Seconds from SIGTERM to the exit, at most. 5 is the least that any platform gives.
    access_log : {'all', 'no-probes', 'off'}
        Which requests are logged; the probes ask every few seconds and seldom say anything.
    metrics : {'closed', 'open', 'off'}
        Whether ``/metrics`` wants a token, if there are tokens.
    page : {'on', 'off'}
        Whether browsers get pages, at ``/`` and ``/docs``.
    cors_origins : tuple of str
        Origins whose pages may call the API from a browser; ``*`` for all.
    cors_headers : tuple of str
        Headers that such pages may send, beside the API's own.
    trusted_proxies : tuple of str
        Addresses and networks of reverse proxies whose ``X-Forwarded-For`` counts; ``unix`` for
        whoever comes by the Unix socket, ``*`` for everybody.
    trusted_proxy_count : int
        Proxies in a row.
    url_prefix : str
        Path that a reverse proxy leaves in front of ours.
    contracts : ContractSettings
        Which wire contracts are spoken, and under which names.
    """

    host: str = "127.0.0.1"
    ports: tuple[int, ...] = (facts.PORT,)
    unix_socket: Path | None = None
    unix_socket_mode: int = 0o600
    descriptors: tuple[int, ...] = ()
    workers: int | None = _between(None, 1, 1024)  # as an affinity mask names (`cpu_set_t`)
    threads: int = _between(4, 1, 1024)  # they share one processor
    worker_timeout: float = _seconds(30.0)
    max_body_bytes: int = _between(facts.MAX_BODY_BYTES, 1, 2**30)  # kept, and 40 times that
    max_header_bytes: int = _between(16 * 1024, 1024, 2**20)
    max_memory_bytes: int = _between(facts.MAX_MEMORY_BYTES, 1, 2**40)  # more than machines have
    connections: int = _between(500, 1, 10**6)  # Linux opens 1048576 files (fs.nr_open)
    request_timeout: float = _seconds(10.0)
    idle_timeout: float = _seconds(facts.IDLE_TIMEOUT)
    queue_timeout: float = _seconds(2.0)
    drain_delay: float = 0.0
    grace: float = _seconds(facts.GRACE)
    access_log: AccessLog = "no-probes"
    metrics: Metrics = "closed"
    page: Page = "on"
    cors_origins: tuple[str, ...] = ()
    cors_headers: tuple[str, ...] = CORS_HEADERS
    trusted_proxies: tuple[str, ...] = ()
    trusted_proxy_count: int = _between(1, 1, 100)  # more hardly fit into X-Forwarded-For
    url_prefix: str = ""
    contracts: ContractSettings = ALL_CONTRACTS

    def __post_init__(self) -> None:
        """Refuse what cannot be listened on, and limits that nothing could keep."""
        self._check_addresses()
        for field in fields(self):
            check, value = field.metadata.get("check"), getattr(self, field.name)
            if check is not None and value is not None:
                check(field.name, value)
        expect(self.worker_timeout >= 5, "worker_timeout", "at least 5", self.worker_timeout)
        expect(
            0 <= self.drain_delay < self.grace,
            "drain_delay",
            f"0 or more, and less than `grace` ({self.grace:g})",
            self.drain_delay,
        )
        self._check_access()

    def _check_addresses(self) -> None:
        host_expected = f"an address or name of this machine, or {ALL_ADDRESSES} for all"
        expect(is_host(self.host), "host", host_expected, self.host)
        for port in self.ports:
            expect_between("ports", port, 0, 65535)
        expect(
            not self.descriptors or not (self.ports or self.unix_socket),
            "ports",
            "none, and no `unix_socket`, beside the sockets of LISTEN_FDS",
            self.ports or str(self.unix_socket),
        )
        chosen = [port for port in self.ports if port != FREE_PORT]
        expect(len(set(chosen)) == len(chosen), "ports", "each port once", self.ports)
        if self.unix_socket is not None:
            expect(
                is_socket_path(self.unix_socket),
                "unix_socket",
                f"a path of at most {LONGEST_SOCKET_PATH} bytes",
                str(self.unix_socket),
            )
        mode_expected = "permissions in octal, such as 660"
        expect(
            0 <= self.unix_socket_mode <= 0o777, "unix_socket_mode", mode_expected, "another number"
        )

    def _check_access(self) -> None:
        for header in self.cors_headers:
            expect(
                _HEADER.fullmatch(header) is not None,
                "cors_headers",
                "the name of a header, such as traceparent",
                header,
            )
        for origin in self.cors_origins:
            expect(
                _ORIGIN.fullmatch(origin) is not None,
                "cors_origins",
                "an origin such as https://example.com, or *",
                origin,
            )
        for proxy in self.trusted_proxies:
            expect(
                is_proxy(proxy),
                "trusted_proxies",
                f"an IP address, a network such as 10.0.0.0/8, {UNIX_PEER} for whoever uses the "
                f"Unix socket, or {ALL_ADDRESSES} for everybody",
                proxy,
            )
        expect(
            not self.url_prefix or facts.URL_PREFIX.fullmatch(self.url_prefix) is not None,
            "url_prefix",
            "a path such as /iris, with / in front and none behind",
            self.url_prefix,
        )
