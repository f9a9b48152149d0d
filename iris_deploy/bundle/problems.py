"""What is wrong with instances, gathered as far as an answer has use for it.

Whoever sends a million wrong fields gets the first hundred, for the price of these.
"""

from collections.abc import Mapping

from iris_deploy.errors import FieldProblem, SignatureError

MAX_PROBLEMS = 100
"""After so many bad fields nothing is looked at any more."""

LONGEST_NAME = 64
"""Characters of a field's name that are looked at and shown."""

_MOST_COMPARED = 256
"""Pairs of names that are compared for suggestions in one answer, some 20 microseconds each."""


class Problems:
    """What is wrong so far; a hundred are enough, and suggestions cost what they may."""

    def __init__(self) -> None:
        self._found: list[FieldProblem] = []
        self._compared = 0

    def add(self, pointer: str, detail: str, suggestion: str | None = None) -> None:
        """Add one; the last of a hundred ends the reading."""
        self._found.append(FieldProblem(pointer, detail, suggestion))
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
