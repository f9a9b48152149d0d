"""What a member of real adaptive boosting (SAMME.R) adds for each class.

References
----------
Zhu, Zou, Rosset and Hastie (2009): Multi-class AdaBoost. Statistics and Its Interface 2.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from iris_deploy.kernels.elementary import log

_LEAST = 2.0**-52
"""Probabilities below are taken for this, so that they have a logarithm."""


def log_shares(shares: Sequence[Any], xp: Any) -> list[Any]:
    """Return (K - 1) (log p_k - mean of log p), for each of K classes.

    Parameters
    ----------
    shares : sequence of float or of ndarray of shape (n_rows,)
        A probability p_k for each class.
    xp : FloatMath or ColumnMath
        For what the entries are.
    """
    n_classes = len(shares)
    logarithms = [log(xp.where(share < _LEAST, _LEAST, share), xp) for share in shares]
    mean = (1.0 / n_classes) * reduce(add, logarithms)
    return [(n_classes - 1.0) * (logarithm - mean) for logarithm in logarithms]
