"""The routes that are answered from bytes alone, and the bundle that they answer for.

Knows neither Flask nor sockets: the views of app.py and both lanes of the server call
this. A worker has one `Endpoints`; a new bundle is swapped in by one assignment, so that a request
sees the old one or the new one and never both.
"""

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import msgspec

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.serving.contracts import native as prediction
from iris_deploy.serving.http.openapi import build_openapi
from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.settings import READY_PATH

PREDICT, LIVE, READY = "/predict", "/health/live", READY_PATH
METRICS, OPENAPI, INDEX = "/metrics", "/openapi.json", "/"

ROUTES = {
    f"POST {PREDICT}": "predict the class of one instance, or of many; ?details=true",
    f"GET {LIVE}": "liveness: the process runs",
    f"GET {READY}": "readiness: the bundle is verified and predictions are answered",
    f"GET {METRICS}": "figures for Prometheus",
    f"GET {OPENAPI}": "this API in the form of OpenAPI 3.1",
    f"GET {INDEX}": "this description",
}
"""Every route that there can be and what it is for, as ``GET /`` tells it."""

PROBES = frozenset((LIVE, READY))

_LIVE = Reply(200, JSON, b'{"status":"live"}')
_READY = Reply(200, JSON, b'{"status":"ready"}')
_MOST_ROOTS = 8  # that descriptions are kept for; proxies in front have one each
_DRAINING = reply_problem(503, "the server is draining: it stops soon", (("Retry-After", "1"),))


@dataclass(frozen=True, slots=True)
class _Served:
    """A bundle and what is made of it once."""

    bundle: Bundle
    contract: prediction.Contract
    describe: Callable[[str], Reply]
    openapi: Callable[[str], Reply]


class Endpoints:
    """Answer requests for the bundle that is served.

    Parameters
    ----------
    bundle : Bundle
        Read and verified: what is given here is ready.
    open_paths : collection of str or None
        Paths that need no token where the others do; None if none does.
    metrics : bool
        Whether there are figures to be had.

    Attributes
    ----------
    routes : dict of str to str
        Those that there are, with what each is for.
    paths : frozenset of str
        Their paths.
    draining : bool
        Whether the server is about to stop; then it is not ready.
    observe : callable or None
        Gets the rows and labels of every prediction.
    """

    def __init__(
        self, bundle: Bundle, *, open_paths: Collection[str] | None = None, metrics: bool = True
    ) -> None:
        self._open_paths = open_paths
        self.routes = {
            route: text for route, text in ROUTES.items() if metrics or route != f"GET {METRICS}"
        }
        self.paths = frozenset(route.partition(" ")[2] for route in self.routes)
        self._served = self._build(bundle)
        self.draining = False
        self.observe: prediction.Observe | None = None

    @property
    def bundle(self) -> Bundle:
        """The bundle that is served now."""
        return self._served.bundle

    def swap(self, bundle: Bundle) -> None:
        """Serve another bundle from the next request on."""
        self._served = self._build(bundle)

    def predict(self, query: str, content_type: str | None, body: bytes) -> Reply:
        """Answer ``POST /predict``; see `protocols.prediction`."""
        return self._served.contract.reply(query, content_type, body, self.observe)

    def predict_quickly(self, query: str, content_type: str | None, body: bytes) -> Reply | None:
        """Answer ``POST /predict`` if that is quick; see `protocols.prediction`."""
        return self._served.contract.reply_quickly(query, content_type, body, self.observe)

    def probe(self, path: str) -> Reply:
        """Answer a probe.

        Parameters
        ----------
        path : str
            One of `PROBES`.
        """
        return _LIVE if path == LIVE else _DRAINING if self.draining else _READY

    def describe(self, root: str = "") -> Reply:
        """Answer ``GET /``: what is served, and how to ask it.

        Parameters
        ----------
        root : str
            Path at which the client sees the server.
        """
        return self._served.describe(root)

    def openapi(self, root: str = "") -> Reply:
        """Answer ``GET /openapi.json``; see `describe`."""
        return self._served.openapi(root)

    def routes_at(self, root: str) -> dict[str, str]:
        """Return the routes as a client sees them, with what each is for; see `describe`."""
        parts = ((route.partition(" "), text) for route, text in self.routes.items())
        return {f"{method} {root}{path}": text for (method, _, path), text in parts}

    def _build(self, bundle: Bundle) -> _Served:
        @functools.lru_cache(_MOST_ROOTS)
        def describe(root: str) -> Reply:
            return Reply(200, JSON, _describe(bundle, self.routes_at(root)))

        @functools.lru_cache(_MOST_ROOTS)
        def openapi(root: str) -> Reply:
            document = build_openapi(
                bundle, paths=self.paths, open_paths=self._open_paths, root=root
            )
            return Reply(200, JSON, _pretty(document))

        describe("")  # what cannot be described is not served
        openapi("")
        return _Served(bundle, prediction.Contract(bundle.predictor), describe, openapi)


def _describe(bundle: Bundle, routes: Mapping[str, str]) -> bytes:
    manifest = bundle.manifest
    description = {
        "model": manifest.model,
        "version": manifest.version,
        "digest": manifest.digest,
        "accuracy": manifest.evaluation.accuracy,
        "features": [
            {
                "name": feature.name,
                "unit": feature.unit,
                "minimum": feature.minimum,
                "maximum": feature.maximum,
            }
            for feature in manifest.signature.features
        ],
        "classes": manifest.signature.classes,
        "example": manifest.examples[-1].instance,
        "routes": routes,
    }
    return _pretty(description)


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
