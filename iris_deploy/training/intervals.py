"""How sure a figure is: intervals of shares, and of whatever can be drawn again and again."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.schema.batch import Floats

_RESAMPLES = 1000
_MOST_DRAWS = 20_000_000
"""Samples that are drawn at most for an interval, a second."""


def draw_samples(n: int) -> NDArray[np.int64]:
    """Draw samples of as many, with replacement, the same ones always.

    Parameters
    ----------
    n : int
        Samples that there are.

    Returns
    -------
    ndarray of int, shape (n_draws, n)
        Positions.
    """
    times = max(min(_RESAMPLES, _MOST_DRAWS // n), 20)
    return np.random.default_rng(0).integers(0, n, (times, n))


def bootstrap_interval(drawn: Floats) -> tuple[float, float] | None:
    """Return the 95% interval of a figure of drawn samples, or None if it is none of any."""
    finite: Any = drawn[np.isfinite(drawn)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, (0.025, 0.975))
    return float(low), float(high)


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share of successes.

    Parameters
    ----------
    correct, total : int
        Successes and trials; at least one trial.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper end, within 0 and 1.

    References
    ----------
    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22, 209-212.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / total
    centre = share + z * z / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)
