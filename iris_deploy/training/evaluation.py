"""Figures of a predictor on held-out samples, and the gate.

Measures with the very predictor that serves. Prints nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.manifest import ClassFigures, Evaluation, Manifest
from iris_deploy.errors import DatasetError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.training.dataset import Samples, load_dataset, split_dataset


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A bundle's figures and the samples that they come from."""

    evaluation: Evaluation
    samples: Samples


def evaluate_bundle(bundle: Bundle) -> HeldOut:
    """Measure a bundle on the samples that were held out when it was trained.

    Raises
    ------
    DatasetError
        If today's dataset or split is not the recorded one.
    """
    samples = load_held_out(bundle.manifest)
    return HeldOut(evaluate(bundle.predictor, samples.X_test, samples.y_test), samples)


def load_held_out(manifest: Manifest) -> Samples:
    """Load and split the dataset again as the manifest has it, and check that it is the same.

    Raises
    ------
    DatasetError
        If a digest differs.
    """
    training = manifest.training
    dataset = load_dataset(training.dataset)
    split = training.split
    samples = split_dataset(dataset, split.test_size, split.random_state)
    for what, expected, got in (
        (f"the dataset {training.dataset}", training.dataset_digest, dataset.digest()),
        (f"the split of {training.dataset}", split.test_digest, samples.test_digest),
    ):
        if expected != got:
            message = (
                f"{what} is not the one that {manifest.model} version {manifest.version} was "
                f"trained with: expected {expected}, got {got}"
            )
            hint = (
                "train again with this installation, or install "
                f"scikit-learn {manifest.environment.packages.get('scikit-learn', 'as it was')}"
            )
            raise DatasetError(message, hint=hint)
    return samples


def evaluate(predictor: Predictor, X: np.ndarray, y: np.ndarray) -> Evaluation:
    """Measure a predictor on labelled samples.

    Parameters
    ----------
    predictor : Predictor
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
        Positions of the true classes in the signature.

    Returns
    -------
    Evaluation
    """
    classes = predictor.signature.classes
    positions = range(len(classes))
    predicted = predictor.predict(X).indices
    correct, total = int((predicted == y).sum()), len(y)
    precision, recall, f1, support = precision_recall_fscore_support(
        y, predicted, labels=positions, zero_division=0.0
    )
    return Evaluation(
        correct=correct,
        total=total,
        accuracy=correct / total,
        interval=wilson_interval(correct, total),
        classes={
            name: ClassFigures(
                precision=float(precision[k]),
                recall=float(recall[k]),
                f1=float(f1[k]),
                support=int(support[k]),
            )
            for k, name in enumerate(classes)
        },
        confusion_matrix=tuple(
            tuple(row) for row in confusion_matrix(y, predicted, labels=positions).tolist()
        ),
    )


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


def decision_grid(predictor: Predictor, x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    """Predict on a grid of two features.

    Parameters
    ----------
    predictor : Predictor
        Of a bundle with two features.
    x, y : sequence of float
        Values of the first and of the second feature.

    Returns
    -------
    ndarray of int, shape (len(y), len(x))
        Positions of the labels in the signature's classes.
    """
    xx, yy = np.meshgrid(x, y)
    return predictor.predict(np.column_stack([xx.ravel(), yy.ravel()])).indices.reshape(xx.shape)
