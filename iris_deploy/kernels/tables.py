"""From a value to a figure, by looking it up: what encoders do."""

from dataclasses import dataclass, field

import numpy as np

from iris_deploy.kernels.code import Names, number
from iris_deploy.schema.batch import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Figures by value.

    Parameters
    ----------
    keys : ndarray of shape (n_keys,)
        Values, ascending, each once.
    figures : ndarray of shape (n_keys,)
    other : float
        Of what is no key.
    missing : float
        Of NaN.
    """

    keys: Floats
    figures: Floats
    other: float
    missing: float
    _by_key: dict[float, float] = field(init=False)
    _in_order: bool = field(init=False)
    _line: Floats = field(init=False)

    def __post_init__(self) -> None:
        by_key = dict(zip(self.keys.tolist(), self.figures.tolist(), strict=True))
        object.__setattr__(self, "_by_key", by_key)
        in_order = bool((self.keys == np.arange(len(self.keys))).all())
        object.__setattr__(self, "_in_order", in_order)
        object.__setattr__(self, "_line", np.append(self.figures, self.other))

    def get(self, value: float) -> float:
        """Return the figure of one value."""
        return self.missing if value != value else self._by_key.get(value, self.other)

    def take(self, values: Floats) -> Floats:
        """Return the figures of many values."""
        n_keys = len(self.keys)
        if self._in_order:  # as positions of categories are
            with np.errstate(invalid="ignore"):
                at = values.astype(np.int64)
            found = (at == values) & (at >= 0) & (at < n_keys)
        else:
            at = np.searchsorted(self.keys, values)
            at[at == n_keys] = 0
            found = self.keys.take(at) == values if n_keys else np.zeros(len(values), bool)
        figures = self._line.take(np.where(found, at, n_keys))
        missing = np.isnan(values)
        if missing.any():
            figures[missing] = self.missing
        return figures

    def write(self, x: str, names: Names) -> str:
        """Write the figure of variable ``x`` as an expression."""
        found = f"{names.bind(self._by_key)}.get({x}, {number(self.other)})"
        if self.missing == self.other:
            return found
        return f"{number(self.missing)} if {x} != {x} else {found}"
