"""The predictor that takes most: values that are missing, categories that nobody has seen."""

from collections.abc import Sequence

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
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
    output : ClassOutput or NumberOutput
    estimators : sequence of Fitted
    adapter : Adapter or None
        Between the columns and the estimators.

    Raises
    ------
    ArtifactError
        If the estimators do not even take the columns as they are.
    """

    def build(tried: Sequence[Column]) -> Predictor:
        return Predictor(Signature(columns=tuple(tried), output=output), estimators, adapter)

    for missing, unknown in ((True, True), (False, True), (True, False)):
        try:
            return build([widen(column, missing=missing, unknown=unknown) for column in columns])
        except ArtifactError:
            continue
    predictor = build(columns)
    if len(columns) > _TRIED:
        return predictor
    taken = [*columns]
    for k in range(len(columns)):
        for missing, unknown in ((True, False), (False, True)):
            wider = _also(taken[k], missing=missing, unknown=unknown)
            if wider != taken[k]:
                tried = [*taken[:k], wider, *taken[k + 1 :]]
                try:
                    predictor, taken = build(tried), tried
                except ArtifactError:
                    continue
    return predictor


def _also(column: Column, *, missing: bool, unknown: bool) -> Column:
    already = isinstance(column, CategoryColumn) and column.unknown
    return widen(column, missing=missing, unknown=unknown or already)
