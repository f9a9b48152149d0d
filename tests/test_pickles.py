"""Dumps of every age are read as scikit-learn meant them, and nothing in a dump is ever run."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import pickletools
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.numpy_pickle import NumpyArrayWrapper
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

from iris_deploy.bundle.estimators import build_kernel
from iris_deploy.bundle.fitted import Fitted
from iris_deploy.bundle.kernel import Floats
from iris_deploy.bundle.pickles import read_dump
from iris_deploy.bundle.predictor import Predictor
from iris_deploy.bundle.signature import Feature, Signature
from iris_deploy.errors import ArtifactError

DUMPS = Path(__file__).parent / "dumps"

CLASSES = ("setosa", "versicolor", "virginica")

COMPRESSIONS: list[Any] = [
    *("zlib", "gzip", "bz2", "xz", "lzma"),
    *(("zlib", 1), ("gzip", 9), ("bz2", 1), ("xz", 0), ("lzma", 6)),
    *(True, 1, 9),
]
"""Values of the parameter ``compress`` of ``joblib.dump``; lz4 is a package of its own."""

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def signature(n_classes: int = 3, n_features: int = 2) -> Signature:
    """Build the contract of petals."""
    return Signature(
        features=tuple(
            Feature(
                name=f"x{j}",
                unit="cm",
                minimum=0.1,
                maximum=6.9,
                mean=2.5,
                bin_edges=(),
                bin_counts=(150,),
            )
            for j in range(n_features)
        ),
        classes=CLASSES[:n_classes],
    )


def dump(value: object, **options: Any) -> bytes:
    """Return the bytes that today's joblib writes."""
    file = io.BytesIO()
    joblib.dump(value, file, **options)
    return file.getvalue()


def transform(scaler: Fitted, rows: Floats) -> Floats:
    """Return what a scaler makes of two columns: the scores of a classifier that only hands on."""
    weights = {"coef_": np.eye(3, 2), "intercept_": np.zeros(3), "classes_": np.arange(3)}
    kernel, _ = build_kernel([scaler, Fitted("sklearn.linear_model.Perceptron", {**weights})], 3)
    return kernel.columns(rows)[:2].T


def assert_near(got: Any, expected: Any, rows: Floats) -> None:
    """Compare sums of a few products, which BLAS adds up in another order than we do."""
    size = np.maximum(1, np.abs(rows).max(axis=1, keepdims=True))
    assert np.shape(got) == np.shape(expected)
    assert (np.abs(got - expected) <= 1e-12 * (size + np.abs(expected))).all()


# --------------------------------------------------------------------------------------------------
# Dumps of scikit-learn's past


