"""Products of features: each a product of the degree below, times one more feature."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.code import Names, build_function
from iris_deploy.kernels.mixing import MixRow
from iris_deploy.schema.batch import Floats

Places = NDArray[np.int64]

_MOST_WRITTEN = 1024
"""Products that are written out as code; of more, vectors are quicker."""


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Products of features, by degree.

    Parameters
    ----------
    n_features : int
    degrees : tuple of (ndarray of int, ndarray of int)
        From degree 2 on: of each product the place of another one in the degree below, and the
        feature by which that is multiplied.
    least : int
        The lowest degree that comes out.
    bias : bool
        Whether a 1 comes out first.
    """

    n_features: int
    degrees: tuple[tuple[Places, Places], ...]
    least: int
    bias: bool

    @property
    def width(self) -> int:
        """How many come out."""
        counts = [self.n_features, *(len(below) for below, _ in self.degrees)]
        return int(self.bias) + sum(counts[max(self.least - 1, 0) :])

    @property
    def size(self) -> int:
        """Operations for one row."""
        return 1 + self.n_features + sum(len(below) for below, _ in self.degrees)

    def build_row(self) -> MixRow:
        """Build the function for one row."""
        if self.size > _MOST_WRITTEN:
            return lambda x: self.many(np.array(x)[:, np.newaxis])[:, 0].tolist()
        values = [[f"x{j}" for j in range(self.n_features)]]
        lines = [f"{', '.join(values[0])}, = x"]
        for degree, (below, by) in enumerate(self.degrees, 2):
            names = [f"p{degree}_{k}" for k in range(len(below))]
            for name, place, feature in zip(names, below.tolist(), by.tolist(), strict=True):
                lines.append(f"{name} = {values[-1][place]} * x{feature}")
            values.append(names)
        out = ["1.0"] * self.bias
        for names in values[max(self.least - 1, 0) :]:
            out += names
        row: MixRow = build_function([*lines, f"return ({', '.join(out)},)"], Names())
        return row

    def many(self, features: Floats) -> Floats:
        """Multiply many rows; see `mixing.Mixing`."""
        found = np.empty((self.width, features.shape[1]))
        found[: int(self.bias)] = 1.0
        at, values = int(self.bias), features
        for degree in range(1, len(self.degrees) + 2):
            if degree > 1:
                below, by = self.degrees[degree - 2]
                values = values[below] * features[by]
            if degree >= self.least:
                found[at : at + len(values)] = values
                at += len(values)
        return found


def plan_products(
    n_features: int, most: int, *, once: bool, limit: int
) -> tuple[tuple[Places, Places], ...] | None:
    """Return the degrees of `Products`, in scikit-learn's order; None if there are too many.

    Parameters
    ----------
    n_features, most : int
        Features, and the highest degree.
    once : bool
        Whether a feature is in a product once at most.
    limit : int
        Of products.
    """
    degrees: list[tuple[Any, Any]] = []
    first = np.arange(n_features + 1)  # where the products that begin with each feature begin
    total = n_features
    for _ in range(2, most + 1):
        begin = first[1:] if once else first[:-1]
        counts = first[-1] - begin
        total += int(counts.sum())
        if total > limit:
            return None
        if not counts.sum():
            break
        below = np.concatenate([np.arange(start, first[-1]) for start in begin.tolist()])
        degrees.append((below, np.repeat(np.arange(n_features), counts)))
        first = np.concatenate([[0], np.cumsum(counts)])
    return tuple(degrees)
