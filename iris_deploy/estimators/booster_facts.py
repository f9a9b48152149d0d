"""What models of XGBoost and LightGBM tell of the table that they were fitted to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.estimators import lightgbm, xgboost
from iris_deploy.estimators.labels import read_labels
from iris_deploy.estimators.xgboost_document import BOOSTER, read_learner
from iris_deploy.schema.outputs import Label, Task


@dataclass(frozen=True, eq=False)
class BoosterFacts:
    """What a model tells.

    Parameters
    ----------
    task : {'classification', 'regression'}
    n_features : int
    names : list of str
        Of the columns; empty if it has none.
    n_classes : int
        0 where a number is predicted.
    categories : dict of int to sequence of object
        By the position of a column; as far as it names them.
    written_by : (str, str)
        The package, and its release; or what it says of its format, where that is all.
    """

    task: Task
    n_features: int
    names: list[str]
    n_classes: int
    categories: Mapping[int, Sequence[object]]
    written_by: tuple[str, str]


def facts_of(record: Fitted) -> BoosterFacts | None:
    """Return what a model tells; None of other estimators.

    Raises
    ------
    ArtifactError
        If it is damaged, or not fitted.
    """
    package, _, name = record.name.partition(".")
    if package == "xgboost" and (name.startswith("XGB") or record.name == BOOSTER):
        learner = read_learner(record)
        is_class = learner.objective in xgboost.CLASSES and not name.endswith("Regressor")
        n_classes = learner.n_scores if learner.n_scores > 1 else 2
        return BoosterFacts(
            task="classification" if is_class else "regression",
            n_features=learner.n_features,
            names=learner.names,
            n_classes=n_classes if is_class else 0,
            categories=learner.categories,
            written_by=("xgboost", ".".join(map(str, learner.version))),
        )
    if package == "lightgbm" and (name.startswith("LGBM") or record.name == lightgbm.BOOSTER):
        return _lightgbm(record, is_regressor=name.endswith("Regressor"))
    return None


def _lightgbm(record: Fitted, *, is_regressor: bool) -> BoosterFacts:
    text = lightgbm.read_text(record)
    is_class = lightgbm.objective_of(record) in lightgbm.CLASSES and not is_regressor
    n_scores = lightgbm.whole_number(text, "num_tree_per_iteration")
    n_features = lightgbm.whole_number(text, "max_feature_idx") + 1
    names = text.head.get("feature_names", "").split(" ")
    made_up = [f"Column_{k}" for k in range(n_features)]
    infos = text.head.get("feature_infos", "").split(" ")
    coded = [k for k, info in enumerate(infos) if not info.startswith("[") and info != "none"]
    listed = lightgbm.category_names(record, text)
    return BoosterFacts(
        task="classification" if is_class else "regression",
        n_features=n_features,
        names=names if len(names) == n_features and names != made_up else [],
        n_classes=(n_scores if n_scores > 1 else 2) if is_class else 0,
        categories=dict(zip(coded, listed, strict=True)) if len(coded) == len(listed) else {},
        written_by=("lightgbm", f"format {text.head.get('version', '')[:10]}"),
    )


def labels_of(record: Fitted, facts: BoosterFacts) -> tuple[Label, ...]:
    """Return the classes of a model: those of its label encoder, or positions.

    Raises
    ------
    ArtifactError
        If they are no labels.
    """
    encoder = record.state.get("_le")
    if isinstance(encoder, Fitted) and "classes_" in encoder.state:
        return read_labels(encoder)
    classes = record.state.get("_classes", record.state.get("classes_"))
    if isinstance(classes, np.ndarray):
        return read_labels(Fitted(record.name, {"classes_": classes}))
    return tuple(range(facts.n_classes))
