"""The family of decision trees, and of forests: the mean of what many trees say."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted, read_each_once
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_array,
    read_list,
    read_record,
    read_version,
    read_width,
)
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.separating import check_outputs, members_of, with_state
from iris_deploy.estimators.tree_nodes import Tree, check_trees, read_nodes
from iris_deploy.kernels.nodes import Nodes
from iris_deploy.kernels.order import distinct
from iris_deploy.kernels.scores import Rule
from iris_deploy.kernels.transform import Transform
from iris_deploy.kernels.trees import TreeKernel
from iris_deploy.schema.outputs import ClassOutput, Output

_FIELDS = {"left_child": "i", "right_child": "i", "feature": "i", "threshold": "f"}
_SIDE = "missing_go_to_left"  # since release 1.3
_LEAF = -1  # child of a leaf

_MOST_SEPARATED = 1 << 17
"""Trees of a forest, times its outputs: each is an object of its own."""

TREE = "sklearn.tree.Tree"
"""What holds the nodes of a decision tree."""


def read_tree(estimator: Fitted, n_values: int | None) -> Tree:
    """Return the nodes of a decision tree as a dump has them.

    Parameters
    ----------
    estimator : Fitted
        A decision tree.
    n_values : int or None
        What a leaf says: a share for each class, or one number. None if that does not matter.

    Raises
    ------
    ArtifactError
        If it is not fitted, or not as scikit-learn has it.
    """
    tree = read_record(estimator, "tree_")
    nodes = read_nodes(estimator, tree.state.get("nodes"), _FIELDS)
    values = fitted_array(tree, "values")
    if n_values is None and values.ndim == 3:  # as many as there are, of several outputs
        values, n_values = values.reshape(len(values), 1, -1), values[:1].size
    if values.shape != (len(nodes), 1, n_values):
        raise ArtifactError(
            f"{estimator.name} has a tree_ with values of shape {values.shape}; "
            f"expected {(len(nodes), 1, n_values)}"
        )
    leaf = nodes["left_child"] == _LEAF
    if _SIDE in (nodes.dtype.names or ()):
        side = read_nodes(estimator, nodes, {_SIDE: "ub"})[_SIDE].astype(bool)
    else:
        side = np.zeros(len(nodes), bool)
    return Tree(
        left=nodes["left_child"],
        right=nodes["right_child"],
        feature=nodes["feature"],
        threshold=nodes["threshold"],
        leaf=leaf,
        missing_left=side,
        values=values[:, 0, :],
    )


def build_kernel(
    trees: Sequence[Tree], features: Features, start: tuple[float, ...], divisor: float, rule: Rule
) -> TreeKernel:
    """Build the kernel of trees that compare features as floats of 32 bits.

    Raises
    ------
    ArtifactError
        If the trees are none.
    """
    nodes, transform = prune(check_trees(trees, features.width, single=True), features)
    return TreeKernel(transform, nodes, start, divisor, rule, single=True)


def prune(nodes: Nodes, features: Features) -> tuple[Nodes, Transform]:
    """Leave out what nothing depends on: features without a question, sides for what never misses.

    Parameters
    ----------
    nodes : Nodes
    features : Features
        That they ask about.

    Returns
    -------
    Nodes
    Transform
    """
    nodes = replace(nodes, missing_left=nodes.missing_left & features.may_miss[nodes.feature])
    if features.transform.is_identity:  # features cost nothing
        return nodes, features.transform
    inner = ~nodes.is_leaf
    used = distinct(nodes.feature[inner]) if inner.any() else np.zeros(1, np.int64)
    feature = np.where(inner, np.searchsorted(used, nodes.feature), 0)
    return replace(nodes, feature=feature), features.pick(used).transform


def _read_ensemble(
    record: Fitted, members: Sequence[Fitted], features: Features, output: Output
) -> Model:
    """Read the mean of what trees say: shares of classes, or numbers."""
    n_values = count_classes(output) if isinstance(output, ClassOutput) else 1
    features.check_width(read_width(record, "n_features_"), record.name)
    features.check_numbers(record.name)
    trees = [read_tree(member, n_values) for member in members]
    if isinstance(output, ClassOutput):
        check_classes(record, n_values)
        if read_version(record) < (1, 3):  # samples, not shares
            trees = [_in_shares(tree) for tree in trees]
    rule: Rule = "largest" if isinstance(output, ClassOutput) else "none"
    kernel = build_kernel(trees, features, (0.0,) * n_values, float(len(trees)), rule)
    return Model(kernel=kernel, link="shares" if isinstance(output, ClassOutput) else None)


def _in_shares(tree: Tree) -> Tree:
    total = tree.values.sum(axis=1, keepdims=True)
    return replace(tree, values=tree.values / np.where(total == 0.0, 1.0, total))


def _tree(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    return _read_ensemble(record, [record], features, output)


def _forest(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    kind = "Classifier" if isinstance(output, ClassOutput) else "Regressor"
    return _read_ensemble(record, _read_members(record, kind), features, output)


def _read_members(record: Fitted, kind: str) -> list[Fitted]:
    """Return the trees of a forest."""
    members = read_list(record, "estimators_")
    for member in members:
        if not isinstance(member, Fitted) or member.name not in _MEMBERS[kind]:
            raise ArtifactError(f"{record.name} has estimators_ that are no trees of its kind")
    return members


def _separate_tree(record: Fitted) -> list[Fitted]:
    """Return a tree for each output: leaves have a line for each."""
    n_outputs = check_outputs(record, record.state.get("n_outputs_"))
    if n_outputs == 1:
        return []
    tree = read_record(record, "tree_")
    values, own = fitted_array(tree, "values"), _of_outputs(record, n_outputs)
    if values.ndim != 3 or values.shape[1] != n_outputs:
        raise ArtifactError(f"{record.name} has a tree_ of other outputs than {n_outputs}")
    leaves = [values[:, k : k + 1, : each["n_classes_"]] for k, each in enumerate(own)]
    return [
        with_state(record, tree_=with_state(tree, values=part), **each)
        for each, part in zip(own, leaves, strict=True)
    ]


def _separate_forest(record: Fitted) -> list[Fitted]:
    """Return a forest for each output, of each tree's own."""
    n_outputs = check_outputs(record, record.state.get("n_outputs_"))
    if n_outputs == 1:
        return []
    kind = "Classifier" if record.name.endswith("Classifier") else "Regressor"
    members = _read_members(record, kind)
    if len({id(member) for member in members}) * n_outputs > _MOST_SEPARATED:
        raise ArtifactError(f"{record.name} has {len(members)} trees of {n_outputs} outputs")
    trees = read_each_once(members, _separate_tree)
    if any(len(own) != n_outputs for own in trees):
        raise ArtifactError(f"{record.name} has trees of other outputs than {n_outputs}")
    return [
        with_state(record, estimators_=[own[k] for own in trees], **each)
        for k, each in enumerate(_of_outputs(record, n_outputs))
    ]


