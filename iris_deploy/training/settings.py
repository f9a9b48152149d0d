"""How `train` makes a bundle: defaults and bounds."""

import math
from dataclasses import dataclass

from iris_deploy.errors import expect, expect_between

MOST_PASSES = 10**6
"""Of the talk's perceptron over its data: ten seconds."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How `train` makes a bundle.

    Parameters
    ----------
    dataset : str
        Name in `training.dataset.DATASETS`.
    classifier : str
        Name in `training.classifiers.CLASSIFIERS`.
    test_size : float
        Share of the samples that is held out, between 0 and 1. The talk's 0.3.
    random_state : int
        Seed of the split and of the classifier. The talk's 0.
    max_iter : int or None
        Passes over the data; None for the classifier's own default (40 for the talk's Perceptron).
    eta0 : float or None
        Step size of the Perceptron; None for the talk's 0.1.
    tol : float or None
        Loss improvement below which fitting stops; None for the classifier's own default (for the
        Perceptron: never stop early, as in the talk).
    """

    dataset: str = "iris-uci"
    classifier: str = "perceptron"
    test_size: float = 0.3
    random_state: int = 0
    max_iter: int | None = None
    eta0: float | None = None
    tol: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that no estimator could take."""
        expect(0 < self.test_size < 1, "test_size", "a share between 0 and 1", self.test_size)
        expect(
            0 <= self.random_state < 2**32,
            "random_state",
            "a whole number from 0 to 4294967295",
            self.random_state,
        )
        if self.max_iter is not None:
            expect_between("max_iter", self.max_iter, 1, MOST_PASSES)
        if self.eta0 is not None:
            expect(0 < self.eta0 < math.inf, "eta0", "a number above 0", self.eta0)
        if self.tol is not None:
            expect(0 <= self.tol < math.inf, "tol", "0 or more", self.tol)
