"""The family of isotonic regression: a curve of one feature that rises, or falls, all along."""

import math

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_array, fitted_floats, read_word
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.calibration import Steps
from iris_deploy.kernels.isotonic import CurveKernel
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output

ISOTONIC = "sklearn.isotonic.IsotonicRegression"


def read_points(record: Fitted) -> Steps:
    """Return the curve of an isotonic regression.

    Raises
    ------
    ArtifactError
        If its points are none, or do not ascend.
    """
    return _curve(*_points(record))


def _curve(x: Floats, y: Floats) -> Steps:
    if len(x) == 1:  # the same everywhere
        x, y = np.array([x[0], x[0] + 1.0 + abs(x[0])]), np.repeat(y, 2)
    return Steps(x, y)


def _points(record: Fitted) -> tuple[Floats, Floats]:
    new = "X_thresholds_" in record.state  # since 0.24
    names = ("X_thresholds_", "y_thresholds_") if new else ("_necessary_X_", "_necessary_y_")
    shape = (fitted_array(record, names[0]).size,)
    x, y = (fitted_floats(record, name, shape) for name in names)
    if not len(x) or not (np.diff(x) > 0).all():
        raise ArtifactError(f"{record.name} has points that do not ascend")
    return x, y


def _isotonic(record: Fitted, features: Features, _o: Output, _: Reading) -> Model:
    """Answer by the curve; beyond its ends as its owner wants it."""
    features.check_width(1, record.name)
    features.check_numbers(record.name)
    features.check_filled(record.name)
    beyond = read_word(record, "out_of_bounds", "nan")
    if beyond not in {"nan", "clip", "raise"}:
        raise ArtifactError(f"{record.name} has out_of_bounds={beyond!r:.40}")
    x, y = _points(record)
    everywhere = beyond == "clip" or len(x) == 1
    low, high = (-math.inf, math.inf) if everywhere else (float(x[0]), float(x[-1]))
    return Model(kernel=CurveKernel(features.transform, _curve(x, y), low, high))


FAMILY = (
    Predicting(
        name=ISOTONIC,
        modules=("sklearn.isotonic",),
        task="regression",
        read=_isotonic,
        cases=(),
        refused="more than one feature",
    ),
)
