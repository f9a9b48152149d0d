"""How far requests have moved from the training samples: the population stability index.

Knows counts in bins and nothing else.
"""

import math
from collections.abc import Sequence

ENOUGH_ROWS = 200
"""Below so many rows empty bins alone make the index large."""

WINDOW_ROWS = 1000
"""After so many rows a worker starts to count anew, so that a shift shows however long it ran."""

_LARGE = 0.1  # the customary limit of "no change", right for large samples only
_Z = 2.5758  # the normal distribution's quantile of 0.995


def stability_index(trained: Sequence[float], served: Sequence[float]) -> float:
    """Compute the population stability index of two histograms over the same bins.

    Parameters
    ----------
    trained, served : sequence of float, length n_bins
        Counts. Half a row is added to each bin, so that an empty one does not make it infinite.

    Returns
    -------
    float
        Sum over the bins of (p - q) ln(p / q); 0 for equal shares.
    """
    n, m = sum(trained) + len(trained) / 2, sum(served) + len(served) / 2
    index = 0.0
    for a, b in zip(trained, served, strict=True):
        p, q = (a + 0.5) / n, (b + 0.5) / m
        index += (q - p) * math.log(q / p)
    return index


def drift_threshold(n_bins: int, n_trained: float, n_served: float) -> float:
    """Compute the index above which drift is likely, and chance is not.

    Without drift the index is distributed about as chi-squared with n_bins - 1 degrees of freedom,
    times (1 / n_trained + 1 / n_served). With a training of a hundred samples the customary 0.1
    would alarm most of the time.

    Parameters
    ----------
    n_bins : int
    n_trained, n_served : float
        Rows in each histogram.

    Returns
    -------
    float
        The larger of 0.1 and the quantile of 0.995.

    References
    ----------
    Wilson and Hilferty (1931), The distribution of chi-square, for the quantile.
    Yurdakul (2018), Statistical properties of population stability index.
    """
    if n_bins < 2 or n_trained <= 0 or n_served <= 0:
        return math.inf
    k = n_bins - 1
    quantile = k * (1 - 2 / (9 * k) + _Z * math.sqrt(2 / (9 * k))) ** 3
    return max(_LARGE, quantile * (1 / n_trained + 1 / n_served))
