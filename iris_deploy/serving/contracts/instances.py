"""``{"instances": [...]}`` in, ``{"predictions": [...]}`` out: what two contracts share."""

from collections.abc import Mapping
from typing import Any

import msgspec

from iris_deploy.codec import strict_json
from iris_deploy.codec.members import read_members
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.schema.batch import Outcomes
from iris_deploy.serving.contracts.by_row import ByRow, Form
from iris_deploy.serving.contracts.content_type import read_content
from iris_deploy.serving.contracts.errors import reply_error
from iris_deploy.serving.contracts.native import PLAIN_BODY, QUICK_BODY
from iris_deploy.serving.contracts.operations import describe_instances
from iris_deploy.serving.contracts.protocol import Question
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.contracts.several import build_writer
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.route import Asked, Operation

PARAMETERS = "parameters"
DETAILED = Form("json", details=True, headers=JSON)


class InstancesContract:
    """Instances in one member of an object, predictions in another; see `Contract`.

    Parameters
    ----------
    served : ServedModel
    name : str
    path : str
    members : tuple of str
        Of which just one holds the instances.
    summary : str
    """

    also = ()
    refuse = staticmethod(reply_error)

    def __init__(
        self, served: ServedModel, name: str, path: str, members: tuple[str, ...], summary: str
    ) -> None:
        self.name, self.path, self.summary = name, path, summary
        self._members = members
        self._predictor = served.predictor
        self._reader = served.readers.json
        self._writer = build_writer(served.predictor)
        self._by_row = ByRow(served.predictor, self._writer)

    def decode(self, asked: Asked, body: bytes) -> Question:
        """Read a request; a body of which nothing is said is JSON."""
        read_content(asked.headers.get("CONTENT_TYPE"), ("json",), "json")
        return self._read_plain(body) or self._read(body)

    def decode_quickly(self, asked: Asked, body: bytes) -> Question | None:
        """Read a request that is small, or plain."""
        if len(body) > PLAIN_BODY:
            return None
        read_content(asked.headers.get("CONTENT_TYPE"), ("json",), "json")
        question = self._read_plain(body)
        if question is None and len(body) <= QUICK_BODY:
            question = self._read(body)
        if question is None or (question[1] and len(question[0].values) > self._writer.quick_rows):
            return None
        return question

    def _read_plain(self, body: bytes) -> tuple[Rows, bool] | None:
        found = read_members(body, self._members)
        if found is None:
            return None
        name, value = found
        rows = self._reader.read_plain_below(value, f"/{name}")
        return None if rows is None else (rows, False)

    def _read(self, body: bytes) -> tuple[Rows, bool]:
        value = strict_json.decode(body)
        if type(value) is not dict:
            raise MalformedError(f"expected an object with {' or '.join(self._members)}")
        name = choose_member(value, self._members, PARAMETERS)
        details = read_details(value, PARAMETERS)
        return self._reader.read_many(value[name], f"/{name}"), details

    def encode_many(self, rows: Rows, form: Any, outcomes: Outcomes) -> Reply:
        """Write ``{"predictions": [...]}``; an object each, with details."""
        if form:
            return Reply(200, JSON, self._by_row.write(rows, outcomes, DETAILED))
        return Reply(200, JSON, self._writer.write_values(outcomes))

    def describe(self, example: Mapping[str, Any]) -> Operation:
        """Describe request and answer."""
        return describe_instances(self._predictor, self.summary, self._members, example)


def choose_member(value: Mapping[str, Any], members: tuple[str, ...], parameters: str) -> str:
    """Name the member that holds the instances: just one of some, beside the parameters.

    Raises
    ------
    MalformedError
    """
    found = [name for name in members if name in value]
    if len(found) != 1:
        got = " and ".join(found) or ", ".join(repr(name[:64]) for name in [*value][:5]) or "none"
        raise MalformedError(f"expected just one of {', '.join(members)}; got {got}")
    for name in value:
        if name not in {found[0], parameters}:
            raise MalformedError(
                f"unknown member {name[:64]!r}; expected {found[0]}, and maybe {parameters}"
            )
    return found[0]


def read_details(value: Mapping[str, Any], member: str) -> bool:
    """Read the only parameter that there is, ``{"details": true}``.

    Raises
    ------
    MalformedError
    """
    parameters = value.get(member)
    if parameters is None:
        return False
    details = parameters.get("details", False) if type(parameters) is dict else None
    if type(details) is not bool or not {"details"} >= parameters.keys():
        given = msgspec.json.encode(parameters).decode()[:64]
        raise MalformedError(f'{member}: expected {{"details": true}} or false; got {given}')
    return details
