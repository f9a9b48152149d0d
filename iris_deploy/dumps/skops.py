"""Files of skops to inert records: a schema of nodes in JSON, and arrays beside it.

The nodes (skops_nodes.py) are carried out by the machine that carries out pickles (machine.py),
with its table of names and its bounds: nothing is imported.
"""

import io
import json
from typing import Any

from iris_deploy.dumps.archive import DAMAGE as ARCHIVE_DAMAGE
from iris_deploy.dumps.archive import Archive
from iris_deploy.dumps.arrays import checked_shape, fill_array
from iris_deploy.dumps.budget import Budget
from iris_deploy.dumps.dtypes import PendingDtype
from iris_deploy.dumps.machine import StackMachine
from iris_deploy.dumps.names import Classes
from iris_deploy.dumps.records import Fitted
from iris_deploy.dumps.skops_nodes import Node, NodeReader
from iris_deploy.dumps.stack import DAMAGE
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES
from iris_deploy.errors import ArtifactError

SCHEMA = "schema.json"

_FEW_VALUES, _BYTES_PER_VALUE = 100_000, 16
"""Of a schema. A node has six in 200 bytes; each may take 60 bytes of memory."""

PROTOCOLS = range(3)
"""That are read; they differ in generators of random numbers, which no prediction needs."""

_UNREAD = {
    "RandomStateNode": "numpy.random.RandomState",
    "RandomGeneratorNode": "numpy.random.Generator",
    "SparseMatrixNode": "scipy.sparse.spmatrix",
    "MaskedArrayNode": "numpy.ma.MaskedArray",
}
"""Nodes of what no prediction needs, and as which record they are kept."""


def read_skops(data: bytes, classes: Classes, *, hint: str) -> object:
    """Read what ``skops.io.dump`` wrote, without loading any of it.

    Parameters
    ----------
    data : bytes
        The whole file.
    classes, hint
        See `dumps.unpack.read_dump`.

    Raises
    ------
    ArtifactError
        If the bytes are damaged or name a class that is not in the list.
    """
    try:
        archive, schema = open_archive(data)
        machine = StackMachine(io.BytesIO(), classes, hint, Budget(archive.size))
        return RecordReader(archive, machine).value(schema)
    except ArtifactError:
        raise
    except (*DAMAGE, *ARCHIVE_DAMAGE) as exc:
        raise ArtifactError(
            f"the file of skops is damaged: {str(exc)[:100] or type(exc).__name__}",
            hint="dump the estimator again",
        ) from exc


def open_archive(data: bytes) -> tuple[Archive, Node]:
    """Open a file, and return the node that stands for all of it.

    Raises
    ------
    ArtifactError
        If it is of another protocol.
    LookupError, RecursionError, TypeError, ValueError, zipfile.BadZipFile
        At damage.
    """
    archive = Archive(data, MAX_DUMP_BYTES)
    text = archive.read(SCHEMA)
    if sum(map(text.count, (b",", b"[", b"{"))) > _FEW_VALUES + len(text) // _BYTES_PER_VALUE:
        raise ValueError("the schema has more values than its size could need")
    try:
        schema = json.loads(text)
    except RecursionError as exc:
        raise ValueError("the schema is too deep") from exc
    if type(schema) is not dict:
        raise TypeError("the schema is no node")
    protocol = schema.get("protocol")
    if protocol not in PROTOCOLS:
        raise ArtifactError(
            f"the file is of skops' protocol {protocol!r:.40}; expected one of "
            f"{PROTOCOLS.start} to {PROTOCOLS.stop - 1}",
            hint="dump the estimator with a skops that writes one of these",
        )
    return archive, schema


class RecordReader(NodeReader):
    """Makes inert records of nodes.

    Parameters
    ----------
    archive : Archive
    machine : StackMachine
        That carries them out.
    """

    def __init__(self, archive: Archive, machine: StackMachine) -> None:
        super().__init__(archive, machine.budget)
        self._machine = machine

    def make(self, node: Node, arguments: tuple[Any, ...], state: object) -> Any:
        """Return the inert record."""
        machine = self._machine
        machine.push(self.name(node))
        machine.push(arguments)
        machine.create(None)
        if state is not None:
            machine.push(state)
            machine.build(None)
        return machine.stack.pop()

    def name(self, node: Node) -> Any:
        """Return what the name stands for, if it is in the list."""
        self._machine.find(node["__module__"], node["__class__"])
        return self._machine.stack.pop()

    def mapping(self, items: list[Any]) -> Any:
        """Return a dict."""
        self._machine.push({})
        self._machine.update(items)
        return self._machine.stack.pop()

    def array(self, file: object, items: list[Any], shape: object) -> Any:
        """Return an array of numbers or text, or one of objects."""
        if file is not None:
            return self.archive.read_array(file)
        return fill_array(items, checked_shape(shape), "C")

    def unread(self, node: Node) -> Any:
        """Return a record without attributes; refuse what is not known at all."""
        if node["__loader__"] == "DTypeNode":
            array = self.value(node["content"])
            return PendingDtype(array.dtype.str[1:], (3, array.dtype.str[0]))
        name = _UNREAD.get(str(node["__loader__"]))
        if name is None:
            raise ArtifactError(
                f"the file uses the loader {node['__loader__']!r:.40}, which no supported "
                "estimator needs"
            )
        return Fitted(name)
