"""Estimators for which scikit-learn itself predicts: loaded, described, and tried on columns.

Loading runs what is in the files, and the modules of their owner: whoever gets here asked for it.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import msgspec

from iris_deploy.bundle.files import read_file
from iris_deploy.bundle.manifest_json import sha256
from iris_deploy.errors import ArtifactError, SettingsError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.runtimes import LEARN
from iris_deploy.runtimes.library import MAX_CODE_BYTES, MAX_MODULES, Code, Library
from iris_deploy.runtimes.loading import Loader, member_of
from iris_deploy.runtimes.scikit_learn import build_library_predictor
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.batch import Row, Text
from iris_deploy.schema.columns import UNKNOWN, CategoryColumn, Column, TextColumn
from iris_deploy.schema.encoding import MISSING
from iris_deploy.schema.outputs import Output
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature

_PACKAGES = (LEARN, "scipy", "numpy", "joblib", "threadpoolctl")


class LoadedFiles:
    """Files that scikit-learn loads.

    Parameters
    ----------
    code : sequence of Path
        Modules of the owner's, in the order in which they are run.

    Attributes
    ----------
    code : dict of str to bytes
        By the files' names.

    Raises
    ------
    SettingsError
        If a module cannot be read, or has the name of another.
    ArtifactError
        If one cannot be run.
    """

    def __init__(self, code: Sequence[Path]) -> None:
        self.code = _read_code(code)
        self._loader = Loader({Path(name).stem: data for name, data in self.code.items()})
        self._loaded: dict[str, Any] = {}

    def read(self, plain: bytes) -> object:
        """Read what a file holds, without running it; see `Loader.read`."""
        return self._loader.read(plain)

    def estimator(self, file: str, data: bytes, path: Sequence[str | int]) -> Any:
        """Load an estimator; a file once.

        Parameters
        ----------
        file : str
        data : bytes
            What is in it.
        path : sequence of str or int
            Where the estimator is in there.
        """
        if file not in self._loaded:
            self._loaded[file] = self._loader.load(data)
        return member_of(self._loaded[file], path)

    def describe(self, frame: Sequence[str] | None, *, knows_none: bool) -> Library:
        """Say what it takes to load the files again.

        Parameters
        ----------
        frame : sequence of str or None
            Columns of the data frame that the first estimator takes; None for an array.
        knows_none : bool
            Whether a missing text is None.
        """
        packages = [*_PACKAGES, *(["pandas"] if frame is not None else [])]
        return Library(
            packages={name: version(name) for name in packages},
            names=tuple(sorted(self._loader.names.seen)),
            frame=tuple(frame) if frame is not None else None,
            knows_none=knows_none,
            code=tuple(
                Code(file=name, size=len(data), sha256=sha256(data).removeprefix("sha256:"))
                for name, data in self.code.items()
            ),
        )


class LoadedModel:
    """Estimators that were loaded, and what they take and give.

    Parameters
    ----------
    estimators : sequence of object
        Transformers in their order, then what predicts.
    output : Output
    adapter : Adapter or None
    library : Library
    """

    def __init__(
        self,
        estimators: Sequence[Any],
        output: Output,
        adapter: Adapter | None,
        library: Library,
    ) -> None:
        self._estimators = estimators
        self._output = output
        self._adapter = adapter
        self._library = library

    def build(self, fields: Sequence[Column]) -> Predictor:
        """Build the predictor of fields, which takes gaps and strange categories if they do.

        Parameters
        ----------
        fields : sequence of Column
            In which nothing is missing that was not in training, and no category unknown.

        Raises
        ------
        ArtifactError
            In scikit-learn's words, if it answers nothing.
        """
        predictor = self._predictor(fields)
        row = _find_row(predictor)
        wider: list[Column] = []
        for k, field in enumerate(fields):
            found = field
            if _takes(predictor, k, row, MISSING):
                found = msgspec.structs.replace(found, missing=True)
            if isinstance(found, CategoryColumn) and _takes(predictor, k, row, UNKNOWN):
                found = msgspec.structs.replace(found, unknown=True)
            wider.append(found)
        return self._predictor(wider)

    def _predictor(self, fields: Sequence[Column]) -> Predictor:
        signature = Signature(columns=tuple(fields), output=self._output)
        return build_library_predictor(signature, self._adapter, self._library, self._estimators)


def _takes(predictor: Predictor, k: int, row: Row, value: float) -> bool:
    """Tell whether a row with a value in one of its columns is answered."""
    with suppress(SignatureError):
        predictor.decide((*row[:k], value, *row[k + 1 :]))
        return True
    return False


def _find_row(predictor: Predictor) -> Row:
    """Return a row that is answered: of what there is to know of the columns."""
    first: SignatureError | None = None
    for number in (None, 0.0, 1.0):
        row = tuple(_some_value(column, number) for column in predictor.signature.columns)
        try:
            predictor.decide(row)
        except SignatureError as exc:
            first = first or exc
        else:
            return row
    raise ArtifactError(
        f"the files answer no row: {first.problems[0].detail if first else ''}",
        hint="name the files in the order in which they apply, and show rows with `sample`",
    )


def _some_value(column: Column, number: float | None) -> float:
    if isinstance(column, TextColumn):
        return Text("text")
    if isinstance(column, CategoryColumn):
        return 0.0
    if number is not None:
        return number
    return column.seen.mean if column.seen else 0.5


def _read_code(paths: Sequence[Path]) -> dict[str, bytes]:
    """Read modules of the owner's."""
    code: dict[str, bytes] = {}
    taken = _taken_names() if paths else frozenset()
    if len(paths) > MAX_MODULES:
        raise SettingsError(f"`code`: expected {MAX_MODULES} modules at most, got {len(paths)}")
    for path in paths:
        if path.suffix != ".py" or not path.stem.isidentifier():
            raise SettingsError(f"`code`: expected a Python module such as steps.py, got {path}")
        if path.stem in taken or path.name in code:
            raise SettingsError(
                f"`code`: {path.name} has the name of another module; rename it, and dump again"
            )
        try:
            code[path.name] = read_file(path, MAX_CODE_BYTES)
        except OSError as exc:
            raise SettingsError(f"`code`: cannot read {path}: {exc.strerror or exc}") from exc
        if len(code[path.name]) > MAX_CODE_BYTES:
            raise SettingsError(f"`code`: {path} has more than {MAX_CODE_BYTES:,} bytes")
    return code


def _taken_names() -> frozenset[str]:
    """Return names of modules that a module of the owner's would hide from all others."""
    return sys.stdlib_module_names | packages_distributions().keys()
