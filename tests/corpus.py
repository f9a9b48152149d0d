"""``python -m tests.corpus``: record what is answered to two thousand requests, good and bad.

A change that is not meant to change an answer changes none of these. Record them anew only with a
change that is; the difference then shows in ``git diff`` as far as it is small.
"""

import base64
import gzip
import json
import random
import re
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.conftest import serving
from tests.hostile import BODIES, DENSE, FRAMED, HEADS
from tests.injections import REQUESTS
from tests.lanes import ASKED, LARGER, ask
from tests.oddities import MALFORMED, METHODS, VALID
from tests.pieces import (
    BODY,
    CHUNKED,
    HOST,
    LAST,
    PROBE,
    Address,
    chunks,
    head,
    in_pool,
    post,
    post_head,
    read_to_end,
)
from tests.smuggling import SMUGGLING

ARTIFACTS = Path(__file__).parent / "recorded" / "artifacts"
"""A bundle in format 1, as the first release wrote it."""

ANSWERS = ARTIFACTS.parent / "answers.json.gz"

COUNT = 2000
_SEED = 20180909

# What is new in every answer, and the words of Python's reader of JSON, which differ by version.
_MASKED = (
    (re.compile(rb"\r\n(Date|X-Request-Id): [^\r]*"), rb"\r\n\1: -"),
    (re.compile(rb"the body is not JSON: [^\"]*"), b"the body is not JSON"),
    (
        re.compile(rb"Content-Length: \d+(?=(?:\r\n[^\r]+)*\r\n\r\n[^\r]*the body is not JSON)"),
        b"-",
    ),
)


def requests() -> list[bytes]:
    """Return the requests, the same each time."""
    chance = random.Random(_SEED)
    fixed = list(_fixed())
    seen = dict.fromkeys(fixed)
    while len(seen) < COUNT:
        seen[_damaged(chance.choice(fixed), chance)] = None
    return list(seen)[:COUNT]


def _fixed() -> Iterator[bytes]:
    for _, body, query, lines in ASKED.values():
        request = ask(body, query, lines)
        yield request
        yield in_pool(request)
    for _, value, query, _ in LARGER.values():
        request = post(json.dumps(value[:300]).encode(), target=b"/predict" + query)
        yield request
        yield in_pool(request)
    for method in sorted(METHODS):
        for path in (
            "/",
            "/predict",
            "/health/live",
            "/health/ready",
            "/openapi.json",
            "/nope",
            "*",
        ):
            for version in ("1.0", "1.1"):
                yield head(f"{method} {path} HTTP/{version}".encode(), HOST)
    for table in (*MALFORMED.values(), SMUGGLING):
        yield from table.values()
    yield from (request for request, _ in VALID.values())
    yield from REQUESTS
    for size in (16, 900):
        yield from (make(size) for make in HEADS.values())
        yield from (post_head(CHUNKED) + make(size) for make in FRAMED.values())
        for make in (*BODIES.values(), *DENSE.values()):
            yield post(make(size))
            yield in_pool(post(make(size), target=b"/predict?details"))
            yield post_head(CHUNKED) + chunks(make(size), 100)
    yield post(BODY) * 3 + head(PROBE, HOST) * 3


def _damaged(request: bytes, chance: random.Random) -> bytes:
    """Change a few bytes, as cables and people do."""
    data = bytearray(request)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data))
        way = chance.randrange(4)
        if way == 0:
            data[at] = chance.randrange(256)
        elif way == 1:
            data[at : at + chance.randrange(1, 9)] = b""
        elif way == 2:
            data[at:at] = chance.choice((b"\r\n", b" ", b'"', b",", b"\0", b"a", b"0", b"{"))
        else:
            data[at:at] = data[at : at + chance.randrange(1, 40)]
        if not data:
            break
    return bytes(data)


def answers(address: Address) -> list[bytes]:
    """Return what a server answers to each request, less what is new in every answer."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda request: _answer(address, request), requests()))


def _answer(address: Address, request: bytes) -> bytes:
    with socket.create_connection(address, 20) as connection:
        connection.sendall(request + b"\r\n\r\n" * 2 + LAST)
        connection.shutdown(socket.SHUT_WR)
        data = read_to_end(connection, 20)
    for pattern, mask in _MASKED:
        data = pattern.sub(mask, data)
    return data


def read() -> list[tuple[bytes, bytes]]:
    """Return the recorded requests and answers."""
    pairs: list[list[Any]] = json.loads(gzip.decompress(ANSWERS.read_bytes()))
    return [(base64.b64decode(asked), base64.b64decode(told)) for asked, told in pairs]


def main() -> None:
    """Record."""
    with serving(ARTIFACTS, "--workers", 1) as server:
        told = answers(server.address)
    pairs = [
        [base64.b64encode(of).decode() for of in pair]
        for pair in zip(requests(), told, strict=True)
    ]
    ANSWERS.write_bytes(gzip.compress(json.dumps(pairs, indent=0).encode(), 9, mtime=0))
    sys.stdout.write(f"{len(pairs)} answers in {ANSWERS.name}: {ANSWERS.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
