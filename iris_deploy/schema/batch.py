"""What goes through a predictor: rows of plain floats, one or many."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = tuple[float, ...]
"""One value for each column, in the signature's order: a number, or the position of a category
(`columns.UNKNOWN` of one that is not listed); NaN where it is missing."""

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]

Outcomes = NDArray[Any]
"""What is predicted for rows: positions of their classes, or numbers."""
