"""The nodes of a schema of skops, whatever becomes of them: records (skops.py), or notes.

Each node says of which class it is, and how skops would load it. One that comes again, by its
``__id__``, is the value that it was. Each is looked at once: work is in proportion to the schema.
"""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from iris_deploy.dumps.archive import Archive
from iris_deploy.dumps.arrays import checked_shape
from iris_deploy.dumps.budget import Budget

MAX_DEPTH = 100
"""Nodes within one another; each estimator takes four."""

_PLAIN: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda key: {"true": True, "false": False}[key],
}
"""How keys of a dict are read, which JSON has as text, by the type that they had."""

Node = dict[str, Any]


class NodeReader(ABC):
    """Follows nodes, whatever becomes of them.

    Parameters
    ----------
    archive : Archive
    budget : Budget
        Of values that are made of others.
    """

    def __init__(self, archive: Archive, budget: Budget) -> None:
        self.archive = archive
        self.budget = budget
        self._known: dict[str, Any] = {}  # by text: numbers can be chosen to collide
        self._open: set[str] = set()
        self._depth = 0

    @abstractmethod
    def make(self, node: Node, arguments: tuple[Any, ...], state: object) -> Any:
        """Return the object that a class makes of arguments, with attributes unless None."""
        ...

    @abstractmethod
    def name(self, node: Node) -> Any:
        """Return what the name of a class or function stands for."""
        ...

    @abstractmethod
    def mapping(self, items: list[Any]) -> Any:
        """Return the dict of keys and values in turn."""
        ...

    @abstractmethod
    def array(self, file: object, items: list[Any], shape: object) -> Any:
        """Return the array of a file; without one, that of items."""
        ...

    @abstractmethod
    def unread(self, node: Node) -> Any:
        """Return what stands for a node that is not looked into."""
        ...

    def value(self, node: Any) -> Any:
        """Return what a node stands for.

        Raises
        ------
        ArtifactError, LookupError, TypeError, ValueError
            If it is none, or holds itself.
        """
        if type(node) is not dict:
            raise TypeError(f"expected a node, got {type(node).__name__}")
        number = node.get("__id__")
        key = str(number) if type(number) is int else ""
        if key in self._known:
            return self._known[key]
        if key in self._open or self._depth >= MAX_DEPTH:
            raise ValueError(f"a node holds itself, or more than {MAX_DEPTH} within one another")
        self._depth += 1
        if key:
            self._open.add(key)
        value = self._read(node)
        self._depth -= 1
        if key:
            self._open.remove(key)
            self._known[key] = value
        return value

    def _read(self, node: Node) -> Any:
        loader = node["__loader__"]
        read = _LOADERS.get(loader) if type(loader) is str else None
        return self.unread(node) if read is None else read(self, node)

    def values(self, nodes: object) -> list[Any]:
        """Return what a list of nodes stands for."""
        if type(nodes) is not list:
            raise TypeError("expected a list of nodes")
        return [self.value(node) for node in nodes]

    def dict_of(self, node: Node) -> Any:
        """Return a dict, with keys of the types that they had."""
        types, content = node["key_types"]["content"], node["content"]
        if type(content) is not dict or len(types) != len(content):
            raise ValueError("a dict has not a type for each key")
        items: list[Any] = []
        for each, (key, inner) in zip(types, content.items(), strict=True):
            items += [_key(each, key), self.value(inner)]
        if f"{node['__module__']}.{node['__class__']}" in {
            "builtins.dict",
            "collections.OrderedDict",
        }:
            return self.mapping(items)
        return self.make(node, (), None)  # such as a Bunch, which repeats what is elsewhere

    def object_of(self, node: Node) -> Any:
        """Return an object that is made of nothing, and then gets its attributes."""
        content = node.get("content")
        return self.make(node, (), None if content is None else self.value(content))

    def reduced(self, node: Node) -> Any:
        """Return an object that is made of arguments, and then may get attributes."""
        arguments = self.value(node["__reduce__"]["args"])
        return self.make(node, arguments, self.value(node["content"]) or None)

    def array_of(self, node: Node) -> Any:
        """Return an array; of one value that value itself."""
        if node["type"] == "numpy":
            found = self.array(node["file"], [], None)
        else:
            shape, items = self.value(node["shape"]), self.values(node["content"])
            for _ in checked_shape(shape)[1:]:
                if not all(type(inner) is list for inner in items):
                    raise TypeError("an array has not the axes that it should have")
                self.budget.spend(8 * sum(map(len, items)))
                items = [item for inner in items for item in inner]
            found = self.array(None, items, shape)
        is_scalar = node["__class__"] != "ndarray" and isinstance(found, np.ndarray)
        return found.item() if is_scalar and found.ndim == 0 else found


def _key(node: Node, key: str) -> Any:
    kind = node["__class__"]
    read = _PLAIN.get(kind.rstrip("0123456789_") if type(kind) is str else "")
    if read is None or len(key) > sys.int_info.default_max_str_digits:
        raise TypeError("it has a key that is neither text nor a number, or too large")
    return read(key)


def _plain(node: Node) -> Any:
    value = json.loads(node["content"])
    if isinstance(value, (dict, list)):
        raise TypeError("a plain value is an object or a list")
    return value


def _bytes(reader: NodeReader, node: Node) -> Any:
    return reader.archive.read(node["file"])


_Load = Callable[[NodeReader, Node], Any]

_LOADERS: dict[str, _Load] = {
    "JsonNode": lambda _, node: _plain(node),
    "ListNode": lambda reader, node: reader.values(node["content"]),
    "SetNode": lambda reader, node: reader.values(node["content"]),
    "TupleNode": lambda reader, node: tuple(reader.values(node["content"])),
    "DictNode": NodeReader.dict_of,
    "DefaultDictNode": lambda reader, node: reader.value(node["content"]["main"]),
    "ObjectNode": NodeReader.object_of,
    "TreeNode": NodeReader.reduced,
    "LossNode": NodeReader.reduced,
    "ConstructorFromReduceNode": lambda reader, node: reader.make(
        node, reader.value(node["content"]), None
    ),
    "PartialNode": lambda reader, node: reader.make(
        node, (reader.value(node["content"]["func"]),), None
    ),
    "SliceNode": lambda reader, node: reader.make(
        node, tuple(node["content"][name] for name in ("start", "stop", "step")), None
    ),
    "NdArrayNode": NodeReader.array_of,
    "BytesNode": _bytes,
    "BytearrayNode": _bytes,
    "FunctionNode": lambda reader, node: reader.name(node),
    "TypeNode": lambda reader, node: reader.name(node),
}
"""How nodes are read, by what would load them."""
