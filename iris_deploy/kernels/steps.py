"""What happens to each feature by itself, before a kernel puts them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from iris_deploy.schema.batch import Floats


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on every feature.

    Parameters
    ----------
    operator : {'-', '/', '*', '+', 'clip'}
        What is done to each value.
    operand : ndarray of shape (n_features,), or tuple of float
        The right-hand side for each feature; for 'clip' the lower and upper bound of all.
    """

    operator: Literal["-", "/", "*", "+", "clip"]
    operand: Floats | tuple[float, float]


def change(steps: Sequence[Step], x: Floats, j: int | slice) -> Floats:
    """Apply steps to the column of feature ``j``, or to one row of a slice of them."""
    for step in steps:
        if isinstance(step.operand, tuple):
            low, high = step.operand
            x = np.where(x < low, low, np.where(x > high, high, x))
        else:
            x = _UFUNCS[step.operator](x, step.operand[j])
    return x


_UFUNCS: dict[str, Callable[[Floats, Any], Floats]] = {
    "-": np.subtract,
    "/": np.divide,
    "*": np.multiply,
    "+": np.add,
}
