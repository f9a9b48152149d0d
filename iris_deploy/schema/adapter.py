"""What an application did between its clients and a model: names, codes, defaults, a threshold.

A signature has the fields that clients send. Estimators that were fitted elsewhere may take other
columns; each of these is fed by a field, or by none.
"""

import msgspec

from iris_deploy.schema.outputs import Label


class Taken(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="taken",
):
    """A column that is a field's value.

    Parameters
    ----------
    column : str
    field : str
    default : float or None
        Instead of a missing value; of a category its position.
    """

    column: str
    field: str
    default: float | None


class Coded(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="coded",
):
    """A column of numbers that stand for a field's categories.

    Parameters
    ----------
    column : str
    field : str
    codes : tuple of float
        Of each of the field's categories.
    default : float or None
        Instead of a missing value.
    """

    column: str
    field: str
    codes: tuple[float, ...]
    default: float | None


class Flagged(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="flagged",
):
    """A column that is 1 for one of a field's categories, else 0.

    Parameters
    ----------
    column : str
    field : str
    category : int
        Its position.
    """

    column: str
    field: str
    category: int


class Filled(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="filled",
):
    """A column that no field feeds: always the same number."""

    column: str
    value: float


Feed = Taken | Coded | Flagged | Filled


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A class of two that is predicted from some score on.

    Parameters
    ----------
    positive : str, int or bool
    value : float
        Least probability of it, or decision value if there are no probabilities.
    """

    positive: Label
    value: float


class Adapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is between a signature and estimators.

    Parameters
    ----------
    feeds : tuple of Taken, Coded, Flagged or Filled
        Of each column that the first estimator takes, in its order; empty if these are the fields.
    threshold : Threshold or None
    """

    feeds: tuple[Feed, ...] = ()
    threshold: Threshold | None = None
