"""Tables as data frames for scikit-learn, and as rows for the predictor that serves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iris_deploy.errors import DatasetError
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.columns import (
    LARGEST,
    CategoriesSeen,
    CategoryColumn,
    Column,
    NumberColumn,
    NumbersSeen,
    TextColumn,
)
from iris_deploy.schema.encoding import MISSING, build_encode
from iris_deploy.training.plans import ColumnPlan

if TYPE_CHECKING:
    import pyarrow as pa

_COUNTED = 100
"""Categories of which training samples are counted one by one."""


def build_frame(table: "pa.Table", plans: Sequence[ColumnPlan], known: np.ndarray) -> Any:
    """Build the data frame that estimators are fitted to.

    Parameters
    ----------
    table : pyarrow.Table
    plans : sequence of ColumnPlan
    known : ndarray of bool, shape (n_rows,)
        Rows that are used.

    Returns
    -------
    DataFrame
        Numbers as floats, categories as objects; NaN where a value is missing.

    Raises
    ------
    DatasetError
        If a number is infinite.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for plan in plans:
        values = table.column(plan.name).combine_chunks()
        if plan.kind == "number":
            columns[plan.name] = _numbers(plan.name, values)[known]
        else:
            columns[plan.name] = _categories(values)[known]
    return pd.DataFrame(columns)


def _numbers(name: str, values: Any) -> Floats:
    numbers = np.asarray(values.to_pandas(), np.float64)
    too_large = np.abs(numbers) > LARGEST
    if too_large.any():
        row = int(np.argmax(too_large)) + 1
        raise DatasetError(
            f"column {name} is infinite or too large in row {row}",
            hint=f"leave the row out, make the value missing, or `drop` {name}",
        )
    return numbers


def _categories(values: Any) -> np.ndarray:
    import pyarrow.types as t

    if t.is_integer(values.type) or t.is_floating(values.type) or t.is_boolean(values.type):
        return np.asarray(values.to_pandas(), np.float64)
    objects = np.array(values.to_pylist(), object)
    objects[[value is None for value in objects]] = np.nan
    return objects


def describe_columns(
    plans: Sequence[ColumnPlan], frame: Any, trained: np.ndarray
) -> tuple[Column, ...]:
    """Describe columns, and what training saw of them.

    Parameters
    ----------
    plans : sequence of ColumnPlan
    frame : DataFrame
        Of all samples: what may be missing, and which categories there are.
    trained : ndarray of int
        Positions of the training samples.

    Returns
    -------
    tuple of Column
        Of which a value may be missing where one is, and no category unknown.
    """
    columns: list[Column] = []
    for plan in plans:
        values = frame[plan.name]
        if plan.kind == "text":
            columns.append(_describe_text(plan, values, trained))
        elif plan.kind == "number":
            columns.append(_describe_number(plan, values, trained))
        else:
            columns.append(_describe_category(plan, values, trained))
    return tuple(columns)


def see_numbers(seen: np.ndarray) -> NumbersSeen | None:
    """Return what there is to see of numbers, of which some may be missing.

    Parameters
    ----------
    seen : ndarray of float, shape (n_samples,)

    Returns
    -------
    NumbersSeen or None
        None if all are missing.
    """
    numbers = seen[~np.isnan(seen)]
    if not len(numbers):
        return None
    edges, counts = bin_numbers(numbers)
    return NumbersSeen(
        n_missing=len(seen) - len(numbers),
        minimum=float(numbers.min()),
        maximum=float(numbers.max()),
        mean=float(numbers.mean()),
        bin_edges=edges,
        bin_counts=counts,
    )


def see_categories(categories: Sequence[Any], values: Any) -> CategoriesSeen:
    """Return how often there are categories.

    Parameters
    ----------
    categories : sequence of str or float
    values : Series
        Of samples, some of them missing.
    """
    counts = values.value_counts()
    counted = [int(counts.get(category, 0)) for category in categories]
    n_missing = int(values.isna().sum())
    return CategoriesSeen(
        n_missing=n_missing,
        counts=tuple(counted[:_COUNTED]),
        n_rest=len(values) - n_missing - sum(counted[:_COUNTED]),
    )


def see_texts(values: Any) -> NumbersSeen | None:
    """Return what there is to see of texts, some of them missing: their lengths."""
    return see_numbers(values.str.len().to_numpy(np.float64, na_value=np.nan))


def _describe_text(plan: ColumnPlan, values: Any, trained: np.ndarray) -> TextColumn:
    missing = bool(values.isna().any())
    return TextColumn(name=plan.name, missing=missing, seen=see_texts(values.iloc[trained]))


def _describe_number(plan: ColumnPlan, values: Any, trained: np.ndarray) -> NumberColumn:
    seen = see_numbers(values.to_numpy()[trained])
    if seen is None:
        raise DatasetError(
            f"column {plan.name} has no value among the samples to fit",
            hint=f"leave it out with `drop` {plan.name}",
        )
    missing = bool(values.isna().any())
    return NumberColumn(
        name=plan.name, missing=missing, unit=plan.unit, boolean=plan.boolean, seen=seen
    )


def bin_numbers(numbers: Floats) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return the inner deciles of numbers, each once, and how many lie between them."""
    edges = np.unique(np.quantile(numbers, np.arange(1, 10) / 10))
    counts = np.bincount(np.searchsorted(edges, numbers), minlength=len(edges) + 1)
    return tuple(edges.tolist()), tuple(counts.tolist())


def _describe_category(plan: ColumnPlan, values: Any, trained: np.ndarray) -> CategoryColumn:
    known, used = values.dropna(), values.iloc[trained]
    counts = used.value_counts()
    # The commonest first, and among equals in their own order: the same bundle every time.
    categories = sorted(known.unique().tolist(), key=lambda c: (-int(counts.get(c, 0)), c))
    return CategoryColumn(
        name=plan.name,
        missing=len(known) < len(values),
        categories=tuple(categories),
        unknown=False,
        seen=see_categories(categories, used),
    )


def encode_frame(columns: Sequence[Column], frame: Any) -> Floats:
    """Return the rows of a data frame as the predictor takes them.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        Of floats; of objects, floats and `Text`, where a column holds texts.

    Raises
    ------
    DatasetError
        If a column does not take a value.
    """
    has_text = any(isinstance(column, TextColumn) for column in columns)
    rows: Any = np.empty((len(frame), len(columns)), object if has_text else np.float64)
    for line, column in zip(rows.T, columns, strict=True):
        values = frame[column.name].to_numpy()
        if isinstance(column, NumberColumn):
            line[:] = values
        else:
            encode = build_encode(column)
            line[:] = [_encode(column, encode, value) for value in values.tolist()]
        gaps = np.isnan(line.astype(np.float64))
        if not column.missing and gaps.any():
            row = int(np.argmax(gaps)) + 1
            raise DatasetError(f"column {column.name} is missing in row {row}; it may not be")
    encoded: Floats = rows
    return encoded


def _encode(column: CategoryColumn | TextColumn, encode: Any, value: Any) -> float:
    if value is None or value != value:
        return MISSING
    position = encode(value)
    if position is None:
        raise DatasetError(
            f"column {column.name} has {value!r:.80}; expected {column.expected}",
            hint="train again with data that have it",
        )
    read: float = position
    return read
