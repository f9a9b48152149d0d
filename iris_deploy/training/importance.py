"""How much of a bundle's figure hangs on each column: what is lost when its values are shuffled."""

import numpy as np

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats

_MOST_ROWS = 2000
_SHUFFLES = 5

# References: Breiman (2001), Random forests, section 10.


def measure_importance(predictor: Predictor, rows: Floats, y: np.ndarray) -> dict[str, float]:
    """Measure what is lost when one column after the other is shuffled.

    Parameters
    ----------
    predictor : Predictor
    rows : ndarray of shape (n_samples, n_columns)
        Two thousand of them are used at most.
    y : ndarray of shape (n_samples,)
        Positions of classes, or numbers.

    Returns
    -------
    dict of str to float
        By column, the largest first: accuracy that is lost, or mean absolute error that is added.
    """
    rows, y = rows[:_MOST_ROWS], y[:_MOST_ROWS]
    random = np.random.default_rng(0)
    whole = _error(predictor, rows, y)
    lost = {}
    for j, name in enumerate(predictor.signature.names):
        errors = []
        for _ in range(_SHUFFLES):
            shuffled = rows.copy()
            shuffled[:, j] = random.permutation(shuffled[:, j])
            errors.append(_error(predictor, shuffled, y))
        lost[name] = float(np.mean(errors)) - whole
    return dict(sorted(lost.items(), key=lambda item: -item[1]))


def _error(predictor: Predictor, rows: Floats, y: np.ndarray) -> float:
    outcomes = predictor.outcomes(rows)
    if predictor.signature.classes:
        return float(np.mean(outcomes != y))
    return float(np.abs(outcomes - y).mean())
