"""CSV to rows, with a header or in the order of the columns.

References
----------
RFC 4180; RFC 7111 for the places that errors name.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np

from iris_deploy.codec.frames import find_order
from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import FieldProblem
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.texts import text_readers
from iris_deploy.schema.problems import Problem, list_names

Header = Literal["present", "absent"]
"""Whether the first line names the columns; RFC 4180 has the words."""

_NOT_NUMBERS = re.compile(rb"[^0-9+.eE\n,-]")


class Table(NamedTuple):
    """What a CSV text holds.

    Parameters
    ----------
    header : sequence of str or None
        Names of the columns as they came; None if they did not.
    rows : Rows
    """

    header: Sequence[str] | None
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
        if record and field:
            cell = f"cell={record},{field}"
        elif field:
            cell = f"col={field}"
        else:
            cell = f"row={record or 1}"
        where = ", ".join(part for part in (record and f"record {record}", column) if part)
        yield FieldProblem(f"#{cell}", f"{where}: {problem.detail}", problem.suggestion)


class CsvReader:
    """Read CSV.

    Parameters
    ----------
    reader : InstanceReader
    """

    def __init__(self, reader: InstanceReader) -> None:
        self._reader = reader
        self._names = reader.signature.names
        self._texts = text_readers(reader.signature)

    def read(self, body: bytes, header: Header | None = None, *, named: bool = False) -> Table:
        """Read instances.

        Parameters
        ----------
        body : bytes
        header : {'present', 'absent'}, optional
            Whether the first line names the columns; if left out, it does if it has the name of
            one.
        named : bool
            Whether the header is wanted, too.

        Raises
        ------
        MalformedError
            If it is not CSV in UTF-8, or its records are not of one length.
        InstanceError
            If it does not fit the signature.
        """
        rows = None if named else self._read_numbers(body, header)
        if rows is not None:
            return Table(None, rows)
        _check_line_ends(body.rstrip(b"\r\n"))  # a split at newlines may leave a part of one there
        records = read_records(body)
        first = next(records, None)
        if first is None:
            raise MalformedError("the body is empty; expected CSV")
        is_header = any(name in self._texts for name in first)
        names = first if header == "present" or (header is None and is_header) else None
        columns = self._names if names is None else names
        layout = CsvLayout(columns, 0 if names is None else 1)
        if not all(name in self._texts for name in columns):  # before anything is kept of them
            self._reader.read_columns({name: list[str]() for name in columns}, layout)
        if len(set(columns)) < len(columns):
            raise MalformedError("the header of the CSV names a column twice")
        fields = _gather(records if names is not None else chain((first,), records), columns)
        arrays = {
            name: [*map(self._texts[name], each)]
            for name, each in zip(columns, fields, strict=True)
        }
        return Table(names, self._reader.read_columns(arrays, layout))

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
        order = find_order(columns, self._names)
        if order is None or _NOT_NUMBERS.search(text) or (header == "present" and not before):
            return None
        rows = self._reader.read_plain(b"[[" + text.replace(b"\n", b"],[") + b"]]")
        if not isinstance(rows, Rows):
            return None
        return Rows(np.asarray(rows.values)[:, order], CsvLayout(columns, before))


def read_records(body: bytes) -> Iterator[list[str]]:
    """Read the records of a body, one after another; blank lines are left out.

    Parameters
    ----------
    body : bytes

    Raises
    ------
    MalformedError
        If it is not CSV in UTF-8; some of it when that record's turn comes.
    """
    text = io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="")
    try:
        yield from filter(None, csv.reader(text, strict=True))
    except UnicodeDecodeError as exc:
        raise MalformedError("the CSV is not UTF-8") from exc
    except csv.Error as exc:
        raise MalformedError(f"the body is not CSV: {exc}") from exc


def _gather(records: Iterable[list[str]], columns: Sequence[str]) -> list[list[str]]:
    """Return the fields of each column."""
    fields: list[list[str]] = [[] for _ in columns]
    add = [of.append for of in fields]
    n_columns = len(columns)
    for at, record in enumerate(records, 1):
        if len(record) != n_columns:
            raise MalformedError(
                f"row {at} of the CSV has {len(record)} fields; "
                f"expected {n_columns}: {list_names(columns)}"
            )
        for put, field in zip(add, record, strict=True):
            put(field)
    return fields


def _check_line_ends(body: bytes) -> None:
    """Refuse lines that end differently; what is in quotes is at every other place between them."""
    both = lf = cr = 0
    for part in body.split(b'"')[::2]:
        of_both = part.count(b"\r\n")
        both += of_both
        lf += part.count(b"\n") - of_both
        cr += part.count(b"\r") - of_both
    ends = [name for name, n in ((r"\n", lf), (r"\r", cr), (r"\r\n", both)) if n]
    if len(ends) > 1:
        raise MalformedError(
            f"lines of the CSV end with {' and '.join(ends)}; expected the same end of all"
        )
