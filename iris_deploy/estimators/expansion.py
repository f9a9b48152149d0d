"""The family of those that bend features, or multiply them by each other."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    fitted_array,
    fitted_floats,
    read_flag,
    read_record,
    read_version,
    read_word,
)
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.blocks import Values
from iris_deploy.kernels.curves import Exponents
from iris_deploy.kernels.polynomial import Products, plan_products
from iris_deploy.kernels.quantiles import Landmarks, Quantiles
from iris_deploy.schema.batch import Floats

MAX_PRODUCTS = 1 << 16
"""A few bytes of a dump ask for any number."""

MAX_DEGREE = 64


def _polynomial(record: Fitted, features: Features, _: Reading) -> Features:
    """Write products of features, up to a degree or between two."""
    features.check_numbers(record.name)
    features.check_filled(record.name)
    degree: Any = record.state.get("degree", 2)
    least, most = degree if isinstance(degree, tuple) and len(degree) == 2 else (0, degree)
    if not all(type(d) is int for d in (least, most)) or not 0 <= least <= most <= MAX_DEGREE:
        raise ArtifactError(f"{record.name} has a degree that is not from 0 to {MAX_DEGREE}")
    once = read_flag(record, "interaction_only", default=False)
    bias = read_flag(record, "include_bias", default=True)
    degrees = plan_products(features.width, most, once=once, limit=MAX_PRODUCTS)
    if degrees is None:
        raise ArtifactError(f"{record.name} makes more than {MAX_PRODUCTS} features")
    made = Products(features.width, degrees, least, bias)
    if not most or not made.width:
        raise ArtifactError(f"{record.name} leaves no product of features")
    return features.mixed(made)


def _power(record: Fitted, features: Features, reading: Reading) -> Features:
    """Raise each feature to its power, and scale what comes out."""
    features.check_numbers(record.name)
    method: Any = read_word(record, "method", "yeo-johnson")
    if method not in {"box-cox", "yeo-johnson"}:
        raise ArtifactError(
            f"{record.name} has the method {method!r:.40}; expected box-cox or yeo-johnson"
        )
    exponents = fitted_floats(record, "lambdas_", (features.width,))
    if (np.abs(exponents) > 1e3).any():
        raise ArtifactError(f"{record.name} has lambdas_ beyond any power")
    features = features.then(Exponents(method, exponents))
    if not read_flag(record, "standardize", default=True):
        return features
    return reading.transform(read_record(record, "_scaler"), features)


def _quantile(record: Fitted, features: Features, _: Reading) -> Features:
    """Write the share of samples below each feature, or what a normal one has there."""
    features.check_numbers(record.name)
    shape: Any = read_word(record, "output_distribution", "uniform")
    if shape not in {"uniform", "normal"}:
        raise ArtifactError(
            f"{record.name} has output_distribution={shape!r:.40}; expected uniform or normal"
        )
    if shape == "uniform" and read_version(record) < (0, 21):
        shape = "bounded"
    shares = _shares(record)
    quantiles = fitted_floats(record, "quantiles_", (len(shares), features.width))
    if (quantiles[1:] < quantiles[:-1]).any():
        raise ArtifactError(
            f"{record.name} has quantiles_ that do not ascend",
            hint="fit it again, with a release from 0.22.2 on",
        )
    columns = np.ascontiguousarray(quantiles.T)
    step = Quantiles(tuple(Landmarks(own, shares, shape) for own in columns))
    if not all(own.is_finite for own in step.landmarks):
        raise ArtifactError(f"{record.name} has quantiles_ too near to each other, or too far")
    _check_zeros(record, features, step)
    return features.then(step)


def _shares(record: Fitted) -> Floats:
    """Return the shares of samples that quantiles stand for."""
    length = len(np.atleast_1d(fitted_array(record, "references_")))
    shares = fitted_floats(record, "references_", (length,))
    if length < 2 or shares[0] != 0.0 or shares[-1] != 1.0 or (shares[1:] < shares[:-1]).any():
        raise ArtifactError(f"{record.name} has references_ that do not ascend from 0 to 1")
    return shares


def _check_zeros(record: Fitted, features: Features, step: Quantiles) -> None:
    """Refuse what makes something of a 0 where scikit-learn may leave it out: sparse matrices."""
    if all(isinstance(block, Values) for block in features.transform.blocks):
        return
    if step.change(np.zeros(features.width), slice(None)).any():
        raise ArtifactError(
            f"{record.name} makes something of a 0 behind an encoder, where scikit-learn may leave "
            "it as it is",
            hint="put encoders beside it, in a ColumnTransformer",
        )


FAMILY = (
    Transformer(
        name="sklearn.preprocessing.PolynomialFeatures",
        modules=(
            "sklearn.preprocessing._polynomial",
            "sklearn.preprocessing._data",
            "sklearn.preprocessing.data",
        ),
        read=_polynomial,
        cases=(
            {},
            {"degree": 3, "include_bias": False},
            {"degree": (2, 4), "interaction_only": True},
            {"degree": (0, 1)},
        ),
    ),
    Transformer(
        name="sklearn.preprocessing.PowerTransformer",
        modules=("sklearn.preprocessing._data", "sklearn.preprocessing.data"),
        read=_power,
        since="0.20",
        ulp=64,
        cases=({}, {"standardize": False}),
    ),
    Transformer(
        name="sklearn.preprocessing.QuantileTransformer",
        modules=("sklearn.preprocessing._data", "sklearn.preprocessing.data"),
        read=_quantile,
        ulp=8,
        refused="quantiles that do not ascend, as releases before 0.22.2 have some, and behind "
        "encoders what makes something of a 0",
        cases=(
            {"n_quantiles": 300},
            {"n_quantiles": 40, "output_distribution": "normal"},
        ),
    ),
)
