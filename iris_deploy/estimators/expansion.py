"""The family of those that bend features, or multiply them by each other."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_floats, read_flag, read_record, read_word
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.curves import Exponents
from iris_deploy.kernels.polynomial import Products, plan_products

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
)
