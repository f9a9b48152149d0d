"""What is in somebody's dump: its estimators as a tree, and every name that loading would import.

Nothing of it is run, and nothing refused: a hostile dump is described like any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from iris_deploy.dumps.formats import SKOPS, recognise
from iris_deploy.dumps.notes import DICT, Global, Noted, NotedArray, printable
from iris_deploy.dumps.skops_survey import survey_skops
from iris_deploy.dumps.survey import survey
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.own_formats import describe_boosters
from iris_deploy.estimators.registry import is_read, public_name, read_estimator
from iris_deploy.estimators.summary import MAX_MEMBERS, kind_of, members_of, summary

Standing = Literal["read", "package", "unneeded"]
"""Of a name: read by a family; of a package that estimators come from; needed by no estimator."""

MAX_PARTS, MAX_ATTRIBUTES = 2000, 100_000
"""That are told of a file: many objects of a dump may have the same attributes."""

MAX_DEPTH = 12
_NEAR, _MANY = 3, 200  # how deep in a container objects are looked for, and among how many members

_PACKAGES = frozenset(
    (
        *("numpy", "scipy", "sklearn", "joblib", "pandas", "xgboost", "lightgbm", "catboost"),
        *("imblearn", "category_encoders", "skops"),
        *("collections", "copyreg", "copy_reg", "datetime", "decimal", "fractions"),
    )
)
_PLAIN = frozenset(
    f"{module}.{name}"
    for module in ("builtins", "__builtin__")
    for name in (
        *("set", "frozenset", "slice", "complex", "bytearray", "bytes", "object", "range"),
        *("int", "float", "bool", "str", "unicode", "list", "tuple", "dict"),
    )
)
_UNUSUAL = frozenset(["testing", "distutils", "f2py", "ctypeslib", "externals"])


@dataclass(frozen=True, slots=True)
class NamedUse:
    """A name of a dump.

    Parameters
    ----------
    name : str
    standing : {'read', 'package', 'unneeded'}
    is_called : bool
    position : int
        The byte behind which it is named first.
    """

    name: str
    standing: Standing
    is_called: bool
    position: int


@dataclass(slots=True)
class Part:
    """An object of a dump.

    Parameters
    ----------
    label : str
        What it is within the object that holds it.
    name : str
        Its class: the public name, where it is known.
    is_read : bool
        Whether a family reads it.
    version : str or None
        Of the scikit-learn that dumped it.
    parameters, fitted : dict of str to str
        Attributes, shortened.
    parts : list of Part
        What it holds.
    count : int
        How many alike stand in a row, of which this is the first.
    """

    label: str
    name: str
    is_read: bool
    version: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    fitted: dict[str, str] = field(default_factory=dict)
    parts: "list[Part]" = field(default_factory=list)
    count: int = 1


@dataclass(slots=True)
class Inspection:
    """What is in a dump.

    Parameters
    ----------
    protocol, instructions : int
        Of a pickle; of skops the protocol alone; 0 of any other file.
    parts : list of Part
        What each pickle of the file gives.
    names : list of NamedUse
    damage : str or None
        Why the rest was not looked at.
    why_not : str or None
        Why it is not served as it is; None if it is.
    written_by : {'pickle', 'skops', 'another'}
        What the file is a file of.
    """

    protocol: int
    instructions: int
    parts: list[Part]
    names: list[NamedUse]
    damage: str | None
    why_not: str | None
    written_by: Literal["pickle", "skops", "another"] = "pickle"


def inspect_dump(data: bytes) -> Inspection:
    """Describe a pickle, or several in one file, or a file of skops; uncompressed."""
    is_skops = recognise(data) is SKOPS
    found = survey_skops(data) if is_skops else survey(data)
    describe = _Describer()
    parts = [describe.part("", value) for value in found.values]
    names = [
        NamedUse(str(named), _standing(named), named.is_called, named.position)
        for named in found.names.values()
    ]
    why_not = None
    try:
        describe_boosters(walk(parts), read_estimator(data))
    except ArtifactError as exc:
        why_not = str(exc)
    return Inspection(
        protocol=found.protocol,
        instructions=found.instructions,
        parts=parts,
        names=names,
        damage=found.damage,
        why_not=why_not,
        written_by="skops" if is_skops else "pickle",
    )


def _standing(named: Global) -> Standing:
    if is_read(named.module, named.name):
        return "read"
    first, *rest = named.module.split(".")
    if str(named) in _PLAIN or (first in _PACKAGES and not _UNUSUAL & set(rest)):
        return "package"
    return "unneeded"


class _Describer:
    """Describes the values of a file: each object once, and not without end."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        # By identity, as the survey keeps all values, and depth.
        self._holds: dict[tuple[int, int], bool] = {}
        self._left, self._room = MAX_PARTS, MAX_ATTRIBUTES

    def part(self, label: str, value: object, depth: int = 0) -> Part:
        """Describe a value and what it holds."""
        self._left -= 1
        if not isinstance(value, Noted) or value.made_by is DICT:
            part = Part(label, kind_of(value), is_read=False)
            if self._has(value) and depth < MAX_DEPTH:
                self._hold(part, members_of(value), depth)
            else:
                part.fitted = {"": summary(value)}
            return part
        module, _, attribute = value.name.rpartition(".")
        part = Part(label, public_name(module, attribute), is_read=is_read(module, attribute))
        if id(value) in self._seen:
            part.fitted = {"": "the same as before"}
            return part
        self._seen.add(id(value))
        attributes = value.attributes if self._room > 0 else {}
        version = attributes.pop("_sklearn_version", None)
        part.version = version if isinstance(version, str) else None
        members = [
            (printable(name[:100]), member)
            for name, member in attributes.items()
            if not {f"{name}_", f"{name}s_"} & attributes.keys()  # what is fitted as a copy
        ]
        self._hold(part, members + members_of(value), depth)
        return part

    def _hold(self, part: Part, members: list[tuple[str, object]], depth: int) -> None:
        told = members[: min(MAX_MEMBERS, max(self._room, 0))]
        self._room -= len(told)
        for name, value in told:
            if self._left > 0 and depth < MAX_DEPTH and self._has(value):
                for label, inner in self._objects(name, value):
                    if self._left > 0:
                        self._add(part, self.part(label, inner, depth + 1))
            elif name.endswith("_") or isinstance(value, NotedArray):
                part.fitted[name] = summary(value)
            else:
                part.parameters[name] = summary(value)

    def _objects(self, label: str, value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
        """Yield the objects that a container holds, each with the best of its labels."""
        if isinstance(value, Noted) and value.made_by is not DICT:
            if value.states:
                yield label, value
        elif depth <= _NEAR:
            for name, member in members_of(value):
                if self._left > 0 and self._has(member, depth):
                    yield from self._objects(label if name.isdigit() else name, member, depth + 1)

    def _add(self, part: Part, made: Part) -> None:
        last = part.parts[-1] if part.parts else None
        if last is not None and (last.label, last.name) == (made.label, made.name):
            last.count += 1
        else:
            part.parts.append(made)

    def _has(self, value: object, depth: int = 0) -> bool:
        """Tell whether there is an object with attributes in a value, near its top."""
        if isinstance(value, Noted) and value.made_by is not DICT:
            return bool(value.states)
        if depth > _NEAR or not isinstance(value, (Noted, NotedArray, list, tuple)):
            return False
        place = id(value), depth
        found = self._holds.get(place)
        if found is None:
            members = members_of(value)[:_MANY]
            found = any(self._has(member, depth + 1) for _, member in members)
            self._holds[place] = found
        return found


def walk(parts: list[Part]) -> Iterator[Part]:
    """Yield parts, and all that they hold."""
    for part in parts:
        yield part
        yield from walk(part.parts)
