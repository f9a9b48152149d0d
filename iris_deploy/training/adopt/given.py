"""What somebody's files hold: estimators in their order, labels, names of columns.

A file may hold one of these, or a dict, list or tuple of several.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from iris_deploy.bundle.files import read_file
from iris_deploy.bundle.provenance import Source
from iris_deploy.dumps.formats import PICKLE, SKOPS, recognise
from iris_deploy.dumps.records import Fitted
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES, unpack
from iris_deploy.errors import ArtifactError, SettingsError
from iris_deploy.estimators.discovery import find_width, is_labels, task_of
from iris_deploy.estimators.labels import read_labels
from iris_deploy.estimators.own_formats import is_own_format
from iris_deploy.estimators.registry import read_plain
from iris_deploy.schema.outputs import Label
from iris_deploy.training.loaded import LoadedFiles

_DEPTH = 3
"""Of a dict of dicts and lists that estimators are looked for in."""

_MOST = 100
"""Members of a dict or list that are looked at."""


@dataclass(frozen=True, eq=False)
class Step:
    """An estimator of a file.

    Parameters
    ----------
    file : str
        Name of the file, without its directory.
    path : tuple of str or int
        Where it is in there.
    record : Fitted
    """

    file: str
    path: tuple[str | int, ...]
    record: Fitted

    @property
    def where(self) -> str:
        """Name it as people find it."""
        return self.file + "".join(f"[{key!r:.40}]" for key in self.path)

    @property
    def what(self) -> str:
        """Class and place, and how many columns it takes."""
        width = find_width(self.record)
        takes = f" takes {width}" if width else ""
        return f"{self.record.name.rpartition('.')[2]} of {self.where}{takes}"


@dataclass(eq=False)
class Given:
    """What there is in files.

    Parameters
    ----------
    data : dict of str to bytes
        The files, by name.
    steps : list of Step
        Estimators in the order in which they apply.
    labels : tuple of str, int or bool, or None
        What the positions stand for that a classifier predicts.
    names : list of str or None
        Of columns.
    ignored : list of str
        Where something lies that nothing is known to do with.
    """

    data: dict[str, bytes] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    labels: tuple[Label, ...] | None = None
    names: list[str] | None = None
    ignored: list[str] = field(default_factory=list)

    @property
    def records(self) -> list[Fitted]:
        """The estimators."""
        return [step.record for step in self.steps]

    def sources(self) -> tuple[Source, ...]:
        """Describe the files."""
        return tuple(
            Source(file=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
            for name, data in self.data.items()
        )


def read_given(paths: Sequence[Path], loaded: LoadedFiles | None = None) -> Given:
    """Read files, and find what they hold.

    Parameters
    ----------
    paths : sequence of Path
        In the order in which what they hold applies.
    loaded : LoadedFiles, optional
        By which scikit-learn loads them, if it is to predict.

    Raises
    ------
    ArtifactError
        If one cannot be read without running it, or they hold no model, or two.
    SettingsError
        If two have the same name.
    """
    given = Given()
    read = loaded.read if loaded else read_plain
    for path in paths:
        if path.name in given.data:
            raise SettingsError(f"two files are named {path.name}; rename one of them")
        given.data[path.name] = data = _read(path)
        try:
            if path.suffix == ".json" and not is_own_format(data):
                _take(given, path.name, (), _read_json(data))
            else:
                _take(given, path.name, (), _read_dump(data, read))
        except ArtifactError as exc:
            raise ArtifactError(f"{path}: {exc}", hint=exc.hint) from exc

    def predicts(step: Step) -> bool:
        if loaded is None:
            return task_of(step.record) is not None
        return hasattr(loaded.estimator(step.file, given.data[step.file], step.path), "predict")

    given.steps = _in_order(given.steps, [step for step in given.steps if predicts(step)])
    return given


def read_labels_of(path: Path) -> tuple[Label, ...]:
    """Read the labels that a file holds: of a LabelEncoder, or listed.

    Raises
    ------
    ArtifactError
        If it holds none.
    """
    given = Given()
    data = _read(path)
    _take(given, path.name, (), _read_json(data) if path.suffix == ".json" else _read_dump(data))
    labels = given.labels or tuple(given.names or ())
    if not labels:
        raise ArtifactError(f"{path}: expected a LabelEncoder or a list of labels")
    return labels


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ArtifactError(f"{path} is a directory; expected a file")
        return read_file(path, MAX_DUMP_BYTES)
    except OSError as exc:
        raise ArtifactError(f"cannot read {path}: {exc.strerror or exc}") from exc


def _read_dump(data: bytes, read: Callable[[bytes], object] = read_plain) -> object:
    plain = unpack(data, MAX_DUMP_BYTES)
    kind = recognise(plain)
    if kind not in {PICKLE, SKOPS} and not is_own_format(plain):
        raise ArtifactError(f"no dump of an estimator: {kind.name}", hint=kind.hint)
    return read(plain)


def _read_json(data: bytes) -> list[Any]:
    try:
        listed = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise ArtifactError(f"not JSON: {str(exc)[:100]}") from exc
    if not isinstance(listed, list):
        raise ArtifactError("expected a JSON list of the columns' names")
    return listed


def _take(given: Given, file: str, path: tuple[str | int, ...], value: object) -> None:
    """Take what a value is: an estimator, labels, names, or several of these."""
    if isinstance(value, Fitted):
        if is_labels(value):
            given.labels = read_labels(value)
        else:
            given.steps.append(Step(file, path, value))
        return
    names = _as_names(value)
    if names is not None:
        given.names = names
        return
    inside = _members(value) if len(path) < _DEPTH else None
    if inside is None:
        if path:
            given.ignored.append(Step(file, path, Fitted("")).where)
            return
        raise ArtifactError(
            f"expected a fitted estimator in the dump, got {type(value).__name__}",
            hint="bring the estimator itself, or a dict, list or tuple that holds it",
        )
    for key, member in inside:
        _take(given, file, (*path, key), member)


def _members(value: object) -> Iterator[tuple[str | int, object]] | None:
    """Return what a dict, list or tuple holds; None of anything else."""
    pairs: list[tuple[Any, object]]
    if isinstance(value, dict):
        pairs = [*value.items()]
    elif isinstance(value, (list, tuple)):
        pairs = [*enumerate(value)]
    else:
        return None
    if len(pairs) > _MOST:
        return None
    return ((key, member) for key, member in pairs if type(key) in {str, int})


def _as_names(value: object) -> list[str] | None:
    """Return a list of text, as people dump the names of their columns."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "UO":
        value = value.tolist()
    if isinstance(value, (list, tuple)) and value and all(type(name) is str for name in value):
        return list(value)
    return None


def _in_order(steps: list[Step], predicts: list[Step]) -> list[Step]:
    """Put what predicts behind what transforms, which stays in its order."""
    if len(predicts) > 1:
        raise ArtifactError(
            f"expected one model, got {len(predicts)}: {', '.join(s.what for s in predicts[:5])}",
            hint="import each under a name of its own with `model`",
        )
    if not predicts:
        found = ", ".join(step.what for step in steps[:5]) or "none"
        raise ArtifactError(
            f"expected a model that predicts, got: {found}",
            hint="name the file of the classifier or regressor too",
        )
    return [step for step in steps if step not in predicts] + predicts
