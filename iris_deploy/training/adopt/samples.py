"""Rows to try an imported model on: those of a sample, and some that are drawn at random."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from iris_deploy.errors import DatasetError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats, Text
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn, TextColumn
from iris_deploy.schema.encoding import MISSING
from iris_deploy.schema.problems import SignatureError
from iris_deploy.training.frames import (
    build_frame,
    encode_frame,
    see_categories,
    see_numbers,
    see_texts,
)
from iris_deploy.training.plans import ColumnPlan, kind_of
from iris_deploy.training.sources.files import read_table

if TYPE_CHECKING:
    import pyarrow as pa

_SCALES = (1.0, 10.0, 100.0, 1000.0)
"""Of numbers of which nobody knows how large they are."""

_WORDS = (
    *("the", "a", "of", "to", "I'm", "x_y", "2", "100", "NO", "Yes"),
    *("\u00dcber", "d\u00e9j\u00e0", "na\u00efve", "\u65e5\u672c\u8a9e"),
)
"""In and around the words that a model knows."""

_BETWEEN = [" ", " ", "  ", ", ", ".\n", "-"]

_GAPS = 0.05  # of the values that may be missing


def read_sample(path: Path, columns: Sequence[Column]) -> "pa.Table":
    """Read a sample with some columns.

    Raises
    ------
    DatasetError
        If it has not all of them.
    """
    table = read_table(path, least=1)
    lacking = [column.name for column in columns if column.name not in table.column_names]
    if lacking:
        raise DatasetError(
            f"{path} has no column {lacking[0]}; it has {', '.join(table.column_names[:20])}",
            hint="name the columns as the sample has them, with `columns`",
        )
    return table


def with_texts(columns: Sequence[Column], table: "pa.Table") -> tuple[Column, ...]:
    """Return columns of which those are texts that no encoder knows, and a sample has as texts."""
    import pyarrow.types as t

    def described(column: Column) -> Column:
        kind = table.column(column.name).type
        if isinstance(column, NumberColumn) and (t.is_string(kind) or t.is_large_string(kind)):
            return TextColumn(name=column.name, missing=False, seen=None)
        return column

    return tuple(map(described, columns))


def describe_sample(table: "pa.Table", columns: Sequence[Column]) -> tuple[Column, ...]:
    """Describe columns with what there is to see of them in a sample."""
    import pyarrow.types as t

    frame = build_frame(table, _plans(columns), np.ones(table.num_rows, bool))
    described: list[Column] = []
    for column in columns:
        values = frame[column.name]
        if isinstance(column, TextColumn):
            described.append(msgspec.structs.replace(column, seen=see_texts(values)))
        elif isinstance(column, CategoryColumn):
            seen = see_categories(column.categories, values)
            described.append(msgspec.structs.replace(column, seen=seen))
        else:
            boolean = t.is_boolean(table.column(column.name).type)
            numbers = see_numbers(values.to_numpy())
            described.append(msgspec.structs.replace(column, seen=numbers, boolean=boolean))
    return tuple(described)


def encode_sample(table: "pa.Table", columns: Sequence[Column]) -> Floats:
    """Return the rows of a sample as the predictor takes them; see `frames.encode_frame`."""
    return encode_frame(columns, build_frame(table, _plans(columns), np.ones(table.num_rows, bool)))


def _plans(columns: Sequence[Column]) -> list[ColumnPlan]:
    return [ColumnPlan(name=column.name, kind=kind_of(column)) for column in columns]


def draw_rows(
    predictor: Predictor, n_rows: int, *, words: Sequence[str] = (), seed: int = 0
) -> Floats:
    """Draw rows that a predictor takes: in and around what is known of its columns.

    Parameters
    ----------
    predictor : Predictor
    n_rows : int
    words : sequence of str
        That texts are made of, beside some others.
    seed : int

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        Without those whose values are too large for it.
    """
    rng = np.random.default_rng(seed)
    columns = predictor.signature.columns
    scale = rng.choice(_SCALES, n_rows)
    rows: Any = np.empty((n_rows, len(columns)), object if predictor.signature.has_text else float)
    for line, column in zip(rows.T, columns, strict=True):
        if isinstance(column, CategoryColumn):
            line[:] = rng.integers(len(column.categories), size=n_rows)
        elif isinstance(column, TextColumn):
            line[:] = [Text(_write(rng, [*words, *_WORDS])) for _ in range(n_rows)]
        elif column.boolean:
            line[:] = rng.integers(2, size=n_rows)
        elif column.seen:
            span = (column.seen.maximum - column.seen.minimum) or 1.0
            line[:] = column.seen.minimum + span * rng.uniform(-0.2, 1.2, n_rows)
        else:
            line[:] = np.round(rng.normal(size=n_rows) * scale, 2)
        if column.missing:
            line[rng.random(n_rows) < _GAPS] = MISSING
    drawn: Floats = rows[_taken(predictor, rows)]
    return drawn


def _write(rng: np.random.Generator, words: list[str]) -> str:
    """Write a text of words and signs at random."""
    words = rng.choice(words, int(rng.integers(0, 30))).tolist()
    return "".join(word + str(rng.choice(_BETWEEN)) for word in words)


def _taken(predictor: Predictor, rows: Floats) -> list[int]:
    """Return the positions of the rows that are not too large."""
    kept = []
    for k, row in enumerate(rows.tolist()):
        try:
            predictor.decide(row)
        except SignatureError:
            continue
        kept.append(k)
    return kept


def as_values(columns: Sequence[Column], rows: Floats) -> list[list[Any]]:
    """Return the values of each column as people write them; None for what is missing."""
    listed: list[list[Any]] = []
    for column, line in zip(columns, rows.T.tolist(), strict=True):
        if isinstance(column, CategoryColumn):
            known = column.categories
            listed.append([known[int(v)] if v == v and v >= 0 else None for v in line])
        else:
            listed.append([None if v != v else v.text if isinstance(v, Text) else v for v in line])
    return listed
