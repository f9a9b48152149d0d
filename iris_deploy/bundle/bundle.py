"""One bundle: read every byte of it once, verify it, and build its predictor.

The order is: manifest, sizes and digests, dumps, recorded examples. Nothing is decoded before its
digest was right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iris_deploy.bundle.files import read_file
from iris_deploy.bundle.manifest import Artifact, Example, Manifest
from iris_deploy.bundle.manifest_json import MAX_MANIFEST_BYTES, decode_manifest, sha256
from iris_deploy.errors import (
    BundleDigestError,
    BundleError,
    BundleFormatError,
    BundleNotFoundError,
)
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.estimators.several import build_predictor
from iris_deploy.runtimes.library import Code
from iris_deploy.schema.batch import Row
from iris_deploy.schema.encoding import Encode, build_encode

MANIFEST_FILE = "bundle.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read and verified.

    Parameters
    ----------
    path : Path
        Its directory.
    manifest : Manifest
    predictor : Predictor
        Built from the verified bytes; it has answered the recorded examples.
    """

    path: Path
    manifest: Manifest
    predictor: Predictor


def read_bundle(path: Path) -> Bundle:
    """Read a bundle, verify all of it, and build its predictor.

    Parameters
    ----------
    path : Path
        The directory of one version.

    Returns
    -------
    Bundle

    Raises
    ------
    BundleNotFoundError
        If the directory or one of its files is missing.
    BundleFormatError, BundleDigestError, ArtifactError
        If anything is not as it was written.

    Notes
    -----
    Every file is read once into memory; the bytes that are checked are the bytes that are decoded.
    The digests prove that nothing changed by accident. They do not prove who wrote it.
    """
    manifest = read_manifest(path)
    library = manifest.library
    if library is None:
        estimators = [
            read_estimator(_read_verified(path, each), each.path) for each in manifest.artifacts
        ]
        predictor = build_predictor(manifest.signature, estimators, manifest.adapter)
    else:  # scikit-learn predicts, and is loaded with what it takes
        from iris_deploy.runtimes.predictor import load_predictor

        predictor = load_predictor(
            manifest.signature,
            manifest.adapter,
            library,
            [(each.file, each.path) for each in manifest.artifacts],
            {each.file: _read_verified(path, each) for each in manifest.artifacts},
            {code.module: _read_verified(path, code) for code in library.code},
        )
    _replay(path, manifest, predictor)
    return Bundle(path, manifest, predictor)


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a bundle, and nothing else of it.

    Parameters
    ----------
    path : Path
        The directory of one version.

    Raises
    ------
    BundleNotFoundError, BundleFormatError
        If it is missing, or not as it was written.
    """
    manifest = decode_manifest(_read_file(path, MANIFEST_FILE, MAX_MANIFEST_BYTES))
    if path.name != str(manifest.version):
        raise BundleFormatError(
            f"{path} holds version {manifest.version} of {manifest.model}; "
            f"expected version {path.name}",
            hint=f"rename the directory to {manifest.version}",
        )
    return manifest


def _read_verified(path: Path, expected: Artifact | Code) -> bytes:
    """Read a file, and make sure that it is the one that was written."""
    data = _read_file(path, expected.file, expected.size)
    if len(data) != expected.size or sha256(data) != f"sha256:{expected.sha256}":
        raise BundleDigestError(
            f"{path / expected.file} was changed after it was written: expected "
            f"{expected.size} bytes with sha256 {expected.sha256}, got {len(data)} bytes "
            f"with {sha256(data)}",
            hint="train again, or restore the file",
        )
    return data


def _replay(path: Path, manifest: Manifest, predictor: Predictor) -> None:
    """Answer the recorded examples and compare, to the last bit if the arithmetic is our own."""
    encoders = {column.name: build_encode(column) for column in manifest.signature.columns}
    for example in manifest.examples:
        prediction, scores = predictor.score(_row(path, encoders, example))
        if not example.agrees(prediction, scores, exactly=manifest.library is None):
            raise BundleFormatError(
                f"{path} does not answer as it did in training: for {example.instance} expected "
                f"{example.prediction} {example.scores}, got {prediction} {scores}",
                hint="train again with this release",
            )


def _row(path: Path, encoders: Mapping[str, Encode], example: Example) -> Row:
    """Return the values of a recorded instance in the order of the columns."""
    given = example.instance
    row = [encode(given[name]) if name in given else None for name, encode in encoders.items()]
    if len(given) != len(encoders) or None in row:
        raise BundleFormatError(
            f"{path} records an example that does not fit its signature: expected a value for "
            f"each of {', '.join([*encoders][:10])}, got {str(given)[:200]}",
            hint="train again with this release",
        )
    return tuple(value for value in row if value is not None)


def _read_file(directory: Path, name: str, limit: int) -> bytes:
    """Read one file of a bundle, at most one byte more than its limit."""
    if Path(name).name != name:
        raise BundleFormatError(f"the manifest names the file {name!r}; expected a plain file name")
    path = directory / name
    try:
        return read_file(path, limit)
    except FileNotFoundError as exc:
        raise BundleNotFoundError(
            f"{path} is missing", hint="train again, or restore the file"
        ) from exc
    except OSError as exc:
        raise BundleError(f"cannot read {path}: {exc.strerror or exc}") from exc
