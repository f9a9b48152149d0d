"""The head of an answer as HTTP/1 has it, whoever answers."""

import functools
import time
from collections.abc import Iterable
from typing import NamedTuple

from iris_deploy.serving.problem import phrase
from iris_deploy.serving.worker.adapter import format_date
from iris_deploy.serving.worker.request import Request

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_SERVER = "iris-deploy"


class Framing(NamedTuple):
    """How an answer ends, and its connection.

    Parameters
    ----------
    length : int or None
        Bytes of the body, where they are known.
    closes : bool
        Whether the connection ends with it.
    chunked : bool
        Whether the body comes in chunks: of an unknown length, for a client that knows them.
    """

    length: int | None
    closes: bool
    chunked: bool


def choose_framing(request: Request, length: int | None, *, closes: bool) -> Framing:
    """Choose how an answer ends.

    Parameters
    ----------
    request : Request
    length : int or None
        Bytes of the body, where they are known.
    closes : bool
        Whether the connection has to end, for reasons of the server's.

    References
    ----------
    RFC 9112, sections 6.3 and 9.3.
    """
    connection = request.headers.get("CONNECTION", "").lower()
    if request.version == "1.1":
        return Framing(length, closes or connection == "close", chunked=length is None)
    stays = connection == "keep-alive" and length is not None
    return Framing(length, closes or not stays, chunked=False)


def build_head(
    request: Request,
    status: int,
    headers: Iterable[tuple[str, str]],
    framing: Framing,
    date: str | None = None,
) -> bytes:
    """Write the status line and the header fields.

    Parameters
    ----------
    request : Request
        Which is answered.
    status : int
    headers : iterable of (name, value)
    framing : Framing
    date : str, optional
        In the form of RFC 9110 section 5.6.7; now if left out.

    Returns
    -------
    bytes
        With the empty line.
    """
    fields = [(_in_capitals(name), value) for name, value in headers]
    if framing.length is not None:
        fields.append(("Content-Length", str(framing.length)))
    elif framing.chunked:
        fields.append(("Transfer-Encoding", "chunked"))
    if framing.closes:
        fields.append(("Connection", "close"))
    elif request.version == "1.0":
        fields.append(("Connection", "Keep-Alive"))
    fields.append(("Server", _SERVER))
    fields.append(("Date", date or format_date(int(time.time()))))
    fields.sort(key=_name)
    lines = [f"HTTP/{request.version} {status} {phrase(status)}"]
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Write a part of a body as a chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _name(field: tuple[str, str]) -> str:
    return field[0]


@functools.lru_cache(256)
def _in_capitals(name: str) -> str:
    """Write the words of a name with capitals, so that they are the same whoever answered."""
    return "-".join(word.capitalize() for word in name.split("-"))
