"""The family of those who always say the same, whatever they are asked."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_array,
    fitted_floats,
    read_word,
)
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.nodes import Nodes
from iris_deploy.kernels.scores import Rule
from iris_deploy.kernels.trees import TreeKernel
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output


def _constant(features: Features, values: Floats, rule: Rule) -> TreeKernel:
    """Build a kernel of one leaf, which asks nothing."""
    zero = np.zeros(1, np.int64)
    leaf = Nodes(
        zero, np.array([np.inf]), zero, zero, zero > 0, values.reshape(1, -1), zero, [zero]
    )
    start = (0.0,) * values.size
    return TreeKernel(features.transform, leaf, start, 1.0, rule, single=False)


def _classifier(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    """Read the classes' shares in training, or the one class that is always answered."""
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    shares = fitted_floats(record, "class_prior_", (n_classes,))
    strategy = read_word(record, "strategy", "prior")
    if strategy == "most_frequent":
        shares = np.eye(n_classes)[int(np.argmax(shares))]
    elif strategy != "prior":
        raise ArtifactError(
            f"{record.name} with the strategy {strategy!r:.40} answers by chance, or by code",
            hint="fit it with strategy='prior' or 'most_frequent'",
        )
    return Model(kernel=_constant(features, shares, "largest"), link="shares")


def _regressor(record: Fitted, features: Features, _output: Output, _: Reading) -> Model:
    shape = fitted_array(record, "constant_").shape
    if int(np.prod(shape)) != 1:
        raise ArtifactError(f"{record.name} answers with more than one number")
    return Model(kernel=_constant(features, fitted_floats(record, "constant_", shape), "none"))


_CASES: tuple[dict[str, Any], ...] = ({}, {"strategy": "most_frequent"})

FAMILY = (
    Predicting(
        name="sklearn.dummy.DummyClassifier",
        modules=("sklearn.dummy",),
        task="classification",
        read=_classifier,
        refused="strategies that answer by chance, and strategy='constant'",
        cases=_CASES,
    ),
    Predicting(
        name="sklearn.dummy.DummyRegressor",
        modules=("sklearn.dummy",),
        task="regression",
        read=_regressor,
        cases=({}, {"strategy": "median"}, {"strategy": "constant", "constant": 3.5}),
    ),
)
