"""The families of estimators that there are: one line for each.

A new one is a module like scaling.py, and its line here.
"""

from collections.abc import Sequence

from iris_deploy.dumps.names import NAMES
from iris_deploy.dumps.records import Fitted
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES, read_dump, unpack
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators import (
    adaptive_boosting,
    boosting,
    calibrating,
    composition,
    decomposition,
    dummy,
    encoding,
    ensembles,
    expansion,
    gaussian,
    hist_boosting,
    imputing,
    labels,
    lightgbm,
    linear,
    losses,
    naive_bayes,
    neighbors,
    network,
    regression,
    scaling,
    search,
    selection,
    stacking,
    svm,
    targets,
    text,
    thresholds,
    trees,
    xgboost,
)
from iris_deploy.estimators.family import Part, Predicting, Transformer
from iris_deploy.estimators.own_formats import read_own_format

FAMILIES: tuple[tuple[Part, ...], ...] = (
    scaling.FAMILY,
    imputing.FAMILY,
    encoding.FAMILY,
    selection.FAMILY,
    decomposition.FAMILY,
    expansion.FAMILY,
    composition.FAMILY,
    linear.FAMILY,
    naive_bayes.FAMILY,
    gaussian.FAMILY,
    regression.FAMILY,
    svm.FAMILY,
    neighbors.FAMILY,
    network.FAMILY,
    targets.FAMILY,
    trees.FAMILY,
    boosting.FAMILY,
    hist_boosting.FAMILY,
    xgboost.FAMILY,
    lightgbm.FAMILY,
    ensembles.FAMILY,
    calibrating.FAMILY,
    stacking.FAMILY,
    adaptive_boosting.FAMILY,
    dummy.FAMILY,
    losses.FAMILY,
    labels.FAMILY,
    search.FAMILY,
    text.FAMILY,
    thresholds.FAMILY,
)

_KNOWN = {part.name: part for family in FAMILIES for part in family}
_CLASSES = {
    (module, name.rpartition(".")[2]): name
    for name, part in _KNOWN.items()
    for module in part.modules
}
_SUPPORTED = ", ".join(
    part.name.rpartition(".")[2]
    for part in _KNOWN.values()
    if isinstance(part, (Transformer, Predicting))
)
_HINT = f"supported are {_SUPPORTED} and a Pipeline of these; nothing of the file was run"


def find(name: str) -> Part | None:
    """Return what is known of a class by its public name."""
    return _KNOWN.get(name)


def is_read(module: str, name: str) -> bool:
    """Tell whether a name of a dump is in the list of what is read."""
    return (module, name) in _CLASSES or (module, name) in NAMES


def public_name(module: str, name: str) -> str:
    """Return the public name of a class, or its own if none is known."""
    return _CLASSES.get((module, name), f"{module}.{name}")


def read_value(data: bytes, *, limit: int = MAX_DUMP_BYTES) -> object:
    """Read what a file holds: estimators of families and plain values of a pickle, or a model.

    Models are those that XGBoost and LightGBM write in formats of their own.

    Parameters
    ----------
    data : bytes
        The whole file.
    limit : int
        Largest size when decompressed; bytes.

    Raises
    ------
    ArtifactError
        See `dumps.unpack.read_dump`.
    """
    plain = unpack(data, limit)
    model = read_own_format(plain)
    return read_dump(plain, _CLASSES, hint=_HINT) if model is None else model


def read_estimator(
    data: bytes, path: Sequence[str | int] = (), *, limit: int = MAX_DUMP_BYTES
) -> Fitted:
    """Read the fitted estimator of a family that a dump holds.

    Parameters
    ----------
    data, limit
        See `read_value`.
    path : sequence of str or int
        Keys and positions that lead to it, in a dump of several.

    Raises
    ------
    ArtifactError
        Also if there is none.
    """
    value = read_value(data, limit=limit)
    for key in path:
        inside = isinstance(value, dict) or (isinstance(value, (list, tuple)) and type(key) is int)
        try:
            value = value[key] if inside else None  # type: ignore[index]
        except LookupError:
            value = None
    if not isinstance(value, Fitted):
        where = "".join(f"[{key!r:.40}]" for key in path)
        raise ArtifactError(
            f"expected a fitted estimator in the dump{where and ' at '}{where}, "
            f"got {type(value).__name__}",
            hint="dump the fitted estimator itself",
        )
    return value
