"""The adapter that a TOML file describes: what an application did by hand between client and model.

::

    [output]                      # name, unit, classes; of two classes positive and threshold
    name = "survived"
    positive = "yes"
    threshold = 0.35

    [fields.sex]                  # a field that clients send
    column = "Sex"                # the column that it feeds, if it is named otherwise
    codes = { male = 0, female = 1 }
    default = "male"              # instead of a missing value
    aliases = ["gender"]          # other names under which clients may send it

    [fields.city]
    prefix = "city_"              # one field for the columns city_London and city_Paris,
    base = "Berlin"               # and what it is when all of these are 0

    [fill]                        # columns that no field feeds
    registered = 0
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iris_deploy.bundle.files import read_file
from iris_deploy.errors import SettingsError, did_you_mean
from iris_deploy.schema.adapter import Adapter, Coded, Feed, Filled, Flagged, Taken, Threshold
from iris_deploy.schema.columns import LARGEST, CategoryColumn, Column

_MOST_BYTES = 1 << 20

_Names = str | list[str]


class _Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str | None = None
    unit: str | None = None
    classes: list[str] | None = None
    positive: str | int | bool | None = None
    threshold: float | None = None


class _Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    column: str | None = None
    unit: str | None = None
    codes: dict[str, float] | None = None
    default: str | float | None = None
    prefix: str | None = None
    base: _Names = []
    aliases: list[str] = []


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    output: _Output = _Output()
    fields: dict[str, _Field] = {}
    fill: dict[str, float] = {}


@dataclass(frozen=True)
class AdapterFile:
    """What the file says.

    Parameters
    ----------
    name, unit : str or None
        Of the output.
    classes : tuple of str or None
        What they are called, in the classifier's order.
    threshold : Threshold or None
    aliases : tuple of (str, str)
        Other names of fields, and the fields.
    """

    name: str | None
    unit: str | None
    classes: tuple[str, ...] | None
    threshold: Threshold | None
    aliases: tuple[tuple[str, str], ...]
    _fields: Mapping[str, _Field]
    _fill: Mapping[str, float]

    def adapt(self, columns: Sequence[Column]) -> tuple[tuple[Column, ...], Adapter | None]:
        """Return the fields that clients send, and how they feed columns.

        Parameters
        ----------
        columns : sequence of Column
            That the first estimator takes, in its order.

        Raises
        ------
        SettingsError
            If a column is not there, or is fed twice.
        """
        fed = self._fed(columns)
        fields: dict[str, Column] = {}
        feeds: list[Feed] = []
        for column in columns:
            own = Taken(column=column.name, field=column.name, default=None), column
            feed, field = fed.get(column.name, own)
            feeds.append(feed)
            if field is not None and fields.setdefault(field.name, field) is not field:
                raise _wrong(field.name, "the model has another column of this name")
        if not fields:
            raise SettingsError("`adapter`: no field is left that clients could send")
        if not fed and self.threshold is None:
            return tuple(fields.values()), None
        return tuple(fields.values()), Adapter(
            feeds=tuple(feeds) if fed else (), threshold=self.threshold
        )

    def _fed(self, columns: Sequence[Column]) -> dict[str, tuple[Feed, Column | None]]:
        """Return how columns are fed that the file tells of, by their names."""
        fed: dict[str, tuple[Feed, Column | None]] = {}
        for name, field in self._fields.items():
            for feed, described in _feeds_of(name, field, columns):
                if feed.column in fed:
                    raise _wrong(name, f"the column {feed.column} is fed by another field, too")
                fed[feed.column] = feed, described
        names = [column.name for column in columns]
        for name, value in self._fill.items():
            if name not in names or name in fed:
                what = "is fed by a field, too" if name in fed else "is none of the model's"
                raise SettingsError(
                    f"`adapter`: fill names {name!r:.80}, which {what}{did_you_mean(name, names)}"
                )
            fed[name] = Filled(column=name, value=value), None
        return fed


NO_ADAPTER = AdapterFile(None, None, None, None, (), {}, {})
"""Clients send what the model takes."""


def read_adapter(path: Path) -> AdapterFile:
    """Read an adapter from a TOML file.

    Raises
    ------
    SettingsError
        If it is not there, or not as such a file is.
    """
    try:
        data = read_file(path, _MOST_BYTES)
    except OSError as exc:
        raise SettingsError(f"`adapter`: cannot read {path}: {exc.strerror or exc}") from exc
    if len(data) > _MOST_BYTES:
        raise SettingsError(f"`adapter`: {path} has more than {_MOST_BYTES:,} bytes")
    try:
        read = msgspec.convert(tomllib.loads(data.decode()), _File)
    except (ValueError, RecursionError, msgspec.MsgspecError) as exc:  # of text, of TOML
        raise SettingsError(
            f"`adapter`: {path} is not an adapter: {str(exc)[:200]}",
            hint="docs/import.md shows what it may say",
        ) from exc
    output = read.output
    if (output.positive is None) != (output.threshold is None):
        raise SettingsError("`adapter`: output needs both positive and threshold, or neither")
    threshold = None
    if output.positive is not None and output.threshold is not None:
        threshold = Threshold(positive=output.positive, value=output.threshold)
    classes = tuple(output.classes) if output.classes is not None else None
    aliases = tuple((alias, name) for name, of in read.fields.items() for alias in of.aliases)
    rest = aliases, read.fields, read.fill
    return AdapterFile(output.name, output.unit, classes, threshold, *rest)


def _feeds_of(
    name: str, field: _Field, columns: Sequence[Column]
) -> list[tuple[Feed, Column | None]]:
    """Return how a field feeds columns, and what it is itself."""
    if field.prefix is not None:
        return _flags_of(name, field, columns)
    if field.base:
        raise _wrong(name, "base is for a prefix")
    named = {column.name: column for column in columns}
    source = named.get(field.column or name)
    if source is None:
        near = did_you_mean(field.column or name, named)
        raise _wrong(name, f"the model has no column {field.column or name!r:.80}{near}")
    if field.codes is None:
        described = msgspec.structs.replace(source, name=name)
        if not isinstance(described, CategoryColumn):
            described = msgspec.structs.replace(described, unit=field.unit)
        default = _default(name, field.default, described)
        return [(Taken(column=source.name, field=name, default=default), described)]
    if isinstance(source, CategoryColumn) or not field.codes:
        raise _wrong(name, f"codes are for numbers, and {source.name} takes categories as they are")
    if field.default is not None and field.default not in field.codes:
        raise _wrong(name, f"default is {field.default!r:.40}, which has no code")
    default = field.codes[str(field.default)] if field.default is not None else None
    coded = _category(name, tuple(field.codes))
    codes = tuple(float(code) for code in field.codes.values())
    return [(Coded(column=source.name, field=name, codes=codes, default=default), coded)]


def _flags_of(
    name: str, field: _Field, columns: Sequence[Column]
) -> list[tuple[Feed, Column | None]]:
    """Return how a field feeds the columns that one-hot encoding by hand has made of it."""
    prefix = field.prefix or ""
    if field.column or field.codes or field.default is not None:
        raise _wrong(name, "a prefix goes with base alone")
    found = [column.name for column in columns if column.name.startswith(prefix)]
    if not found:
        raise _wrong(name, f"no column of the model begins with {prefix!r:.80}")
    base = [field.base] if isinstance(field.base, str) else field.base
    texts = [*(column.removeprefix(prefix) for column in found), *base]
    whole = all(text.lstrip("-").isdigit() and len(text) < 16 for text in texts)
    described = _category(name, tuple(map(float, texts)) if whole else tuple(texts))
    return [
        (Flagged(column=column, field=name, category=k), described)
        for k, column in enumerate(found)
    ]


def _category(name: str, categories: tuple[str | float, ...]) -> CategoryColumn:
    try:
        return CategoryColumn(
            name=name, missing=False, categories=categories, unknown=False, seen=None
        )
    except ValueError as exc:
        raise _wrong(name, str(exc)) from exc


def _default(name: str, value: str | float | None, column: Column) -> float | None:
    """Return a default as the predictor takes values."""
    if value is None:
        return None
    if isinstance(column, CategoryColumn):
        if value not in column.categories:
            raise _wrong(name, f"default is {value!r:.40}; expected {column.expected}")
        return float(column.categories.index(value))
    if isinstance(value, str) or not -LARGEST <= value <= LARGEST:
        raise _wrong(name, f"default is {value!r:.40}; expected a number")
    return float(value)


def _wrong(field: str, what: str) -> SettingsError:
    return SettingsError(f"`adapter`: fields.{field}: {what}")
