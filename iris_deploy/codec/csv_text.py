"""CSV to rows, with a header or in the order of the columns.

References
----------
RFC 4180; RFC 7111 for the places that errors name.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from iris_deploy.codec.plain import Rows, build_reader
from iris_deploy.codec.pointers import FieldProblem, locate
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.texts import read_texts, text_readers
from iris_deploy.codec.values import ValueReader
from iris_deploy.schema.problems import LONGEST_NAME, Problem, SignatureError
from iris_deploy.schema.signature import Signature

Header = Literal["present", "absent"]
"""Whether the first line names the columns; RFC 4180 has the words."""

_LINE_END = re.compile("\r\n|\r|\n")
_QUOTED = re.compile('"[^"]*+"')
_BYTE_ORDER_MARK = "\ufeff"
_NOT_NUMBERS = re.compile(rb"[^0-9+.eE\n,-]")


class Table(NamedTuple):
    """What a CSV text holds.

    Parameters
    ----------
    header : sequence of str or None
        Names of the columns as they came; None if they did not.
    records : sequence of sequence of str
        Fields of each line behind it, if they are wanted.
    rows : Rows
    """

    header: Sequence[str] | None
    records: Sequence[Sequence[str]]
    rows: Rows


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """Places in CSV: ``#cell=3,2`` is the second field of the third record.

    Parameters
    ----------
    header : sequence of str
        Columns in the order of the fields.
    lines : int
        Records before the first instance.
    """

    header: Sequence[str]
    lines: int

    def place(self, problem: Problem, names: Sequence[str]) -> Iterator[FieldProblem]:
        """Say where what a problem is about came; see `Layout`."""
        del names
        column = problem.column
        field = self.header.index(column) + 1 if column in self.header else None
        record = None if problem.row is None else problem.row + self.lines + 1
        cell = (
            f"#cell={record},{field}"
            if record and field
            else f"#row={record}"
            if record
            else f"#col={field}"
            if field
            else "#row=1"
        )
        where = ", ".join(part for part in (record and f"record {record}", column) if part)
        yield FieldProblem(cell, f"{where}: {problem.detail}", problem.suggestion)


class CsvReader:
    """Read CSV.

    Parameters
    ----------
    signature : Signature
    """

    def __init__(self, signature: Signature) -> None:
        self._values = ValueReader(signature)
        self._names = signature.names
        self._readers = text_readers(signature)
        self._plain = build_reader(signature)

    def read(self, body: bytes, header: Header | None = None, *, keep: bool = False) -> Table:
        """Read instances.

        Parameters
        ----------
        body : bytes
        header : {'present', 'absent'}, optional
            Whether the first line names the columns; if left out, it does if it has the name of
            one.
        keep : bool
            Whether the fields are wanted, too.

        Raises
        ------
        MalformedError
            If it is not CSV in UTF-8, or its records are not of one length.
        InstanceError
            If it does not fit the signature.
        """
        rows = None if keep else self._read_numbers(body, header)
        if rows is not None:
            return Table(None, (), rows)
        records = _read_records(body)
        named = any(name in self._readers for name in records[0])
        names = records[0] if header == "present" or (header is None and named) else None
        columns = self._names if names is None else names
        data = records if names is None else records[1:]
        before = len(records) - len(data)
        _check_lengths(data, columns, before)
        if len(set(columns)) < len(columns):
            raise MalformedError("the header of the CSV names a column twice")
        layout = CsvLayout(columns, before)
        fields: Sequence[Sequence[str]] = [*zip(*data, strict=True)] or [()] * len(columns)
        arrays = {
            name: read_texts(each, self._readers.get(name))
            for name, each in zip(columns, fields, strict=True)
        }
        try:
            if not named and names is not None:
                self._values.row(dict.fromkeys(columns))  # says which columns there are
            return Table(names, data, Rows(self._values.columns(arrays), layout))
        except SignatureError as exc:
            raise locate(exc, layout, self._names) from None

    def _read_numbers(self, body: bytes, header: Header | None) -> Rows | None:
        """Read lines of plain numbers; None if they could be something else.

        The names in front of them, if there are any, are those of all columns, in any order.
        """
        text = body.rstrip(b"\r\n")
        if b"\r" in text:
            if text.count(b"\r\n") != text.count(b"\n"):
                return None
            text = text.replace(b"\r\n", b"\n")
        first, _, rest = text.partition(b"\n")
        columns, before = self._names, 0
        if header != "absent" and _NOT_NUMBERS.search(first):
            columns, text, before = first.decode("latin-1").split(","), rest, 1
        if self._plain is None or sorted(columns) != sorted(self._names):
            return None
        if _NOT_NUMBERS.search(text) or (header == "present" and not before):
            return None
        rows = self._plain.read(b"[[" + text.replace(b"\n", b"],[") + b"]]")
        if not isinstance(rows, Rows):
            return None
        values = np.asarray(rows.values)[:, [columns.index(name) for name in self._names]]
        return Rows(values, CsvLayout(columns, before))


def _read_records(body: bytes) -> list[list[str]]:
    try:
        text = body.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as exc:
        raise MalformedError(f"the CSV is not UTF-8: byte {exc.start} is wrong") from exc
    _check_line_ends(text.rstrip("\r\n"))  # who splits at newlines may leave a part of one there
    try:
        records = [*csv.reader(io.StringIO(text, newline=""), strict=True)]
    except csv.Error as exc:
        raise MalformedError(f"the body is not CSV: {exc}") from exc
    while records and not records[-1]:
        records.pop()
    if not records:
        raise MalformedError("the body is empty; expected CSV")
    return records


def _check_line_ends(text: str) -> None:
    ends = {*_LINE_END.findall(_QUOTED.sub("", text) if '"' in text else text)}
    if len(ends) > 1:
        names = " and ".join(sorted(repr(end)[1:-1] for end in ends))
        raise MalformedError(f"lines of the CSV end with {names}; expected the same end of all")


def _check_lengths(records: Sequence[Sequence[str]], columns: Sequence[str], before: int) -> None:
    for at, record in enumerate(records, before + 1):
        if len(record) != len(columns):
            shown = ", ".join(name[:LONGEST_NAME] for name in columns[:10])
            raise MalformedError(
                f"record {at} of the CSV has {len(record)} fields; expected {len(columns)}: "
                f"{shown}{' ...' if len(columns) > 10 else ''}"
            )
