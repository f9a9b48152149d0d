"""Bodies of the native contract that are text, and answers of the same kind."""

from collections.abc import Callable, Mapping
from typing import Any

from iris_deploy.codec.plain import as_rows
from iris_deploy.codec.readers import Readers
from iris_deploy.serving.contracts.by_row import Form
from iris_deploy.serving.contracts.content_type import (
    PLAIN_JSON,
    Kind,
    choose_kind,
    name_kind,
    read_content,
)
from iris_deploy.serving.contracts.protocol import Question
from iris_deploy.serving.contracts.words import read_flag
from iris_deploy.serving.route import Asked

TAKEN: tuple[Kind, ...] = ("json", "csv", "lines", "form")
GIVEN: tuple[Kind, ...] = ("json", "csv", "lines")

_JSON_TOO = frozenset((PLAIN_JSON, "*/*"))


def is_plain(headers: Mapping[str, str]) -> bool:
    """Tell whether a request is one of JSON for JSON, as nearly all are."""
    return headers.get("CONTENT_TYPE") == PLAIN_JSON and headers.get("ACCEPT", "*/*") in _JSON_TOO


class TextBodies:
    """Read CSV, JSON Lines and forms; and JSON, where an answer of another kind is accepted.

    Parameters
    ----------
    readers : Readers
    """

    def __init__(self, readers: Readers) -> None:
        self._csv = readers.csv
        self._read: dict[Kind, Callable[[bytes], Any]] = {
            "json": readers.json.read,
            "lines": readers.lines.read,
            "form": readers.form.read,
        }

    def read(self, asked: Asked, body: bytes) -> Question:
        """Read a body of any kind, and choose how it is answered.

        Raises
        ------
        ContentTypeError, MalformedError, InstanceError
        """
        content_type, accept = asked.headers.get("CONTENT_TYPE"), asked.headers.get("ACCEPT")
        content = read_content(content_type, TAKEN)
        details = bool(asked.query) and read_flag(asked.query, "details")
        given = choose_kind(accept, GIVEN, "json" if content.kind == "form" else content.kind)
        repeats = content.kind == given == "csv"
        rows: Any
        if content.kind == "csv":
            table = self._csv.read(body, content.header, named=repeats)
            rows, header = table.rows, table.header
        else:
            rows, header = self._read[content.kind](body), None
        if given == "json":
            return rows, details
        headers = (("Content-Type", name_kind(given, accept or content_type)),)
        form = Form(given, details, headers, header if repeats else (), body if repeats else b"")
        return as_rows(rows), form
