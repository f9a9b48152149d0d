"""The family of those that put numbers into bins."""

import numpy as np

from iris_deploy.dumps.records import ClassName, Fitted, read_each_once
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_floats, read_list, read_version, read_word
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.bins import Bins, Edges
from iris_deploy.kernels.blocks import Hot
from iris_deploy.kernels.tables import Table
from iris_deploy.kernels.tree_columns import MAX_FEATURES
from iris_deploy.schema.batch import Floats

_ENCODINGS = ("onehot", "onehot-dense", "ordinal")


def _bins(record: Fitted, features: Features, _: Reading) -> Features:
    """Write the number of each feature's bin, or a feature for each bin."""
    features.check_numbers(record.name)
    features.check_filled(record.name)
    dtype = record.state.get("dtype")
    if dtype is not None and not (isinstance(dtype, ClassName) and dtype.name == "numpy.float64"):
        raise ArtifactError(
            f"{record.name} has a dtype that numbers are rounded to before; expected None",
            hint="fit it without dtype, or with numpy.float64",
        )
    encoding = read_word(record, "encode", "onehot")
    if encoding not in _ENCODINGS:
        raise ArtifactError(f"{record.name} has encode={encoding!r:.40}")
    edges = _edges(record, features.width)
    binned = features.then(Bins(edges, nudged=read_version(record) < (1, 1)))
    if encoding == "ordinal":
        return binned
    widths = [own.n_bins for own in edges]
    if sum(widths) > MAX_FEATURES:
        raise ArtifactError(
            f"{record.name} has {sum(widths)} bins; expected {MAX_FEATURES} at most"
        )
    of = binned.values(range(binned.width))
    tables = {width: _table(width) for width in {*widths}}  # shared: a block each would add up
    blocks = [Hot(value, *tables[width]) for value, width in zip(of, widths, strict=True)]
    return features.replaced(blocks)


def _table(width: int) -> tuple[Table, Floats, Floats]:
    """Return which feature is on by the number of a bin, and what all are while off and on."""
    numbers = np.arange(float(width))
    return Table(numbers, numbers, width, width), np.zeros(width), np.ones(width)


def _edges(record: Fitted, n_features: int) -> tuple[Edges, ...]:
    """Return the edges between bins, of each feature; those at either end bound nothing."""
    name = "bin_edges_"

    def read(own: object) -> Edges:
        if not isinstance(own, np.ndarray) or own.ndim != 1 or len(own) < 2:
            raise ArtifactError(f"{record.name} has {name} of less than one bin")
        inner = fitted_floats(Fitted(record.name, {name: own[1:-1]}), name, (len(own) - 2,))
        if (np.diff(inner) < 0).any():
            raise ArtifactError(f"{record.name} has {name} that do not ascend")
        return Edges(inner)

    return tuple(read_each_once(read_list(record, name, n_features), read))


FAMILY = (
    Transformer(
        name="sklearn.preprocessing.KBinsDiscretizer",
        modules=("sklearn.preprocessing._discretization",),
        read=_bins,
        since="0.20",
        refused="dtype=numpy.float32",
        cases=(
            {"strategy": "uniform"},
            {"strategy": "uniform", "encode": "onehot-dense", "n_bins": 3},
            {"strategy": "kmeans", "encode": "ordinal"},
        ),
    ),
)
