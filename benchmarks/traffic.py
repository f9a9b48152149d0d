"""Whole requests: as an ingress passes them on, or with one head to the byte."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle

JSON = (("Content-Type", "application/json"),)

N_HEADS = 16_384
"""Different heads, after which they come again."""

MOST_BYTES = 2**25
"""Of all requests together, so that there are fewer heads for large bodies."""

CONSTANT = (
    ("X-Forwarded-Proto", "https"),
    ("User-Agent", "python-httpx/0.28.1"),
    ("Accept", "*/*"),
)
"""What all requests of one client and one ingress have in common."""


@dataclass(frozen=True)
class Request:
    """Where to post which body, and the header fields that it needs."""

    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = JSON


@lru_cache(maxsize=1)
def heads(count: int, seed: int = 0) -> tuple[bytes, ...]:
    """Return what an ingress adds to each request, as lines: ids, and the client's address.

    Parameters
    ----------
    count, seed : int
    """
    drawn = random.Random(seed)  # noqa: S311
    constant = "".join(f"{name}: {value}\r\n" for name, value in CONSTANT)
    return tuple(
        (
            f"X-Request-Id: {_hex(drawn, 32)}\r\n"
            f"X-Forwarded-For: {_forwarded(drawn)}\r\n"
            f"traceparent: 00-{_hex(drawn, 32)}-{_hex(drawn, 16)}-01\r\n{constant}"
        ).encode()
        for _ in range(count)
    )


def _hex(drawn: random.Random, digits: int) -> str:
    return f"{drawn.randrange(1, 16**digits):0{digits}x}"


def _forwarded(drawn: random.Random) -> str:
    """Write an address of those for measurements, and of one request in four a proxy's behind."""
    client = f"198.{drawn.randrange(18, 20)}.{drawn.randrange(256)}.{drawn.randrange(1, 255)}"
    if drawn.randrange(4):
        return client
    return f"{client}, 10.{drawn.randrange(256)}.{drawn.randrange(256)}.{drawn.randrange(1, 255)}"


def varied(
    requests: Sequence[Request], host: str, codings: str = "gzip, deflate"
) -> Iterator[bytes]:
    """Yield requests, each with a head of its own.

    Parameters
    ----------
    requests : sequence of Request
        Whose bodies take turns.
    host : str
    codings : str
        That answers may come in.
    """
    accepted = f"Accept-Encoding: {codings}\r\n".encode()
    largest = max(len(request.body) for request in requests)
    count = max(len(requests), min(N_HEADS, MOST_BYTES // (largest + 1)))
    for head, request in zip(heads(N_HEADS)[:count], cycle(requests), strict=False):
        yield _whole(request, host, head + accepted)


def same_head(requests: Sequence[Request], host: str) -> Iterator[bytes]:
    """Yield requests as load generators do: with one head to the byte, and what HTTP wants in it.

    So there are bodies of the commonest length alone.

    Parameters
    ----------
    requests : sequence of Request
    host : str
    """
    lengths = [len(request.body) for request in requests]
    commonest = max(lengths, key=lengths.count)
    for request in requests:
        if len(request.body) == commonest:
            yield _whole(request, host, b"")


def _whole(request: Request, host: str, head: bytes) -> bytes:
    own = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    begin = f"POST {request.path} HTTP/1.1\r\nHost: {host}\r\n".encode()
    end = f"{own}Content-Length: {len(request.body)}\r\n\r\n".encode()
    return b"".join((begin, head, end, request.body))
