"""Which kinds of bodies contracts take and give, by their media types.

References
----------
RFC 9110, sections 8.3.1 and 12.5.1; RFC 4180 for ``header``.
"""

from functools import cache
from typing import Final, Literal, NamedTuple

from iris_deploy.codec.csv_text import Header
from iris_deploy.errors import IrisDeployError
from iris_deploy.serving.preferences import choose, list_preferences

Kind = Literal["json", "csv", "lines", "form"]

PLAIN_JSON: Final = "application/json"
CSV: Final = "text/csv"
LINES: Final = "application/jsonlines"
FORM: Final = "application/x-www-form-urlencoded"

_CHARSETS = {"utf-8", "utf8", "us-ascii"}
_KINDS: dict[str, Kind] = {
    PLAIN_JSON: "json",
    CSV: "csv",
    "application/csv": "csv",
    LINES: "lines",
    "application/x-jsonlines": "lines",
    "application/x-ndjson": "lines",
    "application/jsonl": "lines",
    FORM: "form",
}
_NAMES = {
    "json": PLAIN_JSON,
    "csv": CSV,
    "lines": LINES,
    "form": FORM,
}
_HEADERS: dict[str, Header] = {"present": "present", "absent": "absent"}


class ContentTypeError(IrisDeployError, ValueError):
    """A body is of a kind that the contract does not take."""


class Content(NamedTuple):
    """What a body is.

    Parameters
    ----------
    kind : {'json', 'csv', 'lines', 'form'}
    header : {'present', 'absent'} or None
        Whether CSV has a header, where that is said.
    """

    kind: Kind
    header: Header | None = None


_JSON = Content("json")


def read_content(
    content_type: str | None, kinds: tuple[Kind, ...], default: Kind | None = None
) -> Content:
    """Read a Content-Type, whatever its capitals and parameters.

    Parameters
    ----------
    content_type : str or None
        Header of the request.
    kinds : tuple of str
        That are taken.
    default : str, optional
        What a body is of which nothing is said.

    Raises
    ------
    ContentTypeError
        If it is none of them, or not in UTF-8.
    """
    if content_type == PLAIN_JSON and "json" in kinds:
        return _JSON
    if not content_type and default is not None:
        return Content(default)
    name, *parameters = (content_type or "").lower().split(";")
    named = dict(part.strip().partition("=")[::2] for part in parameters)
    charset = named.get("charset", "utf-8").strip('"')
    kind = _KINDS.get(name.strip())
    if kind not in kinds or charset not in _CHARSETS:
        *others, last = (_NAMES[each] for each in kinds)
        expected = f"{', '.join(others)} or {last}" if others else last
        raise ContentTypeError(
            f"expected Content-Type: {expected}; got {content_type or 'none'}. "
            f"With curl add -H 'Content-Type: {_NAMES[kinds[0]]}'"
        )
    assert kind is not None  # noqa: S101
    return Content(kind, _HEADERS.get(named.get("header", "").strip('"')))


def choose_kind(accept: str | None, kinds: tuple[Kind, ...], default: Kind) -> Kind:
    """Choose what to answer with.

    Parameters
    ----------
    accept : str or None
        Header of the request.
    kinds : tuple of str
        That can be given.
    default : str
        Where none of them is asked for: nobody is refused for what they accept.
    """
    if accept is None or accept == "*/*":
        return default
    return choose(accept, _named(kinds), default)


@cache
def _named(kinds: tuple[Kind, ...]) -> dict[str, Kind]:
    """Return some of the kinds by all of their names."""
    return {name: kind for name, kind in _KINDS.items() if kind in kinds}


def name_kind(kind: Kind, accept: str | None) -> str:
    """Return the media type of a kind, by the name under which it was accepted."""
    preferred = (name for name, _ in list_preferences(accept or ""))
    return next((name for name in preferred if _KINDS.get(name) == kind), _NAMES[kind])