@cache
def expected(release: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((DUMPS / release / "expected.json").read_text())
    return figures


def recorded(figure: str) -> list[tuple[str, str]]:
    """List release and file of every dump of which scikit-learn recorded a figure."""
    return [
        (folder.name, file)
        for folder in sorted(DUMPS.glob("sklearn-*"))
        for file, figures in expected(folder.name).items()
        if file != "rows" and figure in figures
    ]


def test_every_dump_beside_the_recipe_has_its_expected_figures() -> None:
    for folder in DUMPS.glob("sklearn-*"):
        files = {path.name for path in folder.iterdir()} - {"expected.json"}
        assert files == set(expected(folder.name)) - {"rows"}


@pytest.mark.parametrize(("release", "file"), recorded("labels"))
def test_an_old_classifier_decides_as_its_scikit_learn_did(release: str, file: str) -> None:
    figures, rows = expected(release)[file], np.array(expected(release)["rows"])
    fitted = read_dump((DUMPS / release / file).read_bytes())
    predictor = Predictor(signature(figures["classes"]), [fitted])
    labels = [CLASSES[index] for index in figures["labels"]]
    assert predictor.labels(rows.tolist()) == labels
    assert predictor.predict(rows).labels == labels
    kernel, _ = build_kernel([fitted], figures["classes"])
    decision = np.array(figures["decision_function"]).reshape(len(rows), -1)
    assert_near(kernel.columns(rows).T, decision, rows)


@pytest.mark.parametrize(("release", "file"), recorded("labels"))
def test_an_old_classifier_has_the_probabilities_of_its_scikit_learn(
    release: str, file: str
) -> None:
    figures, rows = expected(release)[file], np.array(expected(release)["rows"])
    fitted = read_dump((DUMPS / release / file).read_bytes())
    predictor = Predictor(signature(figures["classes"]), [fitted])
    if "predict_proba" in figures:
        assert predictor.score_name == "probabilities"
        # An error of the decision value is a relative error of a small probability.
        np.testing.assert_allclose(
            predictor.predict(rows).scores, figures["predict_proba"], rtol=1e-12, atol=1e-13
        )
    else:
        assert predictor.score_name == "decision_values"


@pytest.mark.parametrize(("release", "file"), recorded("transform"))
def test_an_old_scaler_scales_as_its_scikit_learn_did(release: str, file: str) -> None:
    figures, rows = expected(release)[file], np.array(expected(release)["rows"])
    fitted = read_dump((DUMPS / release / file).read_bytes())
    assert_near(transform(fitted, rows), np.array(figures["transform"]), rows)


CHOLESKY = {"solver": "newton-cholesky"}

# Which rule predict_proba followed: measured with these releases, and read in their source.
PAST_RULES = [
    ("LogisticRegression", "0.19.2", {"multi_class": "ovr"}, 3, "logistic"),
    ("LogisticRegression", "0.19.2", {"multi_class": "multinomial"}, 3, "softmax"),
    ("LogisticRegression", "0.19.2", {"multi_class": "multinomial"}, 2, "logistic"),
    ("LogisticRegression", "0.20.4", {"multi_class": "warn"}, 3, "logistic"),
    ("LogisticRegression", "0.20.4", {"multi_class": "multinomial"}, 2, "softmax"),
    ("LogisticRegression", "0.20.4", {"multi_class": "auto"}, 3, "softmax"),
    ("LogisticRegression", "0.20.4", {"multi_class": "auto"}, 2, "logistic"),
    ("LogisticRegression", "0.20.4", {"multi_class": "auto", "solver": "liblinear"}, 3, "logistic"),
    ("LogisticRegression", "0.22.2.post1", {"multi_class": "auto"}, 3, "softmax"),
    ("LogisticRegression", "1.2.2", {"multi_class": "auto", **CHOLESKY}, 3, "logistic"),
    ("LogisticRegression", "1.5.2", {"multi_class": "deprecated"}, 3, "softmax"),
    ("LogisticRegression", "1.5.2", {"multi_class": "deprecated", **CHOLESKY}, 3, "logistic"),
    ("LogisticRegression", "1.5.2", {"multi_class": "multinomial"}, 3, "softmax"),
    ("LogisticRegression", "1.6.1", {"multi_class": "deprecated", **CHOLESKY}, 3, "softmax"),
    ("LogisticRegression", "1.7.2", {"multi_class": "multinomial"}, 2, "softmax"),
    ("LogisticRegression", "1.7.2", {"multi_class": "ovr"}, 3, "logistic"),
    ("LogisticRegression", "1.8.0", {}, 3, "softmax"),
    ("LogisticRegression", "1.8.0", CHOLESKY, 3, "softmax"),
    ("LogisticRegression", "1.8.0", {"solver": "liblinear"}, 2, "logistic"),
    ("LinearDiscriminantAnalysis", "0.20.4", {}, 3, "logistic"),
    ("LinearDiscriminantAnalysis", "0.21.0", {}, 3, "softmax"),
    ("LinearDiscriminantAnalysis", "0.21.0", {}, 2, "logistic"),
    ("LinearDiscriminantAnalysis", "1.9.1", {}, 3, "softmax"),
    ("SGDClassifier", "0.19.2", {"loss": "log"}, 3, "logistic"),
    ("SGDClassifier", "1.1.3", {"loss": "log_loss"}, 3, "logistic"),
    ("SGDClassifier", "1.1.3", {"loss": "hinge"}, 3, "none"),
]


@pytest.mark.parametrize(("estimator", "version", "parameters", "n_classes", "rule"), PAST_RULES)
def test_probabilities_follow_the_rule_of_the_release_that_dumped(
    estimator: str, version: str, parameters: dict[str, str], n_classes: int, rule: str
) -> None:
    lines = 1 if n_classes == 2 else n_classes
    package = "discriminant_analysis" if estimator.startswith("LinearD") else "linear_model"
    coef = np.array([[1.0, -0.5], [0.25, 0.75], [-1.0, 0.5]])[:lines]
    intercept = np.array([0.5, -0.25, 0.125])[:lines]
    state: dict[str, object] = {
        "coef_": coef,
        "intercept_": intercept,
        "classes_": np.arange(n_classes),
        "solver": "lbfgs",
        "_sklearn_version": version,
        **parameters,
    }
    predictor = Predictor(signature(n_classes), [Fitted(f"sklearn.{package}.{estimator}", state)])
    rows = np.array([[0.0, 0.0], [1.0, 2.0], [-3.0, 1.5], [0.3, -4.0]])
    decision = rows @ coef.T + intercept
    shares = 1 / (1 + np.exp(-decision))
    if lines == 1:
        decision, shares = np.hstack([-decision, decision]), np.hstack([1 - shares, shares])
    answers = {
        "none": decision,
        "logistic": shares / shares.sum(axis=1, keepdims=True),
        "softmax": np.exp(decision) / np.exp(decision).sum(axis=1, keepdims=True),
    }
    np.testing.assert_allclose(predictor.predict(rows).scores, answers[rule], rtol=1e-12)


@pytest.mark.parametrize("module", ["_loss", "sklearn._loss._loss"])
def test_the_log_loss_is_read_by_each_name_that_its_module_has_had(module: str) -> None:
    """scikit-learn 1.6 to 1.8 called it ``_loss``, as if it stood alone."""
    data = dump(fit("sgd log_loss", "2 classes"), protocol=3)
    other, found = re.subn(rb"c[\w.]+(?=\nCyHalfBinomialLoss\n)", b"c" + module.encode(), data)
    assert found == 1
    assert Predictor(signature(2), [read_dump(other)]).score_name == "probabilities"


# --------------------------------------------------------------------------------------------------
# Dumps of today

SCALERS: dict[str, Callable[[], Any]] = {
    "standard": StandardScaler,
    "standard without mean": lambda: StandardScaler(with_mean=False),
    "standard without std": lambda: StandardScaler(with_std=False),
    "standard without either": lambda: StandardScaler(with_mean=False, with_std=False),
    "min-max": MinMaxScaler,
    "min-max clipped": lambda: MinMaxScaler((-1, 2.5), clip=True),
}

CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "perceptron": lambda: Perceptron(max_iter=40, tol=None, eta0=0.1, random_state=0),
    "logistic regression": LogisticRegression,
    "sgd hinge": lambda: SGDClassifier(random_state=0),
    "sgd log_loss": lambda: SGDClassifier(loss="log_loss", random_state=0),
    "sgd modified_huber": lambda: SGDClassifier(loss="modified_huber", random_state=0),
    "sgd squared_hinge": lambda: SGDClassifier(loss="squared_hinge", random_state=0),
    "sgd averaged": lambda: SGDClassifier(loss="log_loss", average=True, random_state=0),
    "ridge": RidgeClassifier,
    "svc": lambda: LinearSVC(random_state=0),
    "svc without intercept": lambda: LinearSVC(fit_intercept=False, random_state=0),
    "discriminant svd": LinearDiscriminantAnalysis,
    "discriminant lsqr": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    "discriminant eigen": lambda: LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
    "pipeline": lambda: make_pipeline(StandardScaler(), Perceptron(random_state=0)),
    "nested pipeline": lambda: make_pipeline(
        make_pipeline(StandardScaler(), MinMaxScaler()),
        make_pipeline("passthrough", LogisticRegression()),
    ),
    "pipeline with a step left out": lambda: Pipeline(
        [("none", None), ("scale", MinMaxScaler()), ("off", "passthrough"), ("svc", LinearSVC())]
    ),
}

DATA = ("3 classes", "2 classes", "3 names", "2 names", "float32")


