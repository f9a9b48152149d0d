"""What goes through a predictor: rows of plain floats, one or many."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Row = tuple[float, ...]
"""One value for each column, in the signature's order: a number, or the position of a category
(`columns.UNKNOWN` of one that is not listed), a `Text`; NaN where it is missing."""


class Text(float):
    """A text among the floats of a row: as a number it is its length in characters.

    Parameters
    ----------
    text : str
    """

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> "Text":
        """Make one of a text."""
        made = super().__new__(cls, len(text))
        made.text = text
        return made


Floats = NDArray[np.float64]

FEW: Final = 4
"""Rows up to which lists of Python's are quicker than arrays, from the request to the answer."""

Indices = NDArray[np.int32]

Outcomes = NDArray[Any]
"""What is predicted for rows: positions of their classes, or numbers."""
