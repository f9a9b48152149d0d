"""What is predicted: classes or a number, as the column of the target tells or the user says."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iris_deploy.errors import DatasetError, SettingsError
from iris_deploy.schema.columns import LARGEST
from iris_deploy.schema.outputs import Label, Task

if TYPE_CHECKING:
    import pyarrow as pa

MOST_CLASSES = 1000
_FEW_WHOLE = 20
"""Different whole numbers up to which they are classes, unless the task is said."""


@dataclass(frozen=True, eq=False)
class Target:
    """The target of every sample that has one.

    Parameters
    ----------
    name : str
    task : {'classification', 'regression'}
    classes : tuple of str, int or bool
        Sorted; none for a number.
    y : ndarray of shape (n_samples,)
        Positions of the classes, or numbers.
    labels : ndarray of shape (n_samples,)
        What estimators are fitted to: the labels themselves, or numbers.
    known : ndarray of bool, shape (n_rows,)
        Rows of the table that have a target.
    """

    name: str
    task: Task
    classes: tuple[Label, ...]
    y: np.ndarray
    labels: np.ndarray
    known: np.ndarray


def read_target(table: "pa.Table", name: str, task: str | None) -> Target:
    """Read the target out of a table.

    Parameters
    ----------
    table : pyarrow.Table
    name : str
        Of its column.
    task : str or None
        None to tell by the values: text, true and false, and few whole numbers are classes.

    Raises
    ------
    DatasetError
        If it is missing everywhere, constant, or has a class of one sample.
    SettingsError
        If the task does not fit the values.
    """
    import pyarrow.types as t

    column = table.column(name).combine_chunks()
    known = ~np.asarray(column.is_null())
    if not known.any():
        raise DatasetError(f"the target {name} has no value in any row")
    values = column.filter(column.is_valid())
    kind = values.type
    is_number = t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind)
    distinct = values.unique()
    if len(distinct) < 2:
        raise DatasetError(f"the target {name} is {_show(distinct)} in every row")
    whole = is_number and _is_whole(distinct)
    if task is None:
        few = whole and len(distinct) <= min(_FEW_WHOLE, max(2, len(values) // 10))
        task = "classification" if few or not is_number else "regression"
    if task == "regression":
        return _numbers(name, values, known, is_number=is_number)
    if task != "classification":
        raise SettingsError(f"`task`: expected classification or regression, got {task!r:.60}")
    if is_number and not whole:
        raise SettingsError(
            f"`task`: the target {name} holds numbers with a fraction, which are no classes"
        )
    return _classes(name, values, known, is_number=is_number)


def _is_whole(distinct: Any) -> bool:
    numbers = np.asarray(distinct.to_pandas(), np.float64)
    return bool((numbers == np.round(numbers)).all() and (np.abs(numbers) < 2**53).all())


def _numbers(name: str, values: Any, known: np.ndarray, *, is_number: bool) -> Target:
    if not is_number:
        raise SettingsError(f"`task`: the target {name} holds text, which is no number")
    y = np.asarray(values.to_pandas(), np.float64)
    if not (np.abs(y) <= LARGEST).all():
        row = int(np.flatnonzero(known)[np.argmax(~(np.abs(y) <= LARGEST))]) + 1
        raise DatasetError(f"the target {name} is infinite or too large in row {row}")
    return Target(name, "regression", (), y, y, known)


def _classes(name: str, values: Any, known: np.ndarray, *, is_number: bool) -> Target:
    labels = values.to_pylist()
    if is_number:
        labels = [int(label) for label in labels]
    classes = tuple(sorted(set(labels)))
    if len(classes) > MOST_CLASSES:
        raise DatasetError(
            f"the target {name} has {len(classes):,} classes; expected {MOST_CLASSES:,} at most",
            hint="is it a number? Then say `task` regression",
        )
    position = {label: k for k, label in enumerate(classes)}
    y = np.array([position[label] for label in labels])
    counts = np.bincount(y)
    if counts.min() < 2:
        rare = classes[int(np.argmin(counts))]
        raise DatasetError(
            f"the class {rare!r} of {name} has one sample; expected two at least, to fit and to "
            "measure",
            hint="leave its row out, or put rare classes together",
        )
    kind: Any = bool if isinstance(classes[0], bool) else np.int64 if is_number else object
    return Target(name, "classification", classes, y, np.array(labels, kind), known)


def _show(distinct: Any) -> str:
    return repr(distinct[0].as_py())[:60]
