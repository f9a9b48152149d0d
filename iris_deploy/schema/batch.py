"""What goes through a predictor: rows of plain floats, one or many."""

import numpy as np
from numpy.typing import NDArray

Row = tuple[float, ...]
"""One value for each feature, in the signature's order."""

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
