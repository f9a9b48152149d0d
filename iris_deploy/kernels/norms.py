"""Norms of rows, for what divides by them: one row and many to the same bits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from iris_deploy.kernels.mixing import MixRow
from iris_deploy.schema.batch import Floats

Norm = Literal["l1", "l2", "max"]


@dataclass(frozen=True, slots=True)
class Normalizing:
    """Features divided by the norm of all of them.

    Parameters
    ----------
    width : int
    norm : {'l1', 'l2', 'max'}
    """

    width: int
    norm: Norm

    @property
    def size(self) -> int:
        """Operations for one row."""
        return 3 * self.width

    def build_row(self) -> MixRow:
        """Build the function for one row."""
        return partial(normalize, norm=self.norm)

    def many(self, features: Floats) -> Floats:
        """Divide many rows; see `mixing.Mixing`."""
        return features / row_norms(features, self.norm)


def normalize(row: Sequence[float], norm: Norm) -> Sequence[float]:
    """Divide one row by its norm, unless that is 0."""
    total = 0.0
    for x in row:
        size = x * x if norm == "l2" else abs(x)
        total = max(total, size) if norm == "max" else total + size
    if norm == "l2":
        total = math.sqrt(total)
    total = total or 1.0
    return [x / total for x in row]


def row_norms(features: Floats, norm: Norm) -> Floats:
    """Return the norm of each row, 1 for 0: the bits of `normalize`."""
    total = np.zeros(features.shape[1])
    for x in features:
        size = x * x if norm == "l2" else np.abs(x)
        total = np.maximum(total, size) if norm == "max" else total + size
    if norm == "l2":
        total = np.sqrt(total)
    total[total == 0.0] = 1.0
    return total
