"""Values in text, as forms and CSV have them: what stands for a number, a gap, true and false."""

from collections.abc import Callable
from typing import Any

from iris_deploy.schema.columns import Column, NumberColumn
from iris_deploy.schema.signature import Signature

ReadText = Callable[[str], Any]
"""From a text to the value as JSON would have it."""

_FLAGS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def text_readers(signature: Signature) -> dict[str, ReadText]:
    """Return what turns the texts of a column into values, by each name that it has.

    An empty text is a missing value where one may be missing.
    """
    readers = {column.name: _reader(column) for column in signature.columns}
    return readers | {alias: readers[name] for alias, name in signature.aliases.items()}


def _reader(column: Column) -> ReadText:
    may_miss = column.missing
    if isinstance(column, NumberColumn) and column.boolean:
        return lambda text: _FLAGS.get(text, text or (None if may_miss else text))
    return _gap_or_text if may_miss else str


def _gap_or_text(text: str) -> Any:
    return text or None
