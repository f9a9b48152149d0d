"""The head of a request, read strictly: RFC 9112 and nothing beside it.

Two programs that read the same bytes as different requests can be played against each other, so
whatever is ambiguous is refused. Every step looks at each byte a fixed number of times: bytes are
searched, split and matched by patterns that cannot go back (possessive quantifiers), since a head
comes from anybody.
"""

import re
from typing import NamedTuple

from iris_deploy.serving.problem import reply_problem, too_large

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Z-]++ [^\x00-\x20\x7f]++ HTTP/1\.[01]")

_TEXT = rb"[\t -~\x80-\xff]"
_FIELDS = re.compile(rb"(?:" + TOKEN + rb":" + _TEXT + rb"*+\r\n)*+")
_NAME = re.compile(TOKEN)
_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+;=-]*+(?::[0-9]*+)?|\[[0-9A-Fa-f:.]++\](?::[0-9]*+)?")
_URL = re.compile(r"https?://([^/?#]++)", re.IGNORECASE)
_MOST_DIGITS = 18  # of a Content-Length; Python refuses to convert thousands
_BLANKS = " \t"

_CONTINUE = "100-continue"


class Refused(Exception):  # noqa: N818 - it is the way out, not a fault of ours
    """The request is answered with a refusal, and its connection ends.

    Parameters
    ----------
    status : int
    detail : str

    Attributes
    ----------
    reply : Reply
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.reply = reply_problem(status, detail)


class Framing(NamedTuple):
    """What a head says of what follows it.

    Parameters
    ----------
    path, query : str
        Out of the target, still encoded.
    length : int or None
        Bytes of the body; None if it comes in chunks.
    waits : bool
        Whether the client waits to be told to continue.
    """

    path: str
    query: str
    length: int | None
    waits: bool


def read_fields(fields: bytes) -> dict[str, str]:
    """Read header fields.

    Parameters
    ----------
    fields : bytes
        Lines, each with its end.

    Returns
    -------
    dict of str to str
        By name in capitals, with ``_`` for ``-``. Those of one name are joined by ``, ``; names
        with ``_`` are left out, since elsewhere they are taken for those with ``-``.

    Raises
    ------
    Refused
        If a line is none of a field.

    References
    ----------
    RFC 9110, section 5; RFC 9112, section 5.
    """
    if not _FIELDS.fullmatch(fields):
        raise Refused(400, _fault(fields))
    return _fold(fields.decode("latin-1"))


def read_framing(
    target: str, version: str, headers: dict[str, str], max_body_bytes: int
) -> Framing:
    """Find out what a request is about and where it ends.

    Parameters
    ----------
    target, version : str
        Of the request line.
    headers : dict of str to str
        See `read_fields`; what waitress's tasks look at is put as they expect it.
    max_body_bytes : int
        Above which the body is refused.

    Raises
    ------
    Refused
        If the request can be read in two ways, or is none that could be answered.

    References
    ----------
    RFC 9112, sections 3, 6 and 9; RFC 9110, section 10.1.1.
    """
    path, _, query = _origin_form(target).partition("?")
    _check_host(headers.get("HOST"), version)
    if "CONNECTION" in headers and "close" in _members(headers["CONNECTION"]):
        headers["CONNECTION"] = "close"
    length = _length(headers, version, max_body_bytes)
    waits = "EXPECT" in headers and _expectation(headers["EXPECT"]) and version == "1.1"
    return Framing(path, query, length, waits)


def _fold(fields: str) -> dict[str, str]:
    """Put the fields of one name together."""
    headers: dict[str, str] = {}
    more: dict[str, list[str]] = {}
    for field in fields.split("\r\n")[:-1]:
        name, _, value = field.partition(":")
        if "_" in name:
            continue
        key, value = name.upper().replace("-", "_"), value.strip(_BLANKS)
        if key in headers:
            more.setdefault(key, [headers[key]]).append(value)
        else:
            headers[key] = value
    for key, values in more.items():
        headers[key] = ", ".join(values)
    return headers


def _fault(fields: bytes) -> str:
    """Say what is wrong with header fields of which one is wrong."""
    for field in fields.split(b"\r\n"):
        if field.startswith((b" ", b"\t")):
            return "a header is folded over several lines"
        name, colon, _ = field.partition(b":")
        if field and not (colon and _NAME.fullmatch(name)):
            return "expected a name, a colon and a value in each header line"
    return "a header has a byte that is no text"


def _origin_form(target: str) -> str:
    """Return path and query of a target, which may be a whole URL or ``*``.

    Raises
    ------
    Refused
        If it is none of these.
    """
    if "#" not in target:
        if target.startswith("/") or target == "*":
            return target
        url = _URL.match(target)
        if url is not None and url[1][0] != ":" and _HOST.fullmatch(url[1]):
            rest = target[url.end() :]
            return rest if rest.startswith("/") else "/" + rest
    raise Refused(400, "the target is neither a path nor a URL of one")


def _check_host(host: str | None, version: str) -> None:
    if host is None:
        if version == "1.1":
            raise Refused(400, "the Host header is missing")
    elif not _HOST.fullmatch(host):
        raise Refused(400, "expected one Host header, with one host")


def _members(value: str) -> list[str]:
    """Return the members of a list, in small letters."""
    return [member.strip(_BLANKS) for member in value.lower().split(",")]


def _length(headers: dict[str, str], version: str, limit: int) -> int | None:
    """Return the length of the body, None if it comes in chunks."""
    length = headers.get("CONTENT_LENGTH")
    if "TRANSFER_ENCODING" in headers:
        if version == "1.0":
            raise Refused(400, "HTTP/1.0 has no Transfer-Encoding")
        if length is not None:
            raise Refused(400, "Transfer-Encoding and Content-Length exclude each other")
        codings = _members(headers.pop("TRANSFER_ENCODING"))
        if not {"chunked", ""}.issuperset(codings):
            raise Refused(501, "the transfer coding is unknown; expected chunked or none")
        if codings != ["chunked"]:
            raise Refused(400, "expected Transfer-Encoding: chunked, once")
        return None
    if length is None:
        return 0
    if not (length.isascii() and length.isdigit()):
        raise Refused(400, "expected one Content-Length, in digits")
    if len(length) > _MOST_DIGITS or int(length) > limit:
        raise Refused(413, too_large(limit))
    return int(length)


def _expectation(expect: str) -> bool:
    if expect and expect.lower() != _CONTINUE:
        raise Refused(417, "the only expectation that can be met is 100-continue")
    return bool(expect)
