"""bundle.json: everything there is to know about a bundle, as strict, versioned, digested JSON.

The file is an ordinary JSON object whose first two members have a fixed form::

    {
      "format": 1,
      "digest": "sha256:<64 hexadecimal digits>",
      ...

The digest is taken over every byte after its own line, and the rest holds the digests of all
artifacts. So one digest stands for the bundle, and no bit of it can change unnoticed.

Format numbers. `FORMAT` goes up by one when a reader of the old format could misunderstand the new
one: a member gone, renamed or with another meaning, a new member that must not be ignored (all of
them: unknown members are refused). Then: change the structures, raise `FORMAT`, keep reading the
older number only with a test on a bundle that was written by it, and write both into docs/design.md
and the changelog.
"""

import hashlib
import json
import re
from typing import Annotated, Literal

import msgspec

from iris_deploy.dumps.unpack import MAX_DUMP_BYTES
from iris_deploy.errors import BundleDigestError, BundleFormatError
from iris_deploy.schema.signature import Signature

FORMAT = 1
"""The format that this release writes, and the only one that it reads."""

MAX_MANIFEST_BYTES = 16 * 1024 * 1024
"""Far above any manifest; what is larger is no manifest."""

MAX_ARTIFACTS = 4
"""Training writes two. Each is read and hashed, one file as often as it is listed."""

_HEAD = re.compile(rb'\{\n  "format": (\d{1,9}),\n  "digest": "(sha256:[0-9a-f]{64})",\n')


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Members are all required, all typed, and no others are taken."""


class Artifact(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file of the bundle, listed in the order in which the estimators apply.

    Parameters
    ----------
    role : {'scaler', 'classifier', 'pipeline'}
    file : str
        Name inside the bundle's directory.
    size : int
        Bytes, as many as a dump may have.
    sha256 : str
        Of the file's bytes, hexadecimal.
    """

    role: Literal["scaler", "classifier", "pipeline"]
    file: str
    size: Annotated[int, msgspec.Meta(le=MAX_DUMP_BYTES)]
    sha256: str


class Estimator(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fitted estimator's public class and all its parameters."""

    name: str
    parameters: dict[str, str | int | float | bool | None]


class Split(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the held-out samples were chosen, and the digest of which they are."""

    test_size: float
    random_state: int
    train_samples: int
    test_samples: int
    test_digest: str


class Training(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the estimators come from."""

    dataset: str
    dataset_digest: str
    split: Split
    estimators: tuple[Estimator, ...]


class ClassFigures(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Figures of one class; 0 where a ratio has no denominator."""

    precision: float
    recall: float
    f1: float
    support: int


class Evaluation(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the bundle's predictor does on held-out samples.

    Parameters
    ----------
    correct, total : int
        Samples.
    accuracy : float
        correct / total.
    interval : tuple of float
        Lower and upper end of the 95% Wilson score interval of the accuracy.
    classes : dict of str to ClassFigures
        In the signature's order.
    confusion_matrix : tuple of tuple of int
        Samples by true class (row) and predicted class (column).
    """

    correct: int
    total: int
    accuracy: float
    interval: tuple[float, float]
    classes: dict[str, ClassFigures]
    confusion_matrix: tuple[tuple[int, ...], ...]


class Example(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A recorded instance and its answer, replayed whenever the bundle is read."""

    instance: dict[str, float]
    label: str
    scores: tuple[float, ...]


class Environment(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What trained the bundle: versions of Python and of the packages that matter."""

    python: str
    packages: dict[str, str]

    @property
    def python_minor(self) -> str:
        """Version of Python without its last number, as wheels and base images are made for it."""
        return ".".join(self.python.split(".")[:2])


class Manifest(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of bundle.json.

    Parameters
    ----------
    format : int
        See the module's docstring.
    digest : str
        ``sha256:`` and 64 hexadecimal digits; empty before the manifest is written.
    model : str
    version : int
        The names of the two directories that hold the bundle.
    signature : Signature
    runtime : {'numpy'}
        What predicts: the numbers in the artifacts are enough.
    artifacts : tuple of Artifact
        `MAX_ARTIFACTS` at most.
    environment : Environment
    training : Training
    evaluation : Evaluation
    examples : tuple of Example
    """

    format: int
    digest: str
    model: str
    version: int
    runtime: Literal["numpy"]
    signature: Signature
    artifacts: Annotated[tuple[Artifact, ...], msgspec.Meta(max_length=MAX_ARTIFACTS)]
    environment: Environment
    training: Training
    evaluation: Evaluation
    examples: Annotated[tuple[Example, ...], msgspec.Meta(min_length=1)]


def sha256(data: bytes) -> str:
    """Return the digest of some bytes as ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def encode_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as the bytes of bundle.json, with the digest filled in."""
    members = {
        k: v for k, v in msgspec.to_builtins(manifest).items() if k not in {"format", "digest"}
    }
    text = msgspec.json.format(msgspec.json.encode(members), indent=2).decode()
    rest = (text.removeprefix("{\n") + "\n").encode()
    return f'{{\n  "format": {FORMAT},\n  "digest": "{sha256(rest)}",\n'.encode() + rest


def decode_manifest(data: bytes) -> Manifest:
    """Read the bytes of bundle.json.

    Raises
    ------
    BundleFormatError
        If it is no manifest, of another format, or not as the format has it.
    BundleDigestError
        If it is not what was written.
    """
    head = _HEAD.match(data)
    number = int(head[1]) if head else _foreign_format(data)
    if number != FORMAT or head is None:
        if number is None or number == FORMAT:
            raise BundleFormatError(
                "bundle.json is not a manifest that iris-deploy wrote, or it was edited",
                hint="train again, or restore the file",
            )
        relation = "newer" if number > FORMAT else "unknown"
        raise BundleFormatError(
            f"bundle.json has the {relation} format {number}; this release reads {FORMAT}",
            hint="install the iris-deploy that wrote it, or train again",
        )
    expected, got = head[2].decode(), sha256(data[head.end() :])
    if expected != got:
        raise BundleDigestError(
            f"bundle.json was changed after it was written: expected {expected}, got {got}",
            hint="train again, or restore the file",
        )
    try:
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as exc:
        raise BundleFormatError(
            f"bundle.json is not as format {FORMAT} has it: {exc}", hint="train again"
        ) from exc


def _foreign_format(data: bytes) -> int | None:
    """Return the format number of JSON that is not laid out as ours, if it has one."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    number = content.get("format") if isinstance(content, dict) else None
    return number if type(number) is int else None
