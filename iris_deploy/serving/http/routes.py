"""The table of routes: what is found at a path, for whoever dispatches, lists or refuses."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from iris_deploy.serving.problem import read_refusal, reply_refusal
from iris_deploy.serving.reply import Refusal, Reply
from iris_deploy.serving.route import Below, Route


class Resource(NamedTuple):
    """What there is at one path.

    Parameters
    ----------
    path : str
        The one that it is known by, whichever it was asked at.
    routes : mapping of str to Route
        By method; none where there is nothing.
    open, probe, vital : bool
        Of all its routes; see `Route`.
    open_to : callable or None
        Of its first route.
    contract : str
    refuse : callable or None
        See `Route`.
    explain : callable or None
        See `Below`.
    """

    path: str
    routes: Mapping[str, Route]
    open: bool
    probe: bool
    vital: bool
    contract: str
    refuse: Callable[[Refusal], Reply] | None
    explain: Callable[[str], str] | None = None
    open_to: Callable[[Mapping[str, str]], bool] | None = None

    def is_open(self, method: str, headers: Mapping[str, str]) -> bool:
        """Tell whether a request needs no token here."""
        if self.open or self.open_to is None:
            return self.open
        return method in {"GET", "HEAD"} and self.open_to(headers)

    def restate(self, reply: Reply) -> Reply:
        """Say an error in the words of the contract that the path belongs to."""
        refusal = None if self.refuse is None else read_refusal(reply)
        return reply if self.refuse is None or refusal is None else self.refuse(refusal)

    def refuse_path(self, path: str) -> Reply:
        """Say that there is nothing at a path."""
        assert self.explain is not None  # noqa: S101
        return (self.refuse or reply_refusal)(Refusal(404, self.explain(path)))


class RouteTable:
    """All routes of a server.

    Parameters
    ----------
    routes : sequence of Route
    prefix : str
        Path below which they answer, too: a reverse proxy in front leaves it there.
    below : sequence of Below
        What is said of all other paths.

    Attributes
    ----------
    routes : tuple of Route
    resources : dict of str to Resource
        By every path at which a route answers.
    """

    def __init__(
        self, routes: Sequence[Route], prefix: str = "", below: Sequence[Below] = ()
    ) -> None:
        self.routes = tuple(routes)
        self.resources: dict[str, Resource] = {}
        self._below = {start + each.path: _beyond(each) for each in below for start in (prefix, "")}
        for path in dict.fromkeys(route.path for route in routes):
            here: dict[str, Route] = {route.method: route for route in routes if route.path == path}
            all_of = here.values()
            resource = Resource(
                path,
                here,
                open=all(route.open for route in all_of),
                probe=all(route.probe for route in all_of),
                vital=all(route.vital for route in all_of),
                contract=next(iter(all_of)).contract,
                refuse=next(iter(all_of)).refuse,
                open_to=next(iter(all_of)).open_to,
            )
            others = [other for route in all_of for other in route.also]
            for at in (path, *others):
                self.resources[at] = resource
                if prefix:
                    self.resources[prefix + at] = resource
        if prefix and "/" in self.resources:
            self.resources[prefix] = self.resources["/"]

    def find(self, path: str) -> Resource | None:
        """Return what there is at a path, or what is said of it."""
        found = self.resources.get(path)
        if found is not None or not self._below:
            return found
        return next((here for start, here in self._below.items() if path.startswith(start)), None)

    def at(self, root: str) -> dict[str, str]:
        """Return the routes as a client sees them, with what each is for.

        Parameters
        ----------
        root : str
            Path at which the client sees the server.
        """
        return list_routes(self.routes, root)


def _beyond(below: Below) -> Resource:
    return Resource(
        below.path,
        {},
        open=False,
        probe=False,
        vital=False,
        contract=below.contract,
        refuse=below.refuse,
        explain=below.explain,
    )


def list_routes(routes: Sequence[Route], root: str) -> dict[str, str]:
    """Return routes as a client sees them, with what each is for; see `RouteTable.at`."""
    listed = (route for route in routes if route.describe is not None)
    return {f"{route.method} {root}{route.path}": route.summary for route in listed}
