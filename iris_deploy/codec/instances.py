"""Instances as most clients write them, decoded straight into floats.

msgspec decodes an object with exactly the features' names into a fixed structure: a tenth of the
time of a dictionary that is then looked through. What it takes is taken by the strict reader and
the signature too, with the same bits; whatever it does not take, or could take for something
else, is left to them, and they say what is wrong.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, final

import msgspec
import numpy as np

from iris_deploy.codec import strict_json
from iris_deploy.codec.pointers import InstanceError, Layout, locate
from iris_deploy.codec.values import ValueReader
from iris_deploy.schema.batch import Floats, Row
from iris_deploy.schema.features import LARGEST
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature

_BLANK = b" \t\r\n"


@final
@dataclass(frozen=True, slots=True)
class Rows:
    """Many instances.

    Parameters
    ----------
    values : sequence of rows, or ndarray of shape (n_rows, n_features)
    layout : {'objects', 'arrays'}
        How they came.
    """

    values: Sequence[Row] | Floats
    layout: Layout


class InstanceReader:
    """Read one instance, an array of them, or an array for each feature.

    Parameters
    ----------
    signature : Signature
        A name of it that has to be escaped in JSON is left to the strict reader.
    """

    def __init__(self, signature: Signature) -> None:
        self._values = ValueReader(signature)
        self._names = names = [feature.name for feature in signature.features]
        fields = [f"f{k}" for k in range(len(names))]
        self._quotes = 2 * len(names)
        self._get = [attrgetter(field) for field in fields]
        self._able = all(json.dumps(name, ensure_ascii=False) == f'"{name}"' for name in names)
        rename = dict(zip(fields, names, strict=True)) if self._able else None

        def structure(name: str, of: Any) -> Any:
            return msgspec.defstruct(
                name,
                [(field, of) for field in fields],
                rename=rename,
                forbid_unknown_fields=True,
                gc=False,
            )

        row = structure("Row", float)
        self._one = msgspec.json.Decoder(row)
        self._many = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        self._arrays = msgspec.json.Decoder(structure("Arrays", list[float]))

    def read(self, body: bytes) -> Row | Rows:
        """Decode a body.

        Parameters
        ----------
        body : bytes

        Returns
        -------
        tuple of float, length n_features, or Rows
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
        if not self._able:
            return None
        try:
            if body.lstrip(_BLANK).startswith(b"["):
                return self._read_objects(body)
            try:
                row: Row = msgspec.structs.astuple(self._one.decode(body))
            except msgspec.ValidationError:  # at the first value, if that is an array
                return self._read_arrays(body) if b"[" in body else None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        # As many quotes as names: no name came twice.
        if body.count(b'"') != self._quotes or not all(-LARGEST <= x <= LARGEST for x in row):
            return None
        return row

    def _read_objects(self, body: bytes) -> Rows | None:
        objects: list[Any] = self._many.decode(body)
        if body.count(b'"') != self._quotes * len(objects):
            return None
        return _in_columns([map(get, objects) for get in self._get], len(objects), layout="objects")

    def _read_arrays(self, body: bytes) -> Rows | None:
        decoded: Any = self._arrays.decode(body)
        arrays: list[list[float]] = [get(decoded) for get in self._get]
        if body.count(b'"') != self._quotes or len(set(map(len, arrays))) != 1:
            return None
        return _in_columns(arrays, len(arrays[0]), layout="arrays")


def _in_columns(features: Sequence[Iterable[float]], n_rows: int, *, layout: Layout) -> Rows | None:
    columns = np.empty((len(features), n_rows))
    for column, values in zip(columns, features, strict=True):
        column[:] = np.fromiter(values, np.float64, n_rows)
    low, high = columns.min(initial=0.0), columns.max(initial=0.0)
    return Rows(columns.T, layout) if low >= -LARGEST and high <= LARGEST else None
