"""What judges, answers and records requests in one worker, whichever lane they take.

Binds endpoints, access, figures and log together. Knows the parsed request, but no sockets.
"""

import itertools
import re
import secrets
import time
from typing import TYPE_CHECKING, Literal

from iris_deploy import facts
from iris_deploy.serving.http.access import POLICY, Access, Header
from iris_deploy.serving.http.codings import decode_body
from iris_deploy.serving.http.endpoints import Endpoints
from iris_deploy.serving.http.proxies import TrustedProxies
from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.telemetry.log import Log
from iris_deploy.serving.telemetry.metrics import Metrics
from iris_deploy.serving.worker.memory import SMALL, WORKING
from iris_deploy.serving.worker.request import Limits, Request
from iris_deploy.serving.worker.wsgi import call_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Lane = Literal["loop", "pool"]

CLOSED_BY_CLIENT = 499
"""nginx's status for nobody to answer, in figures and the log."""

OVERLOADED = reply_problem(
    503, "the server is overloaded: the request waited too long", (("Retry-After", "1"),)
)

_FAILED = reply_problem(500, "the server failed; its log says why")
_CLEAN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_NOWHERE = "/?"  # no route has this path, whatever a router makes of slashes
_DEFLATED = 1032  # bytes that a byte can become (zlib's technical details)


class Service:
    """Judge, answer and record.

    Parameters
    ----------
    endpoints : Endpoints
    access : Access
    metrics : Metrics
    log : Log
    settings : ServeSettings
    app : WSGI application
        Answers what the endpoints are not asked for directly.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        access: Access,
        metrics: Metrics,
        log: Log,
        settings: ServeSettings,
        app: "WSGIApplication",
    ) -> None:
        self.endpoints = endpoints
        self.readiness = endpoints.readiness
        self.access = access
        self.metrics = metrics
        self.log = log
        self.settings = settings
        self.limits = Limits(settings.max_header_bytes, settings.max_body_bytes)
        self._app = app
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._logs_probes = settings.access_log == "all"
        self._id_prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    def identify(self, given: str | None) -> str:
        """Return the client's request id if it is clean, else a new one."""
        if given is not None and _CLEAN_ID.fullmatch(given):
            return given
        return f"{self._id_prefix}-{next(self._numbers):x}"

    def admit(self, request: Request, peer: str) -> tuple[str, Reply | None]:
        """Judge a request by its head, and find its resource.

        Parameters
        ----------
        request : Request
        peer : str
            Address at the other end of the connection.

        Returns
        -------
        client : str
            Address of the client, as a trusted proxy tells it.
        refusal : Reply or None
        """
        headers = request.headers
        if self._proxies.trusts(peer):
            forwarded = headers.get("X_FORWARDED_FOR")
            client = self._proxies.client(peer, forwarded, self.settings.trusted_proxy_count)
        else:
            client = peer
        table = self.endpoints.served.table
        request.resource = resource = table.resources.get(request.path) or table.find(request.path)
        return client, self.access.refuse(request.method, headers, resource)

    def answer_now(self, request: Request) -> Reply | None:
        """Answer a request that is complete, in the loop; None if a thread has to.

        That is: refuse what is to be refused, and answer what is small and quick.
        """
        request.queued = time.monotonic()
        request.identity = self.identify(request.headers.get("X_REQUEST_ID"))
        request.client = request.client or request.peer
        refusal = request.error or request.refusal
        if refusal is not None or len(request.body) > SMALL:
            return refusal
        return self.answer_quickly(request, bytes(request.body))

    def answer_quickly(self, request: Request, body: bytes) -> Reply | None:
        """Answer in the loop; None if that could hold it up.

        Parameters
        ----------
        request : Request
            One that was admitted.
        body : bytes
            Not that of the request, if its head is remembered from another one.
        """
        if "CONTENT_ENCODING" in request.headers:
            return None
        resource = request.resource
        route = None if resource is None else resource.routes.get(request.method)
        if route is None or route.quick is None:
            return None
        try:
            return route.quick(request, body)
        except Exception as exc:  # noqa: BLE001
            return self._fail(request, exc)

    def memory_of(self, request: Request) -> int:
        """Return the bytes of memory that answering a request takes; 0 if they are few."""
        size = len(request.body)
        if "CONTENT_ENCODING" in request.headers:
            size = min(_DEFLATED * size, self.settings.max_body_bytes)
        return WORKING * size if size > SMALL else 0

    def answer(self, request: Request) -> Reply:
        """Answer on a thread."""
        try:
            if time.monotonic() - request.queued > self.settings.queue_timeout:
                return OVERLOADED
            return self._answer(request)
        except Exception as exc:  # noqa: BLE001
            return self._fail(request, exc)

    def _answer(self, request: Request) -> Reply:
        resource = request.resource
        request.root = self._root(request)
        route = None if resource is None else resource.routes.get(request.method)
        if route is not None and route.method == "POST":
            coding = request.headers.get("CONTENT_ENCODING", "")
            body = decode_body(coding, request.body, self.settings.max_body_bytes)
            return body if isinstance(body, Reply) else route.handle(request, body)
        if resource is not None and resource.explain is not None:
            return resource.refuse_path(request.path)
        path = _NOWHERE if resource is None else resource.path
        return call_app(self._app, request, path, request.root)

    def _root(self, request: Request) -> str:
        """Return the path at which the client sees the server."""
        outer = ""
        if self._proxies.trusts(request.peer):
            prefix = request.headers.get("X_FORWARDED_PREFIX", "").rstrip("/")
            outer = prefix if facts.URL_PREFIX.fullmatch(prefix) else ""
        return outer + self.settings.url_prefix

    def _fail(self, request: Request, error: Exception) -> Reply:
        self.log.bug("a request could not be answered", error, id=request.identity)
        return _FAILED

    def restate(self, request: Request, reply: Reply) -> Reply:
        """Say an error in the words of the contract that a request speaks."""
        resource = request.resource or self.endpoints.served.table.find(request.path)
        return reply if resource is None else resource.restate(reply)

    def complete(self, request: Request, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        """Add to the headers of an answer what every answer has."""
        common = self.access.headers(request.method, request.headers.get("ORIGIN"))
        if any(name == POLICY[0] for name, _ in headers):  # browsers obey both of two
            common = tuple(field for field in common if field != POLICY)
        return headers + common + (("X-Request-ID", request.identity),)

    def record(
        self,
        request: Request,
        *,
        identity: str,
        client: str,
        status: int,
        size: int,
        seconds: float,
        lane: Lane,
    ) -> None:
        """Count an answer, and log it if it is of those that are logged.

        Parameters
        ----------
        request : Request
        identity, client : str
            Request id and address; not the request's own, if its head is remembered.
        status : int
        size : int
            Bytes of the answer's body.
        seconds : float
            From the last byte of the request to the last byte given to the kernel or its queue.
        lane : {'loop', 'pool'}
            Where it was worked on.
        """
        resource = request.resource
        if resource is None:  # or it was refused before its resource was found
            resource = self.endpoints.served.table.find(request.path)
        path, contract = ("other", "") if resource is None else (resource.path, resource.contract)
        self.metrics.request(path, contract, status, seconds)
        probed = resource is not None and resource.probe
        if self.log.access and (self._logs_probes or not probed):
            path = request.target.partition("?")[0]
            trace = request.headers.get("TRACEPARENT", "")
            if trace and not _TRACEPARENT.fullmatch(trace):
                trace = ""
            self.log.request(
                (identity, client, request.method, path, status, seconds, size, lane, trace)
            )
