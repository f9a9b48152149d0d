"""Hostile and odd input of every kind, which several tests send."""

from collections.abc import Callable

from tests.load import batch
from tests.pieces import (
    BODY,
    CHUNKED,
    HOST,
    PROBE,
    chunks,
    head,
    post,
    post_head,
)

LOOP = 0.020  # seconds that it may be held


def line(value: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Put a value into a line of the header."""
    return lambda n: post_head(value(n))


HEADS: dict[str, Callable[[int], bytes]] = {
    "empty lines": lambda n: b"\r\n" * (n // 2) + head(b"GET / HTTP/1.1", HOST),
    "a long target": lambda n: head(b"GET /" + b"a" * n + b" HTTP/1.1", HOST),
    "a long URL": lambda n: head(b"GET http://" + b"a." * (n // 2) + b" HTTP/1.1", HOST),
    "blanks in a URL's host": lambda n: head(b"GET http://" + b"[:" * (n // 2) + b" HTTP/1.1"),
    "a long query": lambda n: head(b"GET /predict?" + b"a&" * (n // 2) + b" HTTP/1.1", HOST),
    "a long method": lambda n: head(b"A" * n + b" / HTTP/1.1", HOST),
    "a long host": line(lambda n: b"A: x\r\nHost: " + b"a:" * (n // 2)),
    "many hosts": lambda n: head(b"GET / HTTP/1.1", *[HOST] * (n // 9)),
    "many fields": lambda n: head(b"GET / HTTP/1.1", HOST, *[b"A%d: b" % k for k in range(n // 9)]),
    "one field many times": lambda n: head(b"GET / HTTP/1.1", HOST, *[b"A: b"] * (n // 6)),
    "one field many times, empty": lambda n: head(b"GET / HTTP/1.1", HOST, *[b"A:"] * (n // 4)),
    "folded": lambda n: head(b"GET / HTTP/1.1", HOST, b"A: b", *[b" c"] * (n // 4)),
    "a line of no field at the end": lambda n: head(
        b"GET / HTTP/1.1", HOST, *[b"A: b"] * (n // 6), b"c"
    ),
    "blanks in a value": line(lambda n: b"A: b" + b" " * n + b"c"),
    "blanks before a value": line(lambda n: b"A:" + b" \t" * (n // 2)),
    "blanks in a transfer coding": line(lambda n: b"Transfer-Encoding: a" + b" " * n + b"b"),
    "blanks before a transfer coding": line(
        lambda n: b"Transfer-Encoding: chunked" + b" " * n + b",chunked"
    ),
    "many transfer codings": line(lambda n: b"Transfer-Encoding: " + b"," * n),
    "transfer coding in HTTP/1.0": lambda n: head(
        b"POST / HTTP/1.0", HOST, b"Transfer-Encoding: a" + b" " * n + b"b"
    ),
    "blanks in Connection": line(lambda n: b"Connection: a" + b" " * n + b"b"),
    "many options in Connection": line(lambda n: b"Connection: " + b", " * (n // 2)),
    "a long length": line(lambda n: b"Content-Length: " + b"1" * n),
    "a long expectation": line(lambda n: b"Expect: " + b"1" * n),
    "no end": lambda n: head(b"GET / HTTP/1.1", HOST)[:-2] + b"A: b\r" * (n // 5),
}


FRAMED: dict[str, Callable[[int], bytes]] = {
    "chunks of one byte": lambda n: chunks(b" " * (n // 6), 1),
    "large chunks": lambda n: chunks(b" " * n),
    "a long extension": lambda n: b"1;" + b"a" * min(n, 4000) + b"\r\n",
    "many extensions": lambda n: b"1" + b";a" * min(n // 2, 2000) + b"\r\n",
    "blanks in an extension": lambda n: b"1" + b" " * min(n, 4000) + b"a\r\n",
    "a quoted extension without end": lambda n: b'1;a="' + b"\\a" * min(n // 2, 2000) + b"\r\n",
    "extensions of many chunks": lambda n: b"1;a=b;c\r\n \r\n" * (n // 13),
    "zeros before a size": lambda n: b"0" * n,
    "trailers": lambda n: b"0\r\n" + b"A: b\r\n" * (n // 6),
    "a long trailer": lambda n: b"0\r\nA: " + b" " * n + b"\x00\r\n",
}


def objects(one: bytes) -> Callable[[int], bytes]:
    return lambda n: b"[" + b",".join([one] * (n // (len(one) + 1))) + b"]"


def wide(name: Callable[[int], bytes], value: bytes = b"1") -> Callable[[int], bytes]:
    """Write one object with as many different fields as there is room for."""
    return lambda n: b"{" + b",".join(b'"%s":%s' % (name(k), value) for k in range(n // 16)) + b"}"


BODIES: dict[str, Callable[[int], bytes]] = {
    "right": objects(b'{"length":1,"width":1}'),
    "names that are nearly right": objects(b'{"lenght":1,"widthh":1}'),
    "names in capitals": objects(b'{"LENGTH":1,"WIDTH":1}'),
    "no objects": objects(b"1"),
    "empty objects": objects(b"{}"),
    "one wrong at the end": lambda n: objects(b'{"length":1,"width":1}')(n)[:-1] + b",1]",
    "unknown fields": wide(lambda k: b"length%06d" % k),
    "unknown fields, much alike": wide(lambda k: b"lenght"[: k % 6] + b"%08d" % k),
    "arrays among unknown fields": wide(lambda k: b"%08d" % k, b"[]"),
    "one field again and again": wide(lambda _: b"length"),
    "one long name": lambda n: b'{"' + b"length" * (n // 6) + b'":1}',
    "a number of many digits": lambda n: b'{"length":' + b"1" * n + b',"width":1}',
    "a fraction of many digits": lambda n: b'{"length":1.' + b"1" * n + b',"width":1}',
    "an exponent of many digits": lambda n: b'{"length":1e' + b"1" * n + b',"width":1}',
    "a string of many digits": lambda n: b'{"length":"' + b"1" * n + b'","width":1}',
    "a string of digits that is no number": lambda n: b'{"length":"' + b"1" * n + b'e","width":1}',
    "a string of blanks": lambda n: b'{"length":"' + b" " * n + b'x","width":1}',
    "strings": objects(b'{"length":"1.5","width":"2"}'),
    "escapes": lambda n: b'{"length":"' + b"\\u0031" * (n // 6) + b'","width":1}',
    "halves of surrogates": lambda n: b'["' + b"\\ud800" * (n // 6) + b'"]',
    "arrays": lambda n: b'{"length":[%s],"width":[%s]}' % ((b",".join([b"1"] * (n // 4)),) * 2),
    "arrays of nothing": lambda n: b'{"length":[%s],"width":[]}' % b",".join([b"null"] * (n // 5)),
    "arrays of strings": lambda n: b'{"length":[%s],"width":[]}' % b",".join([b'""'] * (n // 3)),
    "nested": lambda n: b"[" * n,
    "nested objects": lambda n: b'{"a":' * (n // 5),
    "blanks": lambda n: b" " * n + b"x",
    "no UTF-8": lambda n: b'"' + b"a" * n + b"\xff",
}


Make = Callable[[int], bytes]


def arrays(zero: bytes, last: bytes) -> Make:
    """Write two arrays of the shortest numbers."""

    def make(n: int) -> bytes:
        values = (zero + b",") * (n // 2 // (len(zero) + 1)) + last
        return b'{"length":[%b],"width":[%b]}' % (values, values)

    return make


DENSE: dict[str, Make] = {
    "short objects": objects(b'{"":1}'),
    "objects of one field": objects(b'{"a":1}'),
    "fields of different names": lambda n: (
        b"[" + b",".join(b'{"%x":1}' % k for k in range(n // 12)) + b"]"
    ),
    "empty arrays": objects(b"[]"),
    "short numbers": arrays(b"0", b"0"),
    "short numbers, one as a string": arrays(b"0", b'"0"'),
    "short strings": arrays(b'"0"', b"0"),
    "strings beyond Latin-1": lambda n: '["😀{}"]'.format("a" * n).encode(),
    "half surrogate pairs": objects(b'"\\ud83d"'),
}


"""Bodies whose bytes become most when they are decoded."""


RECEIVED = 1 << 16  # bytes that the loop takes at a time


def filled(request: bytes) -> bytes:
    """Repeat a request until as much is there as is taken at a time."""
    return request * (RECEIVED // len(request))


SENT: dict[str, Callable[[], bytes]] = {
    "probes": lambda: filled(head(PROBE, HOST)),
    "heads without fields": lambda: filled(head(b"GET / HTTP/1.0")),
    "rows": lambda: filled(post(BODY)),
    "rows under new heads": lambda: b"".join(post(BODY, b"A: %d" % k) for k in range(400)),
    "rows in chunks": lambda: filled(post_head(CHUNKED) + chunks(BODY, 1)),
    "large heads": lambda: filled(head(PROBE, HOST, *[b"A:"] * 3900)),
    "a body in chunks of one byte": lambda: (
        post_head(CHUNKED) + chunks(b" " * (RECEIVED // 6), 1)
    )[:RECEIVED],
    "many instances": lambda: post(batch(2200)),
    "instances that are hard to round": lambda: post(
        b"[%b]" % b",".join([b'{"length":1.%b1,"width":1}' % (b"0" * 700)] * 80)
    ),
    **{
        f"bodies: {name}": lambda make=make: filled(  # type: ignore[misc]
            post(make(3900), target=b"/predict?details")
        )
        for name, make in BODIES.items()
    },
}
