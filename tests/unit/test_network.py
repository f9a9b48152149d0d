"""Neural networks: BLAS proposes labels and never decides a close one; odd networks are refused."""

from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.kernels.proposals import decide_rows
from iris_deploy.kernels.scores import OVERFLOW, decide
from iris_deploy.schema.outputs import Output
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import NUMBER, classes, number

QUICK: dict[str, Any] = {"max_iter": 60, "tol": 10.0, "n_iter_no_change": 40, "random_state": 0}


def signature(output: Output) -> Signature:
    return Signature(columns=tuple(map(number, data.NAMES)), output=output)


def between(predictor: Predictor, n: int = 200) -> np.ndarray:
    """Return rows that are a few ulp from where the label changes."""
    rng = np.random.default_rng(0)
    low, high = rng.normal(size=(2, n, 5)) * [2, 20, 0.3, 6, 2]
    first = predictor.outcomes(low)
    low, high, first = (part[first != predictor.outcomes(high)] for part in (low, high, first))
    for _ in range(70):
        middle = (low + high) / 2
        same = (predictor.outcomes(middle) == first)[:, np.newaxis]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    near: np.ndarray = np.concatenate([low, high, (low + high) / 2])
    return near


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_of_rows_between_classes_are_those_of_exact_sums(
    n_classes: int, activation: str
) -> None:
    network = MLPClassifier((40, 9), activation=activation, **QUICK)
    network.fit(data.numbers(), data.labels(n_classes, "number"))
    predictor = Predictor(signature(classes(*range(n_classes))), [data.read(network)])
    rows, kernel = between(predictor), predictor._kernel
    exact = kernel.columns(rows)
    labels = predictor.outcomes(rows).tolist()
    assert len(set(labels)) > 1
    assert labels == decide(exact, kernel.rule).tolist()
    assert labels == [predictor.decide(row)[0] for row in rows.tolist()]
    scores, margins = kernel.propose(data.numbers())  # type: ignore[attr-defined]
    off = np.abs(scores - kernel.columns(data.numbers())).max(axis=0)
    assert (off <= margins).all()
    assert (margins < 1e-9).all()


def test_a_row_that_overflows_is_left_to_exact_sums() -> None:
    network = MLPClassifier((40,), **QUICK).fit(data.numbers(), data.labels(3, "number"))
    network.coefs_[0] *= 1e250
    kernel = Predictor(signature(classes(0, 1, 2)), [data.read(network)])._kernel
    rows = np.concatenate([np.ones((20, 5)), np.full((1, 5), 1e99)])
    with np.errstate(all="ignore"):
        found = decide_rows(kernel, rows)
    assert (found[:-1] != OVERFLOW).all()
    assert found[-1] == OVERFLOW


@pytest.mark.parametrize("last", ["identity", "exp"])
def test_a_number_is_what_the_last_layer_ends_in(last: str) -> None:
    network = MLPRegressor(hidden_layer_sizes=(7,), **QUICK).fit(data.numbers(), data.target())
    network.out_activation_ = last
    rows = data.numbers() / 20
    predictor = Predictor(signature(NUMBER), [data.read(network)])
    np.testing.assert_allclose(predictor.outcomes(rows), network.predict(rows), rtol=1e-12)
    assert [predictor.value(row) for row in rows.tolist()] == predictor.outcomes(rows).tolist()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another activation": ({"activation": "softplus"}, "activation 'softplus'"),
    "another end": ({"out_activation_": "logistic"}, "ends in 'logistic'"),
    "no layer": ({"coefs_": [], "intercepts_": []}, "has 0 layers"),
    "more layers than fit": (
        {"coefs_": [np.ones((5, 5))] * 33, "intercepts_": [np.ones(5)] * 33},
        "has 33 layers",
    ),
    "fewer intercepts": ({"intercepts_": [np.ones(9)]}, "no list of 2 in intercepts_"),
    "weights of others": ({"coefs_": [np.ones((4, 9)), np.ones((9, 3))]}, r"coefs_\[0\] of shape"),
    "weights that are none": ({"coefs_": [None, np.ones((9, 3))]}, r"no coefs_\[0\]"),
    "an end of others": ({"coefs_": [np.ones((5, 9)), np.ones((9, 4))]}, r"coefs_\[1\] of shape"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_network_that_does_not_fit_together_is_refused(name: str) -> None:
    changes, words = REFUSED[name]
    network = MLPClassifier((9,), **QUICK).fit(data.numbers(), data.labels(3, "number"))
    record = data.read(network)
    record.state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(classes(0, 1, 2)), [record])
