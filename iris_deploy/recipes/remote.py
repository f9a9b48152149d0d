"""An image in its registry: its digest, and the labels by which it says what is in it.

Nothing of an answer is believed before its bytes have the digest that was asked for, and none is
read beyond a megabyte. Pulls no layers.

References
----------
OCI Distribution Specification 1.1; Docker Registry HTTP API V2, token authentication.
"""

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from iris_deploy.errors import RecipeError
from iris_deploy.recipes.oci import Configuration, Manifest, Token
from iris_deploy.reference import Reference

_HUB: Final = "registry-1.docker.io"
_HUB_NAMES: Final = ("", "docker.io", "index.docker.io")
_TIMEOUT = 10.0  # seconds without a byte
_PATIENCE = 30.0  # seconds for an answer
_MOST_BYTES = 1 << 20  # of a manifest or a configuration; those of ours have some kilobytes
_MANIFESTS: Final = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
_PLATFORM: Final = ("linux", "amd64")  # all that an index is looked into for
_CHALLENGE = re.compile(r'(realm|service|scope)="([^"]{0,1000})"')
_Kind = TypeVar("_Kind")
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")


class Published(NamedTuple):
    """An image as its registry has it.

    Parameters
    ----------
    digest : str
        By which it is pulled.
    labels : dict of str to str
    """

    digest: str
    labels: dict[str, str]


class UnreachableError(RecipeError):
    """The registry cannot be asked: it does not answer, or wants a login that there is not."""


