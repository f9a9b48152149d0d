"""The family of scalers: what each does to a feature."""

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_divisor, fitted_floats, read_flag
from iris_deploy.estimators.family import Transformer
from iris_deploy.kernels.steps import Step


def _standard_scaler(scaler: Fitted, n_features: int) -> list[Step]:
    """Write (x - mean_) / scale_, either part of which may be switched off."""
    steps = []
    if read_flag(scaler, "with_mean", default=True):
        steps.append(Step("-", fitted_floats(scaler, "mean_", (n_features,))))
    if read_flag(scaler, "with_std", default=True):
        steps.append(Step("/", fitted_divisor(scaler, "scale_", (n_features,))))
    return steps


def _min_max_scaler(scaler: Fitted, n_features: int) -> list[Step]:
    """Write x * scale_ + min_, clipped to the range if the scaler was told to."""
    steps = [
        Step("*", fitted_floats(scaler, "scale_", (n_features,))),
        Step("+", fitted_floats(scaler, "min_", (n_features,))),
    ]
    if read_flag(scaler, "clip", default=False):
        steps.append(Step("clip", _feature_range(scaler)))
    return steps


def _feature_range(scaler: Fitted) -> tuple[float, float]:
    """Return the two finite bounds that a scaler clips to."""
    match scaler.state.get("feature_range"):
        case (float() | int() as low, float() | int() as high):
            if abs(low) < 1e300 and abs(high) < 1e300:  # neither infinite nor NaN
                return float(low), float(high)
    raise ArtifactError(f"{scaler.name} has no feature_range of two finite numbers")


FAMILY = (
    Transformer(
        name="sklearn.preprocessing.StandardScaler",
        modules=("sklearn.preprocessing._data", "sklearn.preprocessing.data"),
        read=_standard_scaler,
        cases=(
            {},
            {"with_mean": False},
            {"with_std": False},
            {"with_mean": False, "with_std": False},
        ),
    ),
    Transformer(
        name="sklearn.preprocessing.MinMaxScaler",
        modules=("sklearn.preprocessing._data", "sklearn.preprocessing.data"),
        read=_min_max_scaler,
        cases=({}, {"feature_range": (-1, 2.5), "clip": True}),
    ),
)
