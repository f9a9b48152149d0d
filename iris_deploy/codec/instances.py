"""Instances in the JSON that clients send: objects, arrays, and what either is wrapped in."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from iris_deploy.codec import frames, strict_json
from iris_deploy.codec.frames import Frame, find_order
from iris_deploy.codec.members import read_split
from iris_deploy.codec.plain import Rows, build_reader
from iris_deploy.codec.pointers import (
    ARRAYS,
    OBJECT,
    OBJECTS,
    JsonKind,
    JsonLayout,
    Layout,
    locate,
    located,
)
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.values import ValueReader
from iris_deploy.schema.batch import Row
from iris_deploy.schema.problems import LONGEST_NAME, SignatureError
from iris_deploy.schema.signature import Signature

ENVELOPES = ("instances", "inputs", "data", "records", "features", "input_data")
"""Members that hold instances, where no column has that name."""

PlaceRows = Callable[[JsonLayout], Layout]


@lru_cache
def _below(kind: JsonKind, base: str) -> JsonLayout:
    """Return the layout of instances in a member that a contract has named."""
    return JsonLayout(kind, base)


def _in_place(layout: JsonLayout) -> Layout:
    return layout


class InstanceReader:
    """Read one instance or many, in whatever form of JSON.

    One object, or an array with a value for each column, is one instance. Many are an array of
    either, an object with an array for each column, or a data frame in any form that pandas writes.
    All of it may be the only member, one of `ENVELOPES`, of an object.

    Parameters
    ----------
    signature : Signature
        A name of it that has to be escaped in JSON is left to the strict reader.

    Attributes
    ----------
    signature : Signature
    values : ValueReader
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.values = ValueReader(signature)
        self._names = signature.names
        self._known = {*signature.names, *signature.aliases}
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
            If it is not strict JSON, or could mean two things.
        InstanceError
            If it does not fit the signature.
        """
        read = self.read_plain(body)
        return self.read_value(strict_json.decode(body)) if read is None else read

    def read_plain(self, body: bytes) -> Row | Rows | None:
        """Decode a body as most clients write it; None if the strict reader has to judge."""
        return None if self._plain is None else self._plain.read(body)

    def read_plain_below(self, body: bytes, base: str) -> Rows | None:
        """Decode the value of a member as most clients write it, if it is an array of instances."""
        rows = None if not body.startswith(b"[") else self.read_plain(body)
        if not isinstance(rows, Rows) or not isinstance(rows.layout, JsonLayout):
            return None
        return Rows(rows.values, _below(rows.layout.kind, base))

    def read_plain_split(self, body: bytes, base: str) -> Rows | None:
        """Decode a data frame in the form ``split`` of numbers alone; see `read_plain_below`."""
        found = read_split(body)
        order = None if found is None else find_order(found[0], self._names)
        if found is None or order is None:
            return None
        columns, data = found
        rows = self.read_plain_below(data, "")
        if rows is None:
            return None
        layout = JsonLayout("lists", f"{base}/data", (), tuple(columns))
        if columns == self._names:
            return Rows(rows.values, layout)
        if isinstance(rows.values, np.ndarray):
            return Rows(rows.values[:, order], layout)
        return Rows([tuple([row[at] for at in order]) for row in rows.values], layout)

    def read_value(self, value: object) -> Row | Rows:
        """Read a decoded JSON value; see `read`."""
        if type(value) is dict:
            members: dict[str, Any] = value
            name = self._envelope(members)
            if name is None:
                return self.read_object(members, "")
            inner, base = members[name], f"/{name}"
            return self.read_object(inner, base) if type(inner) is dict else self._one(inner, base)
        return self._one(value, "")

    def knows(self, name: str) -> bool:
        """Tell whether a column has a name."""
        return name in self._known

    def read_many(self, value: object, base: str, place: PlaceRows = _in_place) -> Rows:
        """Read an array of instances: objects, arrays, or values of the only column.

        Parameters
        ----------
        value : object
        base : str
            JSON pointer of it.
        place : callable, optional
            Makes of the layout of the array that of the body.

        Raises
        ------
        MalformedError
            If it is none.
        InstanceError
        """
        if type(value) is not list:
            raise MalformedError(f"expected an array of instances in {base[1:]!r}")
        first = value[0] if value else {}
        if type(first) is list:
            layout = place(JsonLayout("lists", base))
            with located(layout, self._names):
                named = frames.name_values(value, self._names)
            return self.read_columns(named, layout)
        if type(first) is dict or len(self._names) > 1:
            return self._rows(value, place(JsonLayout("objects", base) if base else OBJECTS))
        return self.read_columns({self._names[0]: value}, place(JsonLayout("values", base)))

    def read_frame(self, value: object, base: str) -> Rows:
        """Read a data frame in the form ``split``; see `read_many`."""
        if not isinstance(value, dict) or not frames.is_split(value):
            raise MalformedError(f"expected columns and data in {base[1:]!r}")
        return self._table(self._tried(frames.read_split, value, base))

    def _envelope(self, value: dict[str, Any]) -> str | None:
        """Name the member that holds the instances, if one does."""
        found = [name for name in ENVELOPES if name in value and name not in self._known]
        if not found or frames.is_split(value) or frames.is_table(value):
            return None
        columns = [name for name in value if name in self._known]
        beside = [*found[1:], *columns]
        if beside:
            what = "a field of one" if beside[0] in self._known else "instances, too"
            raise MalformedError(
                f"{found[0]!r} reads as instances, and {beside[0][:LONGEST_NAME]!r} as {what}; "
                "send one of the two"
            )
        if len(value) > 1:
            return None  # whatever is beside it is refused as a field that nobody knows
        return found[0]

    def read_object(self, value: dict[str, Any], base: str) -> Row | Rows:
        """Read one instance, or a table that came as an object; see `read_many`."""
        if self.values.is_columns(value):
            return self.read_columns(value, JsonLayout("arrays", base) if base else ARRAYS)
        known = [name for name in value if name in self._known]
        if known and all(type(value[name]) is dict for name in known):
            return self._table(self._tried(frames.read_by_column, value, base))
        if not known and frames.is_split(value):
            return self._table(self._tried(frames.read_split, value, base))
        if not known and frames.is_table(value):
            return self._table(frames.read_table(value, self._known, base))
        if not known and frames.is_indexed(value):
            return self._table(frames.read_indexed(value, base))
        return self.read_row(value, JsonLayout("object", base) if base else OBJECT)

    def _one(self, value: object, base: str) -> Row | Rows:
        """Read what is no object: many instances, or an array that is one."""
        if type(value) is not list:
            return self.read_row(value)
        if len(self._names) == 1 or not value or type(value[0]) in {list, dict}:
            return self.read_many(value, base)
        layout = JsonLayout("list", base)
        with located(layout, self._names):
            named = frames.name_one(value, self._names)
        return self.read_row(named, layout)

    def _tried(self, read: Any, value: dict[str, Any], base: str) -> Frame:
        """Read a table, whose own members may be what is wrong."""
        try:
            frame: Frame = read(value, base)
        except SignatureError as exc:
            of_rows = any(problem.row is not None for problem in exc.problems)
            layout = JsonLayout("objects", f"{base}/data" if of_rows else base)
            raise locate(exc, layout, self._names) from None
        return frame

    def _table(self, frame: Frame) -> Rows:
        if frame.layout.kind != "objects":
            return self.read_columns(frame.instances, frame.layout)
        return self._rows(frame.instances, frame.layout)

    def read_row(self, value: object, layout: JsonLayout = OBJECT) -> Row:
        """Read one instance that is an object."""
        with located(layout, self._names):
            return self.values.row(value)

    def _rows(self, objects: Sequence[object], layout: Layout) -> Rows:
        with located(layout, self._names):
            return Rows(self.values.rows(objects), layout)

    def read_columns(self, arrays: dict[str, Any], layout: Layout) -> Rows:
        """Read many instances that are an array for each column."""
        with located(layout, self._names):
            return Rows(self.values.columns(arrays), layout)
