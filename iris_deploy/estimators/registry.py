"""The families of estimators that there are: one line for each.

A new one is a module like scaling.py, and its line here.
"""

from iris_deploy.dumps.names import NAMES
from iris_deploy.dumps.records import Fitted
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES, read_dump
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
    linear,
    losses,
    naive_bayes,
    neighbors,
    network,
    regression,
    scaling,
    selection,
    stacking,
    svm,
    targets,
    trees,
)
from iris_deploy.estimators.family import Part, Predicting, Transformer

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
    ensembles.FAMILY,
    calibrating.FAMILY,
    stacking.FAMILY,
    adaptive_boosting.FAMILY,
    dummy.FAMILY,
    losses.FAMILY,
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


def read_estimator(data: bytes, *, limit: int = MAX_DUMP_BYTES) -> Fitted:
    """Read the fitted estimator of a family that ``joblib.dump`` wrote.

    Parameters
    ----------
    data : bytes
        The whole file.
    limit : int
        Largest size when decompressed; bytes.

    Returns
    -------
    Fitted

    Raises
    ------
    ArtifactError
        See `dumps.unpack.read_dump`.
    """
    return read_dump(data, _CLASSES, hint=_HINT, limit=limit)
