"""A route as one object: everything that is to be known of it, and the function that answers.

The table of routes (http/routes.py) folds out of these what is dispatched in both lanes, Flask's
views, the API's description, the texts of errors, who may ask without a token, and the labels of
figures.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from iris_deploy.serving.reply import Refusal, Reply


class Asked(Protocol):
    """What a handler gets to know of a request, beside its body.

    Attributes
    ----------
    query : str
        Of the request's target, without the question mark.
    headers : mapping of str to str
        By their names in capitals, with underscores.
    root : str
        Path at which the client sees the server.
    """

    @property
    def query(self) -> str: ...  # noqa: D102

    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102

    @property
    def root(self) -> str: ...  # noqa: D102


class PlainAsked(NamedTuple):
    """What was asked, as plain values; see `Asked`."""

    query: str = ""
    headers: Mapping[str, str] = {}
    root: str = ""


class Operation(NamedTuple):
    """A route as OpenAPI describes it.

    Parameters
    ----------
    content : dict
        The Operation Object.
    schemas : dict
        Components that it refers to, by name.
    """

    content: dict[str, Any]
    schemas: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One method of one path.

    Parameters
    ----------
    method : {'GET', 'POST'}
        GET answers HEAD, too. A body is handed on for POST only.
    path : str
    summary : str
        What it is for, as ``GET /`` tells it.
    handle : callable
        Gets what was asked and the body, whole and decompressed, once access is granted; returns
        the reply.
    describe : callable, optional
        Returns the `Operation`. Left out, no list names the route: it is a part of another one.
    quick : callable, optional
        The same answer in a few milliseconds, in the loop; None from it if it could take longer.
    also : tuple of str
        Other paths at which it answers.
    open : bool
        Whether it needs no token where others do.
    open_to : callable, optional
        Tells of a GET whether it needs none, by its header.
    probe : bool
        Whether platforms ask it every few seconds, which is seldom worth a line of the log.
    vital : bool
        Whether operators need it to see how the server is: it is answered on reserved connections.
    contract : str
        Name of the wire contract that it belongs to, if it belongs to one.
    refuse : callable, optional
        Writes what is wrong with a request as that contract has it; problem details if left out.
    """

    method: Literal["GET", "POST"]
    path: str
    summary: str
    handle: Callable[[Asked, bytes], Reply]
    describe: Callable[[], Operation] | None = None
    quick: Callable[[Asked, bytes], Reply | None] | None = None
    also: tuple[str, ...] = ()
    open: bool = False
    open_to: Callable[[Mapping[str, str]], bool] | None = None
    probe: bool = False
    vital: bool = False
    contract: str = ""
    refuse: Callable[[Refusal], Reply] | None = None


def answer_at_once(
    path: str,
    summary: str,
    reply: Callable[[], Reply],
    *,
    describe: Callable[[], Operation] | None = None,
    also: tuple[str, ...] = (),
    open: bool = False,  # noqa: A002
    probe: bool = False,
    vital: bool = False,
    contract: str = "",
    refuse: Callable[[Refusal], Reply] | None = None,
) -> Route:
    """Build the route of a GET that is answered at once, in either lane; see `Route`.

    Parameters
    ----------
    reply : callable
        Returns the reply, in a few microseconds.
    """
    return Route(
        method="GET",
        path=path,
        summary=summary,
        handle=lambda _asked, _body: reply(),
        quick=lambda _asked, body: None if body else reply(),
        describe=describe,
        also=also,
        open=open,
        probe=probe,
        vital=vital,
        contract=contract,
        refuse=refuse,
    )


def keep_first(routes: Iterable[Route]) -> list[Route]:
    """Return routes without those whose method and path another one before them has."""
    kept: dict[tuple[str, str], Route] = {}
    for route in routes:
        kept.setdefault((route.method, route.path), route)
    return [*kept.values()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Below:
    """All other paths below one, which belong to a contract and are refused in its words.

    Parameters
    ----------
    path : str
        With a slash at its end.
    contract : str
    explain : callable
        Says of a path why there is nothing.
    refuse : callable
        See `Route`.
    """

    path: str
    contract: str
    explain: Callable[[str], str]
    refuse: Callable[[Refusal], Reply]