@cache
def samples(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the petals of iris."""
    iris = load_iris()
    X, y = iris.data[:, [2, 3]], iris.target
    kept = y < (2 if data.startswith("2") else 3)
    names = np.array(CLASSES)
    assert names.dtype == "<U10"
    return (
        X[kept].astype(np.float32 if data == "float32" else np.float64),
        (names[y] if data.endswith("names") else y)[kept],
    )


@cache
def fit(name: str, data: str) -> Any:
    X, y = samples(data)
    estimator = {**SCALERS, **CLASSIFIERS}[name]()
    return estimator.fit(X, None if name in SCALERS else y)


def public_name(estimator: BaseEstimator) -> str:
    module = type(estimator).__module__.split(".")
    return ".".join([p for p in module if not p.startswith("_")] + [type(estimator).__name__])


def assert_same(got: Any, original: Any) -> None:
    """Compare a read value with the one in memory: same numbers, same dtypes, nothing missing."""
    if isinstance(original, BaseEstimator):
        assert isinstance(got, Fitted)
        assert got.name == public_name(original)
        assert_same(got.state, original.__getstate__())
    elif isinstance(original, np.ndarray):
        assert isinstance(got, np.ndarray)
        np.testing.assert_array_equal(got, original, strict=True)
    elif isinstance(original, dict):
        assert list(got) == list(original)
        for key in original:
            assert_same(got[key], original[key])
    elif isinstance(original, (list, tuple)):
        assert type(got) is type(original)
        assert len(got) == len(original)
        for one, other in zip(got, original, strict=True):
            assert_same(one, other)
    elif type(original).__module__.partition(".")[0] in {"sklearn", "_loss"}:
        assert isinstance(got, Fitted)  # a loss function
        assert got.name.startswith("sklearn.")
    else:
        plain = original.item() if isinstance(original, np.generic) else original
        assert (type(got), got) == (type(plain), plain)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", [*SCALERS, *CLASSIFIERS])
def test_every_attribute_of_a_dump_is_read_as_it_was(name: str, data: str) -> None:
    estimator = fit(name, data)
    assert_same(read_dump(dump(estimator)), estimator)


@pytest.mark.parametrize("compress", COMPRESSIONS, ids=repr)
@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("name", ["sgd log_loss", "nested pipeline"])
def test_every_compression_and_protocol_of_joblib_is_read(
    name: str, protocol: int, compress: Any
) -> None:
    estimator = fit(name, "3 names")
    assert_same(read_dump(dump(estimator, compress=compress, protocol=protocol)), estimator)


def test_the_largest_protocol_and_no_compression_are_read() -> None:
    estimator = fit("perceptron", "3 classes")
    for options in ({"protocol": pickle.HIGHEST_PROTOCOL}, {"compress": 0}, {"compress": False}):
        assert_same(read_dump(dump(estimator, **options)), estimator)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_read_classifier_decides_as_the_one_in_memory(name: str, data: str) -> None:
    estimator = fit(name, data)
    n_classes = len(estimator.classes_)
    predictor = Predictor(signature(n_classes), [read_dump(dump(estimator))])
    length, width = np.meshgrid(np.linspace(-1, 9, 21), np.linspace(-1, 4, 21))
    rows = np.column_stack([length.ravel(), width.ravel()])
    predictions = predictor.predict(rows)
    assert (estimator.classes_[predictions.indices] == estimator.predict(rows)).all()
    if predictor.score_name == "probabilities":
        np.testing.assert_allclose(
            predictions.scores, estimator.predict_proba(rows), rtol=1e-11, atol=1e-13
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
    assert_near(transform(read_dump(dump(estimator)), rows), estimator.transform(rows), rows)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">i4", "<i8", "u1", "?", "<U3", ">U3"])
def test_arrays_of_any_number_and_order_are_read_in_native_order(dtype: str, order: Any) -> None:
    values = np.array([[1, 0, 3], [4, 5, 0]]).astype(dtype, order=order)
    scaler = StandardScaler()
    scaler.mean_, scaler.strided_ = values, values[:, ::2]
    state = read_dump(dump(scaler)).state
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
    fitted = read_dump(dump(estimator))
    assert_same(fitted, estimator)
    assert Predictor(signature(), [fitted]).labels([(1.4, 0.2)])


@pytest.mark.parametrize(
    "weights", ["balanced", {0: 1, 1: 2.5}, {"setosa": 1}, {False: 1.0, True: 2.0}], ids=repr
)
def test_class_weights_are_read_for_every_kind_of_class(weights: object) -> None:
    estimator = LogisticRegression(class_weight=weights)
    assert_same(read_dump(dump(estimator)), estimator)


def test_empty_and_zero_dimensional_arrays_are_read() -> None:
    scaler = StandardScaler()
    scaler.empty_, scaler.flat_, scaler.single_ = np.empty((0, 4)), np.empty(0), np.array(2.5)
    assert_same(read_dump(dump(scaler)), scaler)


def test_reading_and_predicting_import_neither_scikit_learn_nor_joblib(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.pkl"
    path.write_bytes(dump(fit("nested pipeline", "3 names"), compress="xz"))
    child = f"""
import sys
from pathlib import Path
{CHILD}
Predictor(signature, [read_dump(Path(sys.argv[1]).read_bytes())]).label((5.1, 2.4))
print(sorted({{"sklearn", "joblib", "scipy", "pandas"}} & set(sys.modules)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", child, str(path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


# --------------------------------------------------------------------------------------------------
# Dumps that hold code


def text(value: str) -> bytes:
    """BINUNICODE."""
    encoded = value.encode()
    return b"X" + len(encoded).to_bytes(4, "little") + encoded


def named(module: str, name: str) -> bytes:
    """STACK_GLOBAL, whose names may be dotted."""
    return text(module) + text(name) + b"\x93"


def called(callee: bytes, *arguments: bytes) -> bytes:
    """REDUCE."""
    return callee + b"(" + b"".join(arguments) + b"tR"


def program(*instructions: bytes) -> bytes:
    """Make a whole pickle of protocol 4."""
    return b"\x80\x04" + b"".join(instructions) + b"."


STANDARD_SCALER = named("sklearn.preprocessing._data", "StandardScaler") + b")\x81"


class Command:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def scaler_with(value: object) -> StandardScaler:
    """Hide a value in an attribute of a scaler that is fitted otherwise."""
    scaler = StandardScaler().fit(samples("3 classes")[0])
    scaler.n_samples_seen_ = value
    return scaler


def evil_file(command: str) -> str:
    """Write an .npy file whose array runs the command; return its name."""
    path = Path(command.split("'")[1] + ".npy")
    np.save(path, np.array([Command(command)], dtype=object), allow_pickle=True)
    return str(path)


def step_of_pipeline(command: str) -> bytes:
    return dump(Pipeline([("scaler", StandardScaler()), ("classifier", Command(command))]))


PAYLOADS: dict[str, Callable[[str], bytes]] = {
    "reduce": lambda c: dump(Command(c)),
    "reduce, pickled plainly": lambda c: pickle.dumps(Command(c), protocol=2),
    "reduce, in text": lambda c: pickle.dumps(Command(c), protocol=0),
    "attribute of a scaler": lambda c: dump(scaler_with(Command(c))),
    "key of a parameter": lambda c: dump(scaler_with({Command(c): 1})),
    "step of a pipeline": step_of_pipeline,
    "object array": lambda c: dump(scaler_with(np.array([Command(c)], dtype=object))),
    "object array of its own": lambda c: dump(np.array([Command(c)], dtype=object)),
    "dotted name": lambda c: program(called(named("sklearn.datasets._base", "os.system"), text(c))),
    "dotted name behind a module that is in the list": lambda c: program(
        called(named("sklearn.preprocessing._data", "np.lib._datasource.os.system"), text(c))
    ),
    "dotted name in joblib": lambda c: program(
        called(named("joblib.numpy_pickle", "os.system"), text(c))
    ),
    "eval": lambda c: program(
        called(named("builtins", "eval"), text(f"__import__('os').system({c!r})"))
    ),
    "exec": lambda c: program(
        called(named("builtins", "exec"), text(f"import os; os.system({c!r})"))
    ),
    "getattr": lambda c: program(
        called(
            called(
                named("builtins", "getattr"),
                called(named("builtins", "__import__"), text("os")),
                text("system"),
            ),
            text(c),
        )
    ),
    "map of a function": lambda c: program(
        called(
            named("builtins", "list"),
            called(named("builtins", "map"), named("os", "system"), b"(" + text(c) + b"t"),
        )
    ),
    "numpy.load": lambda c: program(
        called(named("numpy", "load"), text(evil_file(c)), b"N", b"\x88")
    ),
    "joblib.load": lambda c: program(
        called(named("joblib", "load"), text(joblib.dump(Command(c), evil_file(c) + ".pkl")[0]))
    ),
    "INST": lambda c: program(b"(", text(c), b"iposix\nsystem\n"),
    "OBJ": lambda c: program(b"(", b"cposix\nsystem\n", text(c), b"o"),
    "after the estimator": lambda c: (
        dump(StandardScaler())[:-1] + b"0" + program(called(named("os", "system"), text(c)))
    ),
}


def assert_refused_unrun(data: bytes, command: str) -> None:
    """Refuse, touch nothing; then prove that the command would have run."""
    marker = Path(command.split("'")[1])
    with pytest.raises(ArtifactError):
        read_dump(data)
    assert not marker.exists()
    path = marker.with_suffix(".pkl")
    path.write_bytes(data)
    with suppress(Exception):
        joblib.load(path)
    assert marker.exists()


@pytest.fixture
def command(tmp_path: Path) -> str:
    """A shell command that leaves a file behind."""
    return f": > '{tmp_path / 'ran'}'"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_code_in_a_dump_is_refused_and_not_run(payload: str, command: str) -> None:
    assert_refused_unrun(PAYLOADS[payload](command), command)


@pytest.mark.parametrize("compress", COMPRESSIONS, ids=repr)
@pytest.mark.parametrize("where", ["alone", "in a scaler", "in an object array"])
def test_code_in_a_compressed_dump_is_refused_and_not_run(
    where: str, compress: Any, command: str
) -> None:
    value: object = Command(command)
    if where == "in a scaler":
        value = scaler_with(value)
    elif where == "in an object array":
        value = scaler_with(np.array([value], dtype=object))
    assert_refused_unrun(dump(value, compress=compress), command)


@pytest.mark.parametrize(
    "state",
    [
        b"}" + text("read") + named("numpy", "ndarray") + b"s",
        b"N}" + text("read") + named("numpy", "ndarray") + b"s\x86",
    ],
    ids=["attributes", "slots"],
)
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("sklearn.preprocessing._data", "StandardScaler"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy._core.multiarray", "scalar"),
    ],
)
def test_attributes_of_a_class_cannot_be_set(module: str, name: str, state: bytes) -> None:
    before = NumpyArrayWrapper.read
    with pytest.raises(ArtifactError, match="sets attributes"):
        read_dump(program(named(module, name), state, b"b"))
    assert NumpyArrayWrapper.read is before


FOREIGN_NAMES = {
    "os": "system",
    "posix": "system",
    "builtins": "eval exec getattr __import__ object",
    "__builtin__": "eval",
    "subprocess": "Popen",
    "copyreg": "_reconstructor",
    "functools": "partial",
    "operator": "attrgetter",
    "numpy": "load memmap matrix ndarray.tofile dtype.type",
    "numpy._core.multiarray": "_reconstruct scalar.__call__",
    "numpy._core.numeric": "_frombuffer",
    "joblib": "load numpy_pickle.NumpyArrayWrapper",
    "joblib.numpy_pickle": "load os.system NumpyUnpickler NumpyArrayWrapper.read",
    "joblib.numpy_pickle_compat": "NDArrayWrapper ZNDArrayWrapper",
    "sklearn.preprocessing": "StandardScaler",
    "sklearn.preprocessing._data": "PowerTransformer StandardScaler.fit np.f2py.os.system",
    "sklearn.datasets._base": "os.system",
    "sklearn.pipeline": "FeatureUnion",
    "iris_deploy.bundle.fitted": "Fitted",
    "": "dtype",
    "numpy ": "dtype",
    " numpy": "dtype",
}


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in FOREIGN_NAMES.items() for name in names.split()],
)
@pytest.mark.parametrize("instruction", ["GLOBAL", "STACK_GLOBAL"])
def test_a_name_that_is_not_in_the_list_is_refused(
    instruction: str, module: str, name: str
) -> None:
    find = f"c{module}\n{name}\n".encode() if instruction == "GLOBAL" else named(module, name)
    with pytest.raises(ArtifactError, match="not in the list"):
        read_dump(program(find))
    with pytest.raises(ArtifactError, match="not in the list"):
        read_dump(program(called(find, text("x"))))


