"""The family of support vector machines, as libsvm has fitted them."""

from typing import Any, get_args

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_array,
    fitted_floats,
    fitted_positions,
    read_flag,
    read_number,
    read_word,
)
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.labels import ONE_CLASS_SVM, check_detects
from iris_deploy.kernels.linear import LinearKernel
from iris_deploy.kernels.pairs import MAX_COUPLED, Pairs, count_pairs
from iris_deploy.kernels.protocol import Kernel
from iris_deploy.kernels.scores import Rule
from iris_deploy.kernels.support_vectors import Alike, Similarity, SupportVectorKernel
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output


def _classifier(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    vectors, n_pairs = _support_vectors(record, features), count_pairs(n_classes)
    coef = fitted_floats(record, "_dual_coef_", (n_classes - 1, len(vectors)))
    intercept = fitted_floats(record, "_intercept_", (n_pairs,))
    counts = record.state.get("_n_support", record.state.get("n_support_"))  # before 0.24
    sizes = fitted_positions(record, counts, "_n_support", len(vectors) + 1)
    if len(sizes) != n_classes or sum(sizes) != len(vectors):
        raise ArtifactError(f"{record.name} counts its support vectors otherwise than it has them")
    if n_classes == 2:  # libsvm decides for the first of two classes
        kernel = _kernel(record, features, vectors, -coef, -intercept, "least")
    else:
        rule: Rule = "confident" if _breaks_ties(record) else "votes"
        edges = [0, *np.cumsum(sizes).tolist()]
        kernel = _kernel(record, features, vectors, coef, intercept, rule, edges)
    return Model(kernel=kernel, link=_link(record, n_classes))


def _breaks_ties(record: Fitted) -> bool:
    if not read_flag(record, "break_ties", default=False):
        return False
    if read_word(record, "decision_function_shape", "ovr") != "ovr":
        raise ArtifactError(f"{record.name} breaks ties, but not by decision values of shape 'ovr'")
    return True


def _link(record: Fitted, n_classes: int) -> Pairs | None:
    """Return how decisions become probabilities; 'deprecated' of release 1.9 stands for none."""
    if isinstance(record.state.get("probability"), str) or not read_flag(
        record, "probability", default=False
    ):
        return None if n_classes == 2 else Pairs()
    if n_classes > MAX_COUPLED:
        raise ArtifactError(
            f"{record.name} has probabilities of {n_classes} classes; "
            f"expected {MAX_COUPLED} at most"
        )
    slopes, offsets = (
        fitted_floats(record, name if name in record.state else old, (count_pairs(n_classes),))
        for name, old in (("_probA", "probA_"), ("_probB", "probB_"))
    )
    if n_classes == 2:
        slopes = -slopes
    return Pairs(tuple(slopes.tolist()), tuple(offsets.tolist()))


def _regressor(record: Fitted, features: Features, _output: Output, _: Reading) -> Model:
    vectors = _support_vectors(record, features)
    coef = fitted_floats(record, "_dual_coef_", (1, len(vectors)))
    intercept = fitted_floats(record, "_intercept_", (1,))
    return Model(kernel=_kernel(record, features, vectors, coef, intercept, "none"))


def _one_class(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    check_detects(record, output)
    vectors = _support_vectors(record, features)
    coef = fitted_floats(record, "_dual_coef_", (1, len(vectors)))
    intercept = fitted_floats(record, "_intercept_", (1,))
    return Model(kernel=_kernel(record, features, vectors, coef, intercept, "above"))


def _support_vectors(record: Fitted, features: Features) -> Floats:
    """Return the support vectors, one a line."""
    is_sparse = isinstance(record.state.get("support_vectors_"), Fitted)
    if is_sparse or read_flag(record, "_sparse", default=False):
        raise ArtifactError(
            f"{record.name} was fitted to a sparse matrix",
            hint="fit it to an array, for instance with sparse_output=False before it",
        )
    features.check_numbers(record.name)
    features.check_filled(record.name)
    found = fitted_array(record, "support_vectors_")
    shape = (found.shape[0] if found.ndim else 0, features.width)
    return fitted_floats(record, "support_vectors_", shape)


def _similarity(record: Fitted) -> Similarity:
    kind: Any = read_word(record, "kernel", "rbf")
    if kind not in get_args(Alike):
        raise ArtifactError(
            f"{record.name} has the kernel {kind!r:.40}; expected linear, poly, rbf or sigmoid"
        )
    if kind == "linear":
        return Similarity(kind)
    gamma, offset = fitted_floats(record, "_gamma", ()), read_number(record, "coef0", 0.0)
    degree = record.state.get("degree", 3)
    if type(degree) is not int or not 0 <= degree < 1 << 31 or not abs(offset) < 1e100:
        raise ArtifactError(f"{record.name} has a degree or a coef0 that is no such number")
    return Similarity(kind, float(gamma), offset, degree)


def _kernel(
    record: Fitted,
    features: Features,
    vectors: Floats,
    coef: Floats,
    intercept: Floats,
    rule: Rule,
    edges: list[int] | None = None,
) -> Kernel:
    similarity = _similarity(record)
    if similarity.kind == "linear" and edges is None and len(vectors):
        return LinearKernel(features.transform, _folded(coef, vectors), intercept, rule)
    edges = edges or [0, len(vectors)]
    if len(vectors) < 2:  # some that weigh nothing: NumPy adds up a single one in another order
        vectors = np.concatenate([vectors, np.zeros((2, features.width))])
        coef = np.concatenate([coef, np.zeros((len(coef), 2))], axis=1)
        edges = [*edges[:-1], len(vectors)]
    lines = np.ascontiguousarray(vectors.T)
    return SupportVectorKernel(features.transform, lines, similarity, coef, edges, intercept, rule)


def _folded(coef: Floats, vectors: Floats) -> Floats:
    """Return the weights of features that weighted support vectors come to, added in order."""
    return np.add.accumulate(coef[0][:, np.newaxis] * vectors, axis=0)[-1:]


_MODULES = ("sklearn.svm._classes", "sklearn.svm.classes")

_REFUSED = "precomputed kernels and kernels of one's own, and what was fitted to a sparse matrix"

FAMILY = (
    Predicting(
        name="sklearn.svm.SVC",
        modules=_MODULES,
        task="classification",
        read=_classifier,
        cases=(
            {},
            {"kernel": "linear"},
            {"kernel": "poly", "degree": 2, "coef0": 1.0, "gamma": "auto"},
            {"kernel": "sigmoid", "gamma": 0.01},
            {"probability": True, "random_state": 0},
            {"break_ties": True},
        ),
        ulp=2**20,
        refused=_REFUSED,
    ),
    Predicting(
        name="sklearn.svm.NuSVC",
        modules=_MODULES,
        task="classification",
        read=_classifier,
        cases=({"nu": 0.3}, {"nu": 0.3, "probability": True, "random_state": 0}),
        ulp=2**15,
        refused=_REFUSED,
    ),
    Predicting(
        name="sklearn.svm.SVR",
        modules=_MODULES,
        task="regression",
        read=_regressor,
        cases=({}, {"kernel": "linear"}, {"kernel": "poly"}, {"kernel": "sigmoid"}),
        ulp=2**14,
        refused=_REFUSED,
    ),
    Predicting(
        name="sklearn.svm.NuSVR",
        modules=_MODULES,
        task="regression",
        read=_regressor,
        ulp=16,
        refused=_REFUSED,
    ),
    Predicting(
        name=ONE_CLASS_SVM,
        modules=_MODULES,
        task="classification",
        read=_one_class,
        ulp=2**10,
        refused=_REFUSED,
        cases=(),
    ),
)
