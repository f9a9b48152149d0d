"""Models in files of their packages: read, told and served like those in pickles."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from iris_deploy.cli import main
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.inspection import inspect_dump, walk
from iris_deploy.estimators.own_formats import read_own_format
from iris_deploy.estimators.own_inspection import inspect_record
from iris_deploy.estimators.predictor import Predictor
from tests import data
from tests.boosters import lightgbm, xgboost
from tests.signatures import NUMBER, classes
from tests.unit.test_boosters import STOPPED, raw
from tests.unit.test_families import signature

pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")


def save(estimator: Any, path: Path) -> bytes:
    """Write a file as the package does it."""
    if isinstance(estimator, xgboost.XGBModel):
        estimator.save_model(path)
    else:
        estimator.booster_.save_model(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "suffix"), [("XGBoost", ".ubj"), ("XGBoost", ".json"), ("LightGBM", ".txt")]
)
def test_a_file_predicts_as_the_estimator_that_was_saved(
    name: str, suffix: str, tmp_path: Path
) -> None:
    """Without the rounds after the best, as the package loads it."""
    estimator = STOPPED[name](data.numbers(), data.labels(3, "number"))
    record = read_own_format(save(estimator, tmp_path / f"model{suffix}"))
    assert record is not None
    predictor = Predictor(signature(classes(0, 1, 2)), [record])
    rows = data.probes(estimator, 1000)
    assert (raw(estimator, rows) == predictor._kernel.columns(rows).T).all()
    assert predictor.values(rows) == estimator.predict(rows).tolist()


@pytest.mark.parametrize(
    ("create", "suffix", "told"),
    [
        (
            lambda: xgboost.XGBRegressor(n_estimators=7),
            ".ubj",
            {"objective": "reg:squarederror", "trees": "7", "features": "5"},
        ),
        (
            lambda: lightgbm.LGBMRegressor(n_estimators=7, verbose=-1),
            ".txt",
            {
                "objective": "regression",
                "trees": "7",
                "features": "5: Column_0, Column_1, Column_2, Column_3, Column_4",
            },
        ),
    ],
    ids=["XGBoost", "LightGBM"],
)
def test_a_model_is_told_in_files_and_in_pickles(
    create: Callable[[], Any], suffix: str, told: dict[str, str], tmp_path: Path
) -> None:
    estimator = create().fit(data.numbers(), data.target())
    record = read_own_format(save(estimator, tmp_path / f"model{suffix}"))
    assert record is not None
    pipeline = make_pipeline(StandardScaler(), estimator)
    pipeline[0].fit(data.numbers())
    for found in (inspect_record(record), inspect_dump(pickle.dumps(pipeline))):
        assert found.why_not is None
        [booster] = [part for part in walk(found.parts) if part.name.endswith(".Booster")]
        assert told.items() <= booster.fitted.items()
        assert estimator.__module__.partition(".")[0] in booster.fitted["written by"].lower()
        assert {use.standing for use in found.names} <= {"read"}


@pytest.mark.filterwarnings("ignore")
def test_what_stands_in_the_way_is_told(tmp_path: Path) -> None:
    weights = xgboost.XGBRegressor(booster="gblinear").fit(data.numbers(), data.target())
    record = read_own_format(save(weights, tmp_path / "model.json"))
    assert record is not None
    for found in (inspect_record(record), inspect_dump(pickle.dumps(weights))):
        assert found.why_not is not None
        assert "gblinear" in found.why_not


def test_inspect_shows_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.json"
    estimator = xgboost.XGBClassifier(n_estimators=3).fit(data.numbers(), data.labels(3, "number"))
    save(estimator, path)
    assert main(["inspect", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "objective multi:softprob" in shown
    assert "pickle" not in shown
    path.write_bytes(path.read_bytes()[:-10])
    assert main(["inspect", str(path)]) == 1
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize("start", [b"", b"{}", b"[1]", b'{"a": 1}', b"tree", b"\x80\4N.", b"{L"])
def test_other_files_are_of_no_kind(start: bytes) -> None:
    assert read_own_format(start) is None


@pytest.mark.parametrize(
    "start", [b"{L\0", b'{"learner": 1}', b"tree\nversion=v4", b'{"learner":{}}']
)
def test_the_beginning_of_a_model_is_none(start: bytes) -> None:
    with pytest.raises(ArtifactError):
        read_own_format(start)


def test_numbers_with_and_without_a_sign_are_the_same_categories() -> None:
    """UBJSON has no numbers of more than 8 bits without a sign."""
    model = xgboost.XGBRegressor(n_estimators=1, max_depth=1).fit(data.numbers(), data.target())
    document = json.loads(model.get_booster().save_raw("json"))
    cats = document["learner"]["gradient_booster"]["model"]["cats"]
    from iris_deploy.estimators.xgboost_document import read_learner

    for kind, listed, expected in ((12, [-1, 2], [65535, 2]), (13, [-1, 2], [-1, 2])):
        cats["enc"] = [{"type": kind, "values": listed}]
        record = read_own_format(json.dumps(document).encode())
        assert record is not None
        assert read_learner(record).categories == {0: expected}
        assert Predictor(signature(NUMBER), [record]).outcomes(np.zeros((1, 5))).shape == (1,)