# Of every instruction of the language that no estimator needs, one use.
FOREIGN: dict[str, bytes] = {
    "PERSID": b"Pid\n",
    "BINPERSID": text("id") + b"Q",
    "EXT1": b"\x82\x01",
    "EXT2": b"\x83\x01\x00",
    "EXT4": b"\x84\x01\x00\x00\x00",
    "INST": b"(iposix\nsystem\n",
    "OBJ": b"(" + named("numpy", "ndarray") + b"o",
    "NEWOBJ_EX": named("sklearn.preprocessing._data", "StandardScaler") + b")}\x92",
    "POP": b"N0",
    "POP_MARK": b"(1",
    "DUP": b"N2",
    "LIST": b"(l",
    "DICT": b"(d",
    "EMPTY_SET": b"\x8f",
    "FROZENSET": b"(\x91",
    "STRING": b"S'text'\n",
    "BINSTRING": b"T\x01\x00\x00\x00a",
    "SHORT_BINSTRING": b"U\x01a",
    "UNICODE": b"Vtext\n",
    "BYTEARRAY8": b"\x96\x01\x00\x00\x00\x00\x00\x00\x00a",
    "NEXT_BUFFER": b"\x97",
    "READONLY_BUFFER": b"N\x98",
}


@pytest.mark.parametrize("instruction", FOREIGN)
def test_an_instruction_that_no_estimator_needs_is_refused(instruction: str) -> None:
    with pytest.raises(ArtifactError, match=f"instruction {instruction} "):
        read_dump(program(FOREIGN[instruction]))


@pytest.mark.parametrize(
    "callee",
    [b"N", text("os.system"), b"}", b")", called(named("numpy", "dtype"), text("f8"))],
    ids=["None", "text", "dict", "tuple", "dtype"],
)
def test_only_names_of_the_list_can_be_called(callee: bytes) -> None:
    for call in (b")R", b")\x81", text("x") + b"\x85R"):
        with pytest.raises(ArtifactError, match="calls something"):
            read_dump(program(callee, call))


@pytest.mark.parametrize("data", [[1, 2], {"a": 1}, np.arange(3.0), "text", None, 1, 2.5, (), b"x"])
def test_a_dump_of_anything_but_an_estimator_is_refused(data: object) -> None:
    with pytest.raises(ArtifactError, match="expected a fitted estimator"):
        read_dump(dump(data))


