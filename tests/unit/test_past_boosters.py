"""Dumps of XGBoost's and LightGBM's past predict as the release that made them."""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.schema.signature import Signature
from tests.package import ROOT
from tests.signatures import NUMBER, classes, number

DUMPS = ROOT / "tests/dumps"
FOLDERS = sorted([*DUMPS.glob("xgboost-*"), *DUMPS.glob("lightgbm-*")])
FILES = [(folder.name, path.stem) for folder in FOLDERS for path in sorted(folder.glob("*.pkl"))]


@cache
def expected(release: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((DUMPS / release / "expected.json").read_text())
    return figures


def test_there_is_a_dump_for_all_that_is_expected() -> None:
    assert len(FOLDERS) >= 8
    for folder in FOLDERS:
        files = {path.stem for path in folder.glob("*.pkl")}
        assert files == set(expected(folder.name)) - {"rows"}


@pytest.mark.parametrize(("release", "name"), FILES)
def test_an_old_dump_predicts_as_its_release_did(release: str, name: str) -> None:
    """Scores to the bit; XGBoost's probabilities too."""
    figures = expected(release)[name]
    rows = np.array(expected(release)["rows"], np.float64)
    record = read_estimator((DUMPS / release / f"{name}.pkl").read_bytes())
    shares = figures.get("predict_proba")
    output: Any = NUMBER
    if shares is not None:
        is_text = isinstance(figures["predict"][0], str)
        output = classes(*("abc" if is_text else range(len(shares[0]))))
    columns = tuple(number(column, missing=True) for column in "abc")
    predictor = Predictor(Signature(columns=columns, output=output), [record])
    scores = [[float.fromhex(value) for value in line] for line in figures["scores"]]
    assert predictor._kernel.columns(rows).T.tolist() == scores
    found = predictor.predict(rows)
    tolerance = 0.0 if release.startswith("xgboost") else 1e-15
    if shares is None:
        np.testing.assert_allclose(found.outcomes, figures["predict"], rtol=tolerance)
    else:
        assert found.values == figures["predict"]
        np.testing.assert_allclose(found.scores, shares, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "handle", [b"binf\0\0\0?", b"CONFIG-offset:\0\0\0\0", b"\0\0\0\x80\5\0\0\0"]
)
def test_binary_models_of_xgboost_are_refused_with_what_to_do(handle: bytes) -> None:
    record = Fitted(
        "xgboost.XGBRegressor", {"_Booster": Fitted("xgboost.Booster", {"handle": handle})}
    )
    with pytest.raises(ArtifactError, match="binary format of an XGBoost") as refused:
        Predictor(Signature(columns=(number("a"),), output=NUMBER), [record])
    assert refused.value.hint
