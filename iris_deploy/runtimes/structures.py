"""Trees in a dump that scikit-learn walks without looking where they lead: checked before it does.

Its compiled code takes a child for a node and a feature for a column, whatever number stands there.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.hist_boosting import is_predictor, read_predictor
from iris_deploy.estimators.samples import is_sample_tree, read_sample_tree
from iris_deploy.estimators.tree_nodes import check_trees
from iris_deploy.estimators.trees import TREE, read_tree
from iris_deploy.kernels.tree_columns import MAX_FEATURES

_SUBSETS = "estimators_features_"
"""Of an ensemble each of whose members gets features of its own."""

_MOST = 1 << 20
"""Objects of a dump that hold others, and are looked at."""

_HOLDERS = (Fitted, dict, list, tuple, np.ndarray)


def check_structures(records: Sequence[Fitted]) -> None:
    """Check every tree of nodes or of samples.

    Parameters
    ----------
    records : sequence of Fitted
        All of a dump; see `find_records`.

    Raises
    ------
    ArtifactError
        If a tree leads out of itself, or asks about more features than there are.
    """
    held: dict[int, int] = {}
    for record in records:  # an ensemble hands its rows on unchecked
        if _SUBSETS in record.state:
            continue
        for member in _records_in(record.state.get("estimators_")):
            width = _find_width(record) or MAX_FEATURES
            held[id(member)] = min(held.get(id(member), MAX_FEATURES), width)
    for record in records:
        tree = record.state.get("tree_")
        if isinstance(tree, Fitted) and tree.name == TREE:
            n_features = min(_width(record), held.get(id(record), MAX_FEATURES))
            check_trees([read_tree(record, None)], n_features, single=True)
        predictors = record.state.get("_predictors")
        if isinstance(predictors, list):
            trees = [each for each in _records_in(predictors) if is_predictor(each)]
            if trees:
                read = [read_predictor(record, tree)[0] for tree in trees]
                check_trees(read, _width(record), single=False)
        if is_sample_tree(record):
            _check_samples(record)


def _check_samples(tree: Fitted) -> None:
    samples = tree.unnamed[0] if tree.unnamed else None
    if not isinstance(samples, np.ndarray) or samples.ndim != 2 or samples.dtype != np.float64:
        raise ArtifactError("the dump has a tree of samples without samples")
    read_sample_tree(Fitted("an estimator", {"_tree": tree}), samples.T)


def _width(record: Fitted) -> int:
    """Return how many features an estimator that has trees makes sure of."""
    width = _find_width(record)
    if width is None:
        raise ArtifactError(f"{record.name} has trees, and does not say of how many features")
    return width


def _find_width(record: Fitted) -> int | None:
    for attribute in ("n_features_in_", "_n_features", "n_features_"):
        width = record.state.get(attribute)
        if type(width) is int and 0 < width < MAX_FEATURES:
            return width
    return None


def find_records(value: object) -> list[Fitted]:
    """Return every record within a value, each once.

    Parameters
    ----------
    value : object
        As `dumps.unpack.read_dump` returns it.

    Raises
    ------
    ArtifactError
        If it holds more than a million.
    """
    records: list[Fitted] = []
    left, seen = [value], {id(value)}
    while left:
        held = left.pop()
        if isinstance(held, Fitted):
            records.append(held)
        for inside in _inside(held):
            if isinstance(inside, _HOLDERS) and id(inside) not in seen:
                seen.add(id(inside))
                left.append(inside)
        if len(seen) > _MOST:
            raise ArtifactError(f"the dump holds more than {_MOST} objects")
    return records


def _inside(held: object) -> Sequence[Any]:
    if isinstance(held, Fitted):
        return [*held.state.values(), *held.arguments, *held.unnamed]
    if isinstance(held, dict):
        return [*held.values()]
    if isinstance(held, np.ndarray) and held.dtype.hasobject:
        return [*held.ravel()] if held.dtype.names is None else ()
    return held if isinstance(held, (list, tuple)) else ()


def _records_in(value: object) -> Iterator[Fitted]:
    """Yield the records of a list, of lists in it, or of an array."""
    for each in _inside(value):
        if isinstance(each, Fitted):
            yield each
        elif isinstance(each, (list, tuple)):
            yield from (member for member in each if isinstance(member, Fitted))


def find_releases(records: Sequence[Fitted]) -> set[str]:
    """Return which releases of scikit-learn wrote estimators."""
    found = {record.state.get("_sklearn_version") for record in records}
    return {release for release in found if isinstance(release, str)}
