"""Bodies that a client has compressed.

Knows bytes and the names of content codings, no HTTP server.
"""

import zlib

from iris_deploy.serving.problem import reply_problem, too_large
from iris_deploy.serving.reply import Reply

ACCEPTED = "gzip, deflate"
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's wbits
_WINDOWS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}
_DEFLATED = 8  # the method in the first byte of RFC 1950


def decode_body(coding: str, body: bytes | bytearray, limit: int) -> bytes | Reply:
    """Decode a body.

    Parameters
    ----------
    coding : str
        Value of ``Content-Encoding``.
    body : bytes
    limit : int
        Bytes of the decoded body. Whoever has packed more into it is refused as soon as that shows.

    Returns
    -------
    bytes or Reply
        The body, or why it is refused: 400, 413, or 415 with what is accepted.

    References
    ----------
    RFC 9110, sections 8.4.1 and 15.5.16; RFC 1950, RFC 1951 and RFC 1952.
    """
    name = coding.strip().lower()
    if name in {"", "identity"}:
        return bytes(body)
    window = _WINDOWS.get(name)
    if window is None:
        detail = f"expected a body in gzip, in deflate or as it is; got {coding[:40]!r}"
        return reply_problem(415, detail, (("Accept-Encoding", ACCEPTED),))
    if window == _ZLIB and not _has_zlib_header(body):
        window = _RAW  # as some clients have it, and RFC 9110 notes
    decoder = zlib.decompressobj(window)
    try:
        decoded = decoder.decompress(body, limit + 1)
    except zlib.error:
        return reply_problem(400, f"the body is not {name}, as Content-Encoding says")
    if len(decoded) > limit:
        return reply_problem(413, too_large(limit))
    if not decoder.eof:
        return reply_problem(400, f"the body in {name} has no end")
    if decoder.unused_data:
        return reply_problem(400, f"something follows the body in {name}; expected one member")
    return decoded


def _has_zlib_header(body: bytes | bytearray) -> bool:
    start = int.from_bytes(body[:2], "big")
    return len(body) > 1 and body[0] & 0x0F == _DEFLATED and start % 31 == 0
