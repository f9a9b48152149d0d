"""What a wire contract has to know: how it is asked, how it answers, refuses, and is described.

A contract is one module and its line in the registry. What lies between question and answer, the
prediction and its figures, is the same for all (exchange.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import InstanceError
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.schema.batch import Outcomes, Row
from iris_deploy.serving.contracts.content_type import ContentTypeError
from iris_deploy.serving.reply import Reply, Stream
from iris_deploy.serving.route import Asked, Operation

Wrong = MalformedError | InstanceError | ContentTypeError
"""What may be wrong with a question."""

WRONG = (MalformedError, InstanceError, ContentTypeError)


Question = tuple[Row | Rows, bool]
"""What a request asks for: one instance or many, and whether scores are wanted beside the labels.

A plain tuple: half a microsecond of each request would go into one with names.
"""


class Contract(Protocol):
    """One wire contract for one predictor.

    Attributes
    ----------
    path : str
        Which POST asks.
    also : tuple of str
        Other paths for the same.
    summary : str
        What the route is for, as ``GET /`` tells it.
    headers : tuple of (name, value)
        Of every answer.
    """

    @property
    def path(self) -> str: ...  # noqa: D102

    @property
    def also(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def summary(self) -> str: ...  # noqa: D102

    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102

    def decode(self, asked: Asked, body: bytes) -> Question:
        """Read a request; raise one of `WRONG` if it is none."""
        ...

    def decode_quickly(self, asked: Asked, body: bytes) -> Question | None:
        """Read a request in a few milliseconds; None if it, or its answer, could take longer."""
        ...

    def encode_one(self, question: Question, index: int, decision: Sequence[float]) -> bytes:
        """Write the answer for one instance.

        Parameters
        ----------
        question : Question
        index : int
            Position of the label in the signature's classes.
        decision : sequence of float
            What the label was decided by, see `Predictor.scores`; or the number that is predicted.
        """
        ...

    def encode_many(self, question: Question, outcomes: Outcomes) -> bytes | Stream:
        """Write the answer for many instances.

        Parameters
        ----------
        question : Question
        outcomes : ndarray of int or float, shape (n_rows,)
            Positions of the labels in the signature's classes, or numbers.
        """
        ...

    def refuse(self, error: Wrong) -> Reply:
        """Say what is wrong, in the contract's own form."""
        ...

    def describe(self, example: Mapping[str, Any]) -> Operation:
        """Describe the route for machines, with an instance as an example."""
        ...
