"""The API described for machines: OpenAPI 3.1, folded from the routes."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from iris_deploy import __version__
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.route import Operation, Route
from iris_deploy.serving.schemas import PROBLEM, describe_get

MOST_ROOTS = 8
"""Paths at which clients see the server, for which descriptions are kept: a proxy has one."""

_NO_CONTRACT = "server"  # the tag of what belongs to none
_TOKEN = {"token": {"type": "http", "scheme": "bearer"}}


def build_openapi_route(manifest: Manifest, routes: Sequence[Route], *, guarded: bool) -> Route:
    """Build the route that answers with the document; see `build_openapi`.

    The routes may come until it is asked.
    """

    @lru_cache(MOST_ROOTS)
    def tell(root: str) -> Reply:
        return reply_pretty(build_openapi(manifest, routes, guarded=guarded, root=root))

    return Route(
        method="GET",
        path="/openapi.json",
        summary="this API in the form of OpenAPI 3.1",
        handle=lambda asked, _body: tell(asked.root),
        describe=lambda: Operation(describe_get("This document", {"type": "object"}, 401)),
    )


def reply_pretty(value: object) -> Reply:
    """Write JSON that people can read, too."""
    return Reply(200, JSON, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def build_openapi(
    manifest: Manifest, routes: Sequence[Route], *, guarded: bool, root: str
) -> dict[str, Any]:
    """Describe the API of a bundle.

    Parameters
    ----------
    manifest : Manifest
    routes : sequence of Route
    guarded : bool
        Whether a token is wanted where a route is not open.
    root : str
        Path at which the client sees the server.

    Returns
    -------
    dict
        An OpenAPI document.

    Raises
    ------
    ValueError
        If two routes have different schemas of one name.

    References
    ----------
    OpenAPI Specification 3.1.0.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for route in routes:
        if route.describe is None:
            continue
        content, parts = route.describe()
        for name, schema in parts.items():
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f"two routes describe {name} in two ways")
        content = content | {"tags": [route.contract or _NO_CONTRACT]}
        if guarded and route.open:
            content = content | {"security": []}
        paths.setdefault(route.path, {})[route.method.lower()] = content
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": f"{manifest.model} version {manifest.version}",
            "version": __version__,
            "description": f"Predicts {manifest.signature.output.name}; served by iris-deploy.",
        },
        "servers": [{"url": root or "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas | {"Problem": PROBLEM},
            **({"securitySchemes": _TOKEN} if guarded else {}),
        },
        **({"security": [{"token": []}]} if guarded else {}),
    }
    return document
