"""Features projected on axes: weighted sums of them, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iris_deploy.kernels.mixing import MixRow
from iris_deploy.kernels.sums import weigh_many, weigh_one
from iris_deploy.schema.batch import Floats

_FIGURES = 1 << 15
"""Figures that are worked on at a time: 256 KiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Weighted sums.

    Parameters
    ----------
    weights : ndarray of shape (n_features, n_axes)
    """

    weights: Floats

    @property
    def width(self) -> int:
        """Axes."""
        return int(self.weights.shape[1])

    @property
    def size(self) -> int:
        """Operations for one row."""
        return int(self.weights.size)

    def build_row(self) -> MixRow:
        """Build the function for one row."""
        weights = self.weights

        def project(row: Sequence[float]) -> Sequence[float]:
            with np.errstate(over="ignore", invalid="ignore"):
                found: list[float] = weigh_one(weights, np.array(row)).tolist()
            return found

        return project

    def many(self, features: Floats) -> Floats:
        """Project many rows; see `mixing.Mixing`."""
        projected = np.empty((self.width, features.shape[1]))
        step = max(_FIGURES // self.width, 1)
        for at in range(0, features.shape[1], step):
            part = features[:, at : at + step]
            projected[:, at : at + step] = weigh_many(self.weights, part)
        return projected
