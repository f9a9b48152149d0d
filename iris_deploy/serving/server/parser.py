"""HTTP requests read strictly: what waitress lets through and RFC 9112 does not is refused.

Two programs that read the same bytes as different requests can be played against each other, so
whatever is ambiguous is answered with 400 and the connection is closed.
"""

import re
import time
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import RequestEntityTooLarge

from iris_deploy.serving.problem import reply_problem, too_large
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.server.chunks import TOKEN, ChunkReceiver

_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+;=-]*(:[0-9]*)?|\[[0-9A-Fa-f:.]+\](:[0-9]*)?")
_FOLDED = re.compile(rb"\r\n[ \t]")
_TRANSFER = re.compile(
    rb"^transfer-encoding[ \t]*:[ \t]*(.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE
)
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_EMPTY_LINES = re.compile(rb"(?:\r\n)*")  # RFC 9112 section 2.2 lets them precede a request
_REQUEST_LINE = re.compile(TOKEN + rb" [^\x00-\x20\x7f]+ HTTP/1\.[01]")
_BEGINS_METHOD = re.compile(TOKEN)
_TARGET = re.compile(r"/[^#]*|https?://[^/?#]+(?:[/?][^#]*)?|\*", re.IGNORECASE)
_MOST_DIGITS = 18  # of a Content-Length; Python refuses to convert thousands

_OPTIONS = re.compile(r"[ \t]*,[ \t]*")
_TLS_HELLO = b"\x16"


class StrictParser(HTTPRequestParser):
    """Read one request.

    Attributes
    ----------
    head : bytes
        Request line and header fields as they came, with the empty line.
    prepared : callable or None
        Answers the request, if it was read while its lane was chosen.
    error : Reply or None
        What the request is answered with instead of its answer.
    begun : float
        When its first byte came, on the monotonic clock.
    arrived : float
        When its last byte came.
    queued : float
        When it was its turn: when it had arrived, and the one before it was answered.
    """

    head = b""
    prepared: Any = None
    error: Any
    adj: Any
    first_line: Any
    command: Any = ""
    path: Any = ""
    request_uri: Any = ""
    headers: Any
    body_rcv: Any

    def __init__(self, adj: Any, begun: float | None = None) -> None:
        super().__init__(adj)
        self.arrived = self.queued = time.monotonic()
        self.begun = self.arrived if begun is None else begun

    def received(self, data: bytes) -> int:
        """Take bytes from the connection and return how many belong to this request."""
        consumed: int
        if not self.headers_finished and not self.completed and self._is_no_http(data):
            consumed = len(data)
        else:
            consumed = super().received(data)
        if self.completed:
            # The client does not have to be told to continue; waitress would tell it, and wait.
            self.expect_continue = False
            self.arrived = time.monotonic()
            if self.error and not isinstance(self.error, Reply):
                self.error = self._refusal(self.error)
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse request line and header fields, and check what waitress does not.

        Raises
        ------
        ParsingError
            If the request is not HTTP/1.1 or HTTP/1.0, or can be read in two ways.
        """
        self.head = header_plus
        try:
            super().parse_header(header_plus)
        except ValueError as exc:  # urlsplit, of http://[; int, of a length that never ends
            if len(self.headers.get("CONTENT_LENGTH", "")) > _MOST_DIGITS:
                self._refuse_size()
                return
            message = "the target is no URL"
            raise ParsingError(message) from exc
        if not _TARGET.fullmatch(self.request_uri):
            message = "the target is neither a path nor a URL of one"
            raise ParsingError(message)
        self.path = self.path or "/"
        self._check_header(header_plus)
        self._prepare_body()

    def _check_header(self, header_plus: bytes) -> None:
        host = self.headers.get("HOST")
        if host is None and self.version == "1.1":
            message = "the Host header is missing"
            raise ParsingError(message)
        if host is not None and not _HOST.fullmatch(host):
            message = "expected one Host header, with one host"
            raise ParsingError(message)
        if _FOLDED.search(header_plus):
            message = "a header is folded over several lines"
            raise ParsingError(message)
        if b"transfer-" in header_plus.lower():
            self._check_transfer(header_plus)
        if "close" in _OPTIONS.split(self.headers.get("CONNECTION", "").lower()):
            self.headers["CONNECTION"] = "close"  # waitress compares the whole value

    def _prepare_body(self) -> None:
        expect = self.headers.get("EXPECT", "")
        if self.chunked:
            self.body_rcv = ChunkReceiver(self.body_rcv.getbuf(), self.adj.max_body_bytes)
        if self.content_length > self.adj.max_body_bytes:
            self._refuse_size()
        elif expect and expect.lower() != "100-continue":
            self.error = reply_problem(417, "the only expectation that can be met is 100-continue")
            self.completed = True

    def _check_transfer(self, header: bytes) -> None:
        codings = _TRANSFER.findall(header.replace(b"\r\n", b"\n"))
        if not codings:
            return
        if self.version == "1.0":
            message = "HTTP/1.0 has no Transfer-Encoding"
            raise ParsingError(message)
        if "CONTENT_LENGTH" in self.headers:
            message = "Transfer-Encoding and Content-Length exclude each other"
            raise ParsingError(message)
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            message = "expected Transfer-Encoding: chunked, once"
            raise ParsingError(message)

    def _is_no_http(self, data: bytes) -> bool:
        """Refuse at once what can never become a request, instead of waiting for its end."""
        come = self.header_plus + data
        empty = _EMPTY_LINES.match(come)
        head = come[empty.end() if empty else 0 :]
        if head in (b"", b"\r"):
            return False
        line, end, _ = head.partition(b"\r\n")
        if head.startswith(_TLS_HELLO):
            self._give_up("this is TLS; expected HTTP. Use http:// or put a TLS proxy in front")
        elif not _BEGINS_METHOD.match(head):
            self._give_up("expected an HTTP request")
        elif b"\n" in data and _BARE_LINE_FEED.search(head.partition(b"\r\n\r\n")[0]):
            self._give_up("a line ends with LF alone; expected CR LF")
        elif end and not _REQUEST_LINE.fullmatch(line):
            self._give_up("expected a request line such as GET / HTTP/1.1 or HTTP/1.0")
        return self.completed

    def _refuse_size(self) -> None:
        self.error, self.completed = RequestEntityTooLarge(""), True

    def _give_up(self, detail: str) -> None:
        self.error = reply_problem(400, detail)
        self.completed = True

    def _refusal(self, error: Any) -> Reply:
        """Say in our words what waitress refuses in its own."""
        detail = str(error.body)
        if error.code == 413:
            detail = too_large(self.adj.max_body_bytes)
        elif error.code == 431:
            self.command = self.path = self.request_uri = ""  # waitress made some up
            detail = (
                f"request line and header are too large; expected less than "
                f"{self.adj.max_request_header_size} bytes together"
            )
        elif error.code == 501:
            detail = "the transfer coding is unknown; expected chunked or none"
        return reply_problem(error.code, detail)
