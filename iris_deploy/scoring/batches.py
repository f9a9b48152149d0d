"""Record batches of Arrow to rows: Parquet, streams of Arrow, partitions of clusters."""

import pyarrow as pa
import pyarrow.types as t

from iris_deploy.errors import ScoringError
from iris_deploy.schema.problems import summarize
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.columns import RowReader, takes_type
from iris_deploy.scoring.csv_blocks import DELIMITERS
from iris_deploy.scoring.matching import Match
from iris_deploy.scoring.pieces import PieceError, Read, Source
from iris_deploy.scoring.texts import write_csv


def check_types(file: str, schema: pa.Schema, match: Match, signature: Signature) -> None:
    """Refuse columns whose types have no values of theirs.

    Raises
    ------
    ScoringError
        Naming all of them at once.
    """
    wrong = [
        f"{column.name} is {schema.field(at).type}; expected {column.expected}"
        for at, column in zip(match.fields, signature.columns, strict=True)
        if at is not None and not takes_type(column, schema.field(at).type)
    ]
    if wrong:
        raise ScoringError(
            f"{file}: {summarize(wrong, more=False)}",
            hint="write them anew, as values of such types",
        )


def check_carried(file: str, carried: pa.Schema, target: str) -> None:
    """Refuse columns that cannot be written: CSV has no values within values.

    Raises
    ------
    ScoringError
        Naming all of them at once.
    """
    if target not in DELIMITERS:
        return
    wrong = [f"{field.name} is {field.type}" for field in carried if not _is_text(field)]
    if wrong:
        raise ScoringError(
            f"{file}: {summarize(wrong, more=False)}; text has no such values",
            hint="write Parquet, or leave the column out with `keep`",
        )


def _is_text(field: pa.Field) -> bool:
    """Tell whether values of a column can be written as CSV."""
    kind = field.type.value_type if t.is_dictionary(field.type) else field.type
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_fixed_size_binary(kind):
        return False
    try:
        write_csv(pa.RecordBatch.from_pylist([], pa.schema([field])), ",")
    except (pa.ArrowException, PieceError):
        return False
    return True


class Batches:
    """Read record batches of one file.

    Parameters
    ----------
    signature : Signature
    source : Source
    """

    def __init__(self, signature: Signature, source: Source) -> None:
        self._source = source
        self._reader = RowReader(signature, textual=False)

    def read(self, batch: pa.RecordBatch) -> Read:
        """Read rows."""
        source, match = self._source, self._source.match
        arrays = [
            None if at is None else source.column(batch, match.names[at]) for at in match.fields
        ]
        rows = self._reader.read(arrays, batch.num_rows)
        bad = [*self._reader.explain(arrays, rows)] if rows.bad.any() else []
        return Read(rows, bad, [source.column(batch, match.names[at]) for at in match.kept])