@pytest.mark.parametrize(
    "estimator",
    [RandomForestClassifier(n_estimators=2), SVC(), KNeighborsClassifier(), PCA()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_an_unsupported_estimator_is_refused_with_the_list_of_those_that_are(
    estimator: Any,
) -> None:
    estimator.fit(*samples("3 classes"))
    for value in (estimator, make_pipeline(StandardScaler(), estimator)):
        with pytest.raises(ArtifactError, match=type(estimator).__name__) as caught:
            read_dump(dump(value))
        assert "StandardScaler, MinMaxScaler, Perceptron" in str(caught.value.hint)


def test_an_object_array_is_refused_however_harmless_and_the_hint_says_why() -> None:
    perceptron = Perceptron(random_state=0).fit(*samples("3 names"))
    perceptron.classes_ = perceptron.classes_.astype(object)
    for estimator in (
        scaler_with(np.array([1.0, 2.0], dtype=object)),
        scaler_with(np.array([], dtype=object)),
        perceptron,
        make_pipeline(StandardScaler(), perceptron),
    ):
        with pytest.raises(ArtifactError, match="array of Python objects") as caught:
            read_dump(dump(estimator))
        assert "classes of integers or fixed-width text" in str(caught.value.hint)


# --------------------------------------------------------------------------------------------------
# Arrays that are none


def literal(value: object) -> bytes:
    """Return the instructions that build a plain value."""
    return pickle.dumps(value, protocol=3)[2:-1]


def array(**attributes: object) -> bytes:
    """Describe an array as joblib does, with some attributes otherwise; 80 bytes of it follow.

    Attributes that are bytes are instructions.
    """
    described = {
        "subclass": named("numpy", "ndarray"),
        "shape": (2,),
        "order": "C",
        "dtype": np.dtype("<f8"),
        "allow_mmap": False,
        **attributes,
    }
    items = [
        text(name) + (value if isinstance(value, bytes) else literal(value))
        for name, value in described.items()
    ]
    wrapper = named("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81"
    return wrapper + b"}(" + b"".join(items) + b"ub" + b"\0" * 80


def test_an_array_that_is_described_well_is_read() -> None:
    """Else the refusals below would prove nothing."""
    values = array().removesuffix(b"\0" * 64)
    fitted = read_dump(program(STANDARD_SCALER, b"}", text("mean_"), values, b"sb"))
    assert_same(fitted.state, {"mean_": np.zeros(2)})


SHAPES: list[object] = [
    *((-1,), (-1, -2), (2, -4), (-(2**70),), (2.0,), (True,), (None,), ("2",), ("2", "3"), ((2,),)),
    *((1, 1, 1), (1,) * 100, (10**6, 10**6), (2**31, 2**31), (2**62, 4), (2**63,), (0, 2**63)),
    *(None, 2, 2.0, "ab", {"a": 1}),
]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_an_array_with_an_impossible_shape_is_refused(shape: object) -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        read_dump(program(array(shape=shape)))


DTYPES: list[object] = [
    *(np.dtype(code) for code in ("O", "O,O", "f8,i4", "(2,)f8", "c16", "S3", "V8", "M8[s]", "U0")),
    *(None, "<f8", 1, []),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=repr)
def test_an_array_of_anything_but_numbers_and_text_is_refused(dtype: object) -> None:
    with pytest.raises(ArtifactError, match=r"damaged|dtype|Python objects|not in the list|calls"):
        read_dump(program(array(dtype=dtype)))


DTYPE_CODES = [
    *("O", "|O", "<O", "object", "O8", "O,O", "f8,O", "2O", "(2,)O", "f8,f8", "(2,)f8", "(,)f8"),
    *("01f8,i4", "((((f8", "a5", "S5", "c16", "M8", "M8[ns]", "m8", "V3", "V", "T", "(1)f8", "f-8"),
    *("", " ", "f9", "f0", "f8\0", "\u00e9", "U99999999999999999999", "U-1", "str", "_", ","),
    *("9" * 5000, "f" * 5000, "(" * 5000, "(" * 5000 + ")f8"),
]


@pytest.mark.parametrize("code", DTYPE_CODES, ids=lambda code: ascii(code)[:20])
def test_a_foreign_dtype_code_is_refused_without_a_warning(code: str) -> None:
    order = b"(" + literal(3) + text("<") + b"NNN" + literal(-1) + literal(-1) + literal(0) + b"t"
    dtype = called(named("numpy", "dtype"), text(code)) + order + b"b"
    with pytest.raises(ArtifactError, match=r"damaged|dtype|Python objects"):
        read_dump(program(array(dtype=dtype)))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("order", "K"),
        ("order", None),
        ("order", []),
        ("order", ("C",)),
        ("subclass", None),
        ("subclass", named("numpy", "dtype")),
    ],
)
def test_an_array_of_another_order_or_class_is_refused(attribute: str, value: object) -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        read_dump(program(array(**{attribute: value})))


SCALAR, DTYPE = named("numpy._core.multiarray", "scalar"), named("numpy", "dtype")


@pytest.mark.parametrize(
    "instructions",
    [
        called(SCALAR, b"N", literal(b"12345678")),
        called(SCALAR, text("f8"), literal(b"12345678")),
        called(SCALAR, literal(np.dtype("O")), literal(b"12345678")),
        called(SCALAR, literal(np.dtype("f8")), literal(b"1234")),
        called(SCALAR, literal(np.dtype("f8")), text("12345678")),
        called(SCALAR, literal(np.dtype("U1")), literal(b"\xff\xff\xff\xff")),
        called(SCALAR, literal(np.dtype("f8"))),
        called(SCALAR),
        called(DTYPE),
        called(DTYPE, b"N"),
    ],
)
def test_a_scalar_or_dtype_without_a_value_is_refused(instructions: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"damaged|Python objects|calls"):
        read_dump(program(instructions))


# --------------------------------------------------------------------------------------------------
# Damage


def outcome(data: bytes) -> str:
    """Read bytes that may be anything; every other exception than ArtifactError is a failure."""
    try:
        return type(read_dump(data)).__name__
    except ArtifactError:
        return "refused"


# Flips inside a number give another number: only the digest in the bundle catches those, which is
# why it is checked before a dump is decoded. The reader's part is to end in one of two ways.
@pytest.mark.parametrize("compress", [0, "zlib"], ids=["plain", "compressed"])
@pytest.mark.parametrize("name", ["standard", "perceptron"])
def test_a_dump_with_any_one_bit_flipped_is_read_or_refused(name: str, compress: Any) -> None:
    data = dump(fit(name, "3 classes"), compress=compress)
    outcomes = set()
    for index in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[index] ^= 1 << bit
            outcomes.add(outcome(bytes(damaged)))
    assert "refused" in outcomes <= {"refused", "Fitted"}


@pytest.mark.parametrize("compress", [0, *PACKED, "lzma"], ids=repr)
@pytest.mark.parametrize("name", ["standard", "perceptron"])
def test_a_dump_cut_off_anywhere_is_refused(name: str, compress: Any) -> None:
    data = dump(fit(name, "3 names"), compress=compress)
    for size in range(len(data)):
        assert outcome(data[:size]) == "refused"


@pytest.mark.parametrize("compress", [0, *PACKED, "lzma"], ids=repr)
@pytest.mark.parametrize("tail", [b"\0", b".", b"more"])
def test_bytes_after_the_end_are_refused(tail: bytes, compress: Any) -> None:
    data = dump(fit("standard", "3 classes"), compress=compress)
    with pytest.raises(ArtifactError, match="damaged"):
        read_dump(data + tail)
    with pytest.raises(ArtifactError, match="damaged"):
        read_dump(data + data)


@pytest.mark.parametrize("pack", PACKED)
def test_bytes_after_the_end_of_the_pickle_inside_the_compression_are_refused(pack: str) -> None:
    data = dump(fit("standard", "3 classes"))
    assert outcome(PACKED[pack](data)) == "Fitted"
    with pytest.raises(ArtifactError, match="1 bytes follow"):
        read_dump(PACKED[pack](data + b"."))
    with pytest.raises(ArtifactError):
        read_dump(PACKED[pack](PACKED[pack](data)))


@pytest.mark.parametrize(
    ("data", "writer"),
    [
        (b"\x04\x22\x4d\x18" + bytes(20), "lz4"),
        (b"ZF0x1f2               " + zlib.compress(b"x"), "older than 0.10"),
    ],
)
def test_a_compression_that_is_not_read_is_named(data: bytes, writer: str) -> None:
    with pytest.raises(ArtifactError, match=writer):
        read_dump(data)


@pytest.mark.parametrize("pack", PACKED)
def test_a_decompression_bomb_is_cut_off_at_the_limit(pack: str) -> None:
    bomb = PACKED[pack](bytes(5_000_000))
    with pytest.raises(ArtifactError, match="more than 1000 bytes"):
        read_dump(bomb, limit=1000)


@pytest.mark.parametrize("pack", PACKED)
def test_a_dump_as_large_as_the_limit_is_read_and_one_byte_more_is_not(pack: str) -> None:
    data = dump(fit("standard", "3 classes"))
    packed = PACKED[pack](data)
    assert isinstance(read_dump(packed, limit=len(data)), Fitted)
    with pytest.raises(ArtifactError, match="more than"):
        read_dump(packed, limit=len(data) - 1)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b".", b"N", b"N.", b"0.", b"t.", b"\x80", b"\x80\x04", b"\x80\xff.", b"NN."),
        *(b"(.", b"].", b"}.", b").", b"(N.", b"a.", b"e.", b"s.", b"u.", b"b.", b"R.", b"\x81."),
        *(b"]a.", b"}Ns.", b"}(Nu.", b"N(e.", b"N(u.", b")NNs.", b"\x85.", b"\x86.", b"N\x87."),
        *(b"\x93.", b"N\x93.", b"NN\x93.", b"]]\x93.", b"}]Ns.", b"}(]Nu.", b"}}Ns."),
        *(b"h\x00.", b"g0\n.", b"gx\n.", b"j\xff\xff\xff\xff.", b"q\x00.", b"\x94.", b"p-1\n."),
        *(b"I1", b"Ix\n.", b"L1\n.", b"Fx\n.", b"Fnan\n.", b"L" + b"9" * 10_000 + b"L\n."),
        *(b"\x8b\xff\xff\xff\xff.", b"\x8b\xff\xff\xff\x7f.", b"\x8e" + b"\xff" * 8 + b"."),
        *(b"X\xff\xff\xff\xff.", b"\x8d" + b"\xff" * 8 + b".", b"\x95" + b"\xff" * 8 + b"."),
        *(b"X\x01\x00\x00\x00\xff.", b"\x8c\x01\xff.", b"cno newline", b"c\xff\n\xff\n.", b"c\n."),
        *(b"\x78", b"\x78\x9c", b"\x1f\x8b", b"BZ", b"BZh9", b"\xfd7zXZ", b"]\x00", b"]\x00\x00"),
        *(b"\x1f\x8b\x08" + bytes(20), b"\x78\xff" + bytes(20), bytes(20), b"\xff" * 20),
        *(pack(b"") for pack in PACKED.values()),
        # Escapes that do not exist, of which the standard library would warn.
        *(b"S'\\d'\n.", b"c\\d\nx\n.", b"cnumpy\n\\dtype\n."),
        *(b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"{}", b"<html>", b"version 1\n"),
    ],
    ids=lambda data: ascii(data)[2:22],
)
def test_bytes_that_are_no_dump_are_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        read_dump(data)


