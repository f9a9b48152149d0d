"""One HTTP request as it arrives, in whatever pieces; what is not HTTP is refused at once.

Looks at each byte a fixed number of times, however it is cut. Takes the place of waitress's parser,
of which it has the attributes that waitress's channel and tasks ask for.
"""

import io
import re
import time
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.receiver import FixedStreamReceiver

from iris_deploy.serving.problem import reply_problem, too_large
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.server.chunks import ChunkReceiver
from iris_deploy.serving.server.head import REQUEST_LINE, TOKEN, Refused, read_fields, read_framing

_EMPTY_LINES = re.compile(rb"(?:\r\n)*+")  # RFC 9112 section 2.2 lets them precede a request
_END = b"\r\n\r\n"
_BEGINS_METHOD = re.compile(TOKEN)
_TLS_HELLO = b"\x16"


class StrictParser:
    """Read one request.

    Parameters
    ----------
    adj : Adjustments
        waitress's, with `max_body_bytes` beside its own.

    Attributes
    ----------
    head : bytes
        Request line and header fields as they came, with the empty line.
    blank : bool
        Whether nothing but empty lines has come, which may precede a request.
    completed : bool
        Whether all of it has come, or it is refused.
    error : Reply or None
        What the request is answered with instead of its answer.
    prepared : callable or None
        Answers the request, if it was read while its lane was chosen.
    command, request_uri, version : str
        Of the request line; empty until it is read.
    path, query : str
        Out of the target, still encoded.
    headers : dict of str to str
        See `read_fields`.
    begun : float
        When its first byte came, on the monotonic clock.
    arrived : float
        When its last byte came.
    queued : float
        When it was its turn: when it had arrived, and the one before it was answered.
    """

    empty = False
    headers_finished = False
    expect_continue = False
    chunked = False
    content_length = 0
    command = request_uri = path = query = ""
    version = "1.0"
    url_scheme = "http"

    def __init__(self, adj: Any) -> None:
        self.adj = adj
        self.arrived = self.queued = self.begun = time.monotonic()
        self.head = b""
        self.blank = True
        self.completed = False
        self.error: Reply | None = None
        self.prepared: Any = None
        self.headers: dict[str, str] = {}
        self.body_rcv: Any = None
        self._come = bytearray()  # of a head that is not whole yet
        self._checked = 0  # bytes of it that were looked at
        self._line_is_whole = False
        self._skipped = 0  # bytes of empty lines in front

    def received(self, data: bytes) -> int:
        """Take bytes from the connection and return how many belong to this request."""
        return self._take_body(data) if self.headers_finished else self._take_head(data)

    def refuse(self, reply: Reply) -> None:
        """Answer with a refusal, whatever has come or is still to come."""
        self.error = reply
        self._complete()

    def _complete(self) -> None:
        self.completed = True
        # The client does not have to be told to continue; waitress would tell it, and wait.
        self.expect_continue = False
        self.arrived = time.monotonic()

    def get_body_stream(self) -> Any:
        """Return the body as a file."""
        return io.BytesIO() if self.body_rcv is None else self.body_rcv.getfile()

    def close(self) -> None:
        """Let go of the body."""
        if self.body_rcv is not None:
            self.body_rcv.getbuf().close()

    def _take_head(self, data: bytes) -> int:
        come, limit = self._come, self.adj.max_request_header_size
        piece = data[: max(limit + len(_END) - self._skipped - len(come), 0)]
        come += piece
        if self.blank:
            empty = _EMPTY_LINES.match(come)
            lines = empty.end() if empty else 0
            del come[:lines]
            self._skipped += lines
            self.blank = not come or come == b"\r"
        end = come.find(_END, max(self._checked - len(_END), 0))
        whole = end + len(_END) if end >= 0 else len(come)
        fault = None if self.blank else self._fault(whole)
        if fault is not None:
            self.refuse(reply_problem(400, fault))
        elif self._skipped + whole >= limit:
            detail = (
                f"request line and header are too large; expected less than {limit} bytes together"
            )
            self.refuse(reply_problem(431, detail))
        elif end >= 0:
            self._read(bytes(come[:whole]))
        self._checked = 0 if self.blank else whole
        return len(piece) - (len(come) - whole)

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
        line_end = come.find(b"\r\n", max(checked - 1, 0), whole)
        if line_end >= 0 and not self._line_is_whole:
            self._line_is_whole = True
            if not REQUEST_LINE.fullmatch(come, 0, line_end):
                return "expected a request line such as GET / HTTP/1.1 or HTTP/1.0"
        return None

    def _read(self, data: bytes) -> None:
        self.head, self.headers_finished, self._come = data, True, bytearray()
        line, _, fields = data.partition(b"\r\n")
        words = line.decode("latin-1").split(" ")  # three, as it was found to be
        self.command, self.request_uri, self.version = words[0], words[1], words[2][-3:]
        self.path = self.request_uri.partition("?")[0]  # for the log, should it be refused
        try:
            self.headers = read_fields(fields[:-2])
            head = read_framing(
                self.request_uri, self.version, self.headers, self.adj.max_body_bytes
            )
        except Refused as exc:
            self.refuse(exc.reply)
            return
        self.path, self.query = head.path, head.query
        self.expect_continue = head.waits
        self.chunked = head.length is None
        self.content_length = head.length or 0
        if head.length == 0:
            self._complete()
            return
        buffer = OverflowableBuffer(self.adj.inbuf_overflow)
        if head.length is None:
            self.body_rcv = ChunkReceiver(buffer, self.adj.max_body_bytes)
        else:
            self.body_rcv = FixedStreamReceiver(head.length, buffer)

    def _take_body(self, data: bytes) -> int:
        taken: int = self.body_rcv.received(data)
        if self.body_rcv.error is not None:
            error = self.body_rcv.error
            detail = too_large(self.adj.max_body_bytes) if error.code == 413 else str(error.body)
            self.refuse(reply_problem(error.code, detail))
        elif self.body_rcv.completed:
            self._complete()
            if self.chunked:
                self.headers["CONTENT_LENGTH"] = str(len(self.body_rcv))
        return taken
