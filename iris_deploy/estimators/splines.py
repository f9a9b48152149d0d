"""The family of those that make curves of features."""

import numpy as np

from iris_deploy.dumps.records import Fitted, read_each_once
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_floats, read_flag, read_list, read_word
from iris_deploy.estimators.family import Part, Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.splines import Splines
from iris_deploy.schema.batch import Floats

MAX_DEGREE = 20
MAX_SPLINES = 1 << 16
"""Of all features together."""


def _splines(record: Fitted, features: Features, _: Reading) -> Features:
    """Write the B-splines of each feature, of which the last may be left out."""
    features.check_numbers(record.name)
    features.check_filled(record.name)
    extrapolation = read_word(record, "extrapolation", "constant")
    if extrapolation != "constant":
        raise ArtifactError(
            f"{record.name} has extrapolation={extrapolation!r:.40}; expected 'constant'"
        )
    degree = record.state.get("degree", 3)
    if type(degree) is not int or not 1 <= degree <= MAX_DEGREE:
        raise ArtifactError(f"{record.name} has a degree that is not from 1 to {MAX_DEGREE}")
    curves = read_list(record, "bsplines_", features.width)
    n_splines = _knots(_told(curves[0])).size - degree - 1 if curves else 0
    if not degree < n_splines <= MAX_SPLINES // max(features.width, 1):
        raise ArtifactError(
            f"{record.name} has {n_splines} splines of each feature; expected more than {degree}, "
            f"and {MAX_SPLINES} at most of all together"
        )
    knots = read_each_once(curves, lambda curve: _read_curve(record, curve, degree, n_splines))
    made = Splines(np.array(knots), degree)
    mixed = features.mixed(made)
    if read_flag(record, "include_bias", default=True):
        return mixed
    return mixed.pick(np.flatnonzero((np.arange(made.width) + 1) % n_splines))


def _told(curve: object) -> dict[str, object]:
    """Return what a curve says of itself; since SciPy 1.18 another says it for it."""
    if not isinstance(curve, Fitted) or curve.name != "scipy.interpolate.BSpline":
        return {}
    match curve.unnamed:
        case tuple((Fitted(name="scipy.interpolate._BSpline", state=told), _)):
            return told
    return curve.state


def _knots(curve: dict[str, object]) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Return the knots of a curve, whatever they are; newer SciPys hide them."""
    found = curve.get("_t", curve.get("t"))
    return found if isinstance(found, np.ndarray) else np.zeros(0)


def _read_curve(record: Fitted, curve: object, degree: int, n_splines: int) -> Floats:
    """Return the knots of one feature.

    Raises
    ------
    ArtifactError
        If it is no B-spline of which each coefficient is that of one curve alone.
    """
    told = _told(curve)
    if not told:
        raise ArtifactError(f"{record.name} has bsplines_ that are none")
    own = Fitted(record.name, {"knots": _knots(told)})
    knots = fitted_floats(own, "knots", (n_splines + degree + 1,))
    if (np.diff(knots) < 0).any():
        raise ArtifactError(f"{record.name} has knots that do not ascend")
    own = Fitted(record.name, {"coefficients": told.get("_c", told.get("c"))})
    coefficients = fitted_floats(own, "coefficients", (n_splines, n_splines))
    own_degree = told.get("k")
    is_of_degree = type(own_degree) is int and own_degree == degree
    if not is_of_degree or not np.array_equal(coefficients, np.eye(n_splines)):
        raise ArtifactError(f"{record.name} has bsplines_ of another degree, or mixed curves")
    return knots


FAMILY = (
    Transformer(
        name="sklearn.preprocessing.SplineTransformer",
        modules=("sklearn.preprocessing._polynomial",),
        read=_splines,
        since="1.0",
        refused="extrapolation other than 'constant', degree=0 and degrees above 20",
        cases=(
            {},
            {"n_knots": 4, "degree": 2, "knots": "quantile", "include_bias": False},
            {"degree": 1},
        ),
    ),
    Part(name="scipy.interpolate.BSpline", modules=("scipy.interpolate._bsplines",)),
    Part(name="scipy.interpolate._BSpline", modules=("scipy.interpolate._bsplines",)),
    Part(
        name="scipy.asarray",
        modules=(
            "scipy._lib.array_api_compat.numpy._aliases",
            "scipy._external.array_api_compat.numpy._aliases",
        ),
    ),
)
