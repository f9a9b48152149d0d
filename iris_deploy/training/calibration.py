"""Calibration: whether a class that is predicted with 80 % is right in 80 of a hundred cases."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.estimators.predictions import Predictions

_BINS = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Predictions that are about as sure.

    Parameters
    ----------
    sure, right : float
        Mean probability of the predicted class, and the share that is right.
    share : float
        Of all predictions.
    """

    sure: float
    right: float
    share: float


def calibrate(predicted: Predictions, y: NDArray[Any]) -> list[CalibrationBin]:
    """Sort predictions by the probability of the predicted class, into ten bins less empty ones.

    Parameters
    ----------
    predicted : Predictions
        With probabilities as scores.
    y : ndarray of int, shape (n_samples,)
        Positions of the true classes.
    """
    sure, right = predicted.scores.max(axis=1), predicted.outcomes == y
    edges = np.linspace(1 / predicted.scores.shape[1], 1, _BINS + 1)
    place = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, _BINS - 1)
    return [
        CalibrationBin(float(sure[own].mean()), float(right[own].mean()), float(own.mean()))
        for own in (place == k for k in range(_BINS))
        if own.any()
    ]


def calibration_error(bins: list[CalibrationBin]) -> float:
    """Return the expected calibration error: how far the two are from one another, on average.

    References
    ----------
    Naeini, Cooper, Hauskrecht: Obtaining well calibrated probabilities using Bayesian binning. AAAI
    2015.
    """
    return sum(abs(each.sure - each.right) * each.share for each in bins)
