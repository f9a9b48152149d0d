"""The tables that families are measured on: as estimators take them, and their columns."""

from typing import Any

import numpy as np
import pandas as pd

from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn, TextColumn


def as_given(table: pd.DataFrame) -> Any:
    """Return a table as an estimator takes it: an array of rows, texts, or a data frame."""
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
            found.append(TextColumn(name=named, missing=False, seen=None))
        elif values.dtype.kind == "f":
            found.append(
                NumberColumn(name=named, missing=missing, unit=None, boolean=False, seen=None)
            )
        else:
            known = tuple(sorted(set(values)))
            found.append(
                CategoryColumn(
                    name=named, missing=missing, categories=known, unknown=True, seen=None
                )
            )
    return tuple(found)
