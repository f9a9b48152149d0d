"""Who may ask: bearer tokens, and what browsers are told.

Tokens are kept as SHA-256 digests and compared in constant time, every one of them each time, so
that neither the time taken nor a dump of the memory tells one.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from iris_deploy.bundle.files import read_file
from iris_deploy.errors import SettingsError
from iris_deploy.serving.http.routes import Resource
from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.reply import Reply

Header = tuple[str, str]

POLICY: Header = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
"""Of every answer that has none of its own."""

SECURITY_HEADERS: tuple[Header, ...] = (
    ("Cache-Control", "no-store"),
    POLICY,
    ("X-Content-Type-Options", "nosniff"),
)
"""On every answer: not to be stored, not to be framed or run by a browser, not to be guessed at."""

MAX_TOKENS_BYTES = 1 << 20
"""Of a tokens file: some 16,000 tokens as `openssl rand -hex 32` makes them."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,512}=*")  # RFC 6750 section 2.1; 16 to be worth it
_PREFLIGHT_SECONDS = "600"
_API_HEADERS = ("Authorization", "Content-Type", "X-Request-ID")
_UNAUTHORIZED = reply_problem(
    401,
    "expected Authorization: Bearer with a token of this server",
    (("WWW-Authenticate", 'Bearer realm="iris-deploy"'),),
)


def split_tokens(text: str, source: str) -> tuple[str, ...]:
    """Split tokens at white space and commas.

    Parameters
    ----------
    text : str
    source : str
        Where it comes from, for the message; the text itself never appears in one.

    Raises
    ------
    SettingsError
        If there is none, or one that no client could send or anybody could guess.
    """
    tokens = tuple(re.split(r"[\s,]+", text.strip(" \t\r\n,")))
    for position, token in enumerate(tokens, 1):
        if not _TOKEN.fullmatch(token):
            raise SettingsError(
                f"{source}: token {position} of {len(tokens)} is unfit; expected 16 to 512 "
                f"letters, digits and . _ ~ + / -; got {len(token)} characters",
                hint="make one with: openssl rand -hex 32",
            )
    return tokens


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read tokens from a file; see `split_tokens`."""
    source, hint = f"`tokens_file` {path}", "write one token on each line"
    try:
        data = read_file(path, MAX_TOKENS_BYTES)
    except OSError as exc:
        raise SettingsError(f"{source}: {exc.strerror or exc}", hint=hint) from exc
    if len(data) > MAX_TOKENS_BYTES:
        raise SettingsError(
            f"{source}: expected at most {MAX_TOKENS_BYTES} bytes, got more", hint=hint
        )
    try:
        text = data.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{source}: it is not text", hint=hint) from exc
    return split_tokens(text, source)


class Access:
    """Decide who may ask, and which origins' pages.

    Parameters
    ----------
    tokens : iterable of str
        Any of them opens; without one everything is open.
    origins : iterable of str
        Origins for cross-origin requests from browsers; ``*`` stands for all.
    headers : iterable of str
        Headers that pages may send, beside those of the API.
    """

    def __init__(
        self,
        tokens: Iterable[str] = (),
        origins: Iterable[str] = (),
        headers: Iterable[str] = (),
    ) -> None:
        self._origins = frozenset(origins)
        self._headers = ", ".join((*_API_HEADERS, *headers))
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Iterable[str]) -> None:
        """Replace all tokens."""
        self._digests = tuple(hashlib.sha256(token.encode()).digest() for token in tokens)

    @property
    def guarded(self) -> bool:
        """Whether there are tokens."""
        return bool(self._digests)

    def refuse(
        self, method: str, headers: Mapping[str, str], resource: Resource | None
    ) -> Reply | None:
        """Return the refusal of a request, or None if it may pass.

        A browser's preflight carries no token and learns nothing but the allowed methods.

        Parameters
        ----------
        method : str
        headers : mapping of str to str
            By their names in capitals, with underscores.
        resource : Resource or None
            What it asks for, if there is such a thing.
        """
        if not self._digests or method == "OPTIONS":
            return None
        if resource is not None and resource.is_open(method, headers):
            return None
        scheme, _, token = headers.get("AUTHORIZATION", "").partition(" ")
        presented = hashlib.sha256(token.strip(" ").encode("latin-1", "replace")).digest()
        found = False
        for digest in self._digests:
            found |= hmac.compare_digest(presented, digest)
        return None if found and scheme.lower() == "bearer" else _UNAUTHORIZED

    def headers(self, method: str, origin: str | None) -> tuple[Header, ...]:
        """Return the headers that every answer gets."""
        if not self._origins:
            return SECURITY_HEADERS
        vary: tuple[Header, ...] = (("Vary", "Origin"),)
        if origin is None or not ({origin, "*"} & self._origins):
            return SECURITY_HEADERS + vary
        allowed = "*" if "*" in self._origins else origin
        cors: tuple[Header, ...] = (("Access-Control-Allow-Origin", allowed),)
        if method == "OPTIONS":
            cors += (
                ("Access-Control-Allow-Headers", self._headers),
                ("Access-Control-Allow-Methods", "GET, POST"),
                ("Access-Control-Max-Age", _PREFLIGHT_SECONDS),
            )
        else:
            cors += (("Access-Control-Expose-Headers", "X-Request-ID"),)
        return SECURITY_HEADERS + vary + cors
