"""What the tests of dumps share: estimators and their dumps, pickles put together by hand."""

import io
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

from iris_deploy.dumps.dtypes import PendingDtype
from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.estimators.reading import build_model
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.signature import Signature
from tests.families import CLASSIFIERS as FAMILY_CLASSIFIERS
from tests.families import SCALERS as FAMILY_SCALERS
from tests.signatures import classes, number

CLASSES = ("setosa", "versicolor", "virginica")

COMPRESSIONS: list[Any] = [
    *("zlib", "gzip", "bz2", "xz", "lzma"),
    *(("zlib", 1), ("gzip", 9), ("bz2", 1), ("xz", 0), ("lzma", 6)),
    *(True, 1, 9),
]
"""Values of the parameter ``compress`` of ``joblib.dump``; lz4 is a package of its own."""

CHILD = """
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.errors import ArtifactError
from tests.signatures import numbers_to_classes
signature = numbers_to_classes(2, 3)
"""


def signature(n_classes: int = 3, n_features: int = 2) -> Signature:
    """Build the contract of petals."""
    return Signature(
        columns=tuple(number(f"x{j}", minimum=0.1, maximum=6.9) for j in range(n_features)),
        output=classes(*CLASSES[:n_classes]),
    )


def dump(value: object, **options: Any) -> bytes:
    """Return the bytes that today's joblib writes."""
    file = io.BytesIO()
    joblib.dump(value, file, **options)
    return file.getvalue()


def transform(scaler: Fitted, rows: Floats) -> Floats:
    """Return what a scaler makes of two columns: the scores of a classifier that only hands on."""
    weights = {"coef_": np.eye(3, 2), "intercept_": np.zeros(3), "classes_": np.arange(3)}
    perceptron = Fitted("sklearn.linear_model.Perceptron", {**weights})
    model = build_model([scaler, perceptron], signature())
    return model.kernel.columns(rows)[:2].T


def assert_near(got: Any, expected: Any, rows: Floats) -> None:
    """Compare sums of a few products, which BLAS adds up in another order than we do."""
    size = np.maximum(1, np.abs(rows).max(axis=1, keepdims=True))
    assert np.shape(got) == np.shape(expected)
    assert (np.abs(got - expected) <= 1e-12 * (size + np.abs(expected))).all()


# --------------------------------------------------------------------------------------------------
# Estimators of today

PIPELINES: dict[str, Callable[[], Any]] = {
    "pipeline": lambda: make_pipeline(StandardScaler(), Perceptron(random_state=0)),
    "nested pipeline": lambda: make_pipeline(
        make_pipeline(StandardScaler(), MinMaxScaler()),
        make_pipeline("passthrough", LogisticRegression()),
    ),
    "pipeline with a step left out": lambda: Pipeline(
        [("none", None), ("scale", MinMaxScaler()), ("off", "passthrough"), ("svc", LinearSVC())]
    ),
}

SCALERS = FAMILY_SCALERS
CLASSIFIERS = FAMILY_CLASSIFIERS | PIPELINES


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
    module = type(estimator).__module__.partition("._")[0]
    return f"{module}.{type(estimator).__name__}"


def assert_same(got: Any, original: Any) -> None:
    """Compare a read value with the one in memory: same numbers, same dtypes, nothing missing."""
    if isinstance(original, BaseEstimator):
        assert isinstance(got, Fitted)
        assert got.name == public_name(original)
        assert_same(got.state, original.__getstate__())
    elif isinstance(original, np.ndarray) and original.dtype.hasobject:
        assert getattr(got, "shape", (len(got),)) == original.shape  # one of arrays is a list
        assert_same([*getattr(got, "flat", got)], original.ravel().tolist())
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
    elif isinstance(original, np.dtype):
        assert isinstance(got, PendingDtype)
        assert got.resolve() == original
    elif isinstance(got, (Fitted, ClassName)):  # a loss, a tree, a generator, a function
        assert got.name.partition(".")[0] in {"sklearn", "numpy", "functools", "builtins"}
    else:
        plain = original.item() if isinstance(original, np.generic) else original
        assert type(got) is type(plain)
        assert got == plain or (got != got and plain != plain)


# --------------------------------------------------------------------------------------------------
# Instructions of a pickle


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
