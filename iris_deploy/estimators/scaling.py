"""The family of scalers and others that change each feature by itself, or a row by its norm."""

from dataclasses import dataclass
from typing import Any

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    fitted_divisor,
    fitted_floats,
    read_flag,
    read_number,
    read_word,
)
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.norms import Normalizing
from iris_deploy.kernels.steps import Above, Arithmetic, Clip


@dataclass(frozen=True, slots=True)
class Centered:
    """What the attributes of a scaler that centres and scales are called."""

    centers: str
    scales: str
    center: str


CENTERED = {
    "StandardScaler": Centered("with_mean", "with_std", "mean_"),
    "RobustScaler": Centered("with_centering", "with_scaling", "center_"),
}


def _centered(scaler: Fitted, features: Features, _: Reading) -> Features:
    """Write (x - center) / scale_, either part of which may be switched off."""
    features.check_numbers(scaler.name)
    shape, names = (features.width,), CENTERED[scaler.name.rpartition(".")[2]]
    if read_flag(scaler, names.centers, default=True):
        features = features.then(Arithmetic("-", fitted_floats(scaler, names.center, shape)))
    if read_flag(scaler, names.scales, default=True):
        features = features.then(Arithmetic("/", fitted_divisor(scaler, "scale_", shape)))
    return features


def _min_max_scaler(scaler: Fitted, features: Features, _: Reading) -> Features:
    """Write x * scale_ + min_, clipped to the range if the scaler was told to."""
    features.check_numbers(scaler.name)
    shape = (features.width,)
    features = features.then(Arithmetic("*", fitted_floats(scaler, "scale_", shape)))
    features = features.then(Arithmetic("+", fitted_floats(scaler, "min_", shape)))
    if read_flag(scaler, "clip", default=False):
        features = features.then(Clip(*_feature_range(scaler)))
    return features


def _feature_range(scaler: Fitted) -> tuple[float, float]:
    """Return the two finite bounds that a scaler clips to."""
    match scaler.state.get("feature_range"):
        case tuple((float() | int() as low, float() | int() as high)):
            if abs(low) < 1e300 and abs(high) < 1e300:  # neither infinite nor NaN
                return float(low), float(high)
    raise ArtifactError(f"{scaler.name} has no feature_range of two finite numbers")


def _max_abs_scaler(scaler: Fitted, features: Features, _: Reading) -> Features:
    """Write x / scale_, clipped to -1 and 1 if the scaler was told to."""
    features.check_numbers(scaler.name)
    scale = fitted_divisor(scaler, "scale_", (features.width,))
    features = features.then(Arithmetic("/", scale))
    return features.then(Clip(-1.0, 1.0)) if read_flag(scaler, "clip", default=False) else features


def _normalizer(normalizer: Fitted, features: Features, _: Reading) -> Features:
    """Divide each row by its norm."""
    features.check_numbers(normalizer.name)
    features.check_filled(normalizer.name)
    norm: Any = read_word(normalizer, "norm", "l2")
    if norm not in {"l1", "l2", "max"}:
        raise ArtifactError(f"{normalizer.name} has the norm {norm!r:.40}; expected l1, l2 or max")
    return features.mixed(Normalizing(features.width, norm))


def _binarizer(binarizer: Fitted, features: Features, _: Reading) -> Features:
    """Write 1 above the threshold, else 0."""
    features.check_numbers(binarizer.name)
    features.check_filled(binarizer.name)
    return features.then(Above(read_number(binarizer, "threshold", 0.0)))


_MODULES = ("sklearn.preprocessing._data", "sklearn.preprocessing.data")

FAMILY = (
    Transformer(
        name="sklearn.preprocessing.StandardScaler",
        modules=_MODULES,
        read=_centered,
        cases=(
            {},
            {"with_mean": False},
            {"with_std": False},
            {"with_mean": False, "with_std": False},
        ),
    ),
    Transformer(
        name="sklearn.preprocessing.MinMaxScaler",
        modules=_MODULES,
        read=_min_max_scaler,
        cases=({}, {"feature_range": (-1, 2.5), "clip": True}),
    ),
    Transformer(name="sklearn.preprocessing.MaxAbsScaler", modules=_MODULES, read=_max_abs_scaler),
    Transformer(
        name="sklearn.preprocessing.RobustScaler",
        modules=_MODULES,
        read=_centered,
        cases=({}, {"with_centering": False}, {"with_scaling": False}, {"unit_variance": True}),
    ),
    Transformer(
        name="sklearn.preprocessing.Normalizer",
        modules=_MODULES,
        read=_normalizer,
        ulp=4,
        cases=({}, {"norm": "l1"}, {"norm": "max"}),
    ),
    Transformer(
        name="sklearn.preprocessing.Binarizer",
        modules=_MODULES,
        read=_binarizer,
        cases=({"threshold": 1.5},),
    ),
)
