"""What anybody may send costs no more than its bytes: work and memory grow with them, no faster.

Each generator makes an input of any size that is as awkward as its part of a request can be. One
that is missing here is one that somebody else will find.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.repository import Repository
from iris_deploy.serving.worker.request import Limits, Request
from tests.contracts import Contract
from tests.growth import assert_linear, seconds
from tests.pieces import CHUNKED, HOST, chunks, head, post_head

HEAD, BODY = 16_000, 1 << 20  # bytes that the limits allow
RECEIVED = 1 << 16  # bytes that the loop takes at a time
LOOP = 0.020  # seconds that it may be held

LIMITS = Limits(16384, BODY)


def parse(pieces: list[bytes]) -> None:
    """Take what came, one request after another as a connection does."""
    request = Request(LIMITS)
    for piece in pieces:
        at = 0
        while at < len(piece) and not request.error:
            at = request.take(piece, at)
            if request.completed and not request.error:
                request = Request(LIMITS)


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

CUTS: dict[str, Callable[[bytes], list[bytes]]] = {
    "whole": lambda data: [data],
    "by byte": lambda data: [data[k : k + 1] for k in range(len(data))],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", HEADS)
def test_a_head_costs_no_more_than_its_bytes(name: str, cut: str) -> None:
    def make(n: int) -> Callable[[], None]:
        return partial(parse, CUTS[cut](HEADS[name](n)))

    assert_linear(make, HEAD)
    assert min(seconds(make(HEAD)) for _ in range(3)) < (LOOP if cut == "whole" else 1)


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


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", FRAMED)
def test_a_body_in_chunks_costs_no_more_than_its_bytes(name: str, cut: str) -> None:
    def make(n: int) -> Callable[[], None]:
        return partial(parse, [post_head(CHUNKED), *CUTS[cut](FRAMED[name](n))])

    assert_linear(make, RECEIVED if cut == "whole" else RECEIVED // 4)


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


RIGHT = {"right", "strings", "arrays", "a fraction of many digits"}
"""What is answered with a prediction."""


@pytest.fixture(scope="module")
def bundle(_trained: Path) -> Bundle:
    return Repository(_trained).read(None, 1)


def answer(contract: Contract, body: bytes, *, details: bool) -> int:
    """Return how many bytes an answer has, a refusal's text included."""
    query = "details" if details else ""
    return len(contract.reply(query, "application/json", body).body)


@pytest.mark.parametrize("details", [False, True], ids=["labels", "details"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_costs_no_more_than_its_bytes(bundle: Bundle, name: str, details: bool) -> None:
    contract = Contract(bundle.predictor)

    def make(n: int) -> Callable[[], object]:
        return partial(answer, contract, BODIES[name](n), details=details)

    assert_linear(make, 1 << 17)


@pytest.mark.parametrize("name", BODIES)
def test_what_is_worked_on_in_the_loop_does_not_hold_it(bundle: Bundle, name: str) -> None:
    contract = Contract(bundle.predictor)
    body = BODIES[name](4000)
    run = partial(answer, contract, body, details=True)
    assert min(seconds(run) for _ in range(5)) < LOOP


@pytest.mark.parametrize("name", sorted(BODIES.keys() - RIGHT))
def test_a_refusal_is_not_larger_than_a_page(bundle: Bundle, name: str) -> None:
    body = BODIES[name](BODY)
    answered = Contract(bundle.predictor).reply("", "application/json", body)
    assert answered.status in {400, 422}
    assert len(answered.body) < 32_768


@pytest.mark.parametrize(
    "query",
    [lambda n: "a" * n, lambda n: "a=&" * (n // 3), lambda n: "%61" * (n // 3), lambda n: "&" * n],
    ids=["one name", "many names", "encoded", "nothing"],
)
def test_a_query_costs_no_more_than_its_bytes(bundle: Bundle, query: Callable[[int], str]) -> None:
    contract = Contract(bundle.predictor)

    def make(n: int) -> Callable[[], object]:
        return partial(contract.reply, query(n), "application/json", b"{}")

    assert_linear(make, HEAD)
    assert min(seconds(make(HEAD)) for _ in range(3)) < LOOP
