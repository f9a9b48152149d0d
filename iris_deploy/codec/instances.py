"""Instances in the JSON that clients send: one object, an array of them, or an array a column."""

from iris_deploy.codec import strict_json
from iris_deploy.codec.plain import Rows, build_reader
from iris_deploy.codec.pointers import InstanceError, Layout, locate
from iris_deploy.codec.values import ValueReader
from iris_deploy.schema.batch import Row
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature


class InstanceReader:
    """Read one instance, an array of them, or an array for each column.

    Parameters
    ----------
    signature : Signature
        A name of it that has to be escaped in JSON is left to the strict reader.
    """

    def __init__(self, signature: Signature) -> None:
        self._values = ValueReader(signature)
        self._names = signature.names
        self._plain = build_reader(signature)

    def read(self, body: bytes) -> Row | Rows:
        """Decode a body.

        Parameters
        ----------
        body : bytes

        Returns
        -------
        tuple of float, length n_columns, or Rows
            For one instance, and for many.

        Raises
        ------
        MalformedError
            If it is not strict JSON.
        InstanceError
            If it does not fit the signature.
        """
        read = self.read_plain(body)
        if read is not None:
            return read
        value, values = strict_json.decode(body), self._values
        layout: Layout = (
            "arrays" if values.is_columns(value) else "objects" if type(value) is list else "object"
        )
        try:
            if layout == "arrays":
                return Rows(values.columns(value), layout)
            if layout == "objects":
                return Rows(values.rows(value), layout)
            return values.row(value)
        except SignatureError as exc:
            raise self.locate(exc, layout) from None

    def locate(self, error: SignatureError, layout: Layout) -> InstanceError:
        """Say where in a body the values are that an error is about."""
        return locate(error, layout, self._names)

    def read_plain(self, body: bytes) -> Row | Rows | None:
        """Decode a body as most clients write it; None if the strict reader has to judge."""
        return None if self._plain is None else self._plain.read(body)
