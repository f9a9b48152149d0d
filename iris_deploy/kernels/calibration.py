"""Scores of a classifier turned into probabilities by curves that were fitted to other samples."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import Any

import numpy as np

from iris_deploy.kernels.elementary import FloatMath, logistic
from iris_deploy.kernels.links import Figures, Link, scores_of
from iris_deploy.schema.batch import Floats


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """A logistic curve (Platt 1999).

    Parameters
    ----------
    slope, offset : float
    """

    slope: float
    offset: float

    def of(self, score: Any, xp: Any) -> Any:
        """Return the probability for a score."""
        return logistic(-(self.slope * score + self.offset), xp)


@dataclass(frozen=True, eq=False)
class Steps:
    """A curve that rises along straight lines: isotonic regression.

    Parameters
    ----------
    x, y : ndarray of shape (n_points,)
        Points, x ascending and each once.
    """

    x: Floats
    y: Floats

    def of(self, score: Any, xp: Any) -> Any:
        """Return the probability for a score; beyond the points that of the nearest."""
        last = len(self.x) - 1
        if xp is FloatMath:
            x, y = self._points
            at = bisect_right(x, score) - 1
            if score != score:
                return score
            if not 0 <= at < last:
                return y[0] if at < 0 else y[last]
            return (y[at + 1] - y[at]) / (x[at + 1] - x[at]) * (score - x[at]) + y[at]
        places = np.minimum(np.searchsorted(self.x, score, side="right") - 1, last - 1)
        return np.where(places < 0, self.y[0], self._between(np.maximum(places, 0), score))

    @cached_property
    def _points(self) -> tuple[list[float], list[float]]:
        return self.x.tolist(), self.y.tolist()

    def _between(self, at: Any, score: Any) -> Any:
        low, high = self.x[at], self.x[at + 1]
        slope = (self.y[at + 1] - self.y[at]) / (high - low)
        found = slope * (np.minimum(score, self.x[-1]) - low) + self.y[at]
        return np.where(score >= self.x[-1], self.y[-1], found)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What is made of the scores of a classifier.

    Parameters
    ----------
    link : Link, Figures or None
        What makes figures of scores; None if they are the figures.
    curves : tuple of Sigmoid or Steps
        One a class; one for two classes.
    """

    link: Link | Figures | None
    curves: tuple[Sigmoid | Steps, ...]

    @property
    def are_probabilities(self) -> bool:
        """Whether the scores are: always."""
        return True

    def scores(self, decision: Sequence[Any], xp: Any) -> list[Any]:
        """Return one probability a class."""
        figures = scores_of(decision, self.link, xp)
        if len(self.curves) == 1:
            share = _fair(self.curves[0].of(figures[-1], xp), xp)
            return [_fair(1.0 - share, xp), share]
        shares = [c.of(figure, xp) for c, figure in zip(self.curves, figures, strict=True)]
        total = reduce(add, shares)
        none = total == 0.0
        total = xp.where(none, 1.0, total)
        return [_fair(xp.where(none, 1.0 / len(shares), s / total), xp) for s in shares]


def _fair(share: Any, xp: Any) -> Any:
    """Return 1 for what is above it by rounding."""
    return xp.where(share > 1.0, xp.where(share <= 1.0 + 1e-5, 1.0, share), share)
