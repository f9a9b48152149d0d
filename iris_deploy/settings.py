"""The one home of defaults, units and environment names.

Settings are frozen and checked once, when they are made. Nothing below the command line reads the
environment.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iris_deploy import addresses, bounds
from iris_deploy.addresses import (
    ALL_ADDRESSES,
    LONGEST_SOCKET_PATH,
    is_host,
    is_proxy,
    is_socket_path,
)
from iris_deploy.bounds import expect, expect_between

ARTIFACTS = Path("artifacts")
"""Where bundles are written and read, relative to the working directory."""

ARTIFACTS_VARIABLE = "IRIS_DEPLOY_ARTIFACTS"

PORT_VARIABLES = (
    *("SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT", "PORT"),
    *("IRIS_DEPLOY_PORT", "IRIS_DEPLOY_PORTS"),
)
"""Environment variables that say the port, or several with spaces between; the first set counts.

SageMaker endpoints, Vertex AI prediction, Cloud Run, Heroku and Azure, in this order, set theirs.
Of ours the first is for people; an image has the last, a name that no Service of Kubernetes makes.
"""

HOST_VARIABLE = "IRIS_DEPLOY_HOST"

UNIX_PEER = addresses.UNIX_PEER

READY_PATH = "/health/ready"
"""Route of the readiness probe."""

Metrics = Literal["closed", "open", "off"]
AccessLog = Literal["all", "no-probes", "off"]
LogFormat = Literal["text", "json"]


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How `train` makes a bundle.

    Parameters
    ----------
    dataset : str
        Name in `training.dataset.DATASETS`.
    classifier : str
        Name in `training.fit.CLASSIFIERS`.
    test_size : float
        Share of the samples that is held out, between 0 and 1. The talk's 0.3.
    random_state : int
        Seed of the split and of the classifier. The talk's 0.
    max_iter : int or None
        Passes over the data; None for the classifier's own default (40 for the talk's Perceptron).
    eta0 : float or None
        Step size of the Perceptron; None for the talk's 0.1.
    tol : float or None
        Loss improvement below which fitting stops; None for the classifier's own default (for the
        Perceptron: never stop early, as in the talk).
    """

    dataset: str = "iris-uci"
    classifier: str = "perceptron"
    test_size: float = 0.3
    random_state: int = 0
    max_iter: int | None = None
    eta0: float | None = None
    tol: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that no estimator could take."""
        expect(0 < self.test_size < 1, "--test-size", "a share between 0 and 1", self.test_size)
        expect(
            0 <= self.random_state < 2**32,
            "--random-state",
            "a whole number from 0 to 4294967295",
            self.random_state,
        )
        if self.max_iter is not None:
            expect_between("--max-iter", self.max_iter, 1, bounds.MOST_PASSES)
        if self.eta0 is not None:
            expect(0 < self.eta0 < math.inf, "--eta0", "a number above 0", self.eta0)
        if self.tol is not None:
            expect(0 <= self.tol < math.inf, "--tol", "0 or more", self.tol)


TOKENS_VARIABLE = "IRIS_DEPLOY_TOKENS"
"""Bearer tokens that `serve` takes, separated by white space or commas."""

FREE_PORT = 0

CORS_HEADERS = ("traceparent", "baggage")
"""What browsers' tracing adds to requests (W3C Trace Context and Baggage)."""


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
    """

    host: str = "127.0.0.1"
    ports: tuple[int, ...] = (5000,)
    unix_socket: Path | None = None
    unix_socket_mode: int = 0o600
    workers: int | None = None
    threads: int = 4
    worker_timeout: float = 30.0
    max_body_bytes: int = 1024 * 1024
    max_header_bytes: int = 16 * 1024
    max_memory_bytes: int = 1 << 28
    connections: int = 500
    request_timeout: float = 10.0
    idle_timeout: float = 620.0
    queue_timeout: float = 2.0
    drain_delay: float = 0.0
    grace: float = 5.0
    access_log: AccessLog = "no-probes"
    metrics: Metrics = "closed"
    cors_origins: tuple[str, ...] = ()
    cors_headers: tuple[str, ...] = CORS_HEADERS
    trusted_proxies: tuple[str, ...] = ()
    trusted_proxy_count: int = 1
    url_prefix: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be listened on, and limits that nothing could keep."""
        self._check_addresses()
        for option, number, least, most in (
            ("--threads", self.threads, 1, bounds.MOST_THREADS),
            ("--max-body-bytes", self.max_body_bytes, 1, bounds.LARGEST_BODY),
            ("--max-header-bytes", self.max_header_bytes, 1024, bounds.LARGEST_HEADER),
            ("--max-memory-bytes", self.max_memory_bytes, 1, bounds.MOST_MEMORY),
            ("--connections", self.connections, 1, bounds.MOST_CONNECTIONS),
            ("--trusted-proxy-count", self.trusted_proxy_count, 1, bounds.MOST_PROXIES),
        ):
            expect_between(option, number, least, most)
        if self.workers is not None:
            expect_between("--workers", self.workers, 1, bounds.MOST_WORKERS)
        for option, seconds in (
            ("--worker-timeout", self.worker_timeout),
            ("--request-timeout", self.request_timeout),
            ("--idle-timeout", self.idle_timeout),
            ("--queue-timeout", self.queue_timeout),
            ("--grace", self.grace),
        ):
            expect(0 < seconds <= bounds.YEAR, option, "seconds above 0, a year at most", seconds)
        expect(self.worker_timeout >= 5, "--worker-timeout", "at least 5", self.worker_timeout)
        expect(
            0 <= self.drain_delay < self.grace,
            "--drain-delay",
            f"0 or more, and less than --grace ({self.grace:g})",
            self.drain_delay,
        )
        for header in self.cors_headers:
            expect(
                _HEADER.fullmatch(header) is not None,
                "--cors-header",
                "the name of a header, such as traceparent",
                header,
            )
        for origin in self.cors_origins:
            expect(
                _ORIGIN.fullmatch(origin) is not None,
                "--cors-origin",
                "an origin such as https://example.com, or *",
                origin,
            )

    def _check_addresses(self) -> None:
        host_expected = f"an address or name of this machine, or {ALL_ADDRESSES} for all"
        expect(is_host(self.host), "--host", host_expected, self.host)
        for port in self.ports:
            expect_between("--port", port, 0, 65535)
        chosen = [port for port in self.ports if port != FREE_PORT]
        expect(len(set(chosen)) == len(chosen), "--port", "each port once", self.ports)
        if self.unix_socket is not None:
            expect(
                is_socket_path(self.unix_socket),
                "--unix-socket",
                f"a path of at most {LONGEST_SOCKET_PATH} bytes",
                str(self.unix_socket),
            )
        expect(0 <= self.unix_socket_mode <= 0o777, "--unix-socket-mode", _MODE, "another number")
        expect(
            not self.url_prefix or _PREFIX.fullmatch(self.url_prefix) is not None,
            "--url-prefix",
            "a path such as /iris, with / in front and none behind",
            self.url_prefix,
        )
        for proxy in self.trusted_proxies:
            expect(
                is_proxy(proxy),
                "--trusted-proxy",
                f"an IP address, a network such as 10.0.0.0/8, {UNIX_PEER} for whoever uses the "
                f"Unix socket, or {ALL_ADDRESSES} for everybody",
                proxy,
            )


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """How `build-image` builds, tries and tags.

    Parameters
    ----------
    tags : tuple of str
        Whole ones, ``[registry/]name:tag``.
    base_image : str or None
        None for ``python:X.Y-slim`` with the Python that trained the bundle.
    platform, network : str or None
        As the builder takes them; None for its own default.
    build_args, labels : mapping of str to str
    trial : bool
        Whether the image has to answer before it gets its tags.
    max_size : int or None
        Bytes above which the image gets no tag.
    min_accuracy : float or None
        Accuracy on the held-out samples below which nothing is built.
    push : bool
        Whether the tags are pushed.
    """

    tags: tuple[str, ...]
    base_image: str | None = None
    platform: str | None = None
    network: str | None = None
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    trial: bool = True
    max_size: int | None = None
    min_accuracy: float | None = None
    push: bool = False


_MODE = "permissions in octal, such as 660"
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")  # RFC 9110 section 5.6.2
_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.:\[\]-]+")
