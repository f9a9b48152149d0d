"""The family of isolation forests: what few random splits set apart is unlike the rest."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import read_list, read_number, read_width
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.labels import ISOLATION_FOREST, check_detects
from iris_deploy.estimators.tree_nodes import Tree, check_trees, read_nodes
from iris_deploy.estimators.trees import prune, read_tree
from iris_deploy.kernels.anomalies import AnomalyKernel, usual_length
from iris_deploy.kernels.nodes import Nodes
from iris_deploy.kernels.trees import TreeKernel
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output

_USUAL = "_average_path_length_per_tree"  # since release 1.2
_MOST_SAMPLES = 1 << 53


def _isolation_forest(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    check_detects(record, output)
    features.check_width(read_width(record, "n_features_"), record.name)
    features.check_numbers(record.name)
    features.check_filled(record.name)
    members = [each for each in read_list(record, "estimators_") if isinstance(each, Fitted)]
    subsets = read_list(record, "estimators_features_")
    if not members or len(subsets) != len(members):
        raise ArtifactError(f"{record.name} has {len(members)} trees, and features of others")
    trees = [
        _read_member(record, member, subset, features.width)
        for member, subset in zip(members, subsets, strict=True)
    ]
    nodes = check_trees(trees, features.width, single=True)
    nodes, transform = prune(replace(nodes, values=_lengths(record, members, nodes)), features)
    sums = TreeKernel(transform, nodes, (0.0,), 1.0, "none", single=True)
    n_samples = record.state.get("_max_samples", record.state.get("max_samples_"))
    if type(n_samples) is not int or not 1 < n_samples < _MOST_SAMPLES:
        raise ArtifactError(f"{record.name} has trees of {n_samples!r:.40} samples; expected two")
    offset = read_number(record, "offset_", 0.0)  # releases before 0.20 have none
    if not -1.0 <= offset < 0.0:
        raise ArtifactError(f"{record.name} has the offset_ {offset!r:.40}; expected -1 to 0")
    return Model(kernel=AnomalyKernel(sums, len(trees) * usual_length(n_samples), float(offset)))


def _read_member(record: Fitted, member: Fitted, subset: object, width: int) -> Tree:
    """Return a tree that asks about the features of all, with nothing in its leaves yet."""
    tree = read_tree(member, 1)
    if not isinstance(subset, np.ndarray) or subset.ndim != 1 or subset.dtype.kind not in "iu":
        raise ArtifactError(f"{record.name} does not say of which features a tree is")
    asked = np.where(tree.leaf, 0, tree.feature)
    inside = len(subset) and ((asked >= 0) & (asked < len(subset))).all()
    if not inside or ((subset < 0) | (subset >= width)).any():
        raise ArtifactError(f"{record.name} has a tree that asks about a feature that is not there")
    return replace(tree, feature=subset[asked].astype(np.int64))


def _lengths(record: Fitted, members: Sequence[Fitted], nodes: Nodes) -> Floats:
    """Return how long the path to each node is, and would go on among the samples in it."""
    depth = np.empty(len(nodes.left))
    for level, at in enumerate(nodes.levels, 1):
        depth[at] = level
    usual = record.state.get(_USUAL)
    listed = usual if isinstance(usual, (list, tuple)) else [None] * len(members)
    if len(listed) != len(members):
        raise ArtifactError(f"{record.name} has {_USUAL} of {len(listed)} trees")
    rest = np.concatenate([_rest(*each) for each in zip(members, listed, strict=True)])
    if rest.shape != depth.shape:
        raise ArtifactError(f"{record.name} has {_USUAL} of other nodes")
    lengths: Floats = (depth + rest - 1.0)[:, np.newaxis]
    return lengths


def _rest(member: Fitted, usual: object) -> Floats:
    """Return how long paths go on in the nodes of a tree, as the dump or their samples say."""
    if isinstance(usual, np.ndarray):
        if usual.dtype != np.float64 or usual.ndim != 1 or not np.isfinite(usual).all():
            raise ArtifactError(f"{member.name} has {_USUAL} that is none")
        return usual
    tree = member.state["tree_"]
    nodes = read_nodes(member, tree.state.get("nodes"), {"n_node_samples": "i"})  # type: ignore[attr-defined]
    length = cache(usual_length)
    return np.array([length(n) for n in nodes["n_node_samples"].tolist()], np.float64)


FAMILY = (
    Predicting(
        name=ISOLATION_FOREST,
        modules=("sklearn.ensemble._iforest", "sklearn.ensemble.iforest"),
        task="classification",
        read=_isolation_forest,
        since="0.20",
        ulp=16,
        refused="missing values",
        cases=(),
    ),
)
