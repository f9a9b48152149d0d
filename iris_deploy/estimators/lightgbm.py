"""The family of LightGBM: its estimators, and boosters by themselves.

Trees compare doubles, and add doubles up: scores have LightGBM's bits.
"""

import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np

from iris_deploy.dumps.lightgbm_text import LightGBMText, read_lightgbm_text
from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import count_classes
from iris_deploy.estimators.boosters import check_order, in_order_of
from iris_deploy.estimators.category_splits import CategorySplit, ask_about_categories
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import NUMBER, Features, joined
from iris_deploy.estimators.lightgbm_trees import ZERO, Read, read_tree
from iris_deploy.estimators.tree_nodes import check_trees
from iris_deploy.estimators.trees import prune
from iris_deploy.kernels.elementary import logistic
from iris_deploy.kernels.links import Link
from iris_deploy.kernels.nodes import Nodes
from iris_deploy.kernels.scores import Rule
from iris_deploy.kernels.steps import Absent, Apply, Power, Step
from iris_deploy.kernels.trees import TreeKernel
from iris_deploy.schema.outputs import ClassOutput, Output

BOOSTER = "lightgbm.Booster"

CLASSES: dict[str, tuple[Rule, Link]] = {
    "binary": ("likelier", "logistic"),
    "multiclass": ("likeliest", "softmax"),
    "multiclassova": ("likeliest_alone", "sigmoids"),
}
_POWER: tuple[Step, ...] = (Power(less_one=False),)
_SHARE: tuple[Step, ...] = (Apply(logistic),)
NUMBERS: dict[str, tuple[Step, ...]] = {
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape"), ()),
    **dict.fromkeys(("lambdarank", "rank_xendcg"), ()),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), _POWER),
    **dict.fromkeys(("cross_entropy", "xentropy", "binary"), _SHARE),
}
_MAX_SCORES = 1 << 16
_POSITIVE = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?")


def read_text(record: Fitted) -> LightGBMText:
    """Return the text of a booster, or of an estimator that holds one, in sections.

    Raises
    ------
    ArtifactError
        If there is none, or it is not as LightGBM writes it.
    """
    text = _booster(record).get("_handle", _booster(record).get("handle"))
    if not isinstance(text, str):
        raise ArtifactError(
            f"{record.name} has no model in it; expected a fitted one",
            hint="fit the estimator before dumping it",
        )
    return read_lightgbm_text(text)


def objective_of(record: Fitted) -> str:
    """Return the objective, such as ``binary``; ``none`` for one of somebody's own."""
    return read_text(record).head.get("objective", "none").partition(" ")[0]


def _booster(record: Fitted) -> dict[str, object]:
    booster = record if record.name == BOOSTER else record.state.get("_Booster")
    return booster.state if isinstance(booster, Fitted) else {}


