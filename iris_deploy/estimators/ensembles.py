"""The family of those that ask several estimators: by vote, by mean, by weight."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    as_float,
    check_classes,
    count_classes,
    fitted_floats,
    fitted_positions,
    known_classes,
    read_list,
    read_width,
    read_word,
)
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.members import Answer, EnsembleKernel, Member
from iris_deploy.kernels.sums import sum_in_order
from iris_deploy.schema.outputs import ClassOutput, Output

MAX_DEPTH = 20
"""Of pipelines within one another."""

MAX_MEMBERS = 1000
"""Of one ensemble; a dump can name the same estimator again and again."""


@dataclass(slots=True)
class Asked:
    """What members are read by: each estimator once, however often the dump names it."""

    reading: Reading
    known: dict[tuple[int, int, int], Model]

    def model(self, record: Fitted, features: Features, output: Output) -> Model:
        """Return what a member does."""
        size = len(output.classes) if isinstance(output, ClassOutput) else 0
        key = id(record), id(features), size
        if key not in self.known:
            self.known[key] = self.reading.predict(record, features, output)
        return self.known[key]


def read_members(record: Fitted) -> list[Fitted]:
    """Return the members of an ensemble.

    Raises
    ------
    ArtifactError
        If there are none, or too many, or other things than estimators.
    """
    members = read_list(record, "estimators_")
    if not 0 < len(members) <= MAX_MEMBERS or not all(isinstance(m, Fitted) for m in members):
        raise ArtifactError(
            f"{record.name} has {len(members)} members; expected 1 to {MAX_MEMBERS} estimators"
        )
    return members


def as_member(model: Model, answer: Answer, weight: float = 1.0, places: Any = None) -> Member:
    """Return a model as one among others."""
    return Member(model.kernel, model.link, model.after, model.cut, answer, weight, places)


def _weights(record: Fitted, n_members: int) -> list[float]:
    """Return the weights of those members that vote."""
    given: Any = record.state.get("weights")
    if given is None:
        return [1.0] * n_members
    named = read_list(record, "estimators")
    listed = given.tolist() if isinstance(given, np.ndarray) else given
    plain = isinstance(listed, list) and all(type(weight) in {int, float} for weight in listed)
    if not plain or len(listed) != len(named):
        raise ArtifactError(f"{record.name} has weights for other members")
    kept = [
        as_float(weight)
        for weight, member in zip(listed, named, strict=True)
        if not (isinstance(member, tuple) and isinstance(member[-1], str))  # 'drop'
    ]
    weights = fitted_floats(
        Fitted(record.name, {"weights": np.array(kept, np.float64)}), "weights", (n_members,)
    )
    if (weights < 0).any() or not weights.any():
        raise ArtifactError(f"{record.name} has weights that are below zero, or all zero")
    return [float(weight) for weight in weights]


def _voting_classifier(
    record: Fitted, features: Features, output: Output, reading: Reading
) -> Model:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    records, asked = read_members(record), Asked(reading, {})
    weights, soft = _weights(record, len(records)), read_word(record, "voting", "hard") == "soft"
    members = []
    for each, weight in zip(records, weights, strict=True):
        model = asked.model(each, features, output)
        if soft and not model.has_probabilities:
            raise ArtifactError(f"{record.name} wants probabilities, which {each.name} has not")
        members.append(as_member(model, "shares" if soft else "label", weight))
    divisor = sum_in_order(weights) if soft else 1.0
    kernel = EnsembleKernel(members, n_classes, divisor, "largest")
    return Model(kernel=kernel, link="shares" if soft else None)


def _voting_regressor(
    record: Fitted, features: Features, output: Output, reading: Reading
) -> Model:
    records, asked = read_members(record), Asked(reading, {})
    weights = _weights(record, len(records))
    members = [
        as_member(asked.model(each, features, output), "number", weight)
        for each, weight in zip(records, weights, strict=True)
    ]
    return Model(kernel=EnsembleKernel(members, 1, sum_in_order(weights), "none"))


def _bagging_classifier(
    record: Fitted, features: Features, output: Output, reading: Reading
) -> Model:
    """Take the mean of probabilities, or votes of those that have none."""
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    members = []
    asked = Asked(reading, {})
    for each, own in _bags(record, features):
        places = fitted_positions(each, classes_of(each), "classes_", n_classes)
        if len(places) < 2 or places != sorted({*places}):
            raise ArtifactError(f"{record.name} has a member of fewer than two classes")
        model = asked.model(each, own, ClassOutput(name="", classes=tuple(places)))
        answer: Answer = "shares" if model.has_probabilities else "label"
        members.append(as_member(model, answer, 1.0, np.array(places)))
    kernel = EnsembleKernel(members, n_classes, float(len(members)), "largest")
    return Model(kernel=kernel, link="shares")


def classes_of(member: Fitted) -> object:
    """Return the classes of an estimator; of a pipeline those of its last step."""
    return known_classes(last_of(member))


def last_of(estimator: Fitted) -> Fitted:
    """Return the last step of a pipeline; an estimator itself, if it is none."""
    for _ in range(MAX_DEPTH):
        steps = estimator.state.get("steps")
        if estimator.name != "sklearn.pipeline.Pipeline" or not isinstance(steps, list):
            break
        last = steps[-1] if steps else None
        if not isinstance(last, tuple) or not last or not isinstance(last[-1], Fitted):
            break
        estimator = last[-1]
    return estimator


def _bagging_regressor(
    record: Fitted, features: Features, output: Output, reading: Reading
) -> Model:
    asked = Asked(reading, {})
    members = [
        as_member(asked.model(each, own, output), "number") for each, own in _bags(record, features)
    ]
    return Model(kernel=EnsembleKernel(members, 1, float(len(members)), "none"))


def _bags(record: Fitted, features: Features) -> list[tuple[Fitted, Features]]:
    """Return members, each with the features that it gets."""
    features.check_width(read_width(record, "n_features_"), record.name)
    records = read_members(record)
    columns = read_list(record, "estimators_features_", len(records))
    picked: dict[int, Features] = {}
    bags = []
    for each, places in zip(records, columns, strict=True):
        if id(places) not in picked:
            listed = fitted_positions(record, places, "estimators_features_", features.width)
            if not 0 < len(listed) <= 2 * features.width:
                raise ArtifactError(f"{record.name} has a member of no features, or of too many")
            same = listed == list(range(features.width))
            picked[id(places)] = features if same else features.pick(listed)
        bags.append((each, picked[id(places)]))
    return bags


def predicting(
    name: str, read: Any, module: str, *cases: dict[str, Any], **facts: Any
) -> Predicting:
    """Describe an ensemble of scikit-learn's; its name tells what it predicts."""
    return Predicting(
        name=f"sklearn.ensemble.{name}",
        modules=(f"sklearn.ensemble._{module}", f"sklearn.ensemble.{module}"),
        task="classification" if name.endswith("Classifier") else "regression",
        read=read,
        cases=cases,
        **facts,
    )


_SEED: dict[str, Any] = {"random_state": 0}
_FEW = {"n_estimators": 7} | _SEED

FAMILY = (
    predicting("VotingClassifier", _voting_classifier, "voting", since="0.21", ulp=None),
    predicting("VotingRegressor", _voting_regressor, "voting", since="0.21", ulp=None),
    predicting(
        "BaggingClassifier", _bagging_classifier, "bagging", _FEW, {"max_features": 0.6} | _FEW
    ),
    predicting(
        "BaggingRegressor", _bagging_regressor, "bagging", _FEW, {"max_features": 0.6} | _FEW
    ),
    Part(name="sklearn.utils.Bunch", modules=("sklearn.utils._bunch", "sklearn.utils")),
)
