"""One HTTP request as it arrives, in whatever pieces; what is not HTTP is refused at once.

Looks at each byte a fixed number of times, however it is cut.
"""

import re
import time
from typing import TYPE_CHECKING, NamedTuple

from iris_deploy.serving.problem import reply_problem, too_large
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.worker.chunks import ChunkReader
from iris_deploy.serving.worker.head import REQUEST_LINE, TOKEN, Refused, read_fields, read_framing

if TYPE_CHECKING:
    from iris_deploy.serving.http.routes import Resource

_EMPTY_LINES = re.compile(rb"(?:\r\n)*+")  # RFC 9112 section 2.2 lets them precede a request
_END = b"\r\n\r\n"
_BEGINS_METHOD = re.compile(TOKEN)
_TLS_HELLO = b"\x16"


class Limits(NamedTuple):
    """How much a request may have.

    Parameters
    ----------
    header : int
        Bytes of request line and header fields, which have to be fewer.
    body : int
        Bytes of the body, without what frames it.
    """

    header: int
    body: int


class Request:
    """Read one request.

    Parameters
    ----------
    limits : Limits
    peer : str
        Address at the other end of the connection, or ``unix``.

    Attributes
    ----------
    head : bytes
        Request line and header fields as they came, with the empty line.
    body : bytes or bytearray
        What has come of it.
    blank : bool
        Whether nothing but empty lines has come, which may precede a request.
    is_open : bool
        Whether its head is read, so that it can be judged.
    completed : bool
        Whether all of it has come, or it cannot be understood.
    error : Reply or None
        Why it cannot be understood; whatever follows cannot either.
    refusal : Reply or None
        What it is answered with for other reasons; its body is thrown away as it comes.
    client : str
        Address of the client, as a trusted proxy tells it.
    identity : str
        The request id.
    resource : Resource or None
        What there is at its path: found when it is admitted, so that it is answered by the routes
        that it was judged by, whatever is swapped in meanwhile.
    waits : bool
        Whether the client waits to be told to go on with the body.
    chunked : bool
    method, target, version : str
        Of the request line; empty until it is read.
    path, query : str
        Out of the target, still encoded.
    headers : dict of str to str
        See `read_fields`.
    started : float
        When its first byte came, on the monotonic clock.
    arrived : float
        When its last byte came.
    queued : float
        When it was its turn: when it had arrived, and the one before it was answered.
    """

    __slots__ = (
        *("_checked", "_chunks", "_come", "_limits", "_line_is_whole", "_missing", "_skipped"),
        *("arrived", "started", "blank", "body", "chunked", "client", "completed", "error", "head"),
        *("headers", "identity", "is_open", "method", "path", "peer", "query", "queued"),
        *("refusal", "resource", "root", "target"),
        *("version", "waits"),
    )

    def __init__(self, limits: Limits, peer: str = "") -> None:
        self._limits = limits
        self.peer = peer
        self.arrived = self.queued = self.started = time.monotonic()
        self.method = self.target = self.path = self.query = self.root = ""
        self.version = "1.0"
        self.client = self.identity = ""
        self.head = b""
        self.body: bytes | bytearray = b""
        self.headers: dict[str, str] = {}
        self.blank = True
        self.is_open = self.completed = self.chunked = self.waits = False
        self.error: Reply | None = None
        self.refusal: Reply | None = None
        self.resource: Resource | None = None
        self._come = bytearray()  # of a head that is not whole yet
        self._checked = 0  # bytes of it that were looked at
        self._line_is_whole = False
        self._skipped = 0  # bytes of empty lines in front
        self._missing = 0  # bytes of a body whose length is known
        self._chunks: ChunkReader | None = None

    def take(self, data: bytes, at: int) -> int:
        """Take bytes that have come, of the head or of the body.

        Parameters
        ----------
        data : bytes
        at : int
            Where the first of them is.

        Returns
        -------
        int
            Where the first is that was not taken: of the body, if this was the head; of the next
            request, if this one is complete; else of chunks, of which only so many are read at a
            time.
        """
        if not self.is_open:
            return self._take_head(data, at)
        return self._take_length(data, at) if self._chunks is None else self._take_chunks(data, at)

    def fail(self, reply: Reply) -> None:
        """Answer that it cannot be understood, whatever has come or is still to come."""
        self.error = reply
        self.body = b""
        self._complete()

    def refuse(self, reply: Reply) -> None:
        """Answer with a refusal, and throw the body away."""
        self.refusal = reply
        self.body = b""

    def _complete(self) -> None:
        self.completed = True
        self.waits = False
        self.arrived = time.monotonic()

    def _take_head(self, data: bytes, at: int) -> int:
        come, limit = self._come, self._limits.header
        before = len(come)
        come += data[at : at + max(limit + len(_END) - self._skipped - before, 0)]
        taken = len(come) - before
        if self.blank:
            empty = _EMPTY_LINES.match(come)
            lines = empty.end() if empty else 0
            if lines:
                del come[:lines]
                self._skipped += lines
            self.blank = not come or come == b"\r"
        end = come.find(_END, max(self._checked - len(_END), 0))
        whole = end + len(_END) if end >= 0 else len(come)
        fault = None if self.blank else self._fault(whole)
        rest = len(come) - whole
        if fault is not None:
            self.fail(reply_problem(400, fault))
        elif self._skipped + whole >= limit:
            detail = (
                f"request line and header are too large; expected less than {limit} bytes together"
            )
            self.fail(reply_problem(431, detail))
        elif end >= 0:
            self._read(bytes(come[:whole]))
        self._checked = 0 if self.blank else whole
        return at + taken - rest

    def _fault(self, whole: int) -> str | None:
        """Say why what has come can never become a request, instead of waiting for its end."""
        come, checked = self._come, self._checked
        if not checked:
            if come.startswith(_TLS_HELLO):
                return "this is TLS; expected HTTP. Use http:// or put a TLS proxy in front"
            if not _BEGINS_METHOD.match(come):
                return "expected an HTTP request"
        # A CR that came before belongs to a LF that comes now.
        if come.count(b"\n", checked, whole) > come.count(b"\r\n", max(checked - 1, 0), whole):
            return "a line ends with LF alone; expected CR LF"
        if not self._line_is_whole:
            line_end = come.find(b"\r\n", max(checked - 1, 0), whole)
            if line_end >= 0:
                self._line_is_whole = True
                if not REQUEST_LINE.fullmatch(come, 0, line_end):
                    return "expected a request line such as GET / HTTP/1.1 or HTTP/1.0"
        return None

    def _read(self, data: bytes) -> None:
        self.head, self.is_open, self._come = data, True, bytearray()
        line, _, fields = data.partition(b"\r\n")
        # Three words, as it was found to be.
        self.method, self.target, version = line.decode("latin-1").split(" ")
        self.version = version[-3:]
        self.path = self.target.partition("?")[0]  # for the log, should it be refused
        try:
            self.headers = read_fields(fields[:-2])
            framing = read_framing(self.target, self.version, self.headers, self._limits.body)
        except Refused as exc:
            self.fail(exc.reply)
            return
        self.path, self.query = framing.path, framing.query
        if framing.length is None:
            self.chunked, self._chunks = True, ChunkReader(self._limits.body)
            self.body = bytearray()
        elif framing.length:
            self._missing = framing.length
        else:
            self._complete()
            return
        self.waits = framing.waits

    def _take_length(self, data: bytes, at: int) -> int:
        part = data[at : at + self._missing]
        self._missing -= len(part)
        if self.refusal is None:
            if not self.body and not self._missing:  # in one piece, as most bodies come
                self.body = part
            else:
                if not self.body:
                    self.body = bytearray()
                self.body += part
        if not self._missing:
            self._complete()
        return at + len(part)

    def _take_chunks(self, data: bytes, at: int) -> int:
        assert self._chunks is not None  # noqa: S101
        into = self.body if isinstance(self.body, bytearray) else None  # not of a refused one
        at = self._chunks.read(data, at, into)
        if self._chunks.too_large:
            self.fail(reply_problem(413, too_large(self._limits.body)))
        elif self._chunks.fault is not None:
            self.fail(reply_problem(400, self._chunks.fault))
        elif self._chunks.completed:
            self._complete()
        return at
