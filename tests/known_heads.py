"""``python -m tests.known_heads CASES``: heads that are known, compared with the long way.

Heads as clients and proxies write them are learned; then they come again with something changed:
values, spelling, order, lines that are missing, twice, or elsewhere, bytes that are no text, lines
of those that try to smuggle. Whatever is found of such a head has to be what the long way reads.
"""

import itertools
import random
import sys
from collections.abc import Callable, Sequence

from iris_deploy.serving.worker.known_heads import DECIDING, READ, Found, KnownHeads
from iris_deploy.serving.worker.request import Limits, Request
from tests.smuggling import SMUGGLING

LIMITS = Limits(1500, 100_000)

POSTED = [b"POST /predict HTTP/1.1", b"Host: iris.example"]
JSON = b"Content-Type: application/json"
LEARNED: dict[str, list[bytes]] = {
    "curl": [*POSTED, b"User-Agent: curl/8.5.0", b"Accept: */*", JSON, b"Content-Length: 29"],
    "an ingress": [
        *POSTED,
        b"X-Request-ID: 0123456789abcdef0123456789abcdef",
        b"X-Real-IP: 192.0.2.7",
        b"X-Forwarded-For: 192.0.2.7",
        b"X-Forwarded-Proto: https",
        b"Content-Length: 31",
        JSON,
        b"User-Agent: python-requests/2.32.3",
    ],
    "a mesh": [
        b"POST /v2/models/iris/infer HTTP/1.1",
        b"host: iris.default.svc:8080",
        b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"x-request-id: 11111111-2222-3333-4444-555555555555",
        b"x-forwarded-for: 10.0.0.1, 10.0.0.2",
        b"content-type:application/json",
        b"content-length: 90",
        b"accept: application/json",
        b"x-envoy-attempt-count: 1",
    ],
    "a token": [*POSTED, b"Authorization: Bearer token-of-the-tests", b"Content-Length: 3"],
    "a browser": [
        *POSTED,
        b"Origin: https://a.example",
        b"Cookie: a=b",
        b"Accept-Language: de-CH",
        b"Content-Length: 3",
    ],
    "a probe": [b"GET /health/ready HTTP/1.0", b"Connection: keep-alive", b"X_Odd: 1"],
    "one that waits": [*POSTED, b"Expect: 100-continue", b"Content-Length: 3"],
    "chunks": [*POSTED, b"Transfer-Encoding: chunked"],
    "underscores": [b"GET / HTTP/1.1", b"Host: a", b"Content_Length: 9", b"X_Request_ID: a"],
    "nothing": [b"GET /health/live HTTP/1.0"],
    "bare": [b"GET /health/live HTTP/1.1", b"Host: 127.0.0.1:5000"],
    "binary": [*POSTED, b"Inference-Header-Content-Length: 60", b"Content-Length: 76", b"A:"],
}
"""Heads of what is sent, by who sends it."""

ODD_LINES = sorted({line for sent in SMUGGLING.values() for line in sent.split(b"\r\n")})
VALUES = (
    *(b"", b" ", b"0", b"00029", b"+29", b"-1", b"2 9", b"29,29", b"29, 29", b"0x1d", b"1e1"),
    *(
        b"9" * 18,
        b"9" * 19,
        b"0" * 20 + b"29",
        b"100000",
        b"100001",
        b"\xb2",
        b"\xe4",
        b"\t7\t",
        b"  8  ",
        b"7\x0b",
    ),
    *(b"chunked", b"close", b"keep-alive", b"100-continue", b"x, y", b"a@b", b"[::1]:80"),
    *(b"a" * 700, b"a" * 1500, b"\0", b"\x7f", b"%0d%0a", b"a\rb", b"a\nb", b"*"),
)
NAMES = (
    *(b"Content-Length", b"content-length", b"Content_Length", b"CONTENT-LENGTH", b"Host", b"HOST"),
    *(b"Transfer-Encoding", b"Expect", b"Connection", b"X-Request-ID", b"x_request_id", b"A"),
    *(b"Content-Length ", b" Content-Length", b"Content-Length\t", b"Content-Encoding", b""),
    *(b"Authorization", b"X-Forwarded-For", b"Origin", b"Accept", b"\xe4", b"A b", b"Cookie"),
)
BYTES = b"\0\t\n\r !%,:;_-Aa0\x7f\x80\xff"

Lines = list[bytes]


