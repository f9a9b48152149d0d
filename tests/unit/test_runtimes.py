"""What has no family: scikit-learn loads it and predicts, once what it names was checked."""

import inspect
import os
import pickle
import sys
import types
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone, is_classifier
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KernelDensity, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError, BundleError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.runtimes.facts import describe
from iris_deploy.runtimes.library import Library
from iris_deploy.runtimes.loading import Loader, check_packages
from iris_deploy.runtimes.predictor import load_predictor
from iris_deploy.runtimes.scikit_learn import build_library_predictor
from iris_deploy.runtimes.structures import check_structures, find_records
from iris_deploy.runtimes.tables import TableBuilder
from iris_deploy.schema.adapter import Coded, Feed, Filled, Flagged, Taken
from iris_deploy.schema.batch import Text
from iris_deploy.schema.columns import TextColumn
from iris_deploy.schema.outputs import ClassOutput, NumberOutput, Output, SeveralOutputs
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from iris_deploy.training.adopt.samples import as_values
from tests import data
from tests.pickling import called, dump, named, program, text
from tests.signatures import NUMBER, category, classes, number
from tests.unit.test_hostile_pickles import PAYLOADS

ROWS = np.abs(data.numbers())
N_SHOWN = 40


def has_several_outputs(cls: type[Any]) -> bool:
    several = ("MultiOutput", "MultiTask", "PLS", "CCA", "ClassifierChain", "RegressorChain")
    return cls.__name__.startswith(several)


def build(cls: type[Any]) -> Any:
    """Build an estimator with what it cannot do without."""
    inside = Ridge() if issubclass(cls, RegressorMixin) else LogisticRegression()
    needed: dict[str, Any] = {
        "estimator": inside,
        "estimators": [("inside", inside)],
        "steps": [("inside", inside)],
        "param_grid": {"tol": [1e-4]},
        "param_distributions": {"tol": [1e-4]},
    }
    wanted = getattr(cls, "_required_parameters", None) or [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is parameter.empty and name in needed
    ]
    made = cls(**{name: needed[name] for name in wanted})
    if cls.__name__ in {"SelfTrainingClassifier", "ClassifierChain", "RegressorChain"}:
        made.set_params(estimator=inside)
    if cls.__name__.endswith("Mixture"):
        made.set_params(n_components=3)
    for name, value in (("novelty", True), ("random_state", 0), ("cv", 2)):
        if name in made.get_params():
            made.set_params(**{name: value})
    return made


PREDICTING = {
    name: cls
    for name, cls in all_estimators()
    if hasattr(cls, "predict")
    and name not in {"FrozenEstimator", "IsotonicRegression"}  # of a fitted one; of one column
}
"""All that scikit-learn has, of five columns."""


def several(made: Any) -> np.ndarray:
    """Return two columns of what an estimator predicts."""
    y = data.labels(2, "number") if is_classifier(made) else data.target()
    return np.stack((y, y[::-1]), axis=1)


def fit(made: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if has_several_outputs(type(made)):
            return made.fit(ROWS, several(made))
        if isinstance(made, RegressorMixin):
            return made.fit(ROWS, data.target())
        n_classes = 2 if "Threshold" in type(made).__name__ else 3
        return made.fit(ROWS, data.labels(n_classes, "number"))


def library(loader: Loader, **changed: Any) -> Library:
    facts: dict[str, Any] = {
        "packages": {"scikit-learn": version("scikit-learn")},
        "names": tuple(loader.names.seen),
        "frame": None,
        "knows_none": False,
    }
    return Library(**facts | changed)


def load(estimator: Any) -> Predictor:
    """Dump an estimator, load it, and build its predictor."""
    dumped = dump(estimator)
    loader = Loader()
    facts = describe(loader.load(dumped))
    output: Output = NumberOutput(name="y", unit=None, seen=None)
    if facts.classes:
        output = ClassOutput(name="class", classes=facts.classes)
    elif facts.outputs:
        kind = classes(0, 1) if facts.task == "classification" else NUMBER
        names = [f"y{k}" for k in range(len(facts.outputs))]
        output = SeveralOutputs(
            outputs=tuple(msgspec.structs.replace(kind, name=name) for name in names)
        )
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=output)
    steps = [("model.pkl", ())]
    return load_predictor(signature, None, library(loader), steps, {"model.pkl": dumped}, {})