@pytest.mark.parametrize(
    "instructions",
    [
        named("m" * 1_000_000, "n" * 1_000_000),
        b"c" + b"m" * 1_000_000 + b"\nname\n",
        b"F" + b"x" * 1_000_000 + b"\n",
        b"I" + b"x" * 1_000_000 + b"\n",
        called(DTYPE, text("f" * 1_000_000)),
        array(dtype=called(DTYPE, text("f" * 1_000_000))),
        array(shape=(1,) * 100_000),
    ],
    ids=["name on the stack", "name", "float", "integer", "dtype", "array", "shape"],
)
def test_a_refusal_does_not_repeat_a_whole_dump(instructions: bytes) -> None:
    with pytest.raises(ArtifactError) as caught:
        read_dump(program(instructions))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "instructions",
    [
        b"]" * 100_000 + b"a" * 99_999,
        b"(" * 100_000 + b"t" * 100_000,
        b")" + b"\x85" * 100_000,
        b"}K\x01" * 100_000 + b"N" + b"s" * 100_000,
        b"]\x94h\x00a",
        b"}\x94K\x01h\x00s",
        b"(" * 100_000,
    ],
    ids=["lists", "tuples", "1-tuples", "dicts", "list in itself", "dict in itself", "marks"],
)
def test_deep_and_circular_values_are_read_or_refused(instructions: bytes) -> None:
    attribute = (b"}", text("copy"), instructions, b"sb")
    assert outcome(program(STANDARD_SCALER, *attribute)) in {"Fitted", "refused"}


@pytest.mark.parametrize(
    "instructions",
    [
        named("numpy", "x").replace(text("x"), b")" + b"\x85" * 3000),
        named("numpy", "x").replace(text("x"), b"]" * 3000 + b"a" * 2999),
        array(shape=b")" + b"\x85" * 3000),
        array(order=b"]" * 3000 + b"a" * 2999),
    ],
    ids=["name of tuples", "name of lists", "shape", "order"],
)
def test_values_deeper_than_the_interpreters_stack_are_refused(instructions: bytes) -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        read_dump(program(instructions))


def test_deep_and_circular_estimators_are_read_or_refused() -> None:
    attribute = b"}" + text("copy")
    nested = (STANDARD_SCALER + attribute) * 20_000 + STANDARD_SCALER + b"sb" * 20_000
    circle = STANDARD_SCALER + b"\x94" + attribute + b"h\x00sb"
    for instructions in (nested, circle):
        assert outcome(program(instructions)) in {"Fitted", "refused"}


CHILD = f"""
from iris_deploy.bundle.pickles import read_dump
from iris_deploy.bundle.predictor import Predictor
from iris_deploy.bundle.signature import Feature, Signature
from iris_deploy.errors import ArtifactError
signature = Signature(
    features=tuple(
        Feature(name=name, unit=None, minimum=0, maximum=1, mean=0, bin_edges=(), bin_counts=(1,))
        for name in ("length", "width")
    ),
    classes={CLASSES},
)
"""


