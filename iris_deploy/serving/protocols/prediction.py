"""The talk's contract: one object with the features' names in, ``{"prediction": ...}`` out.

An array of objects is answered by parallel lists under the plural names. The command ``predict``
answers through the same contract as ``POST /predict``.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import msgspec
import numpy as np

from iris_deploy.bundle.kernel import Floats
from iris_deploy.bundle.predictor import Predictor
from iris_deploy.errors import MalformedError, SignatureError
from iris_deploy.serving.problem import describe_error, reply_problem
from iris_deploy.serving.protocols import strict
from iris_deploy.serving.protocols.instances import InstanceReader
from iris_deploy.serving.reply import JSON, PROBLEM, Reply

Rows = list[tuple[float, ...]] | Floats
Observe = Callable[[Sequence[Sequence[float]] | Floats, Sequence[str]], None]
"""Gets the rows that were predicted and their labels."""

Prepared = Callable[[Observe | None], Reply]
"""Answers a request that was read already."""

_FLAGS = {"": True, "true": True, "1": True, "false": False, "0": False}
_CHARSETS = {"utf-8", "utf8", "us-ascii"}


class Contract:
    """What ``POST /predict`` takes and gives, for one predictor.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._read = InstanceReader(predictor.signature).read

    def reply(
        self, query: str, content_type: str | None, body: bytes, observe: Observe | None = None
    ) -> Reply:
        """Answer ``POST /predict``.

        Parameters
        ----------
        query : str
            Of the request's target, without the question mark; ``details=true`` asks for details.
        content_type : str or None
            Header of the request.
        body : bytes
        observe : callable, optional
            Gets rows and labels once they are right.

        Returns
        -------
        Reply
            200, or 400, 415 or 422 as problem details.
        """
        if not _is_json(content_type):
            detail = (
                f"expected Content-Type: application/json; got {content_type or 'none'}. "
                "With curl add -H 'Content-Type: application/json'"
            )
            return reply_problem(415, detail)
        try:
            details = bool(query) and _flag(query, "details")
            return Reply(200, JSON, self.answer(body, details=details, observe=observe))
        except (MalformedError, SignatureError) as exc:
            return _refusal(exc)

    def prepare(self, content_type: str | None, body: bytes) -> Prepared | None:
        """Read an array of instances whose answer cannot take long, if it is one.

        Returns
        -------
        callable or None
            Answers, by this predictor whatever is served by then; None if the strict reader has to
            judge.
        """
        rows = self._read(body) if _is_json(content_type) else None
        if rows is None or isinstance(rows, tuple):
            return None
        return partial(self._reply_rows, rows)

    def _reply_rows(self, rows: Rows, observe: Observe | None) -> Reply:
        try:
            return Reply(200, JSON, self._answer(rows, details=False, observe=observe))
        except SignatureError as exc:  # a score that overflows
            return _refusal(exc)

    def answer(
        self, body: bytes, *, details: bool = False, observe: Observe | None = None
    ) -> bytes:
        """Predict for the JSON of one instance or of an array of them.

        Parameters
        ----------
        body : bytes
            An object, or an array of objects, with the features' names.
        details : bool
            Whether to add scores and warnings.
        observe : callable, optional
            Gets rows and labels once they are right.

        Returns
        -------
        bytes
            ``{"prediction": label}`` or ``{"predictions": [label, ...]}``. With details also
            ``probabilities`` or ``decision_values`` by class, and ``warnings`` for values outside
            the training range: one of each, or a list with one of each per instance.

        Raises
        ------
        MalformedError
            If it is not strict JSON.
        SignatureError
            If it does not fit the signature.
        """
        read: tuple[float, ...] | Rows | None = self._read(body)
        if read is None:
            value, signature = strict.decode(body), self._predictor.signature
            read = signature.rows(value) if type(value) is list else signature.row(value)
        return self._answer(read, details=details, observe=observe)

    def _answer(
        self, read: tuple[float, ...] | Rows, *, details: bool, observe: Observe | None
    ) -> bytes:
        if isinstance(read, tuple):
            found = self._one(read, details=details)
            if observe is not None:
                observe((read,), (found["prediction"],))
        else:
            found = self._many(read, details=details)
            if observe is not None:
                observe(read, found["predictions"])
        return msgspec.json.encode(found)

    def _one(self, row: Sequence[float], *, details: bool) -> dict[str, Any]:
        predictor = self._predictor
        if not details:
            return {"prediction": predictor.label(row)}
        label, scores = predictor.score(row)
        return {
            "prediction": label,
            predictor.score_name: dict(zip(predictor.signature.classes, scores, strict=True)),
            "warnings": predictor.signature.warnings(row),
        }

    def _many(self, rows: Rows, *, details: bool) -> dict[str, Any]:
        predictor = self._predictor
        if not details:
            return {"predictions": predictor.labels(rows)}
        signature = predictor.signature
        predictions = predictor.predict(rows)
        plain = rows.tolist() if isinstance(rows, np.ndarray) else rows
        return {
            "predictions": predictions.labels,
            predictor.score_name: [
                dict(zip(signature.classes, scores, strict=True))
                for scores in predictions.scores.tolist()
            ],
            "warnings": [signature.warnings(row) for row in plain],
        }


def _refusal(error: MalformedError | SignatureError) -> Reply:
    status, problem = describe_error(error)
    return Reply(status, PROBLEM, problem)


def _is_json(content_type: str | None) -> bool:
    """Tell whether a Content-Type is JSON in UTF-8, whatever its capitals and parameters."""
    if content_type == "application/json":
        return True
    kind, *parameters = (content_type or "").lower().split(";")
    named = dict(part.strip().partition("=")[::2] for part in parameters)
    charset = named.get("charset", "utf-8").strip('"')
    return kind.strip() == "application/json" and charset in _CHARSETS


def _flag(query: str, name: str) -> bool:
    """Return a boolean query parameter; absent is false, ``?name`` alone is true."""
    values = parse_qs(query, keep_blank_values=True).get(name, [])
    if not values:
        return False
    if len(values) == 1 and (value := values[0].lower()) in _FLAGS:
        return _FLAGS[value]
    message = f"the query parameter {name} is {', '.join(values)[:40]!r}; expected true or false"
    raise MalformedError(message)
