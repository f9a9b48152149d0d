"""Several outputs by name: as the estimator has them, one predictor for each."""

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import joblib
import msgspec
import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import (
    ElasticNet,
    Lars,
    Lasso,
    LassoLars,
    LinearRegression,
    LogisticRegression,
    OrthogonalMatchingPursuit,
    Ridge,
    RidgeCV,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.family import Predicting
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.several import build_predictor, take_outputs
from iris_deploy.schema.outputs import MAX_OUTPUTS, ClassOutput, NumberOutput, SeveralOutputs
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from tests import data
from tests.families import PARTS
from tests.growth import assert_linear, peak
from tests.signatures import number

FEW: dict[str, Any] = {"n_estimators": 3, "max_depth": 5, "random_state": 0}

ESTIMATORS: dict[str, Callable[[], Any]] = {
    "MultiOutputClassifier": lambda: MultiOutputClassifier(LogisticRegression()),
    "MultiOutputClassifier of forests": lambda: MultiOutputClassifier(
        RandomForestClassifier(**FEW)
    ),
    "MultiOutputRegressor": lambda: MultiOutputRegressor(HistGradientBoostingRegressor(max_iter=9)),
    "RandomForestClassifier": lambda: RandomForestClassifier(**FEW),
    "ExtraTreesClassifier": lambda: ExtraTreesClassifier(**FEW),
    "RandomForestRegressor": lambda: RandomForestRegressor(**FEW),
    "DecisionTreeClassifier": lambda: DecisionTreeClassifier(max_depth=4),
    "DecisionTreeRegressor": lambda: DecisionTreeRegressor(max_depth=4),
    "ExtraTreeRegressor": lambda: ExtraTreeRegressor(random_state=0),
    "LinearRegression": LinearRegression,
    "Ridge": Ridge,
    "Ridge without an intercept": lambda: Ridge(fit_intercept=False),
    "RidgeCV": RidgeCV,
    "Lars": Lars,
    "LassoLars": lambda: LassoLars(0.1),
    "OrthogonalMatchingPursuit": OrthogonalMatchingPursuit,
    "ExtraTreeClassifier": lambda: ExtraTreeClassifier(random_state=0),
    "ExtraTreesRegressor": lambda: ExtraTreesRegressor(**FEW),
    "Lasso": lambda: Lasso(0.1),
    "ElasticNet": lambda: ElasticNet(0.1),
    "KNeighborsClassifier": KNeighborsClassifier,
    "KNeighborsRegressor": lambda: KNeighborsRegressor(weights="distance"),
    "MLPRegressor": lambda: MLPRegressor(hidden_layer_sizes=(6, 4), max_iter=9),
    "ClassifierChain": lambda: ClassifierChain(LogisticRegression(max_iter=9999)),
    "ClassifierChain in another order": lambda: ClassifierChain(
        LogisticRegression(max_iter=9999), order=[2, 0, 1]
    ),
    "ClassifierChain of probabilities": lambda: ClassifierChain(
        RandomForestClassifier(**FEW), order=[1, 2, 0], chain_method="predict_proba"
    ),
    "ClassifierChain of decisions": lambda: ClassifierChain(
        LogisticRegression(max_iter=9999), chain_method="decision_function"
    ),
    "RegressorChain": lambda: RegressorChain(Ridge()),
    "RegressorChain in another order": lambda: RegressorChain(
        DecisionTreeRegressor(max_depth=5), order=[2, 0, 1]
    ),
    "a chain behind others": lambda: make_pipeline(StandardScaler(), RegressorChain(Ridge())),
    "a pipeline": lambda: make_pipeline(StandardScaler(), Ridge()),
    "a search": lambda: GridSearchCV(DecisionTreeRegressor(), {"max_depth": [2, 3]}),
    "a search of pipelines": lambda: GridSearchCV(
        make_pipeline(StandardScaler(), KNeighborsRegressor()),
        {"kneighborsregressor__n_neighbors": [2, 3]},
    ),
}
NAMES = ("one", "two", "three")


def targets(estimator: Any) -> np.ndarray:
    """Return three columns: classes of two, three and two, or numbers."""
    if isinstance(estimator, ClassifierChain):
        one, two = data.labels(2, "number"), data.labels(3, "number") > 1
        return np.stack([one, two, one ^ two[::-1]], axis=1)
    if is_classifier(estimator):
        return np.stack([data.labels(n, "text") for n in (2, 3, 2)], axis=1)
    y = data.target()
    return np.stack([y, np.sin(y), y[::-1] * 1e3], axis=1)


def fit(estimator: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(data.numbers(), targets(estimator))


def signature(estimator: Any, names: tuple[str, ...] = NAMES) -> Signature:
    outputs: list[Any] = [NumberOutput(name=name, unit=None, seen=None) for name in names]
    if is_classifier(estimator):
        labels = [np.unique(line).tolist() for line in targets(estimator).T]
        outputs = [
            ClassOutput(name=name, classes=tuple(own))
            for name, own in zip(names, labels, strict=True)
        ]
    return Signature(
        columns=tuple(map(number, data.NAMES)), output=SeveralOutputs(outputs=tuple(outputs))
    )


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_output_is_answered_as_scikit_learn_does(name: str) -> None:
    estimator = fit(ESTIMATORS[name]())
    predictor = build_predictor(signature(estimator), [data.read(estimator)])
    rows = data.probes(estimator, 300)
    expected = estimator.predict(rows)
    found = predictor.values(rows)
    for k, output in enumerate(NAMES):
        own: list[Any] = [each[output] for each in found]
        if is_classifier(estimator):
            assert own == expected[:, k].tolist()
        else:
            np.testing.assert_allclose(own, expected[:, k], rtol=1e-9, atol=1e-9)
    if is_classifier(estimator):
        theirs = estimator.predict_proba(rows)
        if isinstance(theirs, np.ndarray):  # a chain's, of the second class alone
            theirs = [np.stack((1 - second, second), axis=1) for second in theirs.T]
        for part, expected in zip(predictor.parts, theirs, strict=True):
            np.testing.assert_allclose(part.predict(rows).scores, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_row_of_several_outputs_has_the_same_bits_alone_and_among_others(name: str) -> None:
    estimator = fit(ESTIMATORS[name]())
    predictor = build_predictor(signature(estimator), [data.read(estimator)])
    rows = data.probes(estimator, 40)
    alone: list[Any] = [predictor.value(row) for row in rows.tolist()]
    assert predictor.values(rows) == predictor.predict(rows).values == alone
    assert [predictor.decide(row)[1] for row in rows.tolist()] == [
        *map(tuple, predictor.outcomes(rows).tolist())
    ]
    value, scores = predictor.score(rows[0].tolist())
    assert value == alone[0]
    assert len(scores) == sum(len(part.signature.classes) for part in predictor.parts)


def test_every_class_that_separates_outputs_is_tried() -> None:
    separating = {p.name for p in PARTS if isinstance(p, Predicting) and p.separate is not None}
    tried = {name.partition(" ")[0] for name in ESTIMATORS}
    assert {name.rpartition(".")[2] for name in separating} <= tried


@pytest.mark.parametrize(
    "name", ["RandomForestClassifier", "LinearRegression", "a search", "Ridge"]
)
def test_a_row_that_is_too_large_is_refused_with_its_position(name: str) -> None:
    estimator = fit(ESTIMATORS[name]())
    predictor = build_predictor(signature(estimator), [data.read(estimator)])
    rows = np.full((3, 5), 1.7e308)
    rows[0] = 0.0
    with pytest.raises(SignatureError) as caught:
        predictor.outcomes(rows)
    assert caught.value.problems[0].row == 1


@pytest.mark.parametrize("names", [("one", "two"), ("one", "two", "three", "four")])
def test_another_number_of_outputs_is_refused(names: tuple[str, ...]) -> None:
    estimator = fit(Ridge())
    with pytest.raises(ArtifactError, match=f"has 3 outputs; the signature has {len(names)}"):
        build_predictor(signature(estimator, names), [data.read(estimator)])
    with pytest.raises(ArtifactError, match="has 3 outputs; the signature has 1"):
        build_predictor(signature(estimator).parts[0], [data.read(estimator)])


@pytest.mark.parametrize("create", [MultiOutputClassifier, MultiOutputRegressor])
def test_one_estimator_for_one_output_is_refused(create: Any) -> None:
    inside = Ridge() if create is MultiOutputRegressor else LogisticRegression()
    y = targets(inside)[:, :1]
    record = data.read(create(inside).fit(data.numbers(), y))
    with pytest.raises(ArtifactError, match="of one output"):
        build_predictor(signature(inside).parts[0], [record])


def test_more_outputs_than_a_bundle_has_are_refused_before_any_is_read() -> None:
    wide = Ridge().fit(data.numbers(), np.tile(data.target()[:, np.newaxis], MAX_OUTPUTS + 1))
    with pytest.raises(ArtifactError, match="at most 64"):
        take_outputs(data.read(wide))
    many = Fitted("sklearn.multioutput.MultiOutputRegressor", {"estimators_": [data.read(wide)]})
    many.state["estimators_"] *= 100_000  # type: ignore[operator]
    with pytest.raises(ArtifactError, match="at most 64"):
        take_outputs(many)


def test_a_chain_of_other_classes_is_refused() -> None:
    y = np.stack([data.labels(2, "number") + 1, data.labels(2, "number") * 3], axis=1)
    chain = ClassifierChain(LogisticRegression(max_iter=9999)).fit(data.numbers(), y)
    outputs = (ClassOutput(name="one", classes=(1, 2)), ClassOutput(name="two", classes=(0, 3)))
    own = msgspec.structs.replace(signature(fit(Ridge())), output=SeveralOutputs(outputs=outputs))
    with pytest.raises(ArtifactError, match="has the classes 1, 2; expected 0, 1"):
        build_predictor(own, [data.read(chain)])


ODD: tuple[Any, ...] = (
    *(np.array([1.0, 2.0]), np.array(3), np.zeros((3, 3, 3, 3)), np.array(["a", "b", "c"])),
    *([], [None] * 3, {}, None, (1, 2, 3), True, 3, -1, 10**400, float("nan"), "nothing"),
    *(Fitted("nothing"), [Fitted("nothing")] * 3, np.array([None] * 3, object)),
)


def inner_records(record: Fitted) -> list[Fitted]:
    """Return an estimator, those in it, and what holds their nodes."""
    found = [record]
    for value in record.state.values():
        members = value if isinstance(value, list) else [value]
        for member in members[:1]:
            inside = member[-1] if isinstance(member, tuple) else member
            if isinstance(inside, Fitted):
                found += inner_records(inside)
    return found


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ESTIMATORS)
def test_whatever_stands_in_several_outputs_is_refused_or_answers(name: str) -> None:
    estimator = fit(ESTIMATORS[name]())
    own, whole = signature(estimator), data.read(estimator)
    for record in inner_records(whole):
        for attribute, kept in [*record.state.items()]:
            for odd in ODD:
                record.state[attribute] = odd
                with contextlib.suppress(ArtifactError, SignatureError):
                    build_predictor(own, [whole]).outcomes(data.numbers()[:3])
            record.state[attribute] = kept
    build_predictor(own, [whole])


TREE = Fitted(
    "sklearn.tree.DecisionTreeClassifier",
    {
        "n_outputs_": MAX_OUTPUTS,
        "classes_": [np.arange(2)] * MAX_OUTPUTS,
        "tree_": Fitted("sklearn.tree.Tree", {"values": np.zeros((1, MAX_OUTPUTS, 2))}),
    },
)


def forest(trees: Callable[[int], list[Any]], **state: Any) -> Callable[[int], Fitted]:
    """Make a forest of as many outputs as there may be."""
    own = {name: TREE.state[name] for name in ("n_outputs_", "classes_")} | state
    name = "sklearn.ensemble.RandomForestClassifier"
    return lambda n: Fitted(name, own | {"estimators_": trees(n)})


GROWING: dict[str, Callable[[int], Fitted]] = {
    "a tree again and again": forest(lambda n: [TREE] * n),
    "trees": forest(lambda n: [Fitted(TREE.name, dict(TREE.state)) for _ in range(n // 64)]),
    "classes that are lists": lambda n: forest(
        lambda many: [TREE] * many, classes_=[[1] * n] * MAX_OUTPUTS
    )(n),
    "layers again and again": lambda n: Fitted(
        "sklearn.neural_network.MLPRegressor",
        {
            "n_outputs_": MAX_OUTPUTS,
            "coefs_": [np.zeros((MAX_OUTPUTS, MAX_OUTPUTS))] * n,
            "intercepts_": [np.zeros(MAX_OUTPUTS)] * n,
        },
    ),
    "estimators again and again": lambda n: Fitted(
        "sklearn.multioutput.RegressorChain", {"estimators_": [TREE] * n, "order_": [*range(n)]}
    ),
    "steps again and again": lambda n: Fitted(
        "sklearn.pipeline.Pipeline", {"steps": [("step", TREE)] * n}
    ),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("name", GROWING)
def test_separating_outputs_takes_work_and_memory_in_proportion(name: str) -> None:
    def prepare(n: int) -> Callable[[], object]:
        made = GROWING[name](n)

        def separate() -> None:
            with contextlib.suppress(ArtifactError):
                take_outputs(made)

        return separate

    assert_linear(prepare, 1 << 13)
    assert peak(prepare(1 << 16)) < 1 << 27


@pytest.mark.parametrize("n", [1, 2])
def test_a_forest_within_itself_is_refused(n: int) -> None:
    made = forest(lambda n: [TREE] * n)(n)
    made.state["estimators_"] = [made] * n
    with pytest.raises(ArtifactError, match="no trees of its kind"):
        take_outputs(made)


def test_outputs_share_what_they_have_in_common() -> None:
    """A network of sixty outputs is not sixty networks in memory."""
    y = np.tile(data.target()[:, np.newaxis], 60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = MLPRegressor(hidden_layer_sizes=(50,), max_iter=2).fit(data.numbers(), y)
    file = io.BytesIO()
    joblib.dump(network, file)
    members = take_outputs(data.read(network))
    first = {id(member.state["coefs_"][0]) for member in members}  # type: ignore[index]
    assert len(members) == 60
    assert len(first) == 1


@pytest.mark.parametrize(
    "outputs",
    [
        (),
        (NumberOutput(name="one", unit=None, seen=None),),
        (NumberOutput(name="one", unit=None, seen=None),) * 2,
        tuple(NumberOutput(name=f"y{k}", unit=None, seen=None) for k in range(65)),
        (
            NumberOutput(name="one", unit=None, seen=None),
            ClassOutput(name="two", classes=("a", "b")),
        ),
        (
            ClassOutput(name="one", classes=("a", "b")),
            ClassOutput(name="two", classes=(-1, 1), anomaly=-1),
        ),
    ],
)
def test_outputs_that_no_bundle_has_are_refused(outputs: Any) -> None:
    with pytest.raises(ValueError, match=r"expected|anomaly"):
        SeveralOutputs(outputs=outputs)
    encoded = msgspec.json.encode({"kind": "several", "outputs": outputs})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(encoded, type=SeveralOutputs)


def test_one_output_has_one_part() -> None:
    estimator = fit(MultiOutputRegressor(Ridge()))
    part = build_predictor(signature(estimator), [data.read(estimator)]).parts[0]
    assert isinstance(part, Predictor)
    assert part.parts == (part,)
    assert part.signature.parts == (part.signature,)
