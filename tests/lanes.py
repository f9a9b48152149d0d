"""Requests and answers that are compared across the lanes."""

import json
import re
import string
from typing import Any

from hypothesis import strategies as st

from tests.pieces import (
    BODY,
    HOST,
    INSTANCE,
    head,
)

ID = b"X-Request-ID: "


DATE_AND_ID = re.compile(rb"\r\n(Date|X-Request-Id): [^\r]*")


TOKEN = "token-of-the-tests"


MANY = json.dumps([INSTANCE, {"length": "1.4", "width": 0.2}, {"length": 99, "width": 1}]).encode()


ASKED: dict[str, tuple[int, bytes, bytes, list[bytes]]] = {
    "one": (200, BODY, b"", []),
    "array": (200, MANY, b"", []),
    "empty array": (200, b"[]", b"", []),
    "arrays": (200, b'{"width": [2.4, "0.2"], "length": [5.1, 99]}', b"", []),
    "arrays with details": (200, b'{"length": [5.1, 99], "width": [2.4, 1]}', b"?details", []),
    "one with details": (200, BODY, b"?details=true", []),
    "array with details": (200, MANY, b"?details", []),
    "encoded query": (200, BODY, b"?det%61ils=%74rue", []),
    "many digits": (200, b'{"length": 1.00000000000000000001, "width": 5e-324}', b"?details", []),
    "to be closed": (200, BODY, b"", [b"Connection: close"]),
    "of a page elsewhere": (200, BODY, b"", [b"Origin: https://elsewhere.example"]),
    "for another form": (200, BODY, b"", [b"Accept: text/html"]),
    "host with other signs": (200, BODY, b"", [b"Host: !$&'()*+;=%"]),
    "no JSON": (400, b"{", b"", []),
    "blank": (400, b" ", b"", []),
    "not UTF-8": (400, b'"\xff"', b"", []),
    "query that nobody knows": (400, BODY, b"?a=b&c&=d&%zz", []),
    "query that is nearly right": (400, BODY, b"?detail=true", []),
    "half a surrogate pair": (400, b'{"\\ud800": 1}', b"", []),
    "wrong query": (400, BODY, b"?details=perhaps", []),
    "wrong query in other letters": (400, BODY, b"?details=%ff%C3%A4%20%22", []),
    "query twice": (400, BODY, b"?details=1&details=0", []),
    "text": (415, BODY, b"", [b"Content-Type: text/plain"]),
    "type empty": (415, BODY, b"", [b"Content-Type:"]),
    "type in other letters": (415, BODY, b"", [b"Content-Type: \xe4"]),
    "types, two of them": (415, BODY, b"", [b"Content-Type: application/json, text/plain"]),
    "number": (422, b"1", b"", []),
    "wrong fields": (422, b'{"lenght": 1, "\xc3\xa4": [], "width": "x"}', b"", []),
    "many wrong fields": (422, b"[" + b",".join([b"{}"] * 150) + b"]", b"", []),
    "overflow": (422, b'{"length": 1e308, "width": 1.7e308}', b"", []),
}


def ask(body: bytes, query: bytes, lines: list[bytes], identity: str | None = None) -> bytes:
    """Write a request whose header has these lines instead of, or beside, the usual ones."""
    usual = {b"host": HOST, b"content-type": b"Content-Type: application/json"}
    for line in lines:
        usual[line.partition(b":")[0].lower()] = line
    if identity is not None:
        usual[b"x-request-id"] = ID + identity.encode()
    fields = [*usual.values(), b"Content-Length: %d" % len(body)]
    return head(b"POST /predict%s HTTP/1.1" % query, *fields) + body


printable = st.text(string.printable[:95], max_size=30)


names = st.sampled_from(
    (
        *("Accept", "Authorization", "Content-Type", "Cookie", "Expect"),
        *("Forwarded", "Host", "If-Match", "Origin", "Range", "Referer", "Via", "User-Agent"),
        *("Transfer-Encoding", "X-Forwarded-For", "X-HTTP-Method-Override", "X-Request-ID"),
    )
)


header_lines = st.builds("{}: {}".format, names, printable) | printable.filter(str.strip)


host_names = st.text(string.ascii_letters + string.digits + "-._~%!$&'()*+;=:[]", max_size=70)


PLAIN = [{"length": 0.5 + k / 100, "width": 0.1 + k / 500} for k in range(1000)]


LARGER: dict[str, tuple[int, list[Any], bytes, str]] = {
    "plain": (200, PLAIN, b"", "loop"),
    "of too many bytes": (200, PLAIN * 3, b"", "pool"),
    "with details": (200, PLAIN, b"?details", "pool"),
    "with a string": (200, [*PLAIN, {"length": "1.5", "width": 1}], b"", "pool"),
    "one of them wrong": (422, [*PLAIN, {"length": None, "width": 1}], b"", "pool"),
    "one of them twice": (422, [*PLAIN, [PLAIN[0]]], b"", "pool"),
    "one of them too large": (422, [*PLAIN, {"length": 1e101, "width": 1}], b"", "pool"),
}
