"""``/invocations``: what SageMaker and MLflow ask.

References
----------
docs.aws.amazon.com/sagemaker, "Use Your Own Inference Code with Hosting Services" and "... with
Batch Transform"; mlflow.org/docs, "Deploy MLflow Model as a Local Inference Server".
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from iris_deploy.codec import strict_json
from iris_deploy.codec.members import read_members
from iris_deploy.codec.plain import Rows, as_rows
from iris_deploy.schema.batch import Outcomes
from iris_deploy.serving.contracts.by_row import ByRow, Form
from iris_deploy.serving.contracts.content_type import (
    CSV,
    LINES,
    PLAIN_JSON,
    Content,
    Kind,
    choose_kind,
    name_kind,
    read_content,
)
from iris_deploy.serving.contracts.errors import plain_status
from iris_deploy.serving.contracts.instances import choose_member, read_details
from iris_deploy.serving.contracts.native import PLAIN_BODY, QUICK_BODY
from iris_deploy.serving.contracts.operations import (
    PARAMETERS_SCHEMA,
    STATUSES,
    components,
    describe_errors,
    instances_schema,
    predictions_schema,
)
from iris_deploy.serving.contracts.protocol import Question
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.contracts.several import build_writer
from iris_deploy.serving.contracts.words import read_flag, what
from iris_deploy.serving.reply import JSON, Refusal, Reply
from iris_deploy.serving.route import Asked, Operation
from iris_deploy.serving.schemas import an_array, an_object, answer, refer, sentence

NAME: Final = "invocations"
PATH: Final = "/invocations"
MEMBERS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
PARAMETERS: Final = "params"

_KINDS: tuple[Kind, ...] = ("json", "csv", "lines")
MESSAGE: Final = an_object(
    {"error_code": {"type": "string"}, "message": {"type": "string"}}, "error_code"
)
_CODES = {
    401: "UNAUTHENTICATED",
    404: "ENDPOINT_NOT_FOUND",
    503: "TEMPORARILY_UNAVAILABLE",
}


def reply_message(refusal: Refusal) -> Reply:
    """Answer with an error in the words of MLflow."""
    status = plain_status(refusal.status)
    code = _CODES.get(status, "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR")
    body = msgspec.json.encode({"error_code": code, "message": refusal.detail})
    return Reply(status, JSON + refusal.headers, body)


class InvocationsContract:
    """What ``POST /invocations`` takes and gives; see `Contract`.

    Parameters
    ----------
    served : ServedModel
    """

    name = NAME
    path = PATH
    also = ()
    refuse = staticmethod(reply_message)

    def __init__(self, served: ServedModel) -> None:
        self._predictor = served.predictor
        self._readers = served.readers
        self._writer = build_writer(served.predictor)
        self._by_row = ByRow(served.predictor, self._writer)
        self.summary = f"predict {what(served.predictor)} of rows, for SageMaker and MLflow"

    def decode(self, asked: Asked, body: bytes) -> Question:
        """Read a request; a body of which nothing is said is JSON."""
        content = read_content(asked.headers.get("CONTENT_TYPE"), _KINDS, "json")
        details = bool(asked.query) and read_flag(asked.query, "details")
        if content.kind == "json":
            rows, wanted = self._read_plain(body) or self._read_json(body)
        else:
            rows, wanted = self._read_text(body, content), False
        accept = asked.headers.get("ACCEPT")
        kind = choose_kind(accept, _KINDS, "json")
        if kind == "json" and not (details or wanted):
            return rows, None
        headers = (("Content-Type", name_kind(kind, accept)),)
        return rows, Form(kind, details or wanted, headers)

    def decode_quickly(self, asked: Asked, body: bytes) -> Question | None:
        """Read a request that is small."""
        if len(body) > QUICK_BODY:
            is_json = asked.headers.get("CONTENT_TYPE") == PLAIN_JSON
            if len(body) > PLAIN_BODY or asked.query or "ACCEPT" in asked.headers or not is_json:
                return None
            found = self._read_plain(body)
            return None if found is None else (found[0], None)
        rows, form = self.decode(asked, body)
        assert type(rows) is Rows  # noqa: S101
        slow = form is not None and len(rows.values) > self._writer.quick_rows
        return None if slow else (rows, form)

    def _read_plain(self, body: bytes) -> tuple[Rows, bool] | None:
        found = read_members(body, MEMBERS)
        if found is None:
            return None
        name, value = found
        split = name == MEMBERS[0]
        reader = self._readers.json
        read = reader.read_plain_split if split else reader.read_plain_below
        rows = read(value, f"/{name}")
        return None if rows is None else (rows, False)

    def _read_json(self, body: bytes) -> tuple[Rows, bool]:
        value = strict_json.decode(strict_json.without_literals(body))
        wrapped = type(value) is dict and not {*MEMBERS, PARAMETERS}.isdisjoint(value)
        if not wrapped or any(self._readers.json.knows(name) for name in value):
            return as_rows(self._readers.json.read_value(value)), False
        name = choose_member(value, MEMBERS, PARAMETERS)
        inner, base, details = value[name], f"/{name}", read_details(value, PARAMETERS)
        if name == "dataframe_split":
            return self._readers.json.read_frame(inner, base), details
        if name == "inputs" and type(inner) is dict:
            return as_rows(self._readers.json.read_object(inner, base)), details
        return self._readers.json.read_many(inner, base), details

    def _read_text(self, body: bytes, content: Content) -> Rows:
        if content.kind == "csv":
            return self._readers.csv.read(body, content.header).rows
        return self._readers.lines.read(body)

    def encode_many(self, rows: Rows, form: Any, outcomes: Outcomes) -> Reply:
        """Write ``{"predictions": [...]}``, lines, or records without a header."""
        if form is None:
            return Reply(200, JSON, self._writer.write_values(outcomes))
        return Reply(200, form.headers, self._by_row.write(rows, outcomes, form))

    def describe(self, example: Mapping[str, Any]) -> Operation:
        """Describe request and answer."""
        signature = self._predictor.signature
        params = {PARAMETERS: PARAMETERS_SCHEMA}
        instances = instances_schema(signature)
        split = an_object(
            {
                "columns": an_array({"type": "string"}),
                "index": an_array({}),
                "data": an_array(an_array({})),
            },
            *("columns", "data"),
        )
        forms: dict[str, Any] = {"dataframe_split": split, "dataframe_records": instances}
        forms |= {"instances": instances, "inputs": {"anyOf": [instances, refer("Arrays")]}}
        text = {"schema": {"type": "string"}}
        body = {
            "schema": {
                "anyOf": [an_object({name: of} | params, name) for name, of in forms.items()]
            },
            "example": {"dataframe_records": [example]},
        }
        kinds = {CSV: text, LINES: text}
        told = answer("A prediction for each row", predictions_schema(self._predictor))
        told["content"] |= kinds
        content = {
            "summary": sentence(self.summary),
            "requestBody": {"required": True, "content": {PLAIN_JSON: body, **kinds}},
            "responses": {"200": told, **describe_errors(MESSAGE, *STATUSES)},
        }
        return Operation(content, components(signature))
