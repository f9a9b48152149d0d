"""What a bundle takes and gives: columns in the estimators' order, and an output."""

from collections.abc import Sequence

import msgspec

from iris_deploy.schema.columns import Column, NumberColumn, TextColumn
from iris_deploy.schema.outputs import ClassOutput, Label, Output, SeveralOutputs


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The input and output contract of a bundle.

    Parameters
    ----------
    columns : tuple of NumberColumn, CategoryColumn or TextColumn
        Input columns, in the order in which the estimators take them; each name once.
    output : ClassOutput, NumberOutput or SeveralOutputs
    aliases : dict of str to str
        Other names under which clients may send a column, and its name.
    """

    columns: tuple[Column, ...]
    output: Output
    aliases: dict[str, str] = {}

    def __post_init__(self) -> None:
        # One field of an instance would stand for many columns, at no cost to whoever sends it.
        names = set(self.names)
        if len(names) < len(self.columns):
            raise ValueError("a column is named twice")
        for alias, name in self.aliases.items():
            if alias in names or name not in names:
                raise ValueError(f"{alias!r:.80} is no other name of a column")

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    @property
    def classes(self) -> tuple[Label, ...]:
        """The classes; none where a number is predicted, or several outputs are."""
        return self.output.classes if isinstance(self.output, ClassOutput) else ()

    @property
    def anomaly(self) -> int | None:
        """Position of the class of anomalies; None if there is none."""
        output = self.output
        if not isinstance(output, ClassOutput) or output.anomaly is None:
            return None
        return output.classes.index(output.anomaly)

    @property
    def parts(self) -> "tuple[Signature, ...]":
        """One signature for each of several outputs; itself where there is one."""
        if not isinstance(self.output, SeveralOutputs):
            return (self,)
        return tuple(msgspec.structs.replace(self, output=each) for each in self.output.outputs)

    @property
    def has_text(self) -> bool:
        """Whether a column holds texts: then rows are no array of floats."""
        return any(isinstance(column, TextColumn) for column in self.columns)

    @property
    def is_numeric(self) -> bool:
        """Whether all columns are numbers."""
        return all(isinstance(column, NumberColumn) for column in self.columns)

    def warnings(self, row: Sequence[float]) -> list[str]:
        """Name each value of a row that is unlike what training saw."""
        found = (c.warning(v) for c, v in zip(self.columns, row, strict=True))
        return [warning for warning in found if warning]
