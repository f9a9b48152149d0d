"""What boosters of other libraries ask of columns: their order, and numbers for categories."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.features import NUMBER, Features, joined
from iris_deploy.kernels.steps import Lookup
from iris_deploy.kernels.tables import Table
from iris_deploy.schema.columns import CategoryColumn


def check_order(names: Sequence[str], features: Features, owner: str) -> None:
    """Make sure that columns come in the order of training, where both have the same names.

    Raises
    ------
    ArtifactError
        If they do not.
    """
    given = [column.name for column in features.columns]
    if features.transform.is_identity and names != given and sorted(names) == sorted(given):
        raise ArtifactError(
            f"{owner} was fitted to the columns in another order: {', '.join(names)[:200]}"
        )


def in_order_of(
    features: Features, names: Mapping[int, Sequence[object]], owner: str, *, unknown: bool
) -> Features:
    """Turn categories of columns into positions among the names that a model lists.

    Parameters
    ----------
    features : Features
    names : mapping of int to sequence of object
        By the position of a feature, text or numbers.
    owner : str
        Whom an error names.
    unknown : bool
        Whether a category that is not listed is taken, as if it were missing.

    Raises
    ------
    ArtifactError
        If a category is of a column without names, or not listed and not taken.
    """
    if not features.has_categories:
        return features
    categories = np.flatnonzero(features.coded != NUMBER).tolist()
    parts, behind = [], 0
    for k in categories:
        table = _positions(features.category(k), names.get(k, ()), owner, unknown=unknown)
        part = features.pick([k]).then(Lookup((table,)))
        parts += [features.pick(range(behind, k))] if behind < k else []
        parts.append(replace(part, may_miss=part.may_miss | unknown))
        behind = k + 1
    if behind < features.width:
        parts.append(features.pick(range(behind, features.width)))
    return joined(parts).as_numbers()


def _positions(
    column: CategoryColumn | None, names: Sequence[object], owner: str, *, unknown: bool
) -> Table:
    if column is None or not names:
        raise ArtifactError(
            f"{owner} does not say which number each category of {column and column.name} has",
            hint="encode it first, by a OneHotEncoder or an OrdinalEncoder",
        )
    place = {_plain(name, owner): float(position) for position, name in enumerate(names)}
    strange = [name for name in column.categories if name not in place]
    if (strange or column.unknown) and not unknown:
        raise ArtifactError(
            f"{owner} refuses categories that it does not know, but the column {column.name} has "
            f"{f'one: {strange[0]!r:.60}' if strange else 'any'}"
        )
    figures = [place.get(name, np.nan) for name in column.categories]
    return Table(np.arange(len(figures), dtype=np.float64), np.array(figures), np.nan, np.nan)


def _plain(name: object, owner: str) -> object:
    """Return a category as columns have it."""
    try:
        return name if isinstance(name, str) else float(name)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError) as exc:
        raise ArtifactError(f"{owner} has a category that is neither text nor a number") from exc
