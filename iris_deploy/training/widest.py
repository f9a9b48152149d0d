"""The predictor that takes most: values that are missing, categories that nobody has seen."""

from collections.abc import Sequence
from contextlib import suppress

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.several import build_models, build_predictor
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.columns import CategoryColumn, Column, widen
from iris_deploy.schema.outputs import Output
from iris_deploy.schema.signature import Signature

_TRIED = 64
"""Columns up to which each is tried by itself."""


def build_widest(
    columns: Sequence[Column],
    output: Output,
    estimators: Sequence[Fitted],
    adapter: Adapter | None = None,
) -> Predictor:
    """Build the predictor of a signature that takes as much as the estimators do.

    Parameters
    ----------
    columns : sequence of Column
        In which nothing is missing that was not in training, and no category unknown.
    output : Output
    estimators : sequence of Fitted
    adapter : Adapter or None
        Between the columns and the estimators.

    Raises
    ------
    ArtifactError
        If the estimators do not even take the columns as they are.
    """

    def signed(tried: Sequence[Column]) -> Signature:
        return Signature(columns=tuple(tried), output=output)

    for missing, unknown in ((True, True), (False, True), (True, False)):
        wide = [widen(column, missing=missing, unknown=unknown) for column in columns]
        try:
            return build_predictor(signed(wide), estimators, adapter)
        except ArtifactError:
            continue
    build_models(signed(columns), estimators, adapter)  # or say why it cannot be
    taken = [*columns]
    for k in range(len(columns) if len(columns) <= _TRIED else 0):
        for missing, unknown in ((True, False), (False, True)):
            wider = _also(taken[k], missing=missing, unknown=unknown)
            if wider == taken[k]:
                continue
            tried = [*taken[:k], wider, *taken[k + 1 :]]
            with suppress(ArtifactError):
                build_models(signed(tried), estimators, adapter)
                taken = tried
    return build_predictor(signed(taken), estimators, adapter)


def _also(column: Column, *, missing: bool, unknown: bool) -> Column:
    already = isinstance(column, CategoryColumn) and column.unknown
    return widen(column, missing=missing, unknown=unknown or already)