def _read(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    text = read_text(record)
    objective, options = objective_of(record), text.head.get("objective", "").split(" ")[1:]
    n_scores = whole_number(text, "num_tree_per_iteration")
    is_alone = objective in {"multiclass", "multiclassova"}
    if isinstance(output, ClassOutput):
        n_classes = count_classes(output)
        n_known = record.state.get("_n_classes", n_classes)
        if objective not in CLASSES or type(n_known) is not int or n_known != n_classes:
            raise ArtifactError(
                f"{record.name} of objective {objective!r:.40} does not predict {n_classes} classes"
            )
        if n_scores != (n_classes if is_alone else 1) or (not is_alone and n_classes != 2):
            raise ArtifactError(f"{record.name} has {n_scores} scores for {n_classes} classes")
        rule, link = CLASSES[objective]
        return Model(kernel=_kernel(record, text, features, rule, _sigmoid(options)), link=link)
    after = _after(objective, options)
    if after is None or n_scores != 1:
        raise ArtifactError(
            f"LightGBM's objective {objective!r:.40} with {n_scores} scores predicts no number"
        )
    kernel = _kernel(record, text, features, "none", _sigmoid(options))
    return Model(kernel=kernel, after=after)


def whole_number(text: LightGBMText, name: str) -> int:
    """Return a whole number of what holds for all trees.

    Raises
    ------
    ArtifactError
    """
    value = text.head.get(name, "")
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise ArtifactError(f"the model is not as LightGBM writes it: {name} is {value!r:.40}")
    return int(value)


def _after(objective: str, options: list[str]) -> tuple[Step, ...] | None:
    if objective.startswith("regression") and "sqrt" in options:
        return (Apply(_signed_square),)
    return NUMBERS.get(objective)


def _signed_square(x: Any, xp: Any) -> Any:
    return xp.where(x < 0, -x * x, x * x)


def _sigmoid(options: list[str]) -> float:
    """Return what scores are multiplied by before they become probabilities."""
    for option in options:
        name, _, value = option.partition(":")
        if name == "sigmoid":
            if not _POSITIVE.fullmatch(value) or not 0 < float(value) < math.inf:
                raise ArtifactError(f"the model has a sigmoid of {value!r:.40}")
            return float(value)
    return 1.0


def _kernel(
    record: Fitted, text: LightGBMText, features: Features, rule: Rule, factor: float
) -> TreeKernel:
    features.check_width(whole_number(text, "max_feature_idx") + 1, record.name)
    check_order(text.head.get("feature_names", "").split(" "), features, record.name)
    features = in_order_of(features, _names(record, text, features), record.name, unknown=True)
    n_scores = whole_number(text, "num_tree_per_iteration")
    best: Any = _booster(record).get("best_iteration")
    n_trees = len(text.trees)
    if type(best) is int and best > 0:
        n_trees = min(n_trees, best * n_scores)
    if not 0 < n_scores < _MAX_SCORES or n_trees % n_scores:
        raise ArtifactError(f"the model has {n_trees} trees for {n_scores} scores")
    trees = [read_tree(section) for section in text.trees[:n_trees]]
    nodes = check_trees([read.tree for read in trees], features.width, single=False)
    nodes, features = _ask_about_zero(nodes, features, trees)
    splits = [
        CategorySplit(int(root) + node, members)
        for root, read in zip(nodes.roots, trees, strict=True)
        for node, members in read.sets
    ]
    nodes, features = ask_about_categories(
        nodes, features, splits, lambda x, xp: xp.whole(x), members_left=True
    )
    nodes, transform = prune(nodes, features)
    divisor = (n_trees // n_scores if "average_output" in text.head else 1) / factor
    return TreeKernel(transform, nodes, (0.0,) * n_scores, divisor, rule, single=False)


def _ask_about_zero(nodes: Nodes, features: Features, trees: list[Read]) -> tuple[Nodes, Features]:
    """Let nodes for which zero is missing ask about features that are missing where they are."""
    by_zero = np.concatenate([read.by_zero for read in trees])
    if not by_zero.any():
        return nodes, features
    absent = features.then(Absent(-ZERO, ZERO))
    absent = replace(absent, may_miss=np.ones(features.width, bool))
    feature = nodes.feature + features.width * by_zero
    return replace(nodes, feature=feature), joined([features, absent])


def _names(record: Fitted, text: LightGBMText, features: Features) -> dict[int, list[object]]:
    """Return the names of categories, by the position of a feature: those of the data frame."""
    columns = np.flatnonzero(features.coded != NUMBER).tolist()
    if not columns:
        return {}
    listed = category_names(record, text)
    if len(listed) != len(columns):
        raise ArtifactError(
            f"{record.name} knows the categories of {len(listed)} columns, but gets {len(columns)}",
            hint="encode them first, by a OneHotEncoder or an OrdinalEncoder",
        )
    return dict(zip(columns, listed, strict=True))


def category_names(record: Fitted, text: LightGBMText) -> list[list[object]]:
    """Return the names of the categories of each column that has some.

    Raises
    ------
    ArtifactError
        If they are no lists.
    """
    listed = _booster(record).get("pandas_categorical")
    if listed is None and text.categories:
        try:
            listed = json.loads(text.categories)
        except (RecursionError, ValueError) as exc:
            raise ArtifactError("the model has names of categories that are no JSON") from exc
    listed = [] if listed is None else listed
    if not isinstance(listed, list) or not all(isinstance(names, list) for names in listed):
        raise ArtifactError(f"{record.name} has names of categories that are no list")
    return listed


_MODULE = ("lightgbm.sklearn",)
_FEW: dict[str, Any] = {"n_estimators": 12, "verbose": -1, "min_child_samples": 5, "n_jobs": 1}
_FACTS: Any = {"since": "2.2", "same_scores": True, "refused": "linear_tree=True"}

FAMILY = (
    Predicting(
        name="lightgbm.LGBMClassifier",
        modules=_MODULE,
        task="classification",
        read=_read,
        cases=(_FEW, {"boosting_type": "rf", "subsample": 0.6, "subsample_freq": 1} | _FEW),
        ulp=16,
        **_FACTS,
    ),
    Predicting(
        name="lightgbm.LGBMRegressor",
        modules=_MODULE,
        task="regression",
        read=_read,
        cases=(_FEW, {"num_leaves": 100} | _FEW, {"objective": "poisson"} | _FEW),
        ulp=4,
        **_FACTS,
    ),
    Predicting(
        name=BOOSTER,
        modules=("lightgbm.basic",),
        task=None,
        read=_read,
        cases=(),
        ulp=16,
        **_FACTS,
    ),
    Part(name="lightgbm.LGBMLabelEncoder", modules=("lightgbm.compat",)),
    Part(name="builtins.list", modules=("builtins", "__builtin__")),  # up to release 2.2
)
