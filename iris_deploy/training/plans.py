"""What each column of a table is taken for: its kind, and what is odd about it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from iris_deploy.errors import DatasetError, SettingsError
from iris_deploy.schema.columns import MAX_CATEGORIES, Column, NumberColumn, TextColumn
from iris_deploy.training.settings import Choices

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["number", "category", "text"]

_FEW_ROWS = 20
"""Below so many rows values may all differ by chance."""

_MOST_SHARE = 0.5
"""Of the rows that may have a category of their own, before it is text or names rows."""

_DECIMAL_COMMA = re.compile(r"[+-]?\d{1,20},\d{1,20}")
_ROW_NAME = re.compile(r"(^|[_ ])(id|key|uuid|index|nr|no|row)$|^unnamed", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ColumnPlan:
    """How a column is used.

    Parameters
    ----------
    name : str
    kind : {'number', 'category', 'text'}
    boolean : bool
        Whether the numbers are true and false.
    unit : str or None
    """

    name: str
    kind: Kind
    boolean: bool = False
    unit: str | None = None


def kind_of(column: Column) -> Kind:
    """Return the kind of a column of a signature."""
    if isinstance(column, TextColumn):
        return "text"
    return "number" if isinstance(column, NumberColumn) else "category"


def plan_columns(table: "pa.Table", choices: Choices) -> tuple[list[ColumnPlan], list[str]]:
    """Take each column for something.

    Parameters
    ----------
    table : pyarrow.Table
    choices : Choices

    Returns
    -------
    list of ColumnPlan
    list of str
        What is odd, with the option that mends it.

    Raises
    ------
    DatasetError
        If a column can be nothing that a model takes.
    SettingsError
        If a choice does not fit.
    """
    choices.check(table.column_names)
    plans, notes = [], []
    for name in table.column_names:
        if name == choices.target or name in choices.drop:
            continue
        values = table.column(name).combine_chunks()
        plan = _plan(values, name, choices)
        plans.append(plan)
        note = _oddity(values, plan)
        if note:
            notes.append(note)
    if not plans:
        raise DatasetError("no column is left to predict the target from")
    return plans, notes


def _plan(values: Any, name: str, choices: Choices) -> ColumnPlan:
    import pyarrow.types as t

    unit = (choices.units or {}).get(name)
    kind = values.type
    is_text = t.is_string(kind) or t.is_large_string(kind) or t.is_dictionary(kind)
    is_number = t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind)
    drop = f"leave it out with `drop` {name}"
    if values.null_count == len(values):
        raise DatasetError(f"column {name} has no value in any row", hint=drop)
    if t.is_temporal(kind):
        raise DatasetError(
            f"column {name} is a date or a time, which no estimator takes",
            hint=f"{drop}, or put what counts of it into columns: the year, the weekday, the hour",
        )
    if not (is_text or is_number or t.is_boolean(kind)):
        raise DatasetError(f"column {name} holds {kind}; expected numbers or text", hint=drop)
    if name in choices.number and is_text:
        raise SettingsError(f"`number`: column {name} holds text, such as {_first(values)!r:.60}")
    if name in choices.text:
        _check_texts(values, name, is_text=is_text)
        return ColumnPlan(name=name, kind="text")
    if name in choices.category or (is_text and name not in choices.number):
        _check_categories(values, name, chosen=name in choices.category)
        return ColumnPlan(name=name, kind="category")
    return ColumnPlan(name=name, kind="number", boolean=t.is_boolean(kind), unit=unit)


def _check_texts(values: Any, name: str, *, is_text: bool) -> None:
    """Refuse what no vectorizer takes: numbers, and gaps."""
    if not is_text:
        raise SettingsError(f"`text`: column {name} holds {values.type}, which is no text")
    if values.null_count:
        raise DatasetError(
            f"column {name} has no text in {values.null_count:,} rows",
            hint=f"leave these out, write an empty text, or leave it out with `drop` {name}",
        )


def _check_categories(values: Any, name: str, *, chosen: bool) -> None:
    """Refuse text that is no category: numbers with a comma, names of rows, sentences."""
    import pyarrow.types as t

    drop = f"leave it out with `drop` {name}"
    distinct = len(values.unique().drop_null())
    known = len(values) - values.null_count
    if distinct > MAX_CATEGORIES:
        raise DatasetError(f"column {name} has {distinct:,} different values", hint=drop)
    if chosen or not (t.is_string(values.type) or t.is_large_string(values.type)):
        return
    sample = values.drop_null()[:200].to_pylist()
    if sum(bool(_DECIMAL_COMMA.fullmatch(text.strip())) for text in sample) > 0.9 * len(sample):
        raise DatasetError(
            f"column {name} holds numbers with a decimal comma, such as {sample[0]!r:.40}",
            hint="write them with a point: most programs ask for the 'locale' when they save",
        )
    if known >= _FEW_ROWS and distinct > _MOST_SHARE * known:
        what = "names its rows" if distinct == known else "is text, not a category"
        raise DatasetError(
            f"column {name} {what}: {distinct:,} different values in {known:,} rows",
            hint=f"{drop}, or say what it is with `text` {name} or `category` {name}",
        )


def _oddity(values: Any, plan: ColumnPlan) -> str | None:
    """Say what is odd about a column that is used all the same."""
    import pyarrow.types as t

    distinct = len(values.unique().drop_null())
    known = len(values) - values.null_count
    if distinct == 1 and not values.null_count:
        return f"column {plan.name} is the same in every row; leave it out with `drop` {plan.name}"
    is_whole = plan.kind == "number" and t.is_integer(values.type)
    if is_whole and distinct == known >= _FEW_ROWS and _ROW_NAME.search(plan.name):
        return (
            f"column {plan.name} is different in every row and seems to name it; leave it out "
            f"with `drop` {plan.name}"
        )
    return None


def _first(values: Any) -> object:
    return next((value for value in values.to_pylist() if value is not None), None)


def find_leaks(frame: Any, plans: Sequence[ColumnPlan], y: np.ndarray, task: str) -> list[str]:
    """Say which single columns give the target away.

    Parameters
    ----------
    frame : DataFrame
    plans : sequence of ColumnPlan
    y : ndarray of shape (n_samples,)
        Positions of classes, or numbers.
    task : {'classification', 'regression'}
    """
    return [
        f"column {plan.name} alone gives the target away; if it is not known before the target "
        f"is, leave it out with `drop` {plan.name}"
        for plan in plans
        if _gives_away(frame[plan.name].to_numpy(), y, task)
    ]


def _gives_away(values: np.ndarray, y: np.ndarray, task: str) -> bool:
    import pandas as pd

    codes, distinct = pd.factorize(values)
    if 1 < len(distinct) <= len(y) // 2 and (codes >= 0).all():
        lowest = pd.Series(y).groupby(codes).transform("min").to_numpy()
        if (lowest == y).all() and len(np.unique(y)) > 1:
            return True
    if values.dtype == object or not np.isfinite(values.astype(float)).all() or len(y) < _FEW_ROWS:
        return False
    if task == "regression":
        with np.errstate(invalid="ignore", divide="ignore"):
            return bool(abs(np.corrcoef(values, y)[0, 1]) > 1 - 1e-12)
    ordered = y[np.argsort(values, kind="stable")]
    return int(np.count_nonzero(np.diff(ordered))) == len(np.unique(y)) - 1
