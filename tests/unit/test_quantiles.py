"""Quantiles: shares have scikit-learn's bits, and normal ones are as near as is declared."""

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.features import features_of
from iris_deploy.estimators.reading import Reader
from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.kernels.quantiles import Landmarks, normal_quantile
from tests.data import read
from tests.signatures import category, number

SHARES = np.concatenate(
    [
        np.linspace(0.0, 1.0, 10_001)[1:-1],
        10.0 ** np.linspace(-7, -1, 5000),
        1.0 - 10.0 ** np.linspace(-7, -1, 5000),
        0.5 + 10.0 ** np.linspace(-15, -1, 1000),
        [0.075, 0.925, np.nextafter(0.075, 0), np.nextafter(0.925, 1), 0.5],
    ]
)


def test_normal_quantiles_are_those_of_scipy_and_of_python_within_8_ulp() -> None:
    found = normal_quantile(SHARES, ColumnMath)
    theirs = ndtri(SHARES)
    assert (np.abs(found - theirs) <= 8 * np.spacing(np.abs(theirs))).all()
    python = np.array([NormalDist().inv_cdf(share) for share in SHARES.tolist()])
    assert (np.abs(found - python) <= 8 * np.spacing(np.abs(python))).all()


def test_one_share_has_the_bits_of_many() -> None:
    alone = [normal_quantile(share, FloatMath) for share in SHARES.tolist()]
    assert np.array(alone).tobytes() == normal_quantile(SHARES, ColumnMath).tobytes()


