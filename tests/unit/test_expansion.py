"""Bent and multiplied features have scikit-learn's values, gaps stay gaps, odd ones are refused."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, PowerTransformer

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.features import features_of
from iris_deploy.estimators.reading import Reader
from iris_deploy.kernels import curves, polynomial, transform
from iris_deploy.schema.batch import Floats
from tests import data
from tests.signatures import number

COLUMNS = tuple(number(name, missing=name == "a") for name in data.NAMES)


def transformed(transformer: Any, rows: np.ndarray, *, missing: bool = False) -> Floats:
    """Return what becomes of rows, and make sure that it is the same for each alone."""
    columns = COLUMNS if missing else COLUMNS[1:]
    record = transformer if isinstance(transformer, Fitted) else data.read(transformer)
    found = Reader().transform(record, features_of(columns)).transform
    together = found.matrix(found.prepare(rows))
    row = found.build_features()
    alone = np.array([row(x) for x in rows.tolist()])
    assert together.T.tobytes() == alone.tobytes()
    result: Floats = together.T
    return result


@pytest.mark.parametrize("name", curves.FUNCTIONS)
@pytest.mark.parametrize("written", [True, False])
def test_a_function_of_numpy_is_what_it_is(
    name: str, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not written:
        monkeypatch.setattr(transform, "MAX_UNROLLED", 0)
    function = getattr(np, name)
    rows = np.abs(data.numbers(seed=8)) + 1e-9
    if name not in {"log", "sqrt"}:
        rows[::2, 1:] *= -0.09 if name == "log1p" else -1.0
    rows[::3, 0] = np.nan
    found = transformed(FunctionTransformer(function).fit(rows), rows, missing=True)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(found, function(rows), rtol=1e-15, equal_nan=True)


def test_what_has_no_logarithm_or_root_is_no_number() -> None:
    for function in (np.log, np.sqrt):
        found = transformed(FunctionTransformer(function), np.array([[-1.0, 4.0, 1.0, 1.0]]))
        assert np.isnan(found[0, 0])
        assert found[0, 1] == function(4.0)


@pytest.mark.parametrize("method", ["box-cox", "yeo-johnson"])
@pytest.mark.parametrize("exponents", [None, [0.0, 2.0, 1e-20, 1.0, -3.0]])
def test_powers_are_those_of_scikit_learn(method: str, exponents: list[float] | None) -> None:
    rows = data.numbers(seed=8).copy()
    if method == "box-cox":
        rows = np.abs(rows) + 0.1
    rows[::3, 0] = np.nan
    transformer = PowerTransformer(method=method, standardize=exponents is None).fit(rows)
    if exponents is not None:
        transformer.lambdas_ = np.array(exponents)
    found = transformed(transformer, rows, missing=True)
    np.testing.assert_allclose(found, transformer.transform(rows), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"degree": 4},
        {"degree": 3, "interaction_only": True},
        {"degree": (3, 4), "include_bias": False},
        {"degree": (0, 2), "include_bias": False},
        {"degree": 7, "interaction_only": True},
        {"degree": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("written", [True, False])
def test_products_have_scikit_learns_bits(
    options: dict[str, Any], written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polynomial, "_MOST_WRITTEN", 1024 if written else 0)
    rows = data.numbers(seed=8)[:, :4].copy()
    transformer = PolynomialFeatures(**options).fit(rows)
    found = transformed(transformer, rows)
    assert found.tobytes() == np.ascontiguousarray(transformer.transform(rows)).tobytes()


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a degree beyond": (PolynomialFeatures(), {"degree": 65}, "degree"),
    "a degree below": (PolynomialFeatures(), {"degree": (3, 2)}, "degree"),
    "half a degree": (PolynomialFeatures(), {"degree": 1.5}, "degree"),
    "too many products": (PolynomialFeatures(), {"degree": 60}, "more than 65536 features"),
    "nothing": (PolynomialFeatures(), {"degree": 0}, "leaves no product"),
    "another method": (PowerTransformer(), {"method": "log"}, "method 'log'"),
    "endless powers": (PowerTransformer(), {"lambdas_": np.full(4, 1e9)}, "beyond any power"),
    "no scaler": (PowerTransformer(), {"_scaler": None}, "has no _scaler"),
    "another function": (
        FunctionTransformer(np.log),
        {"func": ClassName("numpy.arange")},
        "function of its own",
    ),
    "arguments": (FunctionTransformer(np.log), {"kw_args": {"where": 1}}, "function of its own"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_is_refused(name: str) -> None:
    transformer, changes, words = REFUSED[name]
    record = data.read(make_pipeline(transformer, Ridge()).fit(np.eye(4) + 1.0, np.arange(4)))
    steps: Any = record.state["steps"]
    steps[0][1].state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        transformed(steps[0][1], np.ones((2, 4)))
