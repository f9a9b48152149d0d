"""What a predictor asks of a kernel."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from iris_deploy.kernels.scores import Rule
from iris_deploy.schema.batch import Floats

DecideRow = Callable[[Sequence[float]], tuple[int, tuple[float, ...]]]
"""From one row to the position of its label, or `scores.OVERFLOW`, and its scores."""


class Kernel(Protocol):
    """Arithmetic from rows to scores, the same bits for a row alone and among others.

    Attributes
    ----------
    n_scores : int
        Of each row: one per class; one for two classes, or for a number.
    size : int
        Operations for one row.
    rule : {'above', 'least', 'largest', 'none'}
        How the scores decide.
    """

    @property
    def n_scores(self) -> int: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    @property
    def rule(self) -> Rule: ...  # noqa: D102

    def build_row(self) -> DecideRow:
        """Build the function for one row of floats."""
        ...

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_scores, n_rows)
            For each row the bits that the function of `build_row` gives.
        """
        ...


@runtime_checkable
class Silent(Protocol):
    """A kernel that has no answer for some rows: it says why."""

    @property
    def unanswered(self) -> str: ...  # noqa: D102


@runtime_checkable
class Batching(Protocol):
    """A kernel to which many rows cost little more than one, and which takes texts in columns."""

    is_batching: bool
