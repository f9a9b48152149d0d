"""The talk's contract: one object with the columns' names in, ``{"prediction": ...}`` out.

An array of objects, or an object with an array for each column, is answered by parallel lists
under the plural names. The command ``predict`` answers through the same contract.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import InstanceError
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Outcomes
from iris_deploy.schema.outputs import ClassOutput
from iris_deploy.serving.contracts.content_type import ContentTypeError, check_json
from iris_deploy.serving.contracts.description import (
    arrays_schema,
    instance_schema,
    output_schema,
    score_schemas,
)
from iris_deploy.serving.contracts.protocol import Question, Wrong
from iris_deploy.serving.contracts.several import build_writer
from iris_deploy.serving.problem import build_problem, reply_problem
from iris_deploy.serving.reply import JSON, PROBLEM, Reply, Stream
from iris_deploy.serving.route import Asked, Operation
from iris_deploy.serving.schemas import an_array, an_object, answer, refer, refusals

QUICK_BODY = 4096
"""Bytes of a body up to which a request is worked on in the loop, whatever it says: 0.2 ms."""

PLAIN_BODY = 1 << 16
"""The same for instances as most clients write them, of which nothing but labels is asked: some
2,000 of two features, 0.5 ms (14 if all numbers are made to be hard to round). On a thread they
take twice as long."""

_FLAGS = {"": True, "true": True, "1": True, "false": False, "0": False}


class NativeContract:
    """What ``POST /predict`` takes and gives; see `Contract`.

    Parameters
    ----------
    predictor : Predictor
    """

    path = "/predict"
    also = ("/predict/",)
    headers = JSON

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._reader = InstanceReader(predictor.signature)
        self._writer = build_writer(predictor)
        labels = map(msgspec.json.encode, predictor.signature.classes)
        self._answers = [b'{"prediction":' + label + b"}" for label in labels]
        self.summary = f"predict {_what(predictor)} of one instance, or of many; ?details=true"

    def decode(self, asked: Asked, body: bytes) -> Question:
        """Read a request.

        Parameters
        ----------
        asked : Asked
            ``details=true`` in its query asks for scores and warnings.
        body : bytes

        Raises
        ------
        ContentTypeError, MalformedError, InstanceError
        """
        check_json(asked.headers.get("CONTENT_TYPE"))
        details = bool(asked.query) and _flag(asked.query, "details")
        return self.read(body, details=details)

    def read(self, body: bytes, *, details: bool = False) -> Question:
        """Read instances.

        Parameters
        ----------
        body : bytes
            An object with the columns' names, an array of such objects, or an object with an
            array for each column.
        details : bool
            Whether to answer with ``probabilities`` or ``decision_values`` by class, and
            ``warnings`` for values unlike those of training, too.

        Raises
        ------
        MalformedError
            If it is not strict JSON.
        InstanceError
            If it does not fit the signature.
        """
        return self._reader.read(body), details

    def decode_quickly(self, asked: Asked, body: bytes) -> Question | None:
        """Read a request that is small.

        Of a body that is not, only instances as most clients write them are looked at.
        """
        if len(body) > QUICK_BODY:
            return self._decode_plain(asked, body)
        check_json(asked.headers.get("CONTENT_TYPE"))
        details = bool(asked.query) and _flag(asked.query, "details")
        rows = self._reader.read(body)
        if details:
            n_rows = len(rows.values) if type(rows) is Rows else 1
            if n_rows > self._writer.quick_rows:
                return None
        return rows, details

    def _decode_plain(self, asked: Asked, body: bytes) -> Question | None:
        if asked.query or len(body) > PLAIN_BODY:
            return None
        check_json(asked.headers.get("CONTENT_TYPE"))
        rows = self._reader.read_plain(body)
        return None if rows is None else (rows, False)

    def encode_one(self, question: Question, index: int, decision: Sequence[float]) -> bytes:
        """Write ``{"prediction": ...}``, with details if they are wanted."""
        row, details = question
        if details and type(row) is not Rows:
            return self._writer.write_one(row, index, decision)
        if self._answers:
            return self._answers[index]
        return self._writer.write_value(decision)

    def encode_many(self, question: Question, outcomes: Outcomes) -> bytes | Stream:
        """Write ``{"predictions": [...]}``, with lists of details if they are wanted."""
        rows, details = question
        if details and type(rows) is Rows:
            return self._writer.write_details(rows.values, outcomes)
        return self._writer.write_values(outcomes)

    def refuse(self, error: Wrong) -> Reply:
        """Answer with problem details."""
        if isinstance(error, InstanceError):
            return Reply(422, PROBLEM, build_problem(422, str(error), error.problems))
        return reply_problem(415 if isinstance(error, ContentTypeError) else 400, str(error))

    def describe(self, example: Mapping[str, Any]) -> Operation:
        """Describe request and answer."""
        signature = self._predictor.signature
        instance, value = refer("Instance"), refer("Prediction")
        warnings = an_array({"type": "string"})
        one = {"prediction": value, "warnings": warnings}
        many = {"predictions": an_array(value), "warnings": an_array(warnings)}
        for name, scores in score_schemas(self._predictor).items():
            one, many = one | {name: scores}, many | {name: an_array(scores)}
        if signature.anomaly is not None:
            flag = {"type": "boolean"}
            one, many = one | {"anomaly": flag}, many | {"anomalies": an_array(flag)}
        body = {
            "schema": {"anyOf": [instance, an_array(instance), refer("Arrays")]},
            "example": example,
        }
        result = {"anyOf": [an_object(one, "prediction"), an_object(many, "predictions")]}
        return Operation(
            {
                "summary": f"Predict {_what(self._predictor)} of one instance or of many",
                "parameters": [
                    {
                        "name": "details",
                        "in": "query",
                        "description": "Whether to add scores and warnings",
                        "schema": {"type": "boolean"},
                    }
                ],
                "requestBody": {"required": True, "content": {"application/json": body}},
                "responses": {
                    "200": answer("The prediction, or one for each instance", result),
                    **refusals(400, 401, 408, 413, 415, 422, 431, 503),
                },
            },
            {
                "Instance": instance_schema(signature),
                "Arrays": arrays_schema(signature),
                "Prediction": output_schema(signature.output),
            },
        )


def _what(predictor: Predictor) -> str:
    """Name what is predicted."""
    output = predictor.signature.output
    return "the class" if isinstance(output, ClassOutput) else output.name


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
