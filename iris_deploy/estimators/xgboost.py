"""The family of XGBoost: its estimators, and boosters by themselves.

Trees compare floats of 32 bits, and sums have 32 bits, too: all the bits are XGBoost's, those of
probabilities included (kernels/singles.py).
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import count_classes
from iris_deploy.estimators.boosters import check_order, in_order_of
from iris_deploy.estimators.category_splits import CategorySplit, ask_about_categories
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.tree_nodes import check_trees
from iris_deploy.estimators.trees import prune
from iris_deploy.estimators.xgboost_document import BOOSTER, Learner, read_learner
from iris_deploy.estimators.xgboost_trees import read_trees
from iris_deploy.kernels import singles
from iris_deploy.kernels.links import Link
from iris_deploy.kernels.nodes import LARGEST_ROUNDED
from iris_deploy.kernels.scores import Rule
from iris_deploy.kernels.steps import Absent, Apply, Step
from iris_deploy.kernels.trees import TreeKernel
from iris_deploy.schema.outputs import ClassOutput, Output

CLASSES: dict[str, tuple[Rule, Link]] = {
    "binary:logistic": ("likelier_single", "logistic_single"),
    "reg:logistic": ("likelier_single", "logistic_single"),
    "binary:hinge": ("above", "hinge"),
    "multi:softprob": ("likeliest_single", "softmax_single"),
    "multi:softmax": ("largest", "softmax_single"),
}
_POWER: tuple[Step, ...] = (Apply(singles.exp),)
_SHARE: tuple[Step, ...] = (Apply(singles.sigmoid),)
NUMBERS: dict[str, tuple[Step, ...]] = {
    **dict.fromkeys(("reg:squarederror", "reg:linear", "reg:squaredlogerror"), ()),
    **dict.fromkeys(("reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror"), ()),
    **dict.fromkeys(("rank:pairwise", "rank:ndcg", "rank:map", "binary:logitraw"), ()),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"), _POWER),
    **dict.fromkeys(("reg:logistic", "binary:logistic"), _SHARE),
}


def _read(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    learner = read_learner(record)
    kernel_of = _Kernel(record, learner, features)
    if isinstance(output, ClassOutput):
        _check_classes(record, learner, count_classes(output))
        rule, link = CLASSES[learner.objective]
        return Model(kernel=kernel_of.rule(rule), link=link)
    if learner.objective not in NUMBERS or learner.n_scores > 1:
        raise _not_supported(learner, "a number")
    return Model(kernel=kernel_of.rule("none"), after=NUMBERS[learner.objective])


def _not_supported(learner: Learner, what: str) -> ArtifactError:
    return ArtifactError(
        f"XGBoost's objective {learner.objective!r:.60} with {learner.n_scores} scores does not "
        f"predict {what}"
    )


def _check_classes(record: Fitted, learner: Learner, n_classes: int) -> None:
    if learner.objective not in CLASSES:
        raise _not_supported(learner, "a class")
    n_known = record.state.get("n_classes_", n_classes)
    is_multi = learner.objective.startswith("multi:")
    n_scores = n_classes if is_multi else 1
    if type(n_known) is not int or n_known != n_classes or learner.n_scores != n_scores:
        raise ArtifactError(
            f"{record.name} has no {n_classes} classes, but {learner.n_scores} scores"
        )
    if not is_multi and n_classes != 2:
        raise ArtifactError(f"{record.name} has two classes; expected {n_classes}")


class _Kernel:
    """The trees of a model on features: what decides is still open."""

    def __init__(self, record: Fitted, learner: Learner, features: Features) -> None:
        self._start = learner.start
        features.check_width(learner.n_features, record.name)
        check_order(learner.names, features, record.name)
        features = in_order_of(features, learner.categories, record.name, unknown=False)
        features = _with_missing(record, features)
        read = read_trees(learner)
        nodes = check_trees(read.trees, features.width, single=True)
        splits = [CategorySplit(node, members) for node, members in read.sets]
        nodes, features = ask_about_categories(
            nodes, features, splits, _as_category, members_left=False
        )
        nodes, self._transform = prune(nodes, features)
        self._nodes = replace(nodes, values=nodes.values.astype(np.float32))

    def rule(self, rule: Rule) -> TreeKernel:
        """Return the kernel that decides so."""
        return TreeKernel(self._transform, self._nodes, self._start, 1.0, rule, single=True)


def _as_category(x: Any, xp: Any) -> Any:
    """Return the category that a number is; one below zero is none, however near."""
    return xp.where(x < 0, -1.0, xp.whole(xp.single(x)))


def _with_missing(record: Fitted, features: Features) -> Features:
    """Let what stands for a missing value be missing, if it is not NaN."""
    missing: Any = record.state.get("missing")
    missing = math.nan if missing is None else missing
    if type(missing) not in {float, int}:
        raise ArtifactError(f"{record.name} has a missing value that is no number")
    if not abs(missing) <= LARGEST_ROUNDED:
        return features  # NaN, or what no row has
    low, high = _rounded_to(np.float32(missing))
    absent = features.then(Absent(low, high))
    return replace(absent, may_miss=np.ones(features.width, bool))


def _rounded_to(value: np.float32) -> tuple[float, float]:
    """Return the least and the largest double that 32 bits round to a value."""
    is_even = int(value.view(np.uint32)) % 2 == 0
    bounds = []
    for infinity in (-np.inf, np.inf):
        tie = (float(value) + float(np.nextafter(value, np.float32(infinity)))) / 2
        bounds.append(tie if is_even else float(np.nextafter(tie, -infinity)))
    return bounds[0], bounds[1]


_MODULE = ("xgboost.sklearn",)
_FEW: dict[str, Any] = {"n_estimators": 12, "random_state": 0, "n_jobs": 1}
_FOREST: dict[str, Any] = {"n_estimators": 12, "random_state": 0, "n_jobs": 1, "max_depth": 4}
_FACTS: Any = {"since": "1.3", "refused": "booster='gblinear'"}

FAMILY = (
    Predicting(
        name="xgboost.XGBClassifier",
        modules=_MODULE,
        task="classification",
        read=_read,
        cases=(
            _FEW,
            {"booster": "dart", "rate_drop": 0.3} | _FEW,
            {"num_parallel_tree": 3, "subsample": 0.7} | _FEW,
        ),
        **_FACTS,
    ),
    Predicting(
        name="xgboost.XGBRegressor",
        modules=_MODULE,
        task="regression",
        read=_read,
        cases=(
            _FEW,
            {"max_depth": 12} | _FEW,
            {"objective": "count:poisson"} | _FEW,
            {"objective": "reg:absoluteerror"} | _FEW,
        ),
        **_FACTS,
    ),
    Predicting(
        name="xgboost.XGBRFClassifier",
        modules=_MODULE,
        task="classification",
        read=_read,
        cases=(_FOREST,),
        **_FACTS,
    ),
    Predicting(
        name="xgboost.XGBRFRegressor",
        modules=_MODULE,
        task="regression",
        read=_read,
        cases=(_FOREST,),
        **_FACTS,
    ),
    Predicting(name=BOOSTER, modules=("xgboost.core",), task=None, read=_read, cases=(), **_FACTS),
    Part(name="xgboost.XGBoostLabelEncoder", modules=("xgboost.compat",)),
)
