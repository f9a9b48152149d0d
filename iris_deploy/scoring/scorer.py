"""A piece of a file in, what goes to the output for it out: the work that may be divided.

Knows no files and no processes: it runs wherever the engine puts it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from iris_deploy.errors import ScoringError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.problems import MAX_PROBLEMS, summarize
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.answers import Answerer
from iris_deploy.scoring.arrays import to_arrow
from iris_deploy.scoring.batches import Batches
from iris_deploy.scoring.csv_blocks import DELIMITERS, CsvBlocks
from iris_deploy.scoring.line_blocks import LINES, LineBlocks
from iris_deploy.scoring.pieces import BadRow, Job, Read, Scored, Source
from iris_deploy.scoring.tally import Tally
from iris_deploy.scoring.texts import (
    extend_lines,
    extend_records,
    to_objects,
    write_csv,
    write_lines,
)

if TYPE_CHECKING:
    from iris_deploy.scoring.columns import BadValue


class Scorer:
    """Score pieces of files.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._answerers = {
            details: Answerer(predictor, details=details) for details in (False, True)
        }
        self._tally = Tally(predictor.signature)
        self._reader: tuple[Source | None, Any] = None, None

    @property
    def signature(self) -> Signature:
        """The columns that it takes, and what it answers."""
        return self._predictor.signature

    def added(self, *, details: bool) -> pa.Schema:
        """Return the columns that stand behind those that are carried along."""
        return self._answerers[details].schema

    def score(self, job: Job, data: Any) -> Scored:
        """Score a piece.

        Parameters
        ----------
        job : Job
        data : bytes or pyarrow.RecordBatch

        Raises
        ------
        ScoringError
            If it cannot be read.
        """
        source, reader = self._reader
        if source != job.source:
            reader = self._build_reader(job.source)
            self._reader = job.source, reader  # at once: threads share it
        read: Read = reader.read(data)
        answerer = self._answerers[job.details]
        arrays, outcomes, refused = answerer.answer(read.rows)
        read.bad += refused
        counts = self._tally.count(read.rows, outcomes)
        if read.bad and job.on_bad == "fail":
            return Scored(None, _gather(read, None), counts)
        bad = _gather(read, job.source) if read.bad and job.keep_bad else []
        return Scored(_write(job, read, pa.record_batch(arrays, answerer.schema)), bad, counts)

    def _build_reader(self, source: Source) -> Any:
        signature = self._predictor.signature
        if source.suffix in DELIMITERS:
            return CsvBlocks(signature, source)
        if source.suffix in LINES:
            return LineBlocks(signature, source)
        return Batches(signature, source)


def _write(job: Job, read: Read, added: pa.RecordBatch) -> Any:
    """Put what is carried along and what is added together, as the output has it."""
    skipped = read.rows.bad.any() and job.on_bad == "skip"
    lines, carried = read.lines, read.carried
    delimiter = DELIMITERS.get(job.target)
    if lines is not None and read.unread:
        blank = delimiter.encode() * (len(job.source.carried) - 1) if delimiter else b"{}"
        unread = {*read.unread}
        lines = [blank if at in unread else line for at, line in enumerate(lines)]
    if skipped:
        good = to_arrow(~read.rows.bad)
        added = added.filter(good)
        carried = [values.filter(good) for values in carried]
        if lines is not None:
            lines = [line for line, bad in zip(lines, read.rows.bad, strict=True) if not bad]
    if lines is not None:
        return extend_records(lines, added, delimiter) if delimiter else extend_lines(lines, added)
    schema = pa.schema([*job.source.carried, *added.schema])
    batch = pa.record_batch([*carried, *added.columns], schema)
    if delimiter:
        return write_csv(batch, delimiter)
    return write_lines(batch) if job.target in LINES else batch


def _gather(read: Read, source: Source | None) -> list[BadRow]:
    """Return the bad rows of a piece: all with their values, or the first without."""
    rows: dict[int, list[BadValue]] = {}
    for bad in read.bad:
        rows.setdefault(bad.row, []).append(bad)
    found = [BadRow(row, problems) for row, problems in sorted(rows.items())]
    if source is None:
        return found[:MAX_PROBLEMS]
    for each in found:
        each.values = _values(read, source, each.row)
    return found


def _values(read: Read, source: Source, row: int) -> dict[str, Any]:
    if read.lines is not None:
        return {"line": read.lines[row].decode("utf-8", "replace")}
    cells = [values.slice(row, 1) for values in read.carried]
    objects = to_objects(pa.record_batch(cells, source.carried))
    return objects[0] if objects else {}  # where no column is carried along


def refuse_rows(source: Source, before: int, bad: Sequence[BadRow]) -> ScoringError:
    """Return the error about rows of a file that do not fit."""
    told = [
        f"row {before + each.row + 1}{f', {p.column}' if p.column else ''}: {p.detail}"
        for each in bad
        for p in each.problems
    ]
    return ScoringError(
        f"{source.name}: {summarize(told[:MAX_PROBLEMS], more=len(told) >= MAX_PROBLEMS)}",
        hint="mend them, or leave such rows out with `on_bad` skip",
    )
