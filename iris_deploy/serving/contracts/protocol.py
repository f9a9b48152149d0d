"""What a wire contract has to know: how it is asked, how it answers, refuses, and is described.

A contract is one module and its line in the registry. What lies between question and answer, the
prediction and its figures, is the same for all (exchange.py).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import InstanceError
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.schema.batch import Outcomes, Row
from iris_deploy.serving.contracts.content_type import ContentTypeError
from iris_deploy.serving.reply import Refusal, Reply
from iris_deploy.serving.route import Asked, Operation

Wrong = MalformedError | InstanceError | ContentTypeError
"""What may be wrong with a question."""

WRONG = (MalformedError, InstanceError, ContentTypeError)


Question = tuple[Row | Rows, Any]
"""What a request asks for: one instance or many, and what the contract has to know to answer.

A plain tuple: half a microsecond of each request would go into one with names.
"""


class Contract(Protocol):
    """One way to ask for predictions, for one predictor.

    Attributes
    ----------
    name : str
        Of the wire contract, as ``--contracts`` has it.
    path : str
        Which POST asks.
    also : tuple of str
        Other paths for the same.
    summary : str
        What the route is for, as ``GET /`` tells it.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def path(self) -> str: ...  # noqa: D102

    @property
    def also(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def summary(self) -> str: ...  # noqa: D102

    def decode(self, asked: Asked, body: bytes) -> Question:
        """Read a request; raise one of `WRONG` if it is none."""
        ...

    def decode_quickly(self, asked: Asked, body: bytes) -> Question | None:
        """Read a request in a few milliseconds; None if it, or its answer, could take longer."""
        ...

    def encode_many(self, rows: Rows, form: Any, outcomes: Outcomes) -> Reply:
        """Write the answer for many instances.

        Parameters
        ----------
        rows : Rows
        form : object
            What `decode` has found out beside them.
        outcomes : ndarray of int or float, shape (n_rows,)
            Positions of the labels in the signature's classes, or numbers.
        """
        ...

    @property
    def refuse(self) -> Callable[[Refusal], Reply]:
        """Says what is wrong, in the contract's own form."""
        ...

    def describe(self, example: Mapping[str, Any]) -> Operation:
        """Describe the route for machines, with an instance as an example."""
        ...


@runtime_checkable
class SingleContract(Contract, Protocol):
    """A contract that has another answer for one instance than for many."""

    def encode_one(self, row: Row, form: Any, index: int, decision: Sequence[float]) -> Reply:
        """Write the answer for one instance.

        Parameters
        ----------
        row : Row
        form : object
            What `decode` has found out beside it.
        index : int
            Position of the label in the signature's classes.
        decision : sequence of float
            What the label was decided by, see `Predictor.scores`; or the number that is predicted.
        """
        ...


def state(error: Wrong) -> Refusal:
    """Say what is wrong with a question, and by which status."""
    if isinstance(error, InstanceError):
        return Refusal(422, str(error), error.problems)
    return Refusal(415 if isinstance(error, ContentTypeError) else 400, str(error))
