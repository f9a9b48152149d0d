"""What is wrong with values, by row and column, gathered as far as an answer has use for it.

Whoever sends a million wrong fields gets the first hundred, for the price of these. Knows no JSON.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from iris_deploy.errors import IrisDeployError

MAX_PROBLEMS = 100
"""After so many bad fields nothing is looked at any more."""

LONGEST_NAME = 64
"""Characters of a field's name that are looked at and shown."""

_MOST_NAMES = 10
"""Names that an error lists; of more columns, as many and how many there are."""

_MOST_COMPARED = 256
"""Pairs of names that are compared for suggestions in one answer, some 20 microseconds each."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one value, or with a whole row or column.

    Parameters
    ----------
    row : int or None
        Position of the row; None if there is one row only, or for a whole column.
    column : str or None
        Name of the field; None for a whole row.
    detail : str
        What is wrong, expected and got.
    suggestion : str, optional
        The field that was probably meant.
    """

    row: int | None
    column: str | None
    detail: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Return the problem as one line for a person."""
        row = "" if self.row is None else f"row {self.row}"
        where = ", ".join(part for part in (row, self.column) if part)
        return f"{where or 'the row'}: {self.detail}{ask_for(self.suggestion)}"


class SignatureError(IrisDeployError, ValueError):
    """Rows do not fit the signature of the bundle.

    Parameters
    ----------
    problems : sequence of Problem
        Every bad field at once, a hundred at most.
    more : bool
        Whether there may be more that were not looked at.
    """

    def __init__(self, problems: Sequence[Problem], *, more: bool = False) -> None:
        self.problems = tuple(problems)
        self.more = more
        super().__init__(summarize(self.problems, more=more))


class Problems:
    """What is wrong so far; a hundred are enough, and suggestions cost what they may."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._compared = 0

    def add(
        self, row: int | None, column: str | None, detail: str, suggestion: str | None = None
    ) -> None:
        """Add one; the last of a hundred ends the reading."""
        self._found.append(Problem(row, column, detail, suggestion))
        if len(self._found) == MAX_PROBLEMS:
            raise SignatureError(self._found, more=True)

    def check(self) -> None:
        """Raise if there are any."""
        if self._found:
            raise SignatureError(self._found)

    def closest(self, field: str, names: Mapping[str, str]) -> str | None:
        """Return which of some names, by their small letters, a field may have been meant to be.

        After so many comparisons as an error is worth, none is made any more.
        """
        from difflib import get_close_matches  # only errors pay for it

        low = field.lower()
        if low in names:
            return names[low]
        self._compared += len(names)
        if len(field) > LONGEST_NAME or self._compared > _MOST_COMPARED:
            return None
        close = get_close_matches(low, names, n=1)
        return names[close[0]] if close else None


def summarize(problems: Iterable[object], *, more: bool) -> str:
    """Write what is wrong as one line: the only problem, or how many there are and the first."""
    lines = [*map(str, problems)]
    if len(lines) == 1:
        return lines[0]
    least = "at least " if more else ""
    rest = f"; and {len(lines) - 5} more" if len(lines) > 5 else ""
    return f"{least}{len(lines)} problems in the input: {'; '.join(lines[:5])}{rest}"


def list_names(names: Sequence[str]) -> str:
    """List names of columns, not all of them if they are many."""
    more = len(names) - _MOST_NAMES
    shown = ", ".join(name[:LONGEST_NAME] for name in names[:_MOST_NAMES])
    return shown if more <= 0 else f"{shown} and {more} more"


def ask_for(suggestion: str | None) -> str:
    """Ask for the field that was probably meant, behind what is wrong."""
    return f" (did you mean {suggestion!r}?)" if suggestion else ""
