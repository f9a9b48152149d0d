"""One input column: its kind, its unit, and what training saw of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

LARGEST = 1e100
"""Largest value that is taken, either sign: far beyond any measurement, far below an overflow."""

UNKNOWN = -1.0
"""Position of a category that the column does not list."""

MAX_CATEGORIES = 100_000
"""Of one column; each is looked up by its name when an instance is read."""

SHOWN = 10
"""Categories that a message lists."""


class NumbersSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What training saw of a column of numbers.

    Parameters
    ----------
    n_missing : int
        Samples without a value.
    minimum, maximum, mean : float
        Over the samples that have a value; in the column's unit.
    bin_edges : tuple of float
        Inner deciles of the samples, ascending, without repetition.
    bin_counts : tuple of int
        Samples below, between and above the edges; one more than there are edges.
    """

    n_missing: int
    minimum: float
    maximum: float
    mean: float
    bin_edges: tuple[float, ...]
    bin_counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.bin_counts) != len(self.bin_edges) + 1:
            raise ValueError("expected a count for each bin, one more than there are edges")


class CategoriesSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What training saw of a column of categories.

    Parameters
    ----------
    n_missing : int
        Samples without a value.
    counts : tuple of int
        Samples of the first categories, a hundred at most.
    n_rest : int
        Samples of the others.
    """

    n_missing: int
    counts: tuple[int, ...]
    n_rest: int


class NumberColumn(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="number",
):
    """A column of numbers, and what it looked like in training.

    Parameters
    ----------
    name : str
        Name in requests.
    missing : bool
        Whether a value may be missing.
    unit : str or None
        None for a plain number.
    boolean : bool
        Whether true and false are taken, for 1 and 0.
    seen : NumbersSeen or None
        None where nobody knows.
    """

    name: str
    missing: bool
    unit: str | None
    boolean: bool
    seen: NumbersSeen | None

    @property
    def expected(self) -> str:
        """Say what a value has to be."""
        return f"a number{f' ({self.unit})' if self.unit else ''}"

    def warning(self, value: float) -> str | None:
        """Say that a value lies outside the training range, or return None."""
        seen = self.seen
        if seen is None:
            return None
        if value != value:
            return _gap(self.name, seen)
        if seen.minimum <= value <= seen.maximum:
            return None
        unit = f" {self.unit}" if self.unit else ""
        side = "below" if value < seen.minimum else "above"
        return (
            f"{self.name} {value!r} is {side} the training range "
            f"{seen.minimum!r} to {seen.maximum!r}{unit}"
        )


class CategoryColumn(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="category",
):
    """A column of categories, and how often training saw each.

    Parameters
    ----------
    name : str
        Name in requests.
    missing : bool
        Whether a value may be missing.
    categories : tuple of str or of float
        All that are known, the commonest first if that is known. A row holds positions in it.
    unknown : bool
        Whether a category that is not listed is taken: the encoder then does what it was fitted to.
    seen : CategoriesSeen or None
        None where nobody knows.
    """

    name: str
    missing: bool
    categories: tuple[str | float, ...]
    unknown: bool
    seen: CategoriesSeen | None

    def __post_init__(self) -> None:
        if len(set(map(type, self.categories))) > 1:
            raise ValueError(f"{self.name} lists text and numbers")
        if len(set(self.categories)) < len(self.categories):
            raise ValueError(f"a category of {self.name} is listed twice")
        if not 0 < len(self.categories) <= MAX_CATEGORIES:
            raise ValueError(f"{self.name} lists none, or more than {MAX_CATEGORIES} categories")
        if self.seen and len(self.seen.counts) > len(self.categories):
            raise ValueError(f"{self.name} counts more categories than it lists")

    @property
    def is_text(self) -> bool:
        """Whether the categories are text, not numbers."""
        return type(self.categories[0]) is str

    @property
    def expected(self) -> str:
        """Say what a value has to be."""
        return f"one of {list_some(self.categories)}"

    def warning(self, value: float) -> str | None:
        """Say that a value is a category that training did not see, or return None."""
        if value != value:
            return _gap(self.name, self.seen)
        return f"{self.name} is a category that training did not see" if value < 0 else None


class TextColumn(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="text",
):
    """A column of texts.

    Parameters
    ----------
    name : str
        Name in requests.
    missing : bool
        Whether a value may be missing.
    seen : NumbersSeen or None
        Of their lengths, in characters; None where nobody knows.
    """

    name: str
    missing: bool
    seen: NumbersSeen | None

    @property
    def expected(self) -> str:
        """Say what a value has to be."""
        return "a text"

    def warning(self, value: float) -> str | None:
        """Say that a text is longer than any that training saw, or return None."""
        if value != value:
            return _gap(self.name, self.seen)
        if self.seen is None or value <= self.seen.maximum:
            return None
        return (
            f"{self.name} has {int(value):,} characters; in training it had "
            f"{int(self.seen.maximum):,} at most"
        )


Column = NumberColumn | CategoryColumn | TextColumn


def _gap(name: str, seen: NumbersSeen | CategoriesSeen | None) -> str | None:
    """Say that a value is missing where training had none missing, or return None."""
    known = seen is not None and not seen.n_missing
    return f"{name} is missing, as it never was in training" if known else None


def list_some(values: Sequence[Any]) -> str:
    """List values as JSON, the first ten of many."""
    shown = ", ".join(map(_show, values[:SHOWN]))
    more = len(values) - SHOWN
    return shown if more <= 0 else f"{shown} and {more} more"


def _show(value: Any) -> str:
    whole = type(value) is float and value.is_integer()
    return msgspec.json.encode(int(value) if whole else value).decode()[:64]


def widen(column: Column, *, missing: bool, unknown: bool) -> Column:
    """Return a column that may also be missing, or hold categories that are not known."""
    wider = msgspec.structs.replace(column, missing=column.missing or missing)
    if isinstance(wider, CategoryColumn):
        wider = msgspec.structs.replace(wider, unknown=unknown)
    return wider
