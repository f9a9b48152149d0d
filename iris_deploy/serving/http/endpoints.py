"""What is served: a bundle, and the table of routes that is made of it.

A worker has one `Endpoints`; a new bundle is swapped in by one assignment, so that a request sees
the old one or the new one and never both.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.provenance import Imported
from iris_deploy.facts import MAX_BODY_BYTES
from iris_deploy.schema.columns import Column, NumberColumn, NumbersSeen, TextColumn
from iris_deploy.schema.outputs import ClassOutput, Output, SeveralOutputs, TargetSeen
from iris_deploy.serving.contract_settings import ALL_CONTRACTS, NAMES, ContractSettings
from iris_deploy.serving.contracts.description import MOST_LISTED
from iris_deploy.serving.contracts.exchange import Observer
from iris_deploy.serving.contracts.registry import build_routes
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.http.openapi import build_openapi
from iris_deploy.serving.http.probes import Readiness
from iris_deploy.serving.http.routes import RouteTable, list_routes
from iris_deploy.serving.page import documentation
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.route import Operation, Route, keep_first
from iris_deploy.serving.schemas import describe_get

_MOST_ROOTS = 8  # that descriptions are kept for; proxies in front have one each


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
    ) -> None:
        self.readiness = Readiness()
        self.observer = Observer()
        self._guarded = guarded
        self._prefix = prefix
        self._contracts = contracts
        self._max_body_bytes = max_body_bytes
        self._fixed = (*self.readiness.build_routes(), *documentation.build_routes(), *others)
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
        routes = _describe_all(served, [*spoken, *self._fixed], guarded=self._guarded)
        return Served(bundle, RouteTable(routes, self._prefix, below))


def _describe_all(served: ServedModel, others: Sequence[Route], *, guarded: bool) -> list[Route]:
    """Return routes, and those that describe all of them; of two at one path the first."""
    bundle = served.bundle

    @functools.lru_cache(_MOST_ROOTS)
    def openapi(root: str) -> Reply:
        document = build_openapi(bundle.manifest, routes, guarded=guarded, root=root)
        return Reply(200, JSON, _pretty(document))

    @functools.lru_cache(_MOST_ROOTS)
    def index(root: str) -> Reply:
        return Reply(200, JSON, _describe(served, list_routes(routes, root)))

    own = [
        Route(
            method="GET",
            path="/openapi.json",
            summary="this API in the form of OpenAPI 3.1",
            handle=lambda asked, _body: openapi(asked.root),
            describe=lambda: Operation(describe_get("This document", {"type": "object"}, 401)),
        ),
        Route(
            method="GET",
            path="/",
            summary="this description",
            handle=lambda asked, _body: index(asked.root),
            describe=lambda: Operation(describe_get("What is served", {"type": "object"}, 401)),
        ),
    ]
    routes = keep_first([*others, *own])
    index("")  # what cannot be described is not served
    openapi("")
    return routes


def _describe(served: ServedModel, routes: dict[str, str]) -> bytes:
    manifest = served.bundle.manifest
    description = {
        "status": "alive",  # as V1 asks for it
        "model": manifest.model,
        "version": manifest.version,
        "contracts": [name for name in NAMES if name in served.settings.contracts],
        "digest": manifest.digest,
        "task": manifest.task,
        "runtime": manifest.predicted_by,
        "provenance": _describe_provenance(manifest),
        "evaluation": _describe_figures(manifest),
        "columns": [_describe_column(column) for column in manifest.signature.columns],
        "output": _describe_output(manifest.signature.output),
        "example": manifest.examples[-1].instance,
        "routes": routes,
    }
    return _pretty(description)


def _describe_provenance(manifest: Manifest) -> dict[str, object]:
    provenance = manifest.provenance
    if isinstance(provenance, Imported):
        return {"kind": "imported", "checked": provenance.proof, "from": provenance.versions}
    return {"kind": "trained"}


def _describe_figures(manifest: Manifest) -> dict[str, float] | None:
    evaluation = manifest.evaluation
    return {name: m.value for name, m in evaluation.metrics.items()} if evaluation else None


def _describe_column(column: Column) -> dict[str, object]:
    described: dict[str, object] = {"name": column.name, "missing": column.missing}
    if isinstance(column, NumberColumn):
        return described | {"kind": "number", "unit": column.unit} | _range(column.seen)
    if isinstance(column, TextColumn):
        return described | {"kind": "text"}
    return described | {"kind": "category", "categories": column.categories[:MOST_LISTED]}


def _describe_output(output: Output) -> dict[str, object]:
    if isinstance(output, SeveralOutputs):
        return {"outputs": [_describe_output(each) for each in output.outputs]}
    if isinstance(output, ClassOutput):
        return {"name": output.name, "classes": output.classes}
    described: dict[str, object] = {"name": output.name, "unit": output.unit}
    return described | _range(output.seen)


def _range(seen: NumbersSeen | TargetSeen | None) -> dict[str, object]:
    return {"minimum": seen.minimum, "maximum": seen.maximum} if seen else {}


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