@pytest.mark.parametrize("name", PREDICTING)
@pytest.mark.filterwarnings("ignore")
def test_whatever_scikit_learn_has_is_loaded_and_answers_as_it_does(name: str) -> None:
    fitted = fit(build(PREDICTING[name]))
    predictor = load(fitted)
    rows = ROWS[:N_SHOWN]
    expected = np.asarray(fitted.predict(rows)).reshape(len(rows), -1).T
    for part, line in zip(predictor.parts, expected, strict=True):
        found = part.predict(rows)
        alone: list[Any] = [part.value(row) for row in rows[:3].tolist()]
        if part.score_name is None:
            np.testing.assert_allclose(found.values, line.astype(float), rtol=1e-12)
            np.testing.assert_allclose(alone, found.values[:3], rtol=1e-9)
            continue
        assert found.values == line.tolist()
        assert alone == found.values[:3]
        assert found.scores.shape == (len(rows), len(part.signature.classes))
        if predictor.score_name == "probabilities":
            np.testing.assert_array_equal(found.scores, fitted.predict_proba(rows))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_code_in_a_dump_is_not_run_by_scikit_learn_either(payload: str, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    data_ = PAYLOADS[payload](f": > '{marker}'")
    with pytest.raises(ArtifactError):
        Loader().load(data_)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "getcwd"),
        ("sklearn.tree", "DecisionTreeClassifier.fit"),
        ("sklearn.base", "clone"),
        ("sklearn.base", "np.load"),
        ("sklearn.datasets._base", "load_files"),
        ("sklearn.datasets._base", "Bunch"),
        ("sklearn.utils._testing", "TempMemmap"),
        ("sklearn.utils.fixes", "parse_version"),
        ("sklearn.externals._packaging.version", "Version"),
        ("sklearn.linear_model._base", "SparseCoefMixin.__init__"),
        ("sklearn.model_selection._split", "Signature"),
        ("sklearn.nowhere", "Anything"),
        ("scipy.sparse._csr", "get_index_dtype"),
        ("numpy", "load"),
        ("numpy.testing._private.utils", "runstring"),
        ("joblib.memory", "Memory"),
        ("xgboost.core", "Booster"),
        ("__main__", "main"),
    ],
)
def test_what_no_estimator_is_made_of_is_not_imported(module: str, name: str) -> None:
    with pytest.raises(ArtifactError, match="not in the list"):
        Loader().load(program(called(named(module, name))))


def test_the_guard_stops_what_the_reader_would_have_let_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Loader, "read", lambda _self, _plain: None)
    with pytest.raises(ArtifactError, match=r"os\.getcwd|posix\.getcwd"):
        Loader().load(pickle.dumps(os.getcwd))
    assert pickle.loads(pickle.dumps(os.getcwd))() == str(Path.cwd())


def forest(change: Callable[[Any], None]) -> Any:
    made = RandomForestClassifier(2, random_state=0).fit(ROWS, data.labels(2, "number"))
    change(made)
    return made


def boosting(change: Callable[[Any], None]) -> Any:
    made = HistGradientBoostingRegressor(max_iter=2).fit(ROWS, data.target())
    change(made)
    return made


def neighbors(change: Callable[[Any], None]) -> Any:
    made = KNeighborsRegressor(algorithm="kd_tree").fit(ROWS, data.target())
    change(made)
    return made


def isolation(change: Callable[[Any], None]) -> Any:
    made = IsolationForest(n_estimators=2, random_state=0).fit(ROWS)
    change(made)
    return made


class Forged:
    """A tree with other nodes, as a dump has it."""

    def __init__(self, tree: Any, change: Callable[[dict[str, Any]], None]) -> None:
        self.made, self.state = tree.__reduce__()[:2], tree.__getstate__()
        change(self.state)

    def __reduce__(self) -> Any:
        return (*self.made, self.state)


def forge(tree_of: Any, change: Callable[[dict[str, Any]], None]) -> Any:
    tree_of.__dict__["tree_"] = Forged(tree_of.tree_, change)
    return tree_of


def set_nodes(field: str, value: int) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        state["nodes"][field][0] = value

    return change


