"""Heads by their lines: what was found right once is not read again.

Behind an ingress or a load balancer no head comes twice to the byte: each has a request id, a
trace and a client of its own, and a length that moves. Yet most of its lines are old. So a head
becomes a pattern: the lines that decide how it is read and answered as they are; of the others the
names as they are, and values of nothing but text. Whatever fits comes to what it would come to the
long way: no head does that `read_fields` or `read_framing` refuses.

The patterns cannot go back, so that every byte is looked at a fixed number of times, and there is
no secret in one. To make one takes half a millisecond, so only so many are made in a second.
"""

import re
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from iris_deploy.serving.worker.request import Limits, Request

HEADS = 256
"""Heads that are known, some 4 KB each; when there is one more, all are forgotten."""

DECIDING: Final = frozenset(
    ("ACCEPT", "CONNECTION", "CONTENT_ENCODING", "CONTENT_TYPE", "HOST", "ORIGIN")
)
"""Fields that are known with their values: few, and what was found out about them is kept."""

READ: Final = frozenset(
    (
        *("ACCEPT_LANGUAGE", "AUTHORIZATION", "CONTENT_LENGTH", "INFERENCE_HEADER_CONTENT_LENGTH"),
        *("TRACEPARENT", "X_FORWARDED_FOR", "X_FORWARDED_PREFIX", "X_REQUEST_ID"),
        *("X_MS_CLIENT_REQUEST_ID", "X_MS_REQUEST_ID"),
    )
)
"""Fields that something looks at and whose values are new in every request, or secrets."""

NEVER: Final = frozenset(("EXPECT", "TRANSFER_ENCODING"))
"""Fields with which a head is always read the long way."""

LEARNED_AT_ONCE = 64
"""Heads that are learned in a row; after that `_PER_SECOND`."""

_PER_SECOND = 16
_ALIKE = 16  # of one request line and number of fields; the oldest makes room
_LONGEST = 2048  # bytes of a head
_FIELDS = 48
_SECRETS = frozenset(("AUTHORIZATION", "COOKIE", "PROXY_AUTHORIZATION"))
_LENGTH: Final = "CONTENT_LENGTH"
_END = b"\r\n\r\n"

_BLANKS = r"[ \t]*+"
_PASSED = r"[\t -~\x80-\xff]*+"
_WORDS = r"[!-~\x80-\xff]"
_VALUE = rf"(?:{_WORDS}++(?:[ \t]++(?={_WORDS}))?+)*+"
_DIGITS = "[0-9]{1,18}+"  # as many as are read the long way


class KnownHead(NamedTuple):
    """What a head came to, and the pattern of those that come to the same."""

    pattern: re.Pattern[str]  # of what is behind the request line
    request: Request  # as it was read, without a body
    headers: dict[str, str]  # those that decide
    is_secret: bool  # whether there may be secrets in its values
    formats: dict[tuple[int, tuple[tuple[str, str], ...]], bytes]
    """Headers of answers, by their status and headers, with places for what is new in each."""


Found = tuple[KnownHead, dict[str, str], int]
"""A head that came: which it is, all fields that anything looks at, bytes of its body.

A plain tuple: one with names takes a tenth of the time in which a head is read.
"""

_Alike = dict[str, KnownHead]
"""Heads of one request line and number of fields, by their patterns."""

_NONE: Final[_Alike] = {}


class KnownHeads:
    """Know heads by their lines.

    Parameters
    ----------
    limits : Limits
        Of a request.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    whole : dict of bytes to Found
        Heads that are known to the byte.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest = min(_LONGEST, limits.header - len(_END) - 1)
        self._most = limits.body
        self.whole: dict[bytes, Found] = {}
        self._known: dict[tuple[str, int], _Alike] = {}
        self._count = 0
        self._clock = clock
        self._may_learn, self._since = float(LEARNED_AT_ONCE), clock()

    def read(self, head: bytes, before: int) -> Found | None:
        """Read a head, if it is known by its lines.

        Parameters
        ----------
        head : bytes
            Without the empty line.
        before : int
            Hash of the head before it on the same connection: one that comes again to the byte is
            known whole from then on, unless there may be a secret in it.
        """
        if len(head) > self._longest:
            return None
        text = head.decode("latin-1")
        end = text.find("\r\n")
        for known in self._known.get((text[:end], text.count("\n")), _NONE).values():
            values = known.pattern.fullmatch(text, end)
            if values is not None:
                break
        else:
            return None
        headers = known.headers | values.groupdict()
        length = int(headers.get(_LENGTH, 0))
        if length > self._most:
            return None
        found = known, headers, length
        if hash(head) == before and not known.is_secret:
            if len(self.whole) >= HEADS:
                self.whole.clear()
            self.whole[head] = found
        return found

    def learn(self, request: Request) -> None:
        """Learn the lines of a head that was read the long way.

        Parameters
        ----------
        request : Request
            One that was answered and logged: it becomes that of all others with such a head.
        """
        line, *fields = request.head[: -len(_END)].decode("latin-1").split("\r\n")
        names = [field.partition(":")[0] for field in fields]
        # Names with an underscore are passed over, whatever they are.
        keys = ["" if "_" in name else name.upper().replace("-", "_") for name in names]
        read = tuple(key for key in keys if key in READ)
        is_long = len(request.head) - len(_END) > self._longest or len(fields) > _FIELDS
        if is_long or NEVER.intersection(keys) or len(read) > len(set(read)):
            return
        pattern = "".join(map(_pattern, fields, names, keys))
        place = line, len(fields)
        if pattern in self._known.get(place, _NONE) or not self._is_time():
            return
        headers = {key: request.headers[key] for key in keys if key in DECIDING}
        request.headers, request.body, request.head, request.resource = headers, b"", b"", None
        is_secret = not _SECRETS.isdisjoint(keys)
        alike = self._make_room(place)
        alike[pattern] = KnownHead(re.compile(pattern), request, headers, is_secret, {})

    def _make_room(self, place: tuple[str, int]) -> _Alike:
        if self._count >= HEADS:
            self._count = 0
            self.whole.clear()
            self._known.clear()
        alike = self._known.setdefault(place, {})
        if len(alike) < _ALIKE:
            self._count += 1
        else:
            del alike[next(iter(alike))]
        return alike

    def _is_time(self) -> bool:
        """Tell whether another head may be learned."""
        now = self._clock()
        more = (now - self._since) * _PER_SECOND
        self._may_learn, self._since = min(self._may_learn + more, LEARNED_AT_ONCE), now
        if self._may_learn < 1:
            return False
        self._may_learn -= 1
        return True


def _pattern(field: str, name: str, key: str) -> str:
    """Return the pattern of a line, with the end of the one before it."""
    if key in DECIDING:
        return rf"\r\n{re.escape(field)}"
    value = _PASSED
    if key in READ:
        value = rf"{_BLANKS}(?P<{key}>{_DIGITS if key == _LENGTH else _VALUE}){_BLANKS}"
    return rf"\r\n{re.escape(name)}:{value}"
