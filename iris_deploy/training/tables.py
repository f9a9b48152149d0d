"""Tables made ready to learn from: planned, framed, cut in two."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import train_test_split

from iris_deploy.errors import DatasetError
from iris_deploy.training.frames import build_frame
from iris_deploy.training.plans import ColumnPlan, find_leaks, plan_columns
from iris_deploy.training.settings import TableSettings
from iris_deploy.training.sources.files import read_table
from iris_deploy.training.target import Target, read_target

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Table:
    """A table made ready.

    Parameters
    ----------
    name : str
        Of the file: as it was given, or its last part.
    digest : str
        ``sha256:`` and that of names, kinds and values.
    plans : list of ColumnPlan
    target : Target
    frame : DataFrame
        Samples that have a target.
    notes : list of str
        What is odd.
    """

    name: str
    digest: str
    plans: list[ColumnPlan]
    target: Target
    frame: Any
    notes: list[str]


def model_name(path: Path) -> str:
    """Return a name for a model of a file."""
    name = re.sub(r"[^a-z0-9]+", "_", path.name.partition(".")[0].lower()).strip("_")
    return name if name[:1].isalpha() else f"model_{name}".strip("_")


def load_table(path: Path, settings: TableSettings) -> Table:
    """Read a table to learn from: take its columns for something, and note what is odd.

    Raises
    ------
    DatasetError, SettingsError
        If it cannot be read, or nothing can be learnt of it.
    """
    table = make_table(read_table(path), path, settings)
    leaks = find_leaks(table.frame, table.plans, table.target.y, table.target.task)
    table.notes.extend(leaks)
    return table


def make_table(raw: "pa.Table", path: Path, settings: TableSettings) -> Table:
    """Take the columns of a file's table for something.

    Parameters
    ----------
    raw : pyarrow.Table
    path : Path
        Where it comes from.
    settings : TableSettings

    Raises
    ------
    DatasetError, SettingsError
        If nothing can be learnt of it.
    """
    plans, notes = plan_columns(raw, settings.choices)
    target = read_target(raw, settings.choices.target, settings.task)
    frame = build_frame(raw, plans, target.known)
    left_out = int((~target.known).sum())
    if left_out:
        notes.insert(0, f"{left_out:,} rows have no {target.name} and are left out")
    name = path.name if path.is_absolute() else path.as_posix()
    return Table(name, _digest(frame, plans, target), plans, target, frame, notes)


def _digest(frame: Any, plans: Sequence[ColumnPlan], target: Target) -> str:
    found = hashlib.sha256(repr([(p.name, p.kind, p.unit) for p in plans]).encode())
    for plan in plans:
        values = frame[plan.name].to_numpy()
        plain = values.astype("<f8").tobytes() if values.dtype != object else None
        found.update(plain if plain is not None else repr(values.tolist()).encode())
    found.update(repr([target.name, target.classes]).encode() + target.y.astype("<f8").tobytes())
    return f"sha256:{found.hexdigest()}"


def split_table(table: Table, settings: TableSettings) -> tuple[np.ndarray, np.ndarray]:
    """Hold out a random share of the samples, of each class alike.

    Raises
    ------
    DatasetError
        If a part would lack a class, or have no sample.
    """
    y = table.target.y
    classes = table.target.task == "classification"
    try:
        trained, held_out = train_test_split(
            np.arange(len(y)),
            test_size=settings.test_size,
            random_state=settings.random_state,
            stratify=y if classes else None,
        )
    except ValueError as exc:
        raise DatasetError(
            f"cannot hold out {settings.test_size} of {len(y)} samples: {exc}",
            hint="choose another `test_size`, or put rare classes together",
        ) from exc
    if len(trained) < 2 or len(held_out) < 2:
        raise DatasetError(f"{len(y)} samples are too few to fit and to measure")
    return trained, held_out
