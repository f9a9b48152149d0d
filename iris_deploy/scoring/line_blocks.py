"""Blocks of JSON Lines to rows: an object in every line, read by what reads requests."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from iris_deploy.codec import strict_json
from iris_deploy.codec.json_lines import LinesReader
from iris_deploy.codec.pointers import InstanceError
from iris_deploy.codec.readers import Readers
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.values import describe_value
from iris_deploy.schema.encoding import MISSING
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.columns import BadValue, Rows
from iris_deploy.scoring.pieces import PieceError, Read, Source

LINES: Final = (".jsonl", ".ndjson")


def explain_line(wrong: MalformedError) -> str:
    """Say what is wrong with a line, which is no body of a request and has no lines of its own."""
    return str(wrong).replace("the body", "the line").replace(" at line 1, column", " at column")


class LineBlocks:
    """Read blocks of one file.

    Parameters
    ----------
    signature : Signature
    source : Source
    """

    def __init__(self, signature: Signature, source: Source) -> None:
        self._source = source
        self._as_lines = source.as_lines
        reader = Readers(signature).json
        self._values = reader.values
        self._lines = LinesReader(reader)
        self._known = {*signature.names, *signature.aliases}
        self._n_columns = len(signature.columns)
        self._kind: Any = object if signature.has_text else np.float64
        self._is_exact = self._known.issuperset(source.match.names) and not source.partition

    def read(self, block: bytes) -> Read:
        """Read rows.

        Raises
        ------
        ScoringError
            If a column that is carried along changes its type.
        """
        lines = [line.rstrip(b"\r") for line in block.split(b"\n") if line.strip()]
        if self._as_lines and self._is_exact:
            try:
                values = self._lines.read(b"\n".join(lines)).values
            except (MalformedError, InstanceError):
                pass  # something in it is wrong: it is told line by line
            else:
                read = np.empty((len(values), self._n_columns), self._kind)
                read[:] = values
                return Read(Rows(read, np.zeros(len(lines), bool)), [], lines=lines)
        return self._read_each(lines)

    def _read_each(self, lines: Sequence[bytes]) -> Read:
        rows = Rows(
            np.full((len(lines), self._n_columns), MISSING, self._kind), np.zeros(len(lines), bool)
        )
        bad: list[BadValue] = []
        objects: list[dict[str, Any] | None] = []
        for position, line in enumerate(lines):
            value, problems = self._read_one(position, line, rows)
            objects.append(value)
            if problems:
                rows.bad[position] = True
                bad += problems
        if self._as_lines:
            unread = [position for position, value in enumerate(objects) if value is None]
            return Read(rows, bad, lines=list(lines), unread=unread)
        return Read(rows, bad, [*self._carry([value or {} for value in objects])])

    def _read_one(
        self, position: int, line: bytes, rows: Rows
    ) -> tuple[dict[str, Any] | None, list[BadValue]]:
        try:
            value = strict_json.decode(line)
        except MalformedError as exc:
            return None, [BadValue(position, None, explain_line(exc))]
        if type(value) is not dict:
            detail = f"expected an object; got {describe_value(value)}"
            return None, [BadValue(position, None, detail)]
        members: dict[str, Any] = self._source.partition | value
        known = {name: members[name] for name in members if name in self._known}
        try:
            rows.values[position] = self._values.row(known)
        except SignatureError as exc:
            return members, [BadValue(position, p.column, p.detail) for p in exc.problems]
        return members, []

    def _carry(self, objects: Sequence[dict[str, Any]]) -> Any:
        for field in self._source.carried:
            try:
                yield pa.array([each.get(field.name) for each in objects], field.type)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as exc:
                raise PieceError(
                    f"or one behind it changes {field.name}, which was {field.type} so far: "
                    f"{str(exc)[:120]}",
                    hint="write JSON Lines, or leave it out with `keep`",
                ) from exc