def doubled(depth: int, grow: bytes) -> bytes:
    """Build a value that holds its predecessor twice, and so on; 2 ** depth values to walk."""
    steps = (grow.replace(b"#", bytes([k])) + b"\x94" for k in range(depth))
    return b")\x94" + b"".join(steps)


TUPLES = doubled(60, b"h#h#\x86")
DEEP = b")" + b"\x85" * 300_000


HOSTILE: dict[str, bytes] = {
    "deep key": program(b"}", DEEP, b"Ns"),
    "deep name": program(text("numpy"), DEEP, b"\x93"),
    "deep order of an array": program(array(order=DEEP)),
    "deep byte order": program(called(named("numpy", "dtype"), text("f8")), b"(N" + DEEP + b"tb"),
    "key of many": program(TUPLES, b"}h\x3cNs"),
    "name of many": program(TUPLES, text("numpy"), b"h\x3c\x93"),
    "unhashable name of many": program(TUPLES, text("numpy"), b"h\x3c]\x86\x93"),
    "shape of many": program(TUPLES, array(shape=b"h\x3c\x85")),
    "order of many": program(TUPLES, array(order=b"h\x3c")),
    "byte order of many": program(
        TUPLES, called(named("numpy", "dtype"), text("f8")), b"(Nh\x3ctb"
    ),
    "shape of huge numbers": program(
        array(shape=b"\x8b\xc0\xc6\x2d\x00" + b"\x7f" * 3_000_000 + b"\x94h\x00\x86")
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_dump_made_to_crash_or_to_keep_the_reader_busy_is_refused(hostile: str) -> None:
    """Read in a process of its own, which such a dump could bring down."""
    child = f"""{CHILD}
import sys
try:
    Predictor(signature, [read_dump(sys.stdin.buffer.read())])
except ArtifactError:
    print("refused")
"""
    ran = subprocess.run(
        [sys.executable, "-c", child],
        input=HOSTILE[hostile],
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b"refused\n"), ran.stderr[-2000:]


NAMES = [
    named(module, name)
    for module, name in (
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "scalar"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("sklearn.preprocessing._data", "StandardScaler"),
        ("sklearn.pipeline", "Pipeline"),
        ("os", "system"),
    )
]

SMALL = [
    *(text(word) for word in ("f8", "<", "O", "dtype", "shape", "order", "subclass", "C", "steps")),
    *map(literal, (0, 1, -1, 300, 2**40, 2.5, None, True, b"12345678", (2,), [])),
    *(literal(np.dtype(code)) for code in ("f8", "U2", "O")),
    *(bytes([index]) for index in (0, 1, 2)),
    *(array(), array().removesuffix(b"\0" * 64), called(NAMES[0], text("f8"))),
]

OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x80\x04", b"\x78\x9c", b"\x1f\x8b\x08"]))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_refused(data: bytes, head: bytes) -> None:
    assert outcome(head + data) == "refused"


@given(st.lists(st.sampled_from(OPCODES) | st.sampled_from(NAMES + SMALL), max_size=60))
@settings(max_examples=400, deadline=None)
def test_random_instructions_are_read_or_refused(instructions: list[bytes]) -> None:
    assert outcome(program(*instructions)) in {"Fitted", "refused"}


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_dump_with_instructions_put_in_or_taken_out_is_read_or_refused(data: Any) -> None:
    whole = dump(fit("perceptron", "3 names"))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(whole)))
        stop = start + data.draw(st.integers(0, 30))
        put = data.draw(st.sampled_from([b"", *OPCODES, *NAMES, *SMALL]))
        whole = whole[:start] + put + whole[stop:]
    assert outcome(whole) in {"Fitted", "refused"}


# --------------------------------------------------------------------------------------------------
# Dumps that are read, but that no predictor can be built of


def classifier(name: str = "linear_model.LogisticRegression", **changes: object) -> Fitted:
    """Build the record of a classifier of three classes; a change to ... takes it away."""
    state: dict[str, object] = {
        "coef_": np.array([[1.0, -0.5], [0.25, 0.75], [-1.0, 0.5]]),
        "intercept_": np.array([0.5, -0.25, 0.125]),
        "classes_": np.arange(3),
        "_sklearn_version": "1.7.2",
        **changes,
    }
    return Fitted(f"sklearn.{name}", {k: v for k, v in state.items() if v is not ...})


def scaler(name: str = "StandardScaler", **changes: object) -> Fitted:
    state: dict[str, object] = {
        "mean_": np.array([3.8, 1.2]),
        "min_": np.array([-0.2, -0.1]),
        "scale_": np.array([1.8, 0.8]),
        "feature_range": (0, 1),
        **changes,
    }
    return Fitted(f"sklearn.preprocessing.{name}", {k: v for k, v in state.items() if v is not ...})


def pipeline(*steps: object) -> Fitted:
    return Fitted("sklearn.pipeline.Pipeline", {"steps": [("step", step) for step in steps]})


def test_the_records_that_the_refusals_change_make_a_predictor() -> None:
    for estimators in (
        [classifier()],
        [scaler(), scaler("MinMaxScaler", clip=True), classifier()],
        [pipeline(scaler(), None, "passthrough", pipeline(classifier()))],
    ):
        assert Predictor(signature(), estimators).score_name == "probabilities"


@pytest.mark.parametrize("name", [*SCALERS, *CLASSIFIERS])
def test_an_estimator_that_was_not_fitted_is_refused(name: str) -> None:
    fitted = read_dump(dump({**SCALERS, **CLASSIFIERS}[name]()))
    estimators = [fitted, classifier()] if name in SCALERS else [fitted]
    if name == "standard without either":  # subtracts nothing and divides by nothing
        assert Predictor(signature(), estimators).score_name == "probabilities"
        return
    with pytest.raises(ArtifactError, match="fitted"):
        Predictor(signature(), estimators)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("attribute", ["mean_", "scale_", "coef_", "intercept_"])
