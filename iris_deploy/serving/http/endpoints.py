"""What is served: a bundle, and the table of routes that is made of it.

A worker has one `Endpoints`; a new bundle is swapped in by one assignment, so that a request sees
the old one or the new one and never both.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.facts import MAX_BODY_BYTES
from iris_deploy.serving.contract_settings import ALL_CONTRACTS, ContractSettings
from iris_deploy.serving.contracts.exchange import Observer
from iris_deploy.serving.contracts.registry import build_routes
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.http.index import build_index
from iris_deploy.serving.http.openapi import build_openapi_route
from iris_deploy.serving.http.probes import Readiness
from iris_deploy.serving.http.routes import RouteTable
from iris_deploy.serving.page import pages
from iris_deploy.serving.route import PlainAsked, Route, keep_first


class Served(NamedTuple):
    """A bundle and what is made of it once."""

    bundle: Bundle
    table: RouteTable


class Endpoints:
    """The bundle that is served, and its routes.

    Parameters
    ----------
    bundle : Bundle
        Read and verified: what is given here is ready.
    others : sequence of Route
        That are the same whatever is served, beside the probes and the page.
    guarded : bool
        Whether a token is wanted where a route is not open.
    prefix : str
        Path below which the routes answer, too.
    contracts : ContractSettings
    max_body_bytes : int
    page : bool
        Whether there are pages for people.

    Attributes
    ----------
    served : Served
    readiness : Readiness
    observer : Observer
        Gets the rows and labels of every prediction.
    """

    def __init__(
        self,
        bundle: Bundle,
        others: Sequence[Route] = (),
        *,
        guarded: bool = False,
        prefix: str = "",
        contracts: ContractSettings = ALL_CONTRACTS,
        max_body_bytes: int = MAX_BODY_BYTES,
        page: bool = True,
    ) -> None:
        self.readiness = Readiness()
        self.observer = Observer()
        self._guarded = guarded
        self._prefix = prefix
        self._contracts = contracts
        self._max_body_bytes = max_body_bytes
        self._page = pages.FrontPage() if page else None
        files = pages.build_routes() if page else ()
        self._fixed = (*self.readiness.build_routes(), *files, *others)
        self.served = self._build(bundle)

    @property
    def bundle(self) -> Bundle:
        """The bundle that is served now."""
        return self.served.bundle

    def prepare(self, bundle: Bundle) -> Callable[[], None]:
        """Build what serves another bundle.

        Returns
        -------
        callable
            Serves it from the next request on.
        """
        served = self._build(bundle)

        def serve() -> None:
            self.served = served

        return serve

    def _build(self, bundle: Bundle) -> Served:
        served = ServedModel(
            bundle=bundle,
            observer=self.observer,
            is_ready=lambda: not self.readiness.draining,
            settings=self._contracts,
            max_body_bytes=self._max_body_bytes,
        )
        spoken, below = build_routes(served)
        routes: list[Route] = []
        own = (
            build_openapi_route(bundle.manifest, routes, guarded=self._guarded),
            build_index(served, routes, self._page),
        )
        routes += keep_first([*spoken, *self._fixed, *own])  # of two at one path the first
        for route in own:
            route.handle(PlainAsked(), b"")  # what cannot be described is not served
        return Served(bundle, RouteTable(routes, self._prefix, below))
