"""Form fields, as browsers and ``curl --data`` send them: one instance, all of it text.

References
----------
URL Standard, section 5, application/x-www-form-urlencoded.
"""

import re
from typing import Any

from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.texts import text_readers
from iris_deploy.schema.batch import Row
from iris_deploy.schema.problems import LONGEST_NAME

_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_MORE = 10
"""Fields beyond the columns that are read, to be told what they are not."""


class FormReader:
    """Read the fields of a form.

    Parameters
    ----------
    reader : InstanceReader
    """

    def __init__(self, reader: InstanceReader) -> None:
        self._reader = reader
        self._texts = text_readers(reader.signature)

    def read(self, body: bytes) -> Row:
        """Read one instance.

        Parameters
        ----------
        body : bytes

        Raises
        ------
        MalformedError
            If it is no form in UTF-8, or has a field twice.
        InstanceError
            If it does not fit the signature.
        """
        most = len(self._texts) + _MORE
        if body.count(b"&") >= most:
            raise MalformedError(f"the form has more than {most} fields")
        fields: dict[str, Any] = {}
        for pair in filter(None, body.split(b"&")):
            name, _, value = (_decode(part) for part in pair.partition(b"="))
            if name in fields:
                raise MalformedError(f"the field {name[:LONGEST_NAME]!r} appears twice in the form")
            read = self._texts.get(name)
            fields[name] = value if read is None else read(value)
        return self._reader.read_row(fields)


def _decode(part: bytes) -> str:
    """Decode a name or a value."""
    raw = _PERCENT.sub(lambda found: bytes.fromhex(found[1].decode()), part.replace(b"+", b" "))
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise MalformedError("the form is not UTF-8, written with percent signs") from exc
