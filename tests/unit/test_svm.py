"""Support vector machines: votes, ties, sure classes, and what is not read."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.svm import SVC, SVR, NuSVR

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.kernels import pairs
from iris_deploy.kernels.elementary import ColumnMath, FloatMath, tanh
from iris_deploy.kernels.scores import build_decision, decide
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import NUMBER, classes, number

COLUMNS = tuple(map(number, data.NAMES))


def predictor_of(record: Fitted, n_classes: int = 0) -> Predictor:
    output = classes(*range(n_classes)) if n_classes else NUMBER
    return Predictor(Signature(columns=COLUMNS, output=output), [record])


@pytest.mark.parametrize("n_classes", [3, 4])
def test_decision_values_are_one_a_class_whichever_shape_was_asked_for(n_classes: int) -> None:
    y = data.labels(n_classes, "number")
    by_pairs, by_class = (
        SVC(decision_function_shape=shape).fit(data.numbers(), y) for shape in ("ovo", "ovr")
    )
    found = predictor_of(data.read(by_pairs), n_classes).predict(data.numbers())
    expected = by_class.decision_function(data.numbers())
    np.testing.assert_allclose(found.scores, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rule", ["votes", "confident"])
@pytest.mark.parametrize(
    "decisions", [(1.0, -1.0, 1.0), (-1.0, 2.0, -3.0), (0.0, 0.0, 0.0), (1.0, -0.5, 0.25)]
)
def test_a_circle_of_votes_is_decided_as_scikit_learn_does(
    rule: Any, decisions: tuple[float, ...]
) -> None:
    votes = pairs.count_votes(decisions, FloatMath)
    sure = pairs.one_against_rest(decisions, FloatMath)
    wanted = int(np.argmax(votes if rule == "votes" else sure))
    assert build_decision(rule)(decisions) == wanted
    assert decide(np.array([decisions, decisions]).T, rule).tolist() == [wanted] * 2


def test_a_decision_of_zero_is_for_the_second_of_two_as_in_libsvm() -> None:
    rows = np.array([[0.0] * 5, [1.0] + [0.0] * 4])
    machine = SVC(kernel="linear").fit(np.vstack([rows, -rows]), [0, 1, 0, 0])
    machine._intercept_[:] = 0.0
    machine.intercept_[:] = 0.0
    found = predictor_of(data.read(machine), 2)
    assert machine.predict(rows[:1]).tolist() == found.values(rows[:1]) == [1]


@pytest.mark.parametrize("n", [2, 3, 7])
def test_coupled_probabilities_are_those_of_a_row_alone(n: int) -> None:
    shares = np.random.default_rng(0).uniform(1e-7, 1 - 1e-7, (pairs.count_pairs(n), 500))
    together = np.array(pairs.couple(list(shares), ColumnMath))
    alone = np.array([pairs.couple(row, FloatMath) for row in shares.T.tolist()])
    assert together.T.tobytes() == alone.tobytes()
    np.testing.assert_allclose(together.sum(axis=0), 1.0, rtol=1e-12)


def test_what_was_fitted_to_a_sparse_matrix_is_refused() -> None:
    X = sparse.csr_matrix(data.numbers())
    for machine in (SVC().fit(X, data.labels(3, "number")), SVR().fit(X, data.target())):
        with pytest.raises(ArtifactError, match="sparse matrix"):
            predictor_of(data.read(machine), 3 if isinstance(machine, SVC) else 0)


def test_a_machine_without_support_vectors_answers_its_intercept() -> None:
    machine = SVR(epsilon=100.0).fit(data.numbers(), data.target())
    assert len(machine.support_vectors_) == 0
    rows = data.numbers()[:20]
    found = predictor_of(data.read(machine))
    np.testing.assert_allclose(found.outcomes(rows), machine.predict(rows), rtol=1e-14)


@pytest.mark.parametrize("n_features", [1, 2])
@pytest.mark.parametrize("n_rows", [3, 5])
def test_a_few_support_vectors_of_few_features_are_enough(n_features: int, n_rows: int) -> None:
    X = data.numbers()[:n_rows, :n_features]
    machine = NuSVR(nu=1.0).fit(X, np.arange(float(n_rows)))
    signed = Signature(columns=COLUMNS[:n_features], output=NUMBER)
    found, rows = Predictor(signed, [data.read(machine)]), data.numbers()[:, :n_features]
    np.testing.assert_allclose(found.outcomes(rows), machine.predict(rows), rtol=1e-12)
    assert [found.value(row) for row in rows.tolist()] == found.outcomes(rows).tolist()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another kernel": ({"kernel": "precomputed"}, "has the kernel 'precomputed'"),
    "a function": ({"kernel": None}, "kernel that is no string"),
    "no gamma": ({"_gamma": None}, "has no _gamma"),
    "an endless degree": ({"degree": 2**40}, "degree"),
    "half a degree": ({"degree": 0.5}, "degree"),
    "more vectors than are counted": ({"_n_support": np.array([1, 1, 1])}, "counts its support"),
    "counts below zero": ({"_n_support": np.array([-1, 2, 1])}, "beyond"),
    "weights of others": ({"_dual_coef_": np.ones((2, 3))}, "_dual_coef_ of shape"),
    "ties of pairs": ({"break_ties": True, "decision_function_shape": "ovo"}, "breaks ties"),
    "curves of none": ({"probability": True}, "_probA"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_machine_that_is_inconsistent_is_refused(name: str) -> None:
    changes, words = REFUSED[name]
    machine = SVC(kernel="poly").fit(data.numbers(), data.labels(3, "number"))
    record = data.read(machine)
    record.state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        predictor_of(record, 3)


@pytest.mark.filterwarnings("ignore:The `probability` parameter")
def test_probabilities_of_many_classes_are_refused() -> None:
    rng, n = np.random.default_rng(0), pairs.MAX_COUPLED + 1
    machine = SVC().fit(rng.normal(size=(3 * n, 5)), np.repeat(np.arange(n), 3))
    record = data.read(machine)
    assert predictor_of(record, n).score_name == "decision_values"
    figures = np.zeros(pairs.count_pairs(n))
    record.state.update(probability=True, _probA=figures, _probB=figures)
    with pytest.raises(ArtifactError, match="expected 100 at most"):
        predictor_of(record, n)


@pytest.mark.parametrize("x", [0.0, -0.0, 1e-300, 1e-9, 0.3, -2.0, 19.0, -21.0, 400.0, -1e300])
def test_the_hyperbolic_tangent_is_within_four_ulp(x: float) -> None:
    got = tanh(x, FloatMath)
    assert np.array([got] * 2).tobytes() == tanh(np.array([x, x]), ColumnMath).tobytes()
    assert abs(got - np.tanh(x)) <= 4 * np.spacing(abs(np.tanh(x)))
