"""From scores to the position of a label, as scikit-learn decides."""

import numpy as np

from iris_deploy.schema.batch import Floats, Indices

OVERFLOW = -1
"""Decision on a row whose scores are not finite: none."""


def decide(scores: Floats) -> Indices:
    """Choose the class of many rows from their scores.

    Parameters
    ----------
    scores : ndarray of shape (n_scores, n_rows)
        One for two classes, else one per class.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Position of the class: for one score whether it is above zero, else the first of the
        largest. `OVERFLOW` where a score is not finite.
    """
    top = scores[0]
    if len(scores) == 1:
        index = (top > 0).astype(np.int32)
    else:  # a tenth of the time of np.argmax, which goes across the lines
        index = np.zeros(len(top), np.int32)
        for k in range(1, len(scores)):
            index = np.maximum(index, (scores[k] > top) * np.int32(k))
            top = np.maximum(top, scores[k])
    return np.where(np.isfinite(scores).all(axis=0), index, np.int32(OVERFLOW))
