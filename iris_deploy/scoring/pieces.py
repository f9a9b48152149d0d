"""Pieces of files, as they go to who scores them and come back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from iris_deploy.errors import ScoringError
from iris_deploy.scoring.columns import BadValue, Rows
from iris_deploy.scoring.matching import Match
from iris_deploy.scoring.tally import Counts


class PieceError(ScoringError):
    """A piece cannot be read at all.

    Attributes
    ----------
    row : int
        Position of the row that is wrong, as far as rows can be counted.
    """

    row = 0


@dataclass(frozen=True, slots=True)
class Source:
    """One file, as far as who scores pieces of it has to know it.

    Parameters
    ----------
    name : str
        What it is called in errors.
    suffix : str
        What its pieces are: text as .csv, .tsv or .jsonl, or record batches of Arrow.
    match : Match
    carried : pyarrow.Schema
        Columns that are carried along, as the output has them.
    as_lines : bool
        Whether the text of a row goes to the output as it is, where that can be.
    missing : tuple of str
        Texts of CSV that stand for a missing value.
    partition : dict of str to str or None
        Columns that are not in the file, and the one value of each.
    """

    name: str
    suffix: str
    match: Match
    carried: pa.Schema
    as_lines: bool = False
    missing: tuple[str, ...] = ()
    partition: dict[str, str | None] = field(default_factory=dict)

    def column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """Return a column of some rows of the file, or of its partition."""
        if name in self.partition:
            return pa.repeat(pa.scalar(self.partition[name], pa.string()), batch.num_rows)
        return batch.column(name)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with the pieces of one file.

    Parameters
    ----------
    source : Source
    target : str
        What the output is: .csv, .tsv, .jsonl, .ndjson, or record batches of Arrow.
    details : bool
    on_bad : {'fail', 'skip', 'null'}
    keep_bad : bool
        Whether all bad rows are wanted, with their values.
    """

    source: Source
    target: str
    details: bool
    on_bad: str
    keep_bad: bool


@dataclass(slots=True)
class Read:
    """Rows of a piece, read.

    Parameters
    ----------
    rows : Rows
    bad : list of BadValue
        What is wrong with those that are bad.
    carried : list of pyarrow.Array
        Columns that are carried along.
    lines : list of bytes or None
        The text of each row instead of them, where it goes to the output as it is.
    unread : sequence of int
        Positions of lines that are no records: an output that has them as they are is damaged, too.
    """

    rows: Rows
    bad: list[BadValue]
    carried: Sequence[pa.Array] = ()
    lines: list[bytes] | None = None
    unread: Sequence[int] = ()


@dataclass(slots=True)
class BadRow:
    """A row that does not fit.

    Parameters
    ----------
    row : int
        Position in its piece.
    problems : list of BadValue
    values : dict of str to object
        What was carried along of it.
    """

    row: int
    problems: list[BadValue]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Scored:
    """A piece that was scored.

    Parameters
    ----------
    data : bytes or pyarrow.RecordBatch
        What goes to the output.
    bad : list of BadRow
        All of them, or a hundred, as was asked for.
    counts : Counts
    """

    data: Any
    bad: list[BadRow]
    counts: Counts
