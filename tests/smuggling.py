"""Requests that two parsers could read in two ways."""

from tests.pieces import (
    CHUNKED,
    GET,
    HOST,
    chunks,
    head,
    post_head,
)

HIDDEN = head(b"GET /smuggled HTTP/1.1", HOST)


LENGTH = b"Content-Length: %d" % len(HIDDEN)


NO_CHUNKS = chunks(b"") + HIDDEN


ONE_CHUNK = chunks(HIDDEN)


def in_chunks(body: bytes) -> bytes:
    return post_head(CHUNKED) + body


SMUGGLING: dict[str, bytes] = {
    "length and chunks, by the chunks": post_head(b"Content-Length: %d" % len(NO_CHUNKS), CHUNKED)
    + NO_CHUNKS,
    "length and chunks, by the length": post_head(CHUNKED, b"Content-Length: 4") + ONE_CHUNK,
    "no length and chunks": post_head(b"Content-Length: 0", CHUNKED) + NO_CHUNKS,
    "two lengths": post_head(b"Content-Length: 0", LENGTH) + HIDDEN,
    "two lengths, swapped": post_head(LENGTH, b"Content-Length: 0") + HIDDEN,
    "two lengths in one": post_head(b"Content-Length: 0, %d" % len(HIDDEN)) + HIDDEN,
    "length with a sign": post_head(LENGTH.replace(b": ", b": +")) + HIDDEN,
    "length in hexadecimal": post_head(b"Content-Length: 0x%x" % len(HIDDEN)) + HIDDEN,
    "length with a blank before the colon": post_head(LENGTH.replace(b":", b" :")) + HIDDEN,
    "length with a tab in it": post_head(b"Content-Length: 0\t%d" % len(HIDDEN)) + HIDDEN,
    "length with NUL": post_head(LENGTH + b"\0") + HIDDEN,
    "length folded": post_head(LENGTH.replace(b": ", b":\r\n ")) + HIDDEN,
    "length behind a fold": post_head(b"A: x\r\n " + LENGTH) + HIDDEN,
    "chunked and identity": post_head(CHUNKED, b"Transfer-Encoding: identity") + NO_CHUNKS,
    "identity and chunked": post_head(b"Transfer-Encoding: identity", CHUNKED) + NO_CHUNKS,
    "chunked twice": post_head(CHUNKED + b", chunked") + NO_CHUNKS,
    "nearly chunked": post_head(b"Transfer-Encoding: xchunked", LENGTH) + HIDDEN,
    "chunked in quotes": post_head(b'Transfer-Encoding: "chunked"') + NO_CHUNKS,
    "chunked with a blank before the colon": post_head(b"Transfer-Encoding : chunked") + NO_CHUNKS,
    "chunked with a vertical tab": post_head(b"Transfer-Encoding:\vchunked") + NO_CHUNKS,
    "chunked folded": post_head(b"Transfer-Encoding:\r\n chunked") + NO_CHUNKS,
    "chunked behind bare CR": post_head(b"A: x\r" + CHUNKED) + NO_CHUNKS,
    "chunked behind bare LF": post_head(b"A: x\n" + CHUNKED) + NO_CHUNKS,
    "chunks in HTTP/1.0": in_chunks(NO_CHUNKS).replace(
        b"HTTP/1.1", b"HTTP/1.0\r\nConnection: keep-alive", 1
    ),
    "chunk size with 0x": in_chunks(b"0x" + ONE_CHUNK),
    "chunk size below zero": in_chunks(b"-" + ONE_CHUNK),
    "chunk size of too many digits": in_chunks(b"1" + b"0" * 16 + ONE_CHUNK),
    "chunk size with LF": in_chunks(b"0\n\r\n" + HIDDEN),
    "chunk size with LF, of a line end": in_chunks(b"2\n\r\n\r\n0\r\n\r\n" + HIDDEN),
    "chunk extension with LF": in_chunks(b"0;a\n\r\n\r\n" + HIDDEN),
    "chunk longer than its size": in_chunks(b"1\r\n1XX0\r\n\r\n" + HIDDEN),
    "chunk followed by a blank line": in_chunks(b"1\r\n1\r\n\r\n0\r\n\r\n" + HIDDEN),
    "trailer that is a request": in_chunks(b"0\r\n" + HIDDEN),
    "trailer that ends with LF": in_chunks(b"0\r\nA: x\n\n" + HIDDEN),
    "two hosts": head(GET, HOST, b"Host: y") + HIDDEN,
    "two hosts in one": head(GET, b"Host: x, y") + HIDDEN,
    "host behind a fold": head(GET, b"A: x", b" Host: y", HOST) + HIDDEN,
    "host with a user": head(GET, b"Host: x@y") + HIDDEN,
    "host with a path": head(GET, b"Host: x/y") + HIDDEN,
    "no host": head(GET) + HIDDEN,
    "bare CR behind the version": head(GET + b"\r", HOST) + HIDDEN,
    "LF for every CR LF": head(GET, HOST).replace(b"\r", b"") + HIDDEN,
    "HTTP/0.9": b"GET /\r\n" + HIDDEN,
    "unknown expectation": post_head(b"Expect: tea", LENGTH) + HIDDEN,
}