def values(name: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    drawn: dict[str, np.ndarray] = {
        "continuous": rng.normal(size=500),
        "a few values": rng.integers(0, 5, 500).astype(float),
        "one value": np.full(500, 2.5),
        "mostly zero": np.maximum(rng.normal(size=500), 0.0),
        "mostly the largest": np.minimum(rng.normal(size=500), 0.0),
        "tiny": rng.normal(size=500) * 1e-9,
        "huge": rng.normal(size=500) * 1e12 + 1e15,
        "singles": rng.normal(size=500).astype(np.float32).astype(float),
    }
    return drawn[name]


KINDS = (
    *("continuous", "a few values", "one value", "mostly zero", "mostly the largest"),
    *("tiny", "huge", "singles"),
)


def asked(of: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return values on quantiles, beside them, between and beyond them, and a gap."""
    span = np.ptp(of) or 1.0
    near = np.concatenate([knots + offset for offset in (1e-8, -1e-8, 1e-7, -1e-7)])
    beyond = np.linspace(of.min() - span, of.max() + span, 999)
    sides = [np.nextafter(knots, np.inf), np.nextafter(knots, -np.inf)]
    return np.concatenate([of, knots, *sides, near, beyond, [0.0, -0.0, 1e100, -1e100, np.nan]])


@pytest.mark.parametrize("n_quantiles", [2, 10, 499, 500])
@pytest.mark.parametrize("shape", ["uniform", "normal"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_feature_has_scikit_learns_share(kind: str, shape: Any, n_quantiles: int) -> None:
    of = values(kind)
    made = QuantileTransformer(n_quantiles=n_quantiles, output_distribution=shape)
    made.fit(of[:, np.newaxis])
    x = asked(of, made.quantiles_[:, 0])
    expected = made.transform(x[:, np.newaxis])[:, 0]
    own = Landmarks(made.quantiles_[:, 0], made.references_, shape)
    found = own.many(x)
    assert np.array([own.one(value) for value in x.tolist()]).tobytes() == found.tobytes()
    assert (np.isnan(found) == np.isnan(expected)).all()
    fine = ~np.isnan(found)
    if shape == "uniform":
        assert found[fine].tobytes() == (expected[fine] + 0.0).tobytes()
    else:
        differs = np.abs(found - expected)[fine]
        assert (differs <= 8 * np.spacing(np.abs(expected[fine]))).all()


def test_shares_of_releases_before_0_21_are_never_0_or_1() -> None:
    """They bounded both shapes alike: read in the sources of 0.19.2, 0.20.4 and 0.21.3."""
    made = QuantileTransformer(n_quantiles=11).fit(np.arange(11.0)[:, np.newaxis])
    record = read(make_pipeline(made)).state["steps"][0][1]  # type: ignore[index]
    for version, ends in (("0.20.4", (1e-7 - 2**-52, 1 - (1e-7 - 2**-52))), ("0.21.3", (0.0, 1.0))):
        record.state["_sklearn_version"] = version
        features = Reader().transform(record, features_of((number("x"),)))
        rows = np.array([[0.0], [5.0], [10.0], [-3.0], [30.0]])
        found = features.transform.matrix(rows)[0]
        assert found.tolist() == [ends[0], 0.5, ends[1], *ends]


def quantiles_of(n: int = 1) -> Fitted:
    made = QuantileTransformer(n_quantiles=5, output_distribution="normal")
    return read(made.fit(np.tile(np.arange(5.0)[:, np.newaxis], n)))


BAD: dict[str, dict[str, Any]] = {
    "another shape": {"output_distribution": "cauchy"},
    "a shape that is none": {"output_distribution": 3},
    "quantiles that descend": {"quantiles_": np.array([[0.0], [2.0], [1.0], [3.0], [4.0]])},
    "quantiles that are not finite": {"quantiles_": np.full((5, 1), np.nan)},
    "quantiles too far": {"quantiles_": np.array([[-1.7e308], *[[1.7e308]] * 4])},
    "quantiles too near": {"quantiles_": np.array([[0.0], [5e-324], [1.0], [2.0], [3.0]])},
    "quantiles of another width": {"quantiles_": np.zeros((5, 2))},
    "fewer quantiles": {"quantiles_": np.zeros((4, 1))},
    "no quantiles": {"quantiles_": None},
    "shares that descend": {"references_": np.array([0.0, 0.6, 0.5, 0.7, 1.0])},
    "shares from elsewhere": {"references_": np.linspace(0.1, 1.0, 5)},
    "shares to elsewhere": {"references_": np.linspace(0.0, 2.0, 5)},
    "shares that are not finite": {"references_": np.array([0.0, np.nan, 0.5, 0.7, 1.0])},
    "one share": {"references_": np.array([0.0]), "quantiles_": np.zeros((1, 1))},
    "a share that is no array": {"references_": 0.5},
    "no shares": {"references_": np.empty(0)},
}


@pytest.mark.parametrize("name", BAD)
def test_quantiles_that_do_not_fit_are_refused(name: str) -> None:
    record = quantiles_of()
    Reader().transform(record, features_of((number("x"),)))
    record.state.update(BAD[name])
    with pytest.raises(ArtifactError):
        Reader().transform(record, features_of((number("x"),)))


def test_behind_an_encoder_zeros_have_to_stay() -> None:
    """A sparse matrix does not hold them, and scikit-learn changes only what it holds."""
    train = np.array([["a"], ["b"], ["a"], ["b"]], object)
    columns = features_of((category("x", ["a", "b"], unknown=True),))
    for shape, fits in (("uniform", True), ("normal", False)):
        pipeline = make_pipeline(
            OneHotEncoder(handle_unknown="ignore"),
            QuantileTransformer(n_quantiles=4, output_distribution=shape),
            LogisticRegression(),
        ).fit(train, [0, 1, 0, 1])
        encoded = Reader().transform(read(pipeline[0]), columns)
        if not fits:
            with pytest.raises(ArtifactError, match="behind an encoder"):
                Reader().transform(read(pipeline[1]), encoded)
            continue
        features = Reader().transform(read(pipeline[1]), encoded)
        found = features.transform.matrix(np.array([[0.0], [1.0], [-1.0]])).T
        expected = pipeline[:2].transform(np.array([["a"], ["b"], ["c"]], object))
        assert found.tolist() == expected.toarray().tolist()
