"""The table of routes: what is found at a path, for whoever dispatches, lists or refuses."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from iris_deploy.serving.route import Route


class Resource(NamedTuple):
    """What there is at one path.

    Parameters
    ----------
    path : str
        The one that it is known by, whichever it was asked at.
    routes : mapping of str to Route
        By method.
    open, probe, vital : bool
        Of all its routes; see `Route`.
    """

    path: str
    routes: Mapping[str, Route]
    open: bool
    probe: bool
    vital: bool


class RouteTable:
    """All routes of a server.

    Parameters
    ----------
    routes : sequence of Route
    prefix : str
        Path below which they answer, too: a reverse proxy in front leaves it there.

    Attributes
    ----------
    routes : tuple of Route
    paths : tuple of str
        Each once, in their order, without the prefix.
    resources : dict of str to Resource
        By every path at which one answers.
    """

    def __init__(self, routes: Sequence[Route], prefix: str = "") -> None:
        self.routes = tuple(routes)
        self.paths = tuple(dict.fromkeys(route.path for route in routes))
        self.resources: dict[str, Resource] = {}
        for path in self.paths:
            here: dict[str, Route] = {route.method: route for route in routes if route.path == path}
            all_of = here.values()
            resource = Resource(
                path,
                here,
                open=all(route.open for route in all_of),
                probe=all(route.probe for route in all_of),
                vital=all(route.vital for route in all_of),
            )
            others = [other for route in all_of for other in route.also]
            for at in (path, *others):
                self.resources[at] = resource
                if prefix:
                    self.resources[prefix + at] = resource
        if prefix and "/" in self.resources:
            self.resources[prefix] = self.resources["/"]

    def at(self, root: str) -> dict[str, str]:
        """Return the routes as a client sees them, with what each is for.

        Parameters
        ----------
        root : str
            Path at which the client sees the server.
        """
        return list_routes(self.routes, root)


def list_routes(routes: Sequence[Route], root: str) -> dict[str, str]:
    """Return routes as a client sees them, with what each is for; see `RouteTable.at`."""
    return {f"{route.method} {root}{route.path}": route.summary for route in routes}
