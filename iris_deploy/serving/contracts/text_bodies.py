"""Bodies of the native contract that are text, and answers of the same kind."""

from collections.abc import Mapping

from iris_deploy.codec.csv_text import CsvReader
from iris_deploy.codec.forms import FormReader
from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.json_lines import LinesReader
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import OBJECT
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.by_row import Form
from iris_deploy.serving.contracts.content_type import Kind, choose_kind, name_kind, read_content
from iris_deploy.serving.contracts.protocol import Question
from iris_deploy.serving.contracts.words import read_flag
from iris_deploy.serving.route import Asked

TAKEN: tuple[Kind, ...] = ("json", "csv", "lines", "form")
GIVEN: tuple[Kind, ...] = ("json", "csv", "lines")

_JSON = "application/json"


def is_plain(headers: Mapping[str, str]) -> bool:
    """Tell whether a request is one of JSON for JSON, as nearly all are."""
    return headers.get("CONTENT_TYPE") == _JSON and headers.get("ACCEPT", _JSON) in {"*/*", _JSON}


class TextBodies:
    """Read CSV, JSON Lines and forms.

    Parameters
    ----------
    signature : Signature
    reader : InstanceReader
        Of the same signature.
    """

    def __init__(self, signature: Signature, reader: InstanceReader) -> None:
        self._json = reader
        self._csv = CsvReader(signature)
        self._lines = LinesReader(reader)
        self._form = FormReader(signature)

    def read(self, asked: Asked, body: bytes) -> Question:
        """Read a body of any kind, and choose how it is answered.

        Raises
        ------
        ContentTypeError, MalformedError, InstanceError
        """
        content_type, accept = asked.headers.get("CONTENT_TYPE"), asked.headers.get("ACCEPT")
        content = read_content(content_type, TAKEN)
        details = bool(asked.query) and read_flag(asked.query, "details")
        same: Kind = "json" if content.kind == "form" else content.kind
        given = choose_kind(accept, GIVEN, same)
        if given == "json" and content.kind in {"json", "form"}:
            read = self._form.read if content.kind == "form" else self._json.read
            return read(body), details
        headers = (("Content-Type", name_kind(given, accept or content_type)),)
        form = Form(given, details, headers, ())
        if content.kind == "csv":
            table = self._csv.read(body, content.header, named=given == "csv")
            rows = table.rows
            if given == "csv":
                form = form._replace(header=table.header, body=body)
        elif content.kind == "lines":
            rows = self._lines.read(body)
        else:
            read = self._form.read if content.kind == "form" else self._json.read
            found = read(body)
            rows = found if isinstance(found, Rows) else Rows([found], OBJECT)
        return rows, details if given == "json" else form
