"""What is told of files that were scored, and of rows that do not fit."""

import msgspec

from iris_deploy.scoring.pieces import BadRow, Source
from iris_deploy.scoring.tally import Counts, Drift, Numbers, Tally
from iris_deploy.scoring.texts import encode


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was scored.

    Parameters
    ----------
    files, rows, bad_rows, outside_values : int
        Files and rows that were read, rows that do not fit, values outside the training range.
    seconds : float
        That it took.
    predictions : dict
        By output: how often each class was predicted, or what is to be said of numbers.
    drift : dict
        By column: how far it has moved from training.
    """

    files: int
    rows: int
    seconds: float
    bad_rows: int
    outside_values: int
    predictions: dict[str, dict[str, int] | Numbers]
    drift: dict[str, Drift]


def build_report(tally: Tally, counts: Counts, *, files: int, seconds: float) -> Report:
    """Put together what was counted."""
    return Report(
        files=files,
        rows=counts.n_rows,
        seconds=seconds,
        bad_rows=counts.n_bad,
        outside_values=counts.n_outside,
        predictions=tally.predictions(counts),
        drift=tally.drift(counts),
    )


def describe_bad(source: Source, before: int, bad: BadRow) -> bytes:
    """Write a bad row as a line of JSON, with what is wrong with it.

    Parameters
    ----------
    source : Source
    before : int
        Rows of the file before the piece in which it is.
    bad : BadRow
    """
    problems = [{"column": each.column, "detail": each.detail} for each in bad.problems]
    row = {"file": source.name, "row": before + bad.row + 1, "problems": problems}
    return encode(row | {"values": bad.values}) + b"\n"