def _value(rng: random.Random, lines: Lines) -> None:
    at = rng.randrange(len(lines))
    lines[at] = lines[at].partition(b":")[0] + b":" + rng.choice([b" ", b""]) + rng.choice(VALUES)


def _length(rng: random.Random, lines: Lines) -> None:
    for at, line in enumerate(lines):
        if line.lower().startswith(b"content-length"):
            lines[at] = line.partition(b":")[0] + b": %d" % rng.randrange(120_000)


def _name(rng: random.Random, lines: Lines) -> None:
    at = rng.randrange(len(lines))
    lines[at] = rng.choice(NAMES) + b":" + lines[at].partition(b":")[2]


def _spelling(rng: random.Random, lines: Lines) -> None:
    at = rng.randrange(len(lines))
    lines[at] = rng.choice([bytes.upper, bytes.lower, bytes.title, bytes.swapcase])(lines[at])


def _no_colon(rng: random.Random, lines: Lines) -> None:
    at = rng.randrange(len(lines))
    lines[at] = lines[at].partition(b":")[0]


def _byte(rng: random.Random, lines: Lines) -> None:
    at = rng.randrange(len(lines))
    line = bytearray(lines[at])
    place = rng.randrange(len(line) + 1)
    line[place : place + rng.choice([0, 1])] = bytes([rng.choice(BYTES)])
    lines[at] = bytes(line)


def _missing(rng: random.Random, lines: Lines) -> None:
    if len(lines) > 1:
        del lines[rng.randrange(len(lines))]


def _again(rng: random.Random, lines: Lines) -> None:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))


def _moved(rng: random.Random, lines: Lines) -> None:
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines) + 1), line)


def _more(rng: random.Random, lines: Lines) -> None:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(ODD_LINES))


def _of_another(rng: random.Random, lines: Lines) -> None:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(LEARNED[rng.choice([*LEARNED])]))


CHANGES: Sequence[Callable[[random.Random, Lines], None]] = (
    *(_value, _length, _name, _spelling, _no_colon, _byte),
    *(_missing, _again, _moved, _more, _of_another),
)


def write(lines: Sequence[bytes]) -> bytes:
    """Write a head without its empty line."""
    return b"\r\n".join(lines)


def the_long_way(head: bytes) -> Request:
    """Read a head as nobody knows it."""
    request = Request(LIMITS)
    request.take(head + b"\r\n\r\n", 0)
    return request


def as_told(request: Request) -> dict[str, str]:
    """Return the fields of a request that anything looks at."""
    return {key: request.headers[key] for key in request.headers if key in DECIDING | READ}


def assert_same(head: bytes, found: Found, request: Request) -> None:
    """Compare what is found of a head with what the long way reads."""
    known, headers, length = found[0].request, *found[1:]
    assert request.error is None, head
    assert request.is_open, head
    assert not request.chunked, head
    assert not request.waits, head
    assert request.head == head + b"\r\n\r\n", head
    told = [(r.method, r.target, r.version, r.path, r.query) for r in (known, request)]
    assert told[0] == told[1], head
    assert headers == as_told(request), head
    assert str(length) == (request.headers.get("CONTENT_LENGTH", "0").lstrip("0") or "0"), head


def compare(cases: int, seed: int) -> int:
    """Compare so many changed heads; return how many of them were known."""
    rng = random.Random(seed)
    known = 0
    for case in range(cases):
        if not case % 5000:  # or what is learned on the way would fill it
            heads = KnownHeads(LIMITS, clock=itertools.count().__next__)  # always time to learn
            for learned in LEARNED.values():
                heads.learn(the_long_way(write(learned)))
        lines = [*LEARNED[rng.choice([*LEARNED])]]
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            rng.choice(CHANGES)(rng, lines)
        head = write(lines)
        if b"\r\n\r\n" in head:  # it would end there
            continue
        found = heads.read(head, 0)
        if found is not None:
            known += 1
            assert_same(head, found, the_long_way(head))
        elif rng.random() < 0.02:  # as a server does with those that it answers
            request = the_long_way(head)
            if request.error is None and request.is_open and not request.chunked:
                heads.learn(request)
    return known


if __name__ == "__main__":
    wanted = int(sys.argv[1])
    found = compare(wanted, seed=0)
    sys.stdout.write(f"{found:,} of {wanted:,} heads were known, all as the long way reads them\n")
