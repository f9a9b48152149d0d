"""In which of several bins a feature is."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.kernels.code import Names
from iris_deploy.schema.batch import Floats, Indices

_RELATIVE, _ABSOLUTE = 1e-5, 1e-8


class Edges:
    """Edges between bins, ascending; one object for all features that share them.

    Parameters
    ----------
    array : ndarray of shape (n_bins - 1,)
    """

    def __init__(self, array: Floats) -> None:
        self.array = array
        self.values: list[float] = array.tolist()  # which are quicker for one value

    @property
    def n_bins(self) -> int:
        """Bins between and beside the edges."""
        return len(self.values) + 1


@dataclass(frozen=True, slots=True)
class Bins:
    """The number of the bin of each feature; an edge belongs to the bin above it.

    Parameters
    ----------
    edges : tuple of Edges
        Of each feature.
    nudged : bool
        Whether values next to below an edge are in the bin above it, too, as scikit-learn had it
        before 1.1.
    """

    edges: tuple[Edges, ...]
    nudged: bool = False

    def pick(self, indices: Indices) -> "Bins":  # noqa: D102
        return Bins(tuple(self.edges[k] for k in indices), self.nudged)

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: D102
        if self.nudged:
            x = _nudged(x)
        if isinstance(k, slice):
            pairs = zip(self.edges[k], x.tolist(), strict=True)
            return np.array([bisect_right(edges.values, value) for edges, value in pairs], float)
        return np.searchsorted(self.edges[k].array, x, side="right").astype(np.float64)

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: D102
        value = f"{names.bind(_nudged)}({x})" if self.nudged else x
        bisect, edges = names.bind(bisect_right), names.bind(self.edges[k].values)
        return f"{x} = float({bisect}({edges}, {value}))"


def _nudged(x: Any) -> Any:
    return x + (_ABSOLUTE + _RELATIVE * abs(x))
