"""Requests that try to write into the log what never happened."""

from tests.raw_http import get

WILD_TARGETS = (
    b"/a%0d%0a{%22event%22:%22fake%22}",
    b"/%0a%0d",
    b'/"}\\"',
    b"/\x1b[31mred",
    b"/%1b%5b31m",
    b"/\x07\x08\x0b\x0c\x00",
    b"/\xe9\xff\x80\x85\x9b31m",
    "/ä€😀\u2028".encode(),
    b"/%e2%80%a8",
    b"/" + b"a" * 5000,
    b"/" + b"\x1b" * 5000,
    b"/" + b"\xff" * 5000,
    b"http://[",
    b"http://x:y@z/\x1b",
    b"*",
    b"\x7f",
)


WILD_IDS = (
    *(b"a\nb", b"a\r\n b", b'a","status":1', b"a" * 65, b"\xc3\xa9", b"\x1b[31m", b"a b", b""),
    *(b"%0a", b"../\x00", b"a\x85", b"\xe2\x80\xa8"),
)


WILD_METHODS = (b"\x1b", b'"', b"G\nT", b"GET\x00", b"\xff", b"A" * 5000, b"GET\x85")


REQUESTS = (
    *(get(target) for target in WILD_TARGETS),
    *(get(b"/nope", b"X-Request-ID: " + identity) for identity in WILD_IDS),
    *(get(b"/", method=method) for method in WILD_METHODS),
    get(b"/nope", b"X-Request-ID: a", b"X-Request-ID: b"),
    get(b"/nope", b"X-Forwarded-For: 1.2.3.4\x1b", b"User-Agent: \x1b[0m"),
    b"\x1b[31m\r\n\r\n",
)
