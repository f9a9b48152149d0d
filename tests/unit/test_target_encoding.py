"""Categories become the mean of their target, as scikit-learn has it."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.features import features_of
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import Reader
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import category, classes, number
from tests.unit.test_forged_records import assert_refused_or_answered, forgeries

COLUMNS = (
    category("colour", data.CATEGORIES["colour"], missing=True, unknown=True),
    category("shape", data.CATEGORIES["shape"], unknown=True),
    number("grade"),
)
NAMES = [column.name for column in COLUMNS]


def targets(kind: str) -> Any:
    table = data.frame()
    score = table["grade"] + (table["colour"] == "red") * 2 + table["weight"] / 100
    if kind == "continuous":
        return score
    words = np.array(["low", "middle", "high"])[np.digitize(score, [1.0, 2.5])]
    return words if kind == "multiclass" else words == "high"


@pytest.mark.parametrize("smooth", ["auto", 5.0])
@pytest.mark.parametrize("kind", ["continuous", "binary", "multiclass"])
def test_a_category_becomes_the_bits_of_its_mean(kind: str, smooth: Any) -> None:
    """Missing values, strangers and numbers among them."""
    encoder = TargetEncoder(smooth=smooth).fit(data.frame()[NAMES], targets(kind))
    assert encoder.target_type_ == kind
    table = data.frame(1500, 1, strange=True)[NAMES]
    table.loc[::7, "grade"] = 9.5
    signed = Signature(columns=COLUMNS, output=classes(0, 1))
    rows, expected = data.rows_of(table, signed), encoder.transform(table)
    features = Reader().transform(data.read(encoder), features_of(COLUMNS))
    assert not features.may_miss.any()
    assert features.width == expected.shape[1]
    assert (expected == features.transform.matrix(rows).T).all()
    one, pieces = features.transform.build_features(), features.transform.build_pieces()
    assert [list(one(row)) for row in rows.tolist()] == expected.tolist()
    assert np.array([np.concatenate(pieces(row)) for row in rows.tolist()]).tolist() == (
        expected.tolist()
    )


def test_several_classes_are_told_by_means_of_each() -> None:
    pipeline = make_pipeline(TargetEncoder(), LogisticRegression(max_iter=1000))
    pipeline.fit(data.frame()[NAMES], targets("multiclass"))
    signed = Signature(columns=COLUMNS, output=classes("high", "low", "middle"))
    predictor = Predictor(signed, [data.read(pipeline)])
    table = data.frame(1500, 1, strange=True)[NAMES]
    rows = data.rows_of(table, signed)
    assert predictor.values(rows) == pipeline.predict(table).tolist()
    for _, record in forgeries(data.read(pipeline), "target"):
        assert_refused_or_answered(signed, record, rows[:20])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another target": ({"target_type_": "multilabel"}, "target_type_='multilabel'"),
    "means of others": ({"target_mean_": np.zeros(2)}, r"target_mean_ of shape \(2,\)"),
    "no classes": ({"classes_": None}, r"target_mean_ of shape \(3,\); expected \(0,\)"),
    "encodings of others": ({"encodings_": [np.zeros(3)] * 8}, "no list of 9 in encodings_"),
    "too few figures": ({"encodings_": [np.zeros(3)] * 9}, "encodings_ of shape"),
    "infinite": ({"target_mean_": np.full(3, np.inf)}, "target_mean_ that is not finite"),
    "many categories": (
        {"categories_": [np.arange(1 << 18)] * 3},
        "means of categories; expected 1 to 1048576",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_encoding_is_refused(name: str) -> None:
    changes, words = REFUSED[name]
    record = data.read(TargetEncoder().fit(data.frame()[NAMES], targets("multiclass")))
    record.state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        Reader().transform(record, features_of(COLUMNS))


def test_what_is_encoded_already_is_refused() -> None:
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    pipeline = make_pipeline(encoder, TargetEncoder(), LogisticRegression())
    pipeline.fit(data.frame()[["shape"]], targets("binary"))
    signed = Signature(columns=COLUMNS[1:2], output=classes(False, True))
    with pytest.raises(ArtifactError, match="cannot be encoded again"):
        Predictor(signed, [data.read(pipeline)])
