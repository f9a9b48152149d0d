"""``GET /``: what is served, for programs in JSON, for people the page that reads it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.provenance import Imported
from iris_deploy.schema.columns import Column, NumberColumn, NumbersSeen, TextColumn
from iris_deploy.schema.outputs import ClassOutput, Output, SeveralOutputs, TargetSeen
from iris_deploy.serving.contract_settings import NAMES
from iris_deploy.serving.contracts.description import MOST_LISTED
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.http.openapi import MOST_ROOTS, reply_pretty
from iris_deploy.serving.http.routes import list_routes
from iris_deploy.serving.page.pages import CONTENT, FrontPage, wants_page
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.route import Asked, Operation, Route
from iris_deploy.serving.schemas import describe_get


def build_index(served: ServedModel, routes: Sequence[Route], page: FrontPage | None) -> Route:
    """Build the route.

    Parameters
    ----------
    served : ServedModel
    routes : sequence of Route
        That it lists; they may come until it is asked.
    page : FrontPage or None
        What browsers get.
    """

    @lru_cache(MOST_ROOTS)
    def tell(root: str) -> Reply:
        return reply_pretty(_describe(served, routes, root))

    def handle(asked: Asked, _body: bytes) -> Reply:
        if page is not None and wants_page(asked.headers):
            return page.reply(asked)
        return tell(asked.root)

    described = describe_get("What is served", {"type": "object"}, 401)
    if page is not None:
        described["responses"]["200"]["content"] |= CONTENT
    return Route(
        method="GET",
        path="/",
        summary="this description" if page is None else "this description; for browsers a page",
        handle=handle,
        describe=lambda: Operation(described),
        open_to=None if page is None else wants_page,
    )


def _describe(served: ServedModel, routes: Sequence[Route], root: str) -> dict[str, object]:
    manifest = served.bundle.manifest
    return {
        "status": "alive",  # as V1 asks for it
        "model": manifest.model,
        "version": manifest.version,
        "contracts": {
            name: next(_predicting(routes, name, root), None)
            for name in NAMES
            if name in served.settings.contracts
        },
        "digest": manifest.digest,
        "task": manifest.task,
        "runtime": manifest.predicted_by,
        "warnings": [] if manifest.library is None else [manifest.library.warning],
        "provenance": _describe_provenance(manifest),
        "evaluation": None if manifest.evaluation is None else manifest.figures,
        "columns": [_describe_column(column) for column in manifest.signature.columns],
        "output": _describe_output(manifest.signature.output),
        "example": manifest.examples[-1].instance,
        "routes": list_routes(routes, root),
    }


def _predicting(routes: Sequence[Route], contract: str, root: str) -> Iterator[str]:
    """Yield the paths at which a contract takes instances."""
    for route in routes:
        if route.contract == contract and route.method == "POST":
            yield root + route.path


def _describe_provenance(manifest: Manifest) -> dict[str, object]:
    provenance = manifest.provenance
    if isinstance(provenance, Imported):
        return {"kind": "imported", "checked": provenance.proof, "from": provenance.versions}
    return {"kind": "trained"}


def _describe_column(column: Column) -> dict[str, object]:
    described: dict[str, object] = {"name": column.name, "missing": column.missing}
    if isinstance(column, NumberColumn):
        number = {"kind": "number", "unit": column.unit, "boolean": column.boolean}
        return described | number | _range(column.seen)
    if isinstance(column, TextColumn):
        return described | {"kind": "text"}
    return described | {
        "kind": "category",
        "categories": column.categories[:MOST_LISTED],
        "more": len(column.categories) > MOST_LISTED,
        "unknown": column.unknown,
    }


def _describe_output(output: Output) -> dict[str, object]:
    if isinstance(output, SeveralOutputs):
        return {"outputs": [_describe_output(each) for each in output.outputs]}
    if isinstance(output, ClassOutput):
        return {"name": output.name, "classes": output.classes}
    described: dict[str, object] = {"name": output.name, "unit": output.unit}
    return described | _range(output.seen)


def _range(seen: NumbersSeen | TargetSeen | None) -> dict[str, object]:
    return {"minimum": seen.minimum, "maximum": seen.maximum} if seen else {}