def test_numbers_that_are_not_finite_are_refused(attribute: str, value: float) -> None:
    X, y = samples("3 classes")
    estimator = make_pipeline(StandardScaler(), Perceptron(random_state=0)).fit(X, y)
    for step in estimator:
        if hasattr(step, attribute):
            getattr(step, attribute).flat[1] = value
    with pytest.raises(ArtifactError, match=f"{attribute} that is not finite"):
        Predictor(signature(), [read_dump(dump(estimator))])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"coef_": np.ones((2, 2))}, "coef_ of shape"),
        ({"coef_": np.ones((4, 2))}, "coef_ of shape"),
        ({"coef_": np.ones((1, 2))}, "coef_ of shape"),
        ({"coef_": np.ones(2)}, "coef_ of shape"),
        ({"coef_": np.ones(3)}, "coef_ of shape"),
        ({"coef_": 1.0}, "coef_ of shape"),
        ({"coef_": np.ones((3, 3))}, "takes 3 features"),
        ({"coef_": np.ones((3, 0))}, "no features"),
        ({"coef_": np.array([["a", "b"]] * 3)}, "coef_"),
        ({"coef_": np.ones((3, 2), dtype=bool)}, "coef_"),
        ({"coef_": [[1.0, 2.0]] * 3}, "coef_"),
        ({"coef_": None}, "coef_"),
        ({"coef_": ...}, "coef_"),
        # A signalling NaN, of which the conversion to float64 would warn.
        ({"coef_": np.full((3, 2), 0x7FA00000, "u4").view("f4")}, "coef_ that is not finite"),
        ({"intercept_": np.ones(2)}, "intercept_"),
        ({"intercept_": np.ones(4)}, "intercept_"),
        ({"intercept_": np.ones((1, 1, 3))}, "intercept_"),
        ({"intercept_": np.ones((3, 1))}, "intercept_"),
        ({"intercept_": np.empty(0)}, "intercept_"),
        ({"intercept_": "0"}, "intercept_"),
        ({"intercept_": 10**400}, "intercept_"),
        ({"intercept_": True}, "intercept_"),
        ({"intercept_": ...}, "intercept_"),
        ({"classes_": ...}, "classes_"),
        ({"classes_": [0, 1, 2]}, "classes_"),
        ({"classes_": np.arange(2)}, "classes_"),
        ({"classes_": np.arange(3).reshape(3, 1)}, "classes_"),
        ({"multi_class": []}, "multi_class"),
        ({"multi_class": np.array(["ovr", "auto"])}, "multi_class"),
        ({"multi_class": "auto", "solver": np.array(["a", "b"])}, "solver"),
    ],
    ids=repr,
)
def test_a_classifier_that_is_inconsistent_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(), [classifier(**changes)])


@pytest.mark.parametrize("version", [..., None, "", "one", "1", "1.x", [], "9" * 5000 + ".1"])
def test_a_rule_that_depends_on_the_release_needs_one(version: object) -> None:
    estimator = classifier(
        "discriminant_analysis.LinearDiscriminantAnalysis", _sklearn_version=version
    )
    with pytest.raises(ArtifactError, match="does not say which scikit-learn"):
        Predictor(signature(), [estimator])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scale_": np.array([1.0, 0.0])}, "scale_ of zero"),
        ({"scale_": np.array([1.0, -0.0])}, "scale_ of zero"),
        ({"scale_": np.ones(3)}, "scale_ of shape"),
        ({"scale_": None}, "scale_"),
        ({"scale_": ...}, "scale_"),
        ({"mean_": np.ones((1, 2))}, "mean_ of shape"),
        ({"mean_": 0.0}, "mean_ of shape"),
        ({"mean_": ...}, "mean_"),
        ({"with_mean": np.array([True, False])}, "with_mean"),
        ({"with_std": np.array([True, False])}, "with_std"),
    ],
    ids=repr,
)
def test_a_standard_scaler_that_is_inconsistent_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(), [scaler(**changes), classifier()])


@pytest.mark.parametrize(
    "feature_range",
    [
        *((0.0, np.nan), (np.nan, 1.0), (-np.inf, 1.0), (0.0, np.inf), (0, 10**400), ("0", "1")),
        *((0.0,), (0.0, 1.0, 2.0), None, ..., 1.0, "01"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_clipped_range_that_is_none_is_refused(feature_range: object) -> None:
    estimators = [scaler("MinMaxScaler", clip=True, feature_range=feature_range), classifier()]
    with pytest.raises(ArtifactError, match="feature_range"):
        Predictor(signature(), estimators)


def circular() -> Fitted:
    inside = pipeline()
    inside.state["steps"] = [("scaler", scaler()), ("itself", inside)]
    return inside


def deep() -> Fitted:
    inside = pipeline(classifier())
    for _ in range(20_000):
        inside = pipeline(inside)
    return inside


@pytest.mark.parametrize(
    "estimators",
    [
        [],
        [pipeline()],
        [pipeline("passthrough")],
        [scaler()],
        [classifier(), scaler()],
        [classifier(), classifier()],
        [pipeline(classifier(), "passthrough", scaler())],
        [Fitted("sklearn.preprocessing.LabelBinarizer", {}), classifier()],
        [Fitted("sklearn.preprocessing.LabelBinarizer", {})],
        [Fitted("sklearn.linear_model.Hinge", {})],
        [Fitted("sklearn.pipeline.Pipeline", {})],
        [Fitted("sklearn.pipeline.Pipeline", {"steps": None})],
        [Fitted("sklearn.pipeline.Pipeline", {"steps": (("a", classifier()),)})],
        [Fitted("sklearn.pipeline.Pipeline", {"steps": [classifier()]})],
        [Fitted("sklearn.pipeline.Pipeline", {"steps": [("a", "b", classifier())]})],
        [pipeline(1, classifier())],
        [pipeline("drop", classifier())],
        [pipeline(np.array(["a", "b"]), classifier())],
        [pipeline([[[]]], classifier())],
        [circular()],
        [deep()],
    ],
    ids=lambda estimators: ", ".join(e.name.rpartition(".")[2] for e in estimators),
)
def test_estimators_that_make_no_classifier_are_refused(estimators: list[Fitted]) -> None:
    with pytest.raises(ArtifactError):
        Predictor(signature(), estimators)


def test_a_pipeline_that_holds_itself_many_times_over_is_refused() -> None:
    inside = pipeline()
    for _ in range(60):
        inside = pipeline(inside, inside)
    child = f"""{CHILD}
import sys, pickle
try:
    Predictor(signature, [pickle.load(sys.stdin.buffer)])
except ArtifactError:
    print("refused")
"""
    ran = subprocess.run(
        [sys.executable, "-c", child],
        input=pickle.dumps(inside),
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b"refused\n"), ran.stderr[-2000:]


def test_a_compressed_flood_of_instructions_is_refused_early() -> None:
    flood = b"\x80\x04" + b"}" * 3_000_000 + b"."
    with pytest.raises(ArtifactError, match="more than 100000 instructions"):
        read_dump(zlib.compress(flood))


def test_a_compressor_that_asks_for_gigabytes_is_refused() -> None:
    head = bytes([0x5D]) + (3 * 2**30).to_bytes(4, "little") + b"\xff" * 8
    dump = lzma.compress(b"x" * 100, lzma.FORMAT_ALONE)
    with pytest.raises(ArtifactError):
        read_dump(head + dump[len(head) :])


def test_a_value_that_was_never_remembered_is_named() -> None:
    with pytest.raises(ArtifactError, match="recalls value 60"):
        read_dump(b"\x80\x04h\x3c.")


def test_a_classifier_of_no_features_is_refused() -> None:
    weights = {"coef_": np.empty((3, 0)), "intercept_": np.zeros(3), "classes_": np.arange(3)}
    with pytest.raises(ArtifactError, match="no features"):
        build_kernel([Fitted("sklearn.linear_model.Perceptron", {**weights})], 3)
