"""Folders that MLflow wrote: the model within, the names of its columns, an example of an input."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from iris_deploy.bundle.files import read_file
from iris_deploy.codec.values import ValueReader
from iris_deploy.dumps.notes import printable
from iris_deploy.errors import ArtifactError, SettingsError
from iris_deploy.estimators.discovery import find_names, find_width
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn, TextColumn
from iris_deploy.schema.problems import SignatureError
from iris_deploy.training.adopt.given import Given
from iris_deploy.training.adopt.mlmodel import ModelFile, read_mlmodel

MLMODEL = "MLmodel"

_MOST_BYTES = 1 << 20
"""Of an MLmodel, and of an example."""

_MOST_ROWS = 10
"""Of an example; each that is recorded is replayed whenever the bundle is read."""

_NUMBERS = frozenset({"integer", "long", "float", "double", "boolean"})


@dataclass(frozen=True)
class ModelFolder:
    """A folder that MLflow wrote.

    Parameters
    ----------
    folder : Path
    model : Path
        The file of the model.
    said : ModelFile
        By its MLmodel.
    mlmodel : bytes
    """

    folder: Path
    model: Path
    said: ModelFile
    mlmodel: bytes

    def complete(self, given: Given) -> None:
        """Give the estimators the names of the signature, if they have none of their own.

        Raises
        ------
        SettingsError
            If both have names, and others, or not as many.
        """
        given.data[MLMODEL] = self.mlmodel
        inputs = self.said.inputs
        if inputs is None:
            return
        first = given.steps[0]
        width = find_width(first.record)
        if width is not None and inputs.width not in {None, width}:
            raise _disagree(f"has {inputs.width} columns", f"{first.what} columns")
        own = given.names or find_names(first.record)
        if inputs.names is None:
            return
        if own is None:
            given.names = [*inputs.names]
        elif sorted(own) != sorted(inputs.names):
            raise _disagree(
                f"names {_listed(inputs.names)}", f"{first.where} was fitted to {_listed(own)}"
            )

    def agree(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """Return the columns as the signature has them: those that are true or false take that.

        Raises
        ------
        SettingsError
            If it takes texts where a number goes in, or numbers where a text does.
        """
        inputs = self.said.inputs
        if inputs is None or inputs.names is None:
            return tuple(columns)
        kinds = dict(zip(inputs.names, inputs.kinds, strict=True))
        agreed: list[Column] = []
        for column in columns:
            kind = kinds.get(column.name)
            is_number = isinstance(column, NumberColumn)
            is_text = isinstance(column, TextColumn) or (
                isinstance(column, CategoryColumn) and column.is_text
            )
            if (kind == "string" and is_number) or (kind in _NUMBERS and is_text):
                what = "a number" if is_number else column.expected
                named = _listed([column.name])
                raise _disagree(f"has {kind} for {named}", f"the model takes {what}")
            is_boolean = kind == "boolean" and isinstance(column, NumberColumn)
            agreed.append(msgspec.structs.replace(column, boolean=True) if is_boolean else column)
        return tuple(agreed)

    def read_example(self, predictor: Predictor, adapter: Adapter | None) -> Floats:
        """Return the rows of the example of an input; none if it has other fields than clients.

        Raises
        ------
        ArtifactError
            If the model does not take it.
        """
        has_text = predictor.signature.has_text
        none = np.empty((0, len(predictor.signature.columns)), object if has_text else float)
        if self.said.example is None or (adapter is not None and adapter.feeds):
            return none
        path = _inside(self.folder, self.said.example, "saved_input_example_info.artifact_path")
        instances = _instances(_read(path), predictor.signature.names)
        try:
            rows = ValueReader(predictor.signature).rows(instances[:_MOST_ROWS])
            for row in rows:
                predictor.decide(row)
        except SignatureError as exc:
            raise ArtifactError(
                f"{path}: the model does not take this example: {exc}",
                hint="log the model with an example as clients send it, or without one",
            ) from exc
        return np.array(rows, none.dtype) if rows else none


def open_folder(path: Path) -> ModelFolder | None:
    """Look into a folder that MLflow wrote; None of a file.

    Raises
    ------
    ArtifactError
        If it is another folder, or one of a model that is not read.
    """
    if not path.is_dir():
        return None
    if not (path / MLMODEL).exists():
        raise ArtifactError(
            f"{path} is a directory without {MLMODEL}; expected a file, or a folder of MLflow",
            hint="name the file of the model, or the folder in which MLmodel is",
        )
    data = _read(_inside(path, MLMODEL, "the folder"))
    try:
        said = read_mlmodel(data)
    except ArtifactError as exc:
        raise ArtifactError(f"{path / MLMODEL}: {exc}", hint=exc.hint) from exc
    return ModelFolder(path, _inside(path, said.file, said.member), said, data)


def open_folders(
    paths: Sequence[Path], *, with_columns: bool
) -> tuple[ModelFolder | None, list[Path]]:
    """Return the files, those of models instead of folders of MLflow.

    Parameters
    ----------
    paths : sequence of Path
        Of either.
    with_columns : bool
        Whether it counts what a folder says of columns: not if their owner names them.

    Returns
    -------
    folder : ModelFolder or None
        The first of the paths, if it is one: what its signature says goes into the first estimator.
    files : list of Path
    """
    folders = [open_folder(path) for path in paths]
    files = [f.model if f else path for f, path in zip(folders, paths, strict=True)]
    return folders[0] if folders and with_columns else None, files


def _inside(folder: Path, name: str, member: str) -> Path:
    """Return a file of a folder, wherever its name or a link would lead."""
    try:
        leads = (folder / name).resolve()
        is_inside = leads.is_relative_to(folder.resolve()) and leads.is_file()
    except (OSError, RuntimeError, ValueError):  # a name that no file can have, links in a circle
        is_inside = False
    if not is_inside:
        raise ArtifactError(
            f"{folder / MLMODEL}: {member} names {name!r:.100}; expected a file within the folder",
            hint="copy the folder whole, as MLflow wrote it",
        )
    return folder / name


def _read(path: Path) -> bytes:
    try:
        data = read_file(path, _MOST_BYTES)
    except OSError as exc:
        raise ArtifactError(f"cannot read {path}: {exc.strerror or exc}") from exc
    if len(data) > _MOST_BYTES:
        raise ArtifactError(f"{path} has more than {_MOST_BYTES:,} bytes")
    return data


def _instances(data: bytes, names: Sequence[str]) -> list[Any]:
    """Return the instances of an example: a data frame as pandas splits it, or rows of an array."""
    try:
        example = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise ArtifactError(f"the example of an input is no JSON: {str(exc)[:100]}") from exc
    columns: Any = names
    if isinstance(example, dict):
        example = example.get("dataframe_split", example)
        columns = example.get("columns", names) if isinstance(example, dict) else names
        example = example.get("data", example.get("inputs")) if isinstance(example, dict) else None
    if not isinstance(example, list) or not isinstance(columns, list):
        return []
    return [
        dict(zip(map(str, columns), row, strict=False)) if isinstance(row, list) else row
        for row in example[:_MOST_ROWS]
    ]


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > 10 else ""
    return ", ".join(printable(name[:40]) for name in names[:10]) + more


def _disagree(signature: str, model: str) -> SettingsError:
    return SettingsError(
        f"`columns`: the signature in MLmodel {signature}; {model}",
        hint="name the columns, in the order in which the model was fitted to them, with `columns`",
    )
