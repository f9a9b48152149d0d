"""Rows of floats as the values that estimators were fitted to: arrays, data frames, lists of texts.

What an adapter feeds is made of fields here, as the application made it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.schema.adapter import Coded, Feed, Filled, Flagged, Taken
from iris_deploy.schema.batch import Floats, Text
from iris_deploy.schema.columns import CategoryColumn, Column, TextColumn

Values = NDArray[Any]
"""Of a column: floats, or objects that are text."""

UNKNOWN_TEXT = "\N{REPLACEMENT CHARACTER}"
"""Stands for a category that is not listed: a row does not keep which it was."""


class TableBuilder:
    """Make of rows what the first estimator takes.

    Parameters
    ----------
    fields : sequence of Column
        Of the signature.
    feeds : sequence of Feed
        Of the columns that the estimator takes; none if these are the fields.
    frame : sequence of str or None
        Names of the columns of the data frame that it was fitted to; None for an array.
    knows_none : bool
        Whether a missing text is None, and not NaN.
    takes_texts : bool
        Whether it takes a list of texts.
    takes_records : bool
        Whether it takes a list of dicts, which lack what is missing.
    """

    def __init__(
        self,
        fields: Sequence[Column],
        feeds: Sequence[Feed],
        *,
        frame: Sequence[str] | None,
        knows_none: bool,
        takes_texts: bool,
        takes_records: bool = False,
    ) -> None:
        self._fields = fields
        self._feeds = feeds or [
            Taken(column=field.name, field=field.name, default=None) for field in fields
        ]
        self._place = {field.name: k for k, field in enumerate(fields)}
        self._frame = frame
        self._missing: Any = None if knows_none else np.nan
        self._takes_texts = takes_texts
        self._takes_records = takes_records

    def build(self, rows: Floats) -> Any:
        """Return what the estimator takes.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            Of floats, or of objects where texts are among them.

        Returns
        -------
        ndarray of shape (n_rows, n_columns), DataFrame, ndarray of text, shape (n_rows,), or list
        of dict
        """
        columns = [*self.columns(rows)]
        if self._takes_texts:
            return columns[0]
        if self._takes_records:
            names = [feed.column for feed in self._feeds]
            records = (zip(names, row, strict=True) for row in zip(*columns, strict=True))
            return [{name: v for name, v in of if v is not None and v == v} for of in records]
        if self._frame is not None:
            import pandas as pd

            kept = [pd.Series(column, dtype=column.dtype) for column in columns]  # None as None
            return pd.DataFrame(dict(zip(self._frame, kept, strict=True)))
        return np.stack(columns, axis=1)

    def columns(self, rows: Floats) -> Iterator[Values]:
        """Yield the values of each column that the estimator takes, shape (n_rows,)."""
        for feed in self._feeds:
            if isinstance(feed, Filled):
                yield np.full(len(rows), feed.value)
                continue
            at = self._place[feed.field]
            values = rows[:, at]
            if isinstance(feed, Flagged):
                yield (values == feed.category).astype(np.float64)
            elif isinstance(feed, Coded):
                missing = np.nan if feed.default is None else feed.default
                yield look_up(values, np.array([*feed.codes, missing]), missing=missing)
            else:
                yield self._taken(feed, self._fields[at], values)

    def _taken(self, feed: Taken, field: Column, values: Values) -> Values:
        if isinstance(field, TextColumn):
            texts = [value.text if isinstance(value, Text) else self._missing for value in values]
            return np.array(texts, object)
        if feed.default is not None:
            numbers = values.astype(np.float64)
            values = np.where(np.isnan(numbers), feed.default, numbers)
        if not isinstance(field, CategoryColumn):
            return values.astype(np.float64)
        if field.is_text:
            known = np.array([*field.categories, UNKNOWN_TEXT], object)
            return look_up(values, known, missing=self._missing)
        figures = np.array(field.categories, np.float64)
        return look_up(values, np.array([*figures, figures.max() + 1.0]), missing=np.nan)


def look_up(positions: Values, values: Values, *, missing: Any) -> Values:
    """Return the value at each position; the last is for unknown ones.

    Parameters
    ----------
    positions : ndarray of shape (n_rows,)
        NaN where a value is missing.
    values : ndarray of shape (n_values + 1,)
    missing : object
        Instead of one that is missing.
    """
    numbers = positions.astype(np.float64)
    gaps = np.isnan(numbers)
    found: Values = values[np.where(gaps, -1, numbers).astype(np.int64)]
    found[gaps] = missing
    return found