def _of_outputs(record: Fitted, n_outputs: int) -> list[dict[str, Any]]:
    """Return what each output has for itself: how many classes, and which."""
    if not record.name.endswith("Classifier"):
        return [{"n_outputs_": 1, "n_classes_": 1} for _ in range(n_outputs)]
    labels = members_of(record, "classes_", n_outputs)
    if not all(isinstance(own, np.ndarray) for own in labels):
        raise ArtifactError(f"{record.name} has classes_ that are none")
    return [{"n_outputs_": 1, "n_classes_": own.size, "classes_": own} for own in labels]


_MEMBERS = {
    kind: {f"sklearn.tree.DecisionTree{kind}", f"sklearn.tree.ExtraTree{kind}"}
    for kind in ("Classifier", "Regressor")
}
_SEED: dict[str, Any] = {"random_state": 0}
_FEW: dict[str, Any] = {"n_estimators": 7} | _SEED


def _members(kind: str, task: Any) -> tuple[Predicting, ...]:
    """Return single trees and forests for a task."""
    return (
        *(
            Predicting(
                name=f"sklearn.tree.{name}{kind}",
                modules=("sklearn.tree._classes", "sklearn.tree.tree"),
                task=task,
                read=_tree,
                separate=_separate_tree,
                cases=(_SEED, {"max_depth": 3} | _SEED),
            )
            for name in ("DecisionTree", "ExtraTree")
        ),
        *(
            Predicting(
                name=f"sklearn.ensemble.{name}{kind}",
                modules=("sklearn.ensemble._forest", "sklearn.ensemble.forest"),
                task=task,
                read=_forest,
                separate=_separate_forest,
                cases=(_FEW, {"max_depth": 4, "bootstrap": True} | _FEW),
            )
            for name in ("RandomForest", "ExtraTrees")
        ),
    )


FAMILY = (
    *_members("Classifier", "classification"),
    *_members("Regressor", "regression"),
    Part(name=TREE, modules=("sklearn.tree._tree",)),
)
