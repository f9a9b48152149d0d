"""The family of encoders that put the mean of the target in place of a category."""

from dataclasses import replace

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_floats, read_list, read_word
from iris_deploy.estimators.encoding import Known, read_known, table_of
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.steps import Lookup
from iris_deploy.kernels.tables import Table

MAX_FIGURES = 1 << 20
"""Of all features together; a dump can name the same array again and again."""


def _target_encoder(encoder: Fitted, features: Features, _: Reading) -> Features:
    """Look up the mean of the target, or of each class of several; of all samples for others."""
    kind = read_word(encoder, "target_type_", "")
    if kind not in {"binary", "continuous", "multiclass"}:
        raise ArtifactError(f"{encoder.name} has target_type_={kind!r:.40}")
    classes = encoder.state.get("classes_")
    n_means = 1
    if kind == "multiclass":
        n_means = len(classes) if isinstance(classes, np.ndarray) and classes.ndim else 0
    means = fitted_floats(encoder, "target_mean_", (n_means,) if kind == "multiclass" else ())
    listed = read_list(encoder, "categories_", features.width)
    n_figures = n_means * sum(_count(own, features, k) for k, own in enumerate(listed))
    if not 0 < n_figures <= MAX_FIGURES:
        raise ArtifactError(
            f"{encoder.name} has {n_figures} means of categories; expected 1 to {MAX_FIGURES}"
        )
    encodings = read_list(encoder, "encodings_", features.width * n_means)
    features.values(range(features.width))  # which refuses what is encoded already
    own = Fitted(encoder.name, {"categories_": listed, "handle_unknown": "ignore"})
    tables = [
        _table(encoder, features, k, known, encodings[k * n_means + j], float(means.flat[j]))
        for k, known in enumerate(read_known(own, features))
        for j in range(n_means)
    ]
    repeated = features.pick(np.repeat(np.arange(features.width), n_means))
    encoded = repeated.then(Lookup(tuple(tables))).as_numbers()
    return replace(encoded, may_miss=np.zeros(encoded.width, bool))


def _count(known: object, features: Features, k: int) -> int:
    """Return how many categories have to be gone through: those of the encoder and the column."""
    column = features.category(k)
    own = known.size if isinstance(known, np.ndarray) else 0
    return 1 + int(own) + (len(column.categories) if column else 0)


def _table(
    encoder: Fitted, features: Features, k: int, known: Known, encoding: object, mean: float
) -> Table:
    """Make the table of one feature for one mean."""
    name = "encodings_"
    figures = fitted_floats(Fitted(encoder.name, {name: encoding}), name, (known.n_groups,))

    def figure(group: int | None) -> float:
        return mean if group is None else float(figures[group])

    return table_of(encoder, features, k, known, figure)


FAMILY = (
    Transformer(
        name="sklearn.preprocessing.TargetEncoder",
        modules=("sklearn.preprocessing._target_encoder",),
        read=_target_encoder,
        since="1.3",
        cases=({}, {"smooth": 2.0}),
    ),
)
