"""A bundle as bytes, for workers on machines that have no file of it: verified where it is read."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import msgspec

from iris_deploy.bundle.bundle import MANIFEST_FILE, read_bundle, read_manifest
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.errors import BundleDigestError
from iris_deploy.scoring.scorer import Scorer

_scorers: dict[str, Scorer] = {}
_building = Lock()


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    version: int
    files: dict[str, bytes]


def pack_bundle(path: Path, digest: str) -> bytes:
    """Return all of a bundle.

    Parameters
    ----------
    path : Path
        Its directory.
    digest : str
        Of its manifest.

    Raises
    ------
    BundleError
        If it cannot be read, or is another by now.
    """
    manifest = read_manifest(path)
    check_same(path, manifest, digest)
    library = manifest.library
    names = [MANIFEST_FILE, *(each.file for each in manifest.artifacts)]
    names += [code.file for code in library.code] if library else []
    files = {name: (path / name).read_bytes() for name in names}
    return msgspec.msgpack.encode(_Packed(manifest.version, files))


def check_same(path: Path, manifest: Manifest, digest: str) -> None:
    """Refuse a bundle that is another one by now.

    Parameters
    ----------
    path : Path
        Its directory.
    manifest : Manifest
        What it holds now.
    digest : str
        Of the manifest that it had.

    Raises
    ------
    BundleDigestError
    """
    if manifest.digest != digest:
        raise BundleDigestError(
            f"{path} was replaced while files were scored with it", hint="score them again"
        )


def find_scorer(digest: str, read: Callable[[], bytes]) -> Scorer:
    """Return what scores by a bundle; built once in a process, however many threads ask.

    Parameters
    ----------
    digest : str
        Of its manifest.
    read : callable
        Returns what `pack_bundle` has returned.

    Raises
    ------
    BundleError
        If it is not what was sent.
    """
    with _building:
        if digest not in _scorers:
            _scorers.clear()
            _scorers[digest] = _unpack(read(), digest)
        return _scorers[digest]


def _unpack(data: bytes, digest: str) -> Scorer:
    try:
        packed = msgspec.msgpack.decode(data, type=_Packed)
    except msgspec.DecodeError as exc:
        raise BundleDigestError(f"the bundle came damaged to a worker: {exc}") from exc
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home, str(packed.version))
        directory.mkdir()
        for name, content in packed.files.items():
            (directory / Path(name).name).write_bytes(content)
        bundle = read_bundle(directory)
        if bundle.manifest.digest != digest:
            raise BundleDigestError("the bundle that came to a worker is not the one that was sent")
        return Scorer(bundle.predictor)
