"""The talk's contract: one object with the features' names in, ``{"prediction": ...}`` out.

An array of objects, or an object with an array for each feature, is answered by parallel lists
under the plural names. The command ``predict`` answers through the same contract.
"""

from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

import msgspec

from iris_deploy.codec.instances import InstanceReader, Rows
from iris_deploy.codec.pointers import InstanceError
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats, Indices, Row
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.rows import RowWriter
from iris_deploy.serving.problem import describe_error, reply_problem
from iris_deploy.serving.reply import JSON, PROBLEM, Reply, Stream

Observe = Callable[[Signature, Sequence[Row] | Floats, Sequence[int] | Indices], None]
"""Gets the rows that were predicted and the positions of their labels."""

QUICK_BODY = 4096
"""Bytes of a body up to which a request is worked on in the loop, whatever it says: 0.2 ms."""

PLAIN_BODY = 1 << 16
"""The same for instances as most clients write them, of which nothing but labels is asked: some
2,000 of two features, 0.5 ms (14 if all numbers are made to be hard to round). On a thread they
take twice as long."""

_QUICK_SUMS = 1 << 20
"""Products that are worked out in the loop for one request, 1 to 5 ms."""

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
        self._reader = InstanceReader(predictor.signature)
        self._writer = RowWriter(predictor)
        labels = map(msgspec.json.encode, predictor.signature.classes)
        self._answers = [b'{"prediction":' + label + b"}" for label in labels]
        self._quick_rows = _QUICK_SUMS // predictor.sums
        self._quick_details = min(self._quick_rows, self._writer.quick_rows)

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
            Gets the rows and the positions of their labels once they are right.

        Returns
        -------
        Reply
            200, or 400, 415 or 422 as problem details.
        """
        if not _is_json(content_type):
            return _unexpected_type(content_type)
        try:
            details = bool(query) and _flag(query, "details")
            return self._reply(self._reader.read(body), details=details, observe=observe)
        except (MalformedError, InstanceError) as exc:
            return _refusal(exc)

    def reply_quickly(
        self,
        query: str,
        content_type: str | None,
        body: bytes,
        observe: Observe | None = None,
    ) -> Reply | None:
        """Answer ``POST /predict`` in a few milliseconds, as `reply` does; None if it takes longer.

        Of a body that is not small, only instances as most clients write them are looked at.
        """
        small = len(body) <= QUICK_BODY
        if not small and (query or len(body) > PLAIN_BODY):
            return None
        if not _is_json(content_type):
            return _unexpected_type(content_type)
        try:
            details = bool(query) and _flag(query, "details")
            read = self._reader.read(body) if small else self._reader.read_plain(body)
            if read is None:
                return None
            n_rows = len(read.values) if isinstance(read, Rows) else 1
            if n_rows > (self._quick_details if details else self._quick_rows):
                return None
            return self._reply(read, details=details, observe=observe)
        except (MalformedError, InstanceError) as exc:
            return _refusal(exc)

    def answer(
        self, body: bytes, *, details: bool = False, observe: Observe | None = None
    ) -> bytes:
        """Predict for the JSON of one instance or of many.

        Parameters
        ----------
        body : bytes
            An object with the features' names, an array of such objects, or an object with an
            array for each feature.
        details : bool
            Whether to add scores and warnings.
        observe : callable, optional
            Gets the rows and the positions of their labels once they are right.

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
        InstanceError
            If it does not fit the signature.
        """
        return self._reply(self._reader.read(body), details=details, observe=observe).read()

    def _reply(self, read: Row | Rows, *, details: bool, observe: Observe | None) -> Reply:
        if isinstance(read, Rows):
            return Reply(200, JSON, self._many(read, details=details, observe=observe))
        try:
            return Reply(200, JSON, self._one(read, details=details, observe=observe))
        except SignatureError as exc:
            raise self._reader.locate(exc, "object") from None

    def _one(self, row: Row, *, details: bool, observe: Observe | None) -> bytes:
        predictor = self._predictor
        if details:
            label, scores = predictor.score(row)
            index = predictor.signature.classes.index(label)
            answer = self._writer.write_one(row, label, scores)
        else:
            index = predictor.index(row)
            answer = self._answers[index]
        if observe is not None:
            observe(predictor.signature, (row,), (index,))
        return answer

    def _many(self, rows: Rows, *, details: bool, observe: Observe | None) -> bytes | Stream:
        values = rows.values
        try:
            indices = self._predictor.indices(values)
        except SignatureError as exc:
            raise self._reader.locate(exc, rows.layout) from None
        if observe is not None:
            observe(self._predictor.signature, values, indices)
        if details:
            return self._writer.write_details(values, indices)
        return self._writer.write_labels(indices)


def _refusal(error: MalformedError | InstanceError) -> Reply:
    status, problem = describe_error(error)
    return Reply(status, PROBLEM, problem)


def _unexpected_type(content_type: str | None) -> Reply:
    detail = (
        f"expected Content-Type: application/json; got {content_type or 'none'}. "
        "With curl add -H 'Content-Type: application/json'"
    )
    return reply_problem(415, detail)


def _is_json(content_type: str | None) -> bool:
    """Tell whether a Content-Type is JSON in UTF-8, whatever its capitals and parameters."""
    if content_type == "application/json":
        return True
    kind, *parameters = (content_type or "").lower().split(";")
    named = dict(part.strip().partition("=")[::2] for part in parameters)
    charset = named.get("charset", "utf-8").strip('"')
    return kind.strip() == "application/json" and charset in _CHARSETS


def _flag(query: str, name: str) -> bool:
    """Return the only query parameter that there is; absent is false, ``?name`` alone is true."""
    parameters = parse_qs(query, keep_blank_values=True)
    unknown = next((other for other in parameters if other != name), None)
    if unknown is not None:
        from difflib import get_close_matches  # only errors pay for it

        meant = f" (did you mean {name!r}?)" if get_close_matches(unknown[:40], [name]) else ""
        raise MalformedError(f"unknown query parameter {unknown[:40]!r}; expected {name}{meant}")
    values = parameters.get(name, [])
    if not values:
        return False
    if len(values) == 1 and (value := values[0].lower()) in _FLAGS:
        return _FLAGS[value]
    raise MalformedError(
        f"the query parameter {name} is {values[0][:40]!r}; expected true or false, once"
    )
