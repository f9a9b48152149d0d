"""Form fields, as browsers and ``curl --data`` send them: one instance, all of it text.

References
----------
URL Standard, section 5, application/x-www-form-urlencoded.
"""

import re
from typing import Any

from iris_deploy.codec.pointers import OBJECT, locate
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.texts import text_readers
from iris_deploy.codec.values import ValueReader
from iris_deploy.schema.batch import Row
from iris_deploy.schema.problems import LONGEST_NAME, SignatureError
from iris_deploy.schema.signature import Signature

_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_MORE = 10
"""Fields beyond the columns that are read, to be told what they are not."""


class FormReader:
    """Read the fields of a form.

    Parameters
    ----------
    signature : Signature
    """

    def __init__(self, signature: Signature) -> None:
        self._values = ValueReader(signature)
        self._names = signature.names
        self._readers = text_readers(signature)

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
        most = len(self._readers) + _MORE
        if body.count(b"&") >= most:
            raise MalformedError(f"the form has more than {most} fields")
        fields: dict[str, Any] = {}
        for pair in filter(None, body.split(b"&")):
            name, _, value = (_decode(part) for part in pair.partition(b"="))
            if name in fields:
                raise MalformedError(f"the field {name[:LONGEST_NAME]!r} appears twice in the form")
            read = self._readers.get(name)
            fields[name] = value if read is None else read(value)
        try:
            return self._values.row(fields)
        except SignatureError as exc:
            raise locate(exc, OBJECT, self._names) from None


def _decode(part: bytes) -> str:
    """Decode a name or a value."""
    raw = _PERCENT.sub(lambda found: bytes.fromhex(found[1].decode()), part.replace(b"+", b" "))
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise MalformedError("the form is not UTF-8, written with percent signs") from exc
