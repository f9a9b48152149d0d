"""Tensors to rows: one with all columns, or one for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.plain import Rows, in_bounds
from iris_deploy.codec.pointers import FieldProblem, located
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.tensors import Tensor
from iris_deploy.codec.values import unfit
from iris_deploy.schema.batch import FEW, Floats
from iris_deploy.schema.columns import LARGEST
from iris_deploy.schema.problems import (
    LONGEST_NAME,
    MAX_PROBLEMS,
    Problem,
    Problems,
    list_names,
)


@dataclass(frozen=True, slots=True)
class TensorLayout:
    """Places in tensors.

    Parameters
    ----------
    inputs : sequence of str
        Names of the tensors; of no more than one where it holds all columns.
    n_columns : int
        That the only tensor holds; 0 if each has one.
    """

    inputs: Sequence[str]
    n_columns: int

    def place(self, problem: Problem, names: Sequence[str]) -> Iterator[FieldProblem]:
        """Say where what a problem is about came; see `Layout`."""
        column, row = problem.column, problem.row
        of = self.inputs
        if self.n_columns:
            position, of = 0, [*names]
        else:
            position = of.index(column) if column in of else -1
        detail = problem.detail if column is None else f"{column}: {problem.detail}"
        at = "" if row is None else f"/{row}"
        if self.n_columns and row is not None:
            at = f"/{row * self.n_columns + (of.index(column) if column in of else 0)}"
        pointer = f"#/inputs/{position}/data{at}" if position >= 0 else "#/inputs"
        yield FieldProblem(pointer, detail, problem.suggestion)


class TensorReader:
    """Turn tensors into rows.

    Parameters
    ----------
    reader : InstanceReader
    """

    def __init__(self, reader: InstanceReader) -> None:
        signature = reader.signature
        self._reader = reader
        self._columns = signature.columns
        self._names = signature.names
        self._may_miss = np.array([column.missing for column in signature.columns])
        self._is_numeric = signature.is_numeric  # so that one tensor may hold all columns

    def read(self, tensors: Sequence[Tensor]) -> Rows:
        """Read rows.

        Raises
        ------
        MalformedError
            If shapes do not fit the columns, or each other.
        InstanceError
            If values do not fit the signature.
        """
        if not tensors:
            raise MalformedError("inputs: expected a tensor, got none")
        n_columns = len(self._names)
        first = tensors[0]
        if len(tensors) == 1 and not self._reader.knows(first.name):
            return self._read_matrix(first)
        if len({tensor.name for tensor in tensors}) < len(tensors):
            raise MalformedError("inputs: expected each tensor once")
        layout = TensorLayout([tensor.name for tensor in tensors], 0)
        for position, tensor in enumerate(tensors):
            if tensor.shape not in {(first.shape[0],), (first.shape[0], 1)}:
                raise MalformedError(
                    f"inputs[{position}] {tensor.name[:LONGEST_NAME]!r}: the shape is "
                    f"{[*tensor.shape]}; expected [{first.shape[0]}] or [{first.shape[0]}, 1]"
                )
        by_name = {tensor.name: tensor.values for tensor in tensors}
        found = [by_name.get(name) for name in self._names]
        is_matrix = self._is_numeric and len(tensors) == n_columns
        if is_matrix and all(isinstance(each, np.ndarray) for each in found):
            return self._check(np.stack(found, axis=1), layout)  # type: ignore[arg-type]
        return self._read_columns(by_name, layout)

    def _read_matrix(self, tensor: Tensor) -> Rows:
        n_columns = len(self._names)
        n_given = 1 if len(tensor.shape) == 1 else tensor.shape[1]
        if n_given != n_columns:
            raise MalformedError(
                f"inputs[0] {tensor.name[:LONGEST_NAME]!r}: the shape is {[*tensor.shape]}; "
                f"expected [rows, {n_columns}], or a tensor for each column: "
                f"{list_names(self._names)}"
            )
        layout = TensorLayout([tensor.name], n_columns)
        if isinstance(tensor.values, np.ndarray) and self._is_numeric:
            return self._check(tensor.values.reshape(-1, n_columns), layout)
        by_name = {name: tensor.values[k::n_columns] for k, name in enumerate(self._names)}
        return self._read_columns(by_name, layout)

    def _check(self, rows: Floats, layout: TensorLayout) -> Rows:
        """Refuse numbers that are none, where nothing may miss, and those that are too large."""
        if len(rows) <= FEW:
            few = in_bounds(rows.tolist(), layout)
            if few is not None:
                return few
        missing = np.isnan(rows)
        low, high = np.nanmin(rows, initial=0.0), np.nanmax(rows, initial=0.0)
        misses = missing.any() and missing[:, ~self._may_miss].any()
        if low >= -LARGEST and high <= LARGEST and not misses:
            return Rows(rows, layout)
        wrong = ~(np.abs(rows) <= LARGEST) & ~(missing & self._may_miss)
        problems = Problems()
        with located(layout, self._names):
            for at in np.flatnonzero(wrong)[:MAX_PROBLEMS].tolist():
                row, column = divmod(at, len(self._columns))
                detail = unfit(self._columns[column], float(rows[row, column]))
                problems.add(row, self._names[column], detail)
            problems.check()
        raise AssertionError("nothing is wrong")

    def _read_columns(self, by_name: dict[str, Any], layout: TensorLayout) -> Rows:
        arrays = {name: _listed(values) for name, values in by_name.items()}
        return self._reader.read_columns(arrays, layout)


def _listed(values: Any) -> list[Any]:
    """Return values as JSON has them: what is not a number is missing."""
    if not isinstance(values, np.ndarray):
        return [*values]
    return [None if value != value else value for value in values.tolist()]
