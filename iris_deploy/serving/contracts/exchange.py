"""Question and answer: what is the same whatever contract a request speaks."""

from collections.abc import Callable, Mapping, Sequence
from sys import maxsize
from typing import Any

from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import OBJECT, locate
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats, Outcomes, Row
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.protocol import WRONG, Contract, Question, SingleContract, state
from iris_deploy.serving.problem import reply_refusal
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.route import Asked, Route

Observe = Callable[[Signature, Sequence[Row] | Floats, Sequence[float] | Outcomes], None]
"""Gets the rows that were predicted, and the positions of their labels or the numbers."""

QUICK_SUMS = 1 << 20
"""Operations that are carried out in the loop for one request, 1 to 5 ms."""


_QUICK_TEXT = 4096
"""Bytes of a body with texts that are looked through in the loop: 6 ms at most, for n-grams of up
to ten characters; a tenth of a millisecond for words."""


class Observer:
    """Who gets to know of predictions: nobody, until a process has figures of its own.

    Attributes
    ----------
    observe : callable or None
    """

    def __init__(self) -> None:
        self.observe: Observe | None = None


class Exchange:
    """Answer the questions of one contract by one predictor.

    Parameters
    ----------
    contract : Contract
    predictor : Predictor
    observer : Observer, optional
    is_quick : bool
        Whether one row takes so little that the loop may work on it.
    """

    def __init__(
        self,
        contract: Contract,
        predictor: Predictor,
        observer: Observer | None = None,
        *,
        is_quick: bool = True,
    ) -> None:
        self._contract = contract
        self._single = contract if isinstance(contract, SingleContract) else None
        self._predictor = predictor
        self._signature = predictor.signature
        self._observer = observer or Observer()
        self._quick_rows = QUICK_SUMS // max(predictor.sums, 1) if is_quick else 0
        self._quick_bytes = _QUICK_TEXT if predictor.signature.has_text else maxsize
        self._decides = bool(predictor.signature.classes)
        self._is_one = len(predictor.parts) == 1

    def build_route(self, example: Mapping[str, Any]) -> Route:
        """Return the contract's route.

        Parameters
        ----------
        example : mapping of str to object
            An instance that describes it.
        """
        contract = self._contract
        return Route(
            method="POST",
            path=contract.path,
            also=contract.also,
            summary=contract.summary,
            handle=self.handle,
            quick=self.handle_quickly if self._quick_rows else None,
            describe=lambda: contract.describe(example),
            contract=contract.name,
            refuse=None if contract.refuse is reply_refusal else contract.refuse,
        )

    def handle(self, asked: Asked, body: bytes) -> Reply:
        """Answer a request, or say what is wrong with it."""
        try:
            return self.answer(self._contract.decode(asked, body))
        except WRONG as exc:
            return self._contract.refuse(state(exc))

    def handle_quickly(self, asked: Asked, body: bytes) -> Reply | None:
        """Answer a request in a few milliseconds, as `handle` does; None if it takes longer."""
        if len(body) > self._quick_bytes:
            return None
        try:
            question = self._contract.decode_quickly(asked, body)
            if question is None:
                return None
            rows = question[0]
            if type(rows) is Rows and len(rows.values) > self._quick_rows:
                return None
            return self.answer(question)
        except WRONG as exc:
            return self._contract.refuse(state(exc))

    def answer(self, question: Question) -> Reply:
        """Predict.

        Raises
        ------
        InstanceError
            If values are so large that a score overflows.
        """
        observe, (rows, form) = self._observer.observe, question
        try:
            if type(rows) is Rows:
                outcomes = self._predictor.outcomes(rows.values)
                if observe is not None:
                    observe(self._signature, rows.values, outcomes)
                return self._contract.encode_many(rows, form, outcomes)
            index, decision = self._predictor.decide(rows)
        except SignatureError as exc:
            layout = rows.layout if type(rows) is Rows else OBJECT
            raise locate(exc, layout, self._signature.names) from None
        if observe is not None:
            outcome: Any = (index,) if self._decides else decision if self._is_one else (decision,)
            observe(self._signature, (rows,), outcome)
        assert self._single is not None  # noqa: S101
        return self._single.encode_one(rows, form, index, decision)
