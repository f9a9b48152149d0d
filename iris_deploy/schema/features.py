"""One input column: its name, its unit, and what training saw of it."""

import msgspec

LARGEST = 1e100
"""Largest value that is taken, either sign: far beyond any measurement, far below an overflow."""


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One input column and what it looked like in training.

    Parameters
    ----------
    name : str
        Name in requests.
    unit : str or None
        Unit of every figure below; None for a plain number.
    minimum, maximum, mean : float
        Over the training samples.
    bin_edges : tuple of float
        Inner deciles of the training samples, ascending, without repetition.
    bin_counts : tuple of int
        Training samples below, between and above the edges; one more than there are edges.
    """

    name: str
    unit: str | None
    minimum: float
    maximum: float
    mean: float
    bin_edges: tuple[float, ...]
    bin_counts: tuple[int, ...]

    def warning(self, value: float) -> str | None:
        """Say that a value lies outside the training range, or return None."""
        if self.minimum <= value <= self.maximum:
            return None
        unit = f" {self.unit}" if self.unit else ""
        side = "below" if value < self.minimum else "above"
        return (
            f"{self.name} {value!r} is {side} the training range "
            f"{self.minimum!r} to {self.maximum!r}{unit}"
        )