def find_published(reference: Reference, credentials: Mapping[str, str]) -> Published:
    """Ask a registry for an image.

    Parameters
    ----------
    reference : Reference
    credentials : mapping of str to str
        Base64 of ``user:password`` by registry, as engines keep it.

    Raises
    ------
    UnreachableError
    RecipeError
        If the registry has no such image, or answers what cannot be.
    """
    remote = _Remote(reference, credentials)
    digest, manifest = remote.manifest(reference.digest or reference.tag or "latest")
    inner = manifest
    if manifest.manifests is not None:
        entries = [
            entry.digest
            for entry in manifest.manifests
            if (entry.platform.os, entry.platform.architecture) == _PLATFORM
        ]
        if not entries:
            raise RecipeError(
                f"{reference} has no image for {'/'.join(_PLATFORM)}",
                hint="push one that `iris-deploy build-image` has built",
            )
        _, inner = remote.manifest(entries[0])
    return Published(digest, remote.labels(inner))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _read(answer: http.client.HTTPResponse) -> bytes:
    """Read one byte more than is taken, or all; who drips is given up."""
    data, end = bytearray(), time.monotonic() + _PATIENCE
    while len(data) <= _MOST_BYTES and (piece := answer.read1(1 << 16)):
        data += piece
        if time.monotonic() > end:
            raise TimeoutError(f"not answered within {_PATIENCE:g} s")
    return bytes(data)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Storage elsewhere is fine for what is checked by its digest, but never with our login."""

    def redirect_request(self, req: urllib.request.Request, *more: Any) -> Any:
        again = super().redirect_request(req, *more)
        if again is not None:
            if again.type not in {req.type, "https"}:  # neither in the clear, nor by FTP
                fp, code, message, headers, _ = more
                raise urllib.error.HTTPError(req.full_url, code, message, headers, fp)
            again.remove_header("Authorization")
        return again


class _Remote:
    """One repository of a registry."""

    def __init__(self, reference: Reference, credentials: Mapping[str, str]) -> None:
        hub = reference.registry in _HUB_NAMES
        host = _HUB if hub else reference.registry
        repository = reference.repository
        if hub and "/" not in repository:
            repository = f"library/{repository}"
        scheme = "http" if _LOOPBACK.fullmatch(host) else "https"  # as engines do it
        self._reference = reference
        self._url = f"{scheme}://{host}/v2/{repository}"
        known = ("https://index.docker.io/v1/", "docker.io") if hub else (host, f"https://{host}")
        self._login = next((credentials[name] for name in known if name in credentials), "")
        self._authorization = ""
        self._opener = urllib.request.build_opener(_Redirects)

    def manifest(self, name: str) -> tuple[str, Manifest]:
        """Return the digest of a manifest by its tag or digest, and what it says."""
        data = self._get(f"{self._url}/manifests/{name}", ", ".join(_MANIFESTS))
        digest = _digest(data)
        if name.startswith("sha256:") and name != digest:
            raise self._nonsense(f"the manifest {name} has the digest {digest}")
        return digest, self._decode(data, Manifest)

    def labels(self, manifest: Manifest) -> dict[str, str]:
        """Return the labels of an image."""
        if manifest.config is None:
            raise self._nonsense("a manifest without a configuration")
        digest = manifest.config.digest
        data = self._get(f"{self._url}/blobs/{digest}", "*/*")
        if _digest(data) != digest:
            raise self._nonsense(f"the configuration {digest} has another digest")
        inner = self._decode(data, Configuration).config
        return inner.labels or {} if inner else {}

    def _decode(self, data: bytes, kind: type[_Kind]) -> _Kind:
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            raise self._nonsense(f"JSON that is none: {exc!s:.200}") from None

    def _get(self, url: str, accept: str) -> bytes:
        """Ask, and once more with what the registry wants to be shown."""
        try:
            return self._ask(url, accept)
        except urllib.error.HTTPError as exc:
            if exc.code != http.client.UNAUTHORIZED or self._authorization:
                raise self._refused(exc) from exc
            with exc:
                challenge = exc.headers.get("WWW-Authenticate", "")
        self._authorization = self._answer(challenge)
        try:
            return self._ask(url, accept)
        except urllib.error.HTTPError as exc:
            raise self._refused(exc) from exc

    def _ask(self, url: str, accept: str) -> bytes:
        headers = {"Accept": accept, "User-Agent": "iris-deploy"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        request = urllib.request.Request(url, headers=headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                data = _read(answer)
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as exc:
            reason = getattr(exc, "reason", exc)
            raise UnreachableError(f"{urllib.parse.urlsplit(url).netloc}: {reason}") from exc
        if len(data) > _MOST_BYTES:
            raise self._nonsense(f"more than {_MOST_BYTES} bytes")
        return data

    def _answer(self, challenge: str) -> str:
        """Return the header that a challenge wants."""
        kind, _, _ = challenge.partition(" ")
        if kind.lower() == "basic" and self._login:
            return f"Basic {self._login}"
        fields = dict(_CHALLENGE.findall(challenge))
        if kind.lower() != "bearer" or not fields.get("realm", "").startswith("https://"):
            raise UnreachableError(f"{self._reference.name} wants a login")
        query = {name: fields[name] for name in ("service", "scope") if name in fields}
        if self._login:
            self._authorization = f"Basic {self._login}"
        try:
            url = f"{fields['realm']}?{urllib.parse.urlencode(query)}"
            answer = self._decode(self._ask(url, "application/json"), Token)
        except urllib.error.HTTPError as exc:  # of who gives out tokens, and knows no images
            with exc:
                raise UnreachableError(f"{self._reference.name} wants a login") from exc
        token = answer.token or answer.access_token
        if not re.fullmatch(r"[!-~]{1,16384}", token):
            raise UnreachableError(f"{self._reference.name} wants a login")
        return f"Bearer {token}"

    def _refused(self, error: urllib.error.HTTPError) -> RecipeError:
        with error:
            if error.code == http.client.NOT_FOUND:
                return RecipeError(
                    f"the registry has no {self._reference}",
                    hint="push it first: `iris-deploy build-image --push` prints its digest",
                )
            if error.code in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
                return UnreachableError(f"{self._reference.name} wants a login")
            return UnreachableError(f"{self._reference.name} answers with status {error.code}")

    def _nonsense(self, what: str) -> RecipeError:
        return RecipeError(
            f"{self._reference}: the registry answers {what}", hint="is it a registry of images?"
        )
