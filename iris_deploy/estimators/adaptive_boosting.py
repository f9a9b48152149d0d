"""The family of adaptive boosting: members by weight."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_floats,
    fitted_values,
    read_word,
)
from iris_deploy.estimators.ensembles import (
    Asked,
    as_member,
    classes_of,
    predicting,
    read_members,
)
from iris_deploy.estimators.family import Model, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.members import EnsembleKernel
from iris_deploy.kernels.sums import sum_in_order
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output


def _boosting_weights(record: Fitted, n_members: int) -> Floats:
    """Return the weights of members; there is room for more than there are."""
    found = record.state.get("estimator_weights_")
    if not isinstance(found, np.ndarray) or found.ndim != 1 or len(found) < n_members:
        raise ArtifactError(f"{record.name} has no estimator_weights_ for {n_members} members")
    own = Fitted(record.name, {"estimator_weights_": found[:n_members]})
    weights = fitted_floats(own, "estimator_weights_", (n_members,))
    if (weights < 0).any() or not weights.any():
        raise ArtifactError(f"{record.name} has weights that are below zero, or all zero")
    return weights


def _boosting_classifier(
    record: Fitted, features: Features, output: Output, reading: Reading
) -> Model:
    """Add up labels by weight (SAMME), or logarithms of probabilities (SAMME.R, before 1.6)."""
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    by_shares = read_word(record, "algorithm", "SAMME") == "SAMME.R"
    records, asked = read_members(record), Asked(reading, {})
    weights = _boosting_weights(record, len(records))
    members = []
    for each, weight in zip(records, weights.tolist(), strict=True):
        _check_same_classes(each, record)
        model = asked.model(each, features, output)
        if by_shares and not model.has_probabilities:
            raise ArtifactError(f"{record.name} wants probabilities, which {each.name} has not")
        answering = (
            as_member(model, "log_shares") if by_shares else as_member(model, "label", weight)
        )
        members.append(answering)
    divisor = sum_in_order(weights.tolist()) * (1 if n_classes == 2 else n_classes - 1)
    kernel = EnsembleKernel(
        members,
        1 if n_classes == 2 else n_classes,
        divisor,
        "above" if n_classes == 2 else "largest",
        otherwise=0.0 if by_shares else -1.0 / (n_classes - 1),
    )
    return Model(kernel=kernel, link="logistic" if n_classes == 2 else "softmax")


def _check_same_classes(member: Fitted, record: Fitted) -> None:
    name = "classes_"
    own = fitted_values(member, classes_of(member), name)
    if own != fitted_values(record, record.state.get(name), name):
        raise ArtifactError(f"{record.name} has a member of other classes than its own")


def _boosting_regressor(
    record: Fitted, features: Features, output: Output, reading: Reading
) -> Model:
    """Take the median by weight."""
    records, asked = read_members(record), Asked(reading, {})
    weights = _boosting_weights(record, len(records))
    members = [
        as_member(asked.model(each, features, output), "number", weight)
        for each, weight in zip(records, weights.tolist(), strict=True)
    ]
    return Model(kernel=EnsembleKernel(members, 1, 1.0, "none", combine="median"))


_FEW: dict[str, Any] = {"n_estimators": 7, "random_state": 0}

FAMILY = (
    predicting("AdaBoostClassifier", _boosting_classifier, "weight_boosting", _FEW, ulp=4),
    predicting(
        "AdaBoostRegressor", _boosting_regressor, "weight_boosting", _FEW, {"loss": "square"} | _FEW
    ),
)
