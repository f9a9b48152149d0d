"""Dumps of today are read as they were, and decide as the estimators in memory do."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from tests.data import labels, numbers, passengers, target
from tests.families import CLASSIFIERS as ALL_CLASSIFIERS
from tests.families import PERCEPTRON, REGRESSORS, SGD_LOG
from tests.pickling import (
    CHILD,
    CLASSIFIERS,
    COMPRESSIONS,
    SCALERS,
    assert_near,
    assert_same,
    dump,
    fit,
    samples,
    signature,
    transform,
)

DATA = ("3 classes", "2 classes", "3 names", "2 names", "float32")

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*failed to converge"),
    pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated"),
]


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", [*SCALERS, *CLASSIFIERS])
def test_every_attribute_of_a_dump_is_read_as_it_was(name: str, data: str) -> None:
    estimator = fit(name, data)
    assert_same(read_estimator(dump(estimator)), estimator)


@pytest.mark.parametrize("compress", COMPRESSIONS, ids=repr)
@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("name", [SGD_LOG, "nested pipeline"])
def test_every_compression_and_protocol_of_joblib_is_read(
    name: str, protocol: int, compress: Any
) -> None:
    estimator = fit(name, "3 names")
    assert_same(read_estimator(dump(estimator, compress=compress, protocol=protocol)), estimator)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*ALL_CLASSIFIERS, *REGRESSORS])
def test_every_family_is_read_from_every_protocol_of_pickle_and_joblib(name: str) -> None:
    """Most dumps that people have are of ``pickle.dump``."""
    y = labels(3, "text") if name in ALL_CLASSIFIERS else target()
    estimator = (ALL_CLASSIFIERS | REGRESSORS)[name]().fit(numbers(), y)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert_same(read_estimator(pickle.dumps(estimator, protocol)), estimator)
        assert_same(read_estimator(dump(estimator, protocol=protocol)), estimator)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pipeline_that_was_fitted_to_a_frame_is_read_from_every_protocol(protocol: int) -> None:
    table = passengers()
    prepared = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), ["sex", "port"]),
            ("numbers", SimpleImputer(add_indicator=True), ["age", "fare"]),
        ]
    )
    pipeline = make_pipeline(prepared, LogisticRegression(max_iter=1000))
    pipeline.fit(table, table["survived"].map({0: "no", 1: "yes"}))
    assert_same(read_estimator(pickle.dumps(pipeline, protocol)), pipeline)
    assert_same(read_estimator(dump(pipeline, protocol=protocol)), pipeline)


def test_the_largest_protocol_and_no_compression_are_read() -> None:
    estimator = fit(PERCEPTRON, "3 classes")
    for options in ({"protocol": pickle.HIGHEST_PROTOCOL}, {"compress": 0}, {"compress": False}):
        assert_same(read_estimator(dump(estimator, **options)), estimator)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_read_classifier_decides_as_the_one_in_memory(name: str, data: str) -> None:
    estimator = fit(name, data)
    n_classes = len(estimator.classes_)
    predictor = Predictor(signature(n_classes), [read_estimator(dump(estimator))])
    length, width = np.meshgrid(np.linspace(-1, 9, 21), np.linspace(-1, 4, 21))
    rows = np.column_stack([length.ravel(), width.ravel()])
    predictions = predictor.predict(rows)
    assert (estimator.classes_[predictions.outcomes] == estimator.predict(rows)).all()
    if predictor.score_name == "probabilities":
        # Logarithms of variances in 32 bits are in 32 bits themselves, there.
        rough = data == "float32" and name.startswith(("GaussianNB", "QuadraticDisc"))
        np.testing.assert_allclose(
            predictions.scores,
            estimator.predict_proba(rows),
            rtol=1e-3 if rough else 1e-11,
            atol=1e-13,
        )
    else:
        assert not hasattr(estimator, "predict_proba")
        decision = estimator.decision_function(rows).reshape(len(rows), -1)
        assert_near(predictions.scores[:, -decision.shape[1] :], decision, rows)


@pytest.mark.parametrize("data", ["3 classes", "float32"])
@pytest.mark.parametrize("name", SCALERS)
def test_a_read_scaler_scales_as_the_one_in_memory(name: str, data: str) -> None:
    estimator = fit(name, data)
    rows = np.vstack([samples("3 classes")[0], [[-50.0, 70.0], [1e6, -1e6]]])
    assert_near(transform(read_estimator(dump(estimator)), rows), estimator.transform(rows), rows)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">i4", "<i8", "u1", "?", "<U3", ">U3"])
def test_arrays_of_any_number_and_order_are_read_in_native_order(dtype: str, order: Any) -> None:
    values = np.array([[1, 0, 3], [4, 5, 0]]).astype(dtype, order=order)
    scaler = StandardScaler()
    scaler.mean_, scaler.strided_ = values, values[:, ::2]
    state = read_estimator(dump(scaler)).state
    for got, original in ((state["mean_"], values), (state["strided_"], values[:, ::2])):
        assert isinstance(got, np.ndarray)
        assert got.dtype.isnative
        assert (got == original).all()


@pytest.mark.parametrize(
    "loss",
    [
        *("hinge", "squared_hinge", "perceptron", "log_loss", "modified_huber", "huber"),
        *("squared_error", "epsilon_insensitive", "squared_epsilon_insensitive"),
    ],
)
def test_every_loss_of_stochastic_gradient_descent_is_read(loss: str) -> None:
    estimator = SGDClassifier(loss=loss, max_iter=20, tol=None, random_state=0)
    estimator.fit(*samples("3 classes"))
    fitted = read_estimator(dump(estimator))
    assert_same(fitted, estimator)
    assert Predictor(signature(), [fitted]).values([(1.4, 0.2)])


@pytest.mark.parametrize(
    "weights", ["balanced", {0: 1, 1: 2.5}, {"setosa": 1}, {False: 1.0, True: 2.0}], ids=repr
)
def test_class_weights_are_read_for_every_kind_of_class(weights: object) -> None:
    estimator = LogisticRegression(class_weight=weights)
    assert_same(read_estimator(dump(estimator)), estimator)


def test_empty_and_zero_dimensional_arrays_are_read() -> None:
    scaler = StandardScaler()
    scaler.empty_, scaler.flat_, scaler.single_ = np.empty((0, 4)), np.empty(0), np.array(2.5)
    assert_same(read_estimator(dump(scaler)), scaler)


def test_reading_and_predicting_import_neither_scikit_learn_nor_joblib(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.pkl"
    path.write_bytes(dump(fit("nested pipeline", "3 names"), compress="xz"))
    child = f"""
import sys
from pathlib import Path
{CHILD}
Predictor(signature, [read_estimator(Path(sys.argv[1]).read_bytes())]).value((5.1, 2.4))
print(sorted({{"sklearn", "joblib", "scipy", "pandas"}} & set(sys.modules)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", child, str(path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
