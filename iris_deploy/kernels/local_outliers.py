"""How much sparser samples are around a row than around its neighbours: local outlier factors.

Knows numbers only.

References
----------
Breunig, Kriegel, Ng and Sander (2000): LOF: Identifying Density-Based Local Outliers.
"""

from dataclasses import dataclass

import numpy as np

from iris_deploy.kernels.distances import Positions
from iris_deploy.kernels.neighbors import NeighborKernel
from iris_deploy.schema.batch import Floats

_LEAST = 1e-10
"""Added to mean distances, so that many samples at one place have a density."""


@dataclass(frozen=True, eq=False)
class LocalOutlierKernel(NeighborKernel):
    """A decision value: below zero for what is in a sparser place than its neighbours.

    Parameters
    ----------
    transform, samples, n_scores, k, metric, by_distance, tree, rule
        See `NeighborKernel`.
    answers : ndarray of int, shape (n_samples,)
        Which of the following figures each sample has.
    reaches : ndarray of shape (n_figures,)
        How far the last neighbour of a sample is.
    densities : ndarray of shape (n_figures,)
        The inverse of the mean distance around a sample.
    offset : float
        Of the decision value.
    """

    reaches: Floats
    densities: Floats
    offset: float

    def _weigh(self, distances: Floats, columns: Positions) -> Floats:
        """Return the scores of rows from their neighbours; see `NeighborKernel`."""
        kinds = self.answers[columns].astype(np.int64)
        far = np.sqrt(distances) if self.metric == "euclidean" else distances
        reached = np.maximum(far, self.reaches[kinds])
        density = 1.0 / (reached.sum(axis=1) / self.k + _LEAST)
        ratios = self.densities[kinds] / density[:, np.newaxis]
        score: Floats = -(ratios.sum(axis=1) / self.k) - self.offset
        return score[np.newaxis]
