"""Tables that families are measured with, as estimators and signatures have them."""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.workloads import draw_mixed
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn, TextColumn


def draw_records(n: int, seed: int) -> pd.DataFrame:
    """Draw rows that estimators take as dicts, without what is missing; columns sorted by name."""
    table = draw_mixed(n, seed).drop(columns="kind").sort_index(axis=1)
    table.attrs["records"] = True
    return table


def as_given(table: pd.DataFrame) -> Any:
    """Return a table as an estimator takes it: an array of rows, texts, dicts, a data frame."""
    if table.attrs:
        return [{k: v for k, v in row.items() if v == v} for row in table.to_dict("records")]
    if [*table.columns] == ["text"]:
        return table["text"].tolist()
    if all(kind.kind == "f" for kind in table.dtypes):
        return np.ascontiguousarray(table.to_numpy())
    return table


def describe_columns(table: pd.DataFrame) -> tuple[Column, ...]:
    """Describe the columns of a table as a manifest does."""
    found: list[Column] = []
    for name, values in table.items():
        named, missing = str(name), bool(values.isna().any())
        if named == "text":
            column: Column = TextColumn(name=named, missing=False, seen=None)
        elif values.dtype.kind == "f":
            column = NumberColumn(name=named, missing=missing, unit=None, boolean=False, seen=None)
        else:
            known = tuple(sorted(set(values)))
            column = CategoryColumn(
                name=named, missing=missing, categories=known, unknown=True, seen=None
            )
        found.append(column)
    return tuple(found)
