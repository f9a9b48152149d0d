"""What answers and records requests in one worker, whatever task asks for it.

Binds endpoints, access, figures and log together. Knows the parsed request, but no sockets.
"""

import itertools
import re
import secrets
import threading
import time
from typing import Any

from iris_deploy.serving.access import Access
from iris_deploy.serving.endpoints import LIVE, PATHS, PREDICT, PROBES, READY, Endpoints
from iris_deploy.serving.log import Log
from iris_deploy.serving.metrics import Metrics
from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.proxies import TrustedProxies
from iris_deploy.serving.reply import Reply
from iris_deploy.settings import ServeSettings

QUICK_BODY = 4096
"""Bytes of a body up to which a request is worked on in the loop, whatever it says: 0.2 ms."""

PLAIN_BODY = 1 << 16
"""The same for instances as most clients write them, of which nothing but labels is asked: some
2,000 of two features, 0.5 ms (14 if all numbers are made to be hard to round). On a thread they
take twice as long."""

_CLEAN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OVERLOADED = reply_problem(
    503, "the server is overloaded: the request waited too long", (("Retry-After", "1"),)
)


class Service:
    """Answer, refuse and record.

    Parameters
    ----------
    endpoints : Endpoints
    access : Access
    metrics : Metrics
    log : Log
    settings : ServeSettings
    """

    def __init__(
        self,
        endpoints: Endpoints,
        access: Access,
        metrics: Metrics,
        log: Log,
        settings: ServeSettings,
    ) -> None:
        self.endpoints = endpoints
        self.access = access
        self.metrics = metrics
        self.log = log
        self.settings = settings
        self.loop = threading.get_ident()
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._unlogged = PROBES if settings.access_log == "no-probes" else frozenset()
        self._quick_body = min(QUICK_BODY, settings.max_body_bytes)
        self._plain_body = min(PLAIN_BODY, settings.max_body_bytes)
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)
        prefix = settings.url_prefix
        self._routes = {path: path for path in PATHS}
        if prefix:
            self._routes |= {prefix + path: path for path in PATHS} | {prefix: "/"}

    def identify(self, given: str | None) -> str:
        """Return the client's request id if it is clean, else a new one."""
        if given is not None and _CLEAN_ID.fullmatch(given):
            return given
        return f"{self._prefix}-{next(self._numbers):x}"

    def is_quick(self, request: Any) -> bool:
        """Tell whether a request is small enough, and of a kind, to be answered in the loop."""
        route = self._routes.get(request.path)
        if route == PREDICT:
            body = request.body_rcv
            if request.command != "POST" or body is None:
                return False
            return len(body) <= self._quick_body or self._prepare(request, len(body))
        return route in {LIVE, READY} and request.command == "GET" and request.body_rcv is None

    def _prepare(self, request: Any, size: int) -> bool:
        """Read the instances of a body that is not small, if they are plain."""
        if request.query or size > self._plain_body:
            return False
        authorization = request.headers.get("AUTHORIZATION", "")
        if self.access.refuse(request.command, PREDICT, authorization) is not None:
            return True  # it is refused at once, and nothing of it is decoded
        stream = request.get_body_stream()
        content_type = request.headers.get("CONTENT_TYPE")
        request.prepared = self.endpoints.prepare(content_type, stream.read())
        stream.seek(0)  # for whoever answers if this is not the way
        return request.prepared is not None

    def answer(self, request: Any, body: bytes) -> Reply:
        """Answer a quick request."""
        route = self._routes[request.path]
        if route == PREDICT:
            content_type = request.headers.get("CONTENT_TYPE")
            return self.endpoints.predict(request.query, content_type, body)
        return self.endpoints.live() if route == LIVE else self.endpoints.ready()

    def refuse(self, request: Any, peer: str) -> tuple[str, Reply | None]:
        """Look for reasons not to answer a request.

        Parameters
        ----------
        request : StrictParser
        peer : str
            Address at the other end of the connection.

        Returns
        -------
        client : str
            Address of the client, as a trusted proxy tells it.
        refusal : Reply or None
        """
        settings = self.settings
        if self._proxies.trusts(peer):
            told = request.headers.get("X_FORWARDED_FOR")
            peer = self._proxies.client(peer, told, settings.trusted_proxy_count)
        waited = time.monotonic() - request.queued
        if waited > settings.queue_timeout:
            return peer, _OVERLOADED
        authorization = request.headers.get("AUTHORIZATION", "")
        route = self._route(request.path) or request.path
        return peer, self.access.refuse(request.command, route, authorization)

    def _route(self, path: str) -> str | None:
        """Return the route of a path, which may begin with several slashes as waitress has it."""
        if path in self._routes:
            return self._routes[path]
        return self._routes.get("/" + path.lstrip("/")) if path else None

    def record(
        self,
        request: Any,
        *,
        identity: str,
        client: str,
        status: int,
        seconds: float,
        size: int,
        lane: str,
    ) -> None:
        """Count an answer, and log it if requests are logged."""
        route = self._route(request.path) or "other"
        self.metrics.request(route, status, seconds)
        if self.log.access and route not in self._unlogged:
            self.log.request(
                identity=identity,
                client=client,
                method=request.command,
                path=request.request_uri.partition("?")[0],
                status=status,
                seconds=seconds,
                size=size,
                lane=lane,
            )