FORGED: dict[str, Callable[[], Any]] = {
    "a child that is its own parent": lambda: forest(
        lambda made: forge(made.estimators_[0], set_nodes("left_child", 0))
    ),
    "a child outside": lambda: forest(
        lambda made: forge(made.estimators_[1], set_nodes("right_child", 10**6))
    ),
    "a feature that is not there": lambda: forest(
        lambda made: forge(made.estimators_[0], set_nodes("feature", 5))
    ),
    "fewer columns than its trees ask about": lambda: forest(
        lambda made: setattr(made, "n_features_in_", 1)
    ),
    "trees of anomalies with a child outside": lambda: isolation(
        lambda made: forge(made.estimators_[0], set_nodes("left_child", 10**6))
    ),
    "boosting with a child outside": lambda: boosting(
        lambda made: made._predictors[0][0].nodes["left"].__setitem__(0, 10**6)
    ),
    "boosting that asks about a feature that is not there": lambda: boosting(
        lambda made: made._predictors[1][0].nodes["feature_idx"].__setitem__(0, 7)
    ),
    "a tree of other samples": lambda: neighbors(
        lambda made: made._tree.__setstate__(
            (
                made._tree.__getstate__()[0],
                np.full(len(ROWS), 10**6),
                *made._tree.__getstate__()[2:],
            )
        )
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_trees_that_lead_astray_are_refused_before_they_are_loaded(name: str) -> None:
    with pytest.raises(ArtifactError, match="tree"):
        Loader().load(dump(FORGED[name]()))


def test_a_dump_of_another_release_is_refused_with_what_to_install() -> None:
    fitted = Ridge().fit(ROWS, data.target())
    old = dump(fitted).replace(
        version("scikit-learn").encode(), b"0" * len(version("scikit-learn"))
    )
    with pytest.raises(ArtifactError, match="written by scikit-learn 0") as caught:
        Loader().load(old)
    assert "pip install scikit-learn==0" in str(caught.value.hint)


def test_packages_have_to_be_of_the_versions_that_are_listed() -> None:
    check_packages({"numpy": version("numpy")})
    with pytest.raises(BundleError, match=r"needs numpy 0\.1; installed is"):
        check_packages({"numpy": "0.1"})
    with pytest.raises(BundleError, match="installed is none"):
        check_packages({"no-such-package": "1.0"})


def test_names_that_the_manifest_does_not_list_are_refused() -> None:
    dumped = dump(Ridge().fit(ROWS, data.target()))
    output = NumberOutput(name="y", unit=None, seen=None)
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=output)
    steps, files = [("model.pkl", ())], {"model.pkl": dumped}
    with pytest.raises(ArtifactError, match="Ridge, which the manifest does not list"):
        load_predictor(signature, None, library(Loader(), names=()), steps, files, {})


SOURCE = b"""
import os
from sklearn.base import BaseEstimator, RegressorMixin


class Own(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.mean_ = float(y.mean())
        self._predictors = [[self.__class__(), "a name that boosting has, too"]]
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return [self.mean_] * len(X)


def helper():
    return 1
"""


def own(module: str) -> bytes:
    """Dump an estimator of a module that is gone by then."""
    made = types.ModuleType(module)
    exec(compile(SOURCE, "own.py", "exec"), vars(made))
    with pytest.MonkeyPatch.context() as patch:
        if module == "__main__":
            patch.setattr(sys.modules[module], "Own", made.Own, raising=False)
        else:
            patch.setitem(sys.modules, module, made)
        return dump(made.Own().fit(ROWS, data.target()))


@pytest.mark.parametrize("module", ["own_steps", "__main__"])
def test_a_class_of_ones_own_is_found_in_the_module_that_goes_with_it(module: str) -> None:
    dumped = own(module)
    with pytest.raises(ArtifactError, match=r"Own'.*not in the list"):
        Loader().load(dumped)
    loaded = Loader({"own_steps": SOURCE}).load(dumped)
    assert loaded.predict(ROWS[:2]) == [data.target().mean()] * 2
    assert not hasattr(sys.modules["__main__"], "Own")


@pytest.mark.parametrize("name", ["os", "os.system", "BaseEstimator", "Own.predict", "nothing"])
def test_a_module_of_ones_own_lends_nothing_that_it_has_imported(name: str) -> None:
    loader = Loader({"own_steps": SOURCE})
    with pytest.raises(ArtifactError, match="not in the list"):
        loader.load(program(called(named("own_steps", name), text("true"))))


def test_a_module_that_fails_is_told_in_its_own_words() -> None:
    with pytest.raises(ArtifactError, match=r"own_fails\.py cannot be run: ZeroDivisionError"):
        Loader({"own_fails": b"1 / 0"})
    assert "own_fails" not in sys.modules


class TwoAtOnce(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Knows two answers for each row."""

    classes_ = (np.array([0, 1]), np.array([0, 1]))

    def predict(self, X: Any) -> Any:
        return np.zeros((len(X), 2))


def test_what_predicts_nothing_or_too_many_outputs_is_refused() -> None:
    with pytest.raises(ArtifactError, match="does not predict"):
        describe(BaseEstimator())
    two = TwoAtOnce()
    two.classes_ = [*two.classes_]  # type: ignore[assignment]
    assert [each.classes for each in describe(two).outputs] == [(0, 1), (0, 1)]
    for odd, words in (
        ([[0, 1]] * 65, "1 to 64 outputs, got 65"),
        ([], "got 0"),
        (
            [np.zeros((2, 2))] * 2,
            "2 dimensions",
        ),
    ):
        two.classes_ = odd  # type: ignore[assignment]
        with pytest.raises(ArtifactError, match=words):
            describe(two)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_labels_of_a_row_are_refused_by_what_is_loaded() -> None:
    """A perceptron of many layers says them as if they were classes."""
    made = MLPClassifier(hidden_layer_sizes=(3,), solver="lbfgs")
    loaded = [made.fit(ROWS, several(made))]
    own = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1))
    predictor = build_library_predictor(own, None, library(Loader()), loaded)
    with pytest.raises(SignatureError, match="several labels of a row"):
        predictor.decide(ROWS[0].tolist())


OUTPUTS: dict[str, Callable[[], Any]] = {
    "a chain": lambda: ClassifierChain(LogisticRegression()),
    "a pipeline": lambda: make_pipeline(StandardScaler(), LinearRegression()),
    "a forest": lambda: RandomForestClassifier(5, random_state=0),
    "classifiers": lambda: MultiOutputClassifier(LogisticRegression()),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_several_outputs_of_what_is_loaded_are_answered_by_name(name: str) -> None:
    made = OUTPUTS[name]()
    made.fit(ROWS, several(made))
    predictor = load(made)
    expected = made.predict(ROWS[:20]).tolist()
    assert predictor.values(ROWS[:20]) == [{"y0": a, "y1": b} for a, b in expected]
    alone = made.predict(ROWS[:1]).tolist()[0]
    answer: Any = predictor.value(ROWS[0].tolist())
    assert answer == dict(zip(("y0", "y1"), alone, strict=True))
    if is_classifier(made):
        found = np.asarray(made.predict_proba(ROWS[:1]))
        second = found[0] if found.ndim == 2 else found[:, 0, 1]
        _, scores = predictor.score(ROWS[0].tolist())
        assert scores == pytest.approx((1 - second[0], second[0], 1 - second[1], second[1]))
    with pytest.raises(ArtifactError, match=r"predicts .*, .*; the signature has"):
        build_library_predictor(predictor.signature.parts[0], None, library(Loader()), [made])


FIELDS = (
    number("size", missing=True),
    category("sex", ("f", "m"), missing=True),
    category("city", ("Oslo", "Rome", "Kyiv"), missing=True),
    TextColumn(name="note", missing=True, seen=None),
)
FEEDS: tuple[Feed, ...] = (
    Taken(column="size", field="size", default=1.5),
    Coded(column="sex", field="sex", codes=(1.0, 0.0), default=2.0),
    Flagged(column="city_Rome", field="city", category=1),
    Filled(column="zero", value=0.0),
    Taken(column="city", field="city", default=2.0),
    Taken(column="note", field="note", default=None),
)


def test_an_adapter_feeds_columns_as_it_does_elsewhere() -> None:
    nan = float("nan")
    listed = [
        (1.0, 0.0, 1.0, Text("a")),
        (nan, 1.0, 2.0, nan),
        (3.0, nan, nan, Text("")),
        (4.0, 1.0, 0.0, Text("b c")),
    ]
    rows = np.array([[*row] for row in listed], object)
    names = [feed.column for feed in FEEDS]
    tables = TableBuilder(FIELDS, FEEDS, frame=names, knows_none=True, takes_texts=False)
    frame = tables.build(rows)
    expected = {
        "size": [1.0, 1.5, 3.0, 4.0],
        "sex": [1.0, 0.0, 2.0, 0.0],
        "city_Rome": [1.0, 0.0, 0.0, 0.0],
        "zero": [0.0, 0.0, 0.0, 0.0],
        "city": ["Rome", "Kyiv", "Kyiv", "Oslo"],
        "note": ["a", None, "", "b c"],
    }
    assert {name: [*frame[name]] for name in names} == expected
    plain = TableBuilder(FIELDS, (), frame=None, knows_none=True, takes_texts=False)
    missing = pd.DataFrame(plain.build(rows)).astype(object)
    assert missing.where(missing.notna(), None).T.to_numpy().tolist() == as_values(FIELDS, rows)


def test_a_large_vocabulary_and_other_trees_are_looked_through() -> None:
    check_structures(
        find_records(Fitted("x", {"vocabulary_": {str(k): k for k in range(1 << 21)}}))
    )
    density = KernelDensity().fit(ROWS)
    assert Loader().load(dump(density)).score(ROWS) == density.score(ROWS)


def test_a_loaded_estimator_starts_no_processes_of_its_own() -> None:
    fitted = RandomForestClassifier(3, n_jobs=4, random_state=0)
    fitted.fit(ROWS, data.labels(2, "number"))
    predictor = load(clone(fitted).fit(ROWS, data.labels(2, "number")))
    assert predictor.predict(ROWS[:5]).values == fitted.predict(ROWS[:5]).tolist()
