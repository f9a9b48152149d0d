"""Bodies that clients have compressed, and those that only say so."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from tests.conftest import Answer, Server
from tests.pieces import BODY, JSON, PREDICTION, is_problem

LIMIT = 1 << 20  # bytes of a body, by default


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


Pack = Callable[[bytes], bytes]
CODINGS: dict[str, tuple[str, Pack]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip in capitals": ("GZIP", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate, fast": ("deflate", lambda data: zlib.compress(data, 1)),
    "deflate without zlib's header": ("deflate", raw_deflate),
    "identity": ("identity", bytes),
    "none": ("", bytes),
}


def ask(server: Server, coding: str, body: bytes) -> Answer:
    return server.request("POST", "/predict", body, {**JSON, "Content-Encoding": coding})


@pytest.mark.parametrize("name", CODINGS)
def test_a_body_in_a_coding_is_answered_as_the_body_itself(server: Server, name: str) -> None:
    coding, pack = CODINGS[name]
    answer = ask(server, coding, pack(BODY))
    assert (answer.status, answer.body) == (200, PREDICTION)
    many = b"[%b]" % b",".join([BODY] * 30_000)
    answer = ask(server, coding, pack(many))
    assert answer.json() == {"predictions": ["virginica"] * 30_000}


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "gzip, br", "gzipp"])
def test_another_coding_is_415_and_says_which_there_are(server: Server, coding: str) -> None:
    answer = ask(server, coding, BODY)
    is_problem(answer, 415, "gzip", "deflate", coding)
    assert answer.headers["Accept-Encoding"] == "gzip, deflate"


UNFIT: dict[str, tuple[int, str, bytes, str]] = {
    "plain, but said to be gzip": (400, "gzip", BODY, "not gzip"),
    "plain, but said to be deflate": (400, "deflate", BODY, "not deflate"),
    "nothing": (400, "gzip", b"", "no end"),
    "cut": (400, "gzip", gzip.compress(BODY)[:-9], "no end"),
    "damaged": (400, "gzip", gzip.compress(BODY)[:-8] + bytes(8), "not gzip"),
    "two members": (400, "gzip", gzip.compress(BODY) + gzip.compress(BODY), "one member"),
    "followed by something": (400, "deflate", zlib.compress(BODY) + b" ", "one member"),
    "larger than the limit": (413, "gzip", gzip.compress(bytes(LIMIT + 1)), str(LIMIT)),
    "far larger, without a header": (413, "deflate", raw_deflate(bytes(1 << 27)), str(LIMIT)),
    "no JSON inside": (400, "gzip", gzip.compress(b"{"), "not JSON"),
    "wrong inside": (422, "gzip", gzip.compress(b"{}"), "length"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_body_that_is_not_what_it_says_is_refused(server: Server, name: str) -> None:
    status, coding, body, word = UNFIT[name]
    answer = ask(server, coding, body)
    is_problem(answer, status, word)


def test_a_coded_body_of_the_limit_is_taken(server: Server) -> None:
    body = gzip.compress(BODY.ljust(LIMIT))
    answer = ask(server, "gzip", body)
    assert (answer.status, answer.body) == (200, PREDICTION)
