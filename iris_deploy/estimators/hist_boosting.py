"""The family of histogram-based gradient boosting: it takes missing values and categories."""

from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_floats,
    read_list,
    read_record,
    read_width,
    read_word,
)
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features, joined
from iris_deploy.estimators.tree_nodes import Tree, check_trees, read_nodes
from iris_deploy.estimators.trees import prune
from iris_deploy.kernels.blocks import Spread, Values
from iris_deploy.kernels.nodes import Integers, Nodes
from iris_deploy.kernels.order import distinct
from iris_deploy.kernels.scores import Rule
from iris_deploy.kernels.steps import Power
from iris_deploy.kernels.tables import Table
from iris_deploy.kernels.trees import TreeKernel
from iris_deploy.schema.outputs import Output

_FIELDS = {
    **dict.fromkeys(("value", "num_threshold"), "f"),
    **dict.fromkeys(("feature_idx", "left", "right", "bitset_idx"), "iu"),
    **dict.fromkeys(("is_leaf", "is_categorical", "missing_go_to_left"), "ub"),
}
_WORDS = 8
_CATEGORIES = 256
"""Of a feature at most: the bits of eight words of 32."""


def _classifier(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    n_scores = 1 if n_classes == 2 else n_classes
    rule: Rule = "above" if n_scores == 1 else "largest"
    kernel = _kernel(record, features, n_scores, rule, reading)
    return Model(kernel=kernel, link="logistic" if n_scores == 1 else "softmax")


def _regressor(record: Fitted, features: Features, _output: Output, reading: Reading) -> Model:
    loss = read_word(record, "loss", "squared_error")
    if loss not in {"squared_error", "absolute_error", "gamma", "poisson", "quantile"}:
        raise ArtifactError(f"{record.name} has the loss {loss!r:.40}")
    kernel = _kernel(record, features, 1, "none", reading)
    powered = loss in {"gamma", "poisson"}
    return Model(kernel=kernel, after=(Power(less_one=False),) if powered else ())


def _kernel(
    record: Fitted, features: Features, n_scores: int, rule: Rule, reading: Reading
) -> TreeKernel:
    """Build the kernel: features in the trees' order, trees that ask about thresholds only."""
    features.check_width(read_width(record, "_n_features"), record.name)
    preprocessor = record.state.get("_preprocessor")
    if isinstance(preprocessor, Fitted):
        features = reading.transform(preprocessor, features)
        features.check_width(read_width(record, "_n_features"), record.name)
    features.check_numbers(record.name)
    start = fitted_floats(record, "_baseline_prediction", (1, n_scores))
    members = []
    for turn in read_list(record, "_predictors"):
        if not isinstance(turn, list) or len(turn) != n_scores:
            raise ArtifactError(f"{record.name} has no predictors for {n_scores} scores")
        members += [read_predictor(record, member) for member in turn]
    nodes = check_trees([tree for tree, _ in members], features.width, single=False)
    splits = np.concatenate([splits for _, splits in members])
    nodes, transform = prune(*_ask_about_categories(record, nodes, features, splits))
    return TreeKernel(transform, nodes, tuple(start[0].tolist()), 1.0, rule, single=False)


def is_predictor(member: object) -> TypeGuard[Fitted]:
    """Tell whether a record is a tree of these."""
    return isinstance(member, Fitted) and member.name.endswith(".TreePredictor")


def read_predictor(record: Fitted, member: object) -> tuple[Tree, Integers]:
    """Return the nodes of one tree, and which categories go left.

    Parameters
    ----------
    record : Fitted
        What an error names.
    member : object
        A tree, or refused.

    Returns
    -------
    Tree
    splits : ndarray of int, shape (n_nodes, 9)
        Whether a node asks about a category, and the eight words of its bits.

    Raises
    ------
    ArtifactError
    """
    if not is_predictor(member):
        raise ArtifactError(f"{record.name} has _predictors that are no trees")
    nodes = read_nodes(record, member.state.get("nodes"), _FIELDS)
    words: Any = member.state.get("raw_left_cat_bitsets")
    leaf = nodes["is_leaf"].astype(bool)
    asks = nodes["is_categorical"].astype(bool) & ~leaf
    splits = np.zeros((len(nodes), 1 + _WORDS), np.int64)
    if asks.any():
        if not isinstance(words, np.ndarray) or words.ndim != 2 or words.shape[1] != _WORDS:
            raise ArtifactError(f"{record.name} has no bits of categories")
        at = nodes["bitset_idx"][asks].astype(np.int64)
        if words.dtype != np.uint32 or ((at < 0) | (at >= len(words))).any():
            raise ArtifactError(f"{record.name} has bits of categories that are not there")
        splits[asks, 0] = 1
        splits[asks, 1:] = words[at]
    tree = Tree(
        left=nodes["left"],
        right=nodes["right"],
        feature=nodes["feature_idx"],
        threshold=np.where(asks, 0.5, nodes["num_threshold"]),
        leaf=leaf,
        missing_left=nodes["missing_go_to_left"].astype(bool),
        values=nodes["value"].reshape(-1, 1),
    )
    return tree, splits


def _ask_about_categories(
    record: Fitted, nodes: Nodes, features: Features, splits: Integers
) -> tuple[Nodes, Features]:
    """Let nodes that ask about a category ask about 0 or 1: looked up, for each kind of split once.

    A category that was not known in training goes where a missing value goes.
    """
    concerned = np.flatnonzero(splits[:, 0])
    if not len(concerned):
        return nodes, features
    sides = nodes.missing_left[concerned]
    keys = np.column_stack((nodes.feature[concerned], sides, splits[concerned, 1:]))
    kinds: Integers
    kinds, kind_of = np.unique(keys, axis=0, return_inverse=True)
    feature = nodes.feature.copy()
    feature[concerned] = features.width + kind_of.ravel()
    asked, starts = np.unique(kinds[:, 0], return_index=True)  # as the kinds are sorted
    ends = [*starts[1:].tolist(), len(kinds)]
    blocks = [
        _spread(record, of, int(k), kinds[start:end])
        for of, k, start, end in zip(features.values(asked), asked, starts, ends, strict=True)
    ]
    return replace(nodes, feature=feature), joined([features, features.replaced(blocks)])


def _spread(record: Fitted, of: Values, asked: int, kinds: Integers) -> Spread:
    """Return a 0 for left or a 1 for right, by the category of a feature and the kind of split."""
    known = _known_categories(record, asked)
    bits = np.unpackbits(
        kinds[:, 2:].astype("<u4").view(np.uint8).reshape(len(kinds), -1), axis=1, bitorder="little"
    )
    figures = np.vstack((1 - bits.T[known], (1 - kinds[:, 1]).astype(np.uint8)))
    other = float(len(known))
    lines = Table(known.astype(np.float64), np.arange(other), other, other)
    return Spread(of, lines, figures)


def _known_categories(record: Fitted, feature: int) -> Integers:
    """Return the categories of a feature that training has seen, as numbers from 0 to 255."""
    mapper = read_record(record, "_bin_mapper")
    known = read_list(mapper, "bin_thresholds_")
    array = known[feature] if feature < len(known) else None
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "fiu":
        raise ArtifactError(f"{record.name} does not say which categories feature {feature} has")
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    if not ((whole == array) & (whole >= 0) & (whole < _CATEGORIES)).all():
        raise ArtifactError(f"{record.name} has categories that are no numbers from 0 to 255")
    return distinct(whole)


_MODULE = "sklearn.ensemble._hist_gradient_boosting"
_FEW: dict[str, Any] = {"max_iter": 12, "random_state": 0, "min_samples_leaf": 5}

FAMILY = (
    Predicting(
        name="sklearn.ensemble.HistGradientBoostingClassifier",
        modules=(f"{_MODULE}.gradient_boosting",),
        task="classification",
        read=_classifier,
        since="1.1",
        ulp=8,
        same_scores=True,
        cases=(_FEW, {"max_depth": 3, "learning_rate": 0.3} | _FEW),
    ),
    Predicting(
        name="sklearn.ensemble.HistGradientBoostingRegressor",
        modules=(f"{_MODULE}.gradient_boosting",),
        task="regression",
        read=_regressor,
        since="1.1",
        ulp=4,
        same_scores=True,
        cases=(
            _FEW,
            {"loss": "absolute_error"} | _FEW,
            {"loss": "poisson"} | _FEW,
            {"loss": "gamma"} | _FEW,
            {"loss": "quantile", "quantile": 0.8} | _FEW,
        ),
    ),
    *(
        Part(name=f"sklearn.ensemble.{name}", modules=(f"{_MODULE}.{module}",))
        for module, name in (("predictor", "TreePredictor"), ("binning", "_BinMapper"))
    ),
)
