"""JSON Lines: an instance in every line.

References
----------
jsonlines.org; NDJSON 1.0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from iris_deploy.codec import strict_json
from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import OBJECTS, FieldProblem, JsonLayout
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.schema.problems import Problem

_FEATURES = "features"


@dataclass(frozen=True, slots=True)
class LineLayout:
    """Places in JSON Lines, told by the line.

    Parameters
    ----------
    lines : sequence of int
        Number of the line of each instance, the first is 1.
    inner : JsonLayout
        Of all lines together.
    """

    lines: Sequence[int]
    inner: JsonLayout

    def place(self, problem: Problem, names: Sequence[str]) -> Iterator[FieldProblem]:
        """Say where what a problem is about came; see `Layout`."""
        where = "" if problem.row is None else f"line {self.lines[problem.row]}: "
        for found in self.inner.place(problem, names):
            yield FieldProblem(found.pointer, f"{where}{found.detail}", found.suggestion)


class LinesReader:
    """Read JSON Lines.

    Parameters
    ----------
    reader : InstanceReader
    """

    def __init__(self, reader: InstanceReader) -> None:
        self._reader = reader

    def read(self, body: bytes) -> Rows:
        """Read instances; blank lines are left out.

        Parameters
        ----------
        body : bytes

        Raises
        ------
        MalformedError
            Naming the line that is not strict JSON.
        InstanceError
            If one does not fit the signature.
        """
        lines = body.rstrip().split(b"\n")
        numbers: Sequence[int] = range(1, len(lines) + 1)
        if not all(map(bytes.strip, lines)):
            numbers = [number for number in numbers if lines[number - 1].strip()]
        if not numbers:
            raise MalformedError("the body is empty; expected an instance in every line")
        if _is_object_a_line(body, lines):
            plain = self._reader.read_plain(b"[" + body.strip().replace(b"\n", b",") + b"]")
            if isinstance(plain, Rows) and len(plain.values) == len(lines):
                return Rows(plain.values, LineLayout(numbers, OBJECTS))
        values = []
        for number in numbers:
            try:
                values.append(self._open(strict_json.decode(lines[number - 1])))
            except MalformedError as exc:
                raise MalformedError(f"line {number}: {exc}") from exc
        return self._reader.read_many(values, "", lambda inner: LineLayout(numbers, inner))

    def _open(self, value: Any) -> Any:
        """Take what SageMaker wraps in ``features`` out of it."""
        wrapped = type(value) is dict and value.keys() == {_FEATURES}
        return value[_FEATURES] if wrapped and not self._reader.knows(_FEATURES) else value


def _is_object_a_line(body: bytes, lines: Sequence[bytes]) -> bool:
    """Tell whether every line has just one brace in front and one behind, and there are no others.

    Then no object that all lines together hold can go over the end of a line.
    """
    n_lines = len(lines)
    one_each = body.count(b"{") == body.count(b"}") == n_lines
    no_blank = body.strip().count(b"\n") == n_lines - 1
    return one_each and no_blank and all(line.startswith(b"{") for line in lines)
