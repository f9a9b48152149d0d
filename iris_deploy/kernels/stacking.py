"""Answers of models as features, for a model behind them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.kernels.elementary import FloatMath
from iris_deploy.kernels.members import Member
from iris_deploy.kernels.mixing import MixRow
from iris_deploy.kernels.scores import OVERFLOW
from iris_deploy.schema.batch import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What members answer to the features, side by side.

    Parameters
    ----------
    members : sequence of Member
        Kernels of the features, as if they were columns.
    counts : sequence of int
        How many of each member's last answers come out.
    """

    members: Sequence[Member]
    counts: Sequence[int]

    @property
    def width(self) -> int:
        """How many come out."""
        return sum(self.counts)

    @property
    def size(self) -> int:
        """Operations for one row."""
        return sum(member.kernel.size for member in self.members) + self.width

    def build_row(self) -> MixRow:
        """Build the function for one row."""
        parts = [
            (member, member.build_row(), count)
            for member, count in zip(self.members, self.counts, strict=True)
        ]

        def answer(x: Sequence[float]) -> Sequence[float]:
            found: list[float] = []
            for member, row, count in parts:
                index, decision = row(x)
                if index == OVERFLOW:
                    found += [math.inf] * count
                else:
                    found += member.answers(index, decision, FloatMath)[-count:]
            return found

        return answer

    def many(self, features: Floats) -> Floats:
        """Ask for many rows; see `mixing.Mixing`."""
        rows = np.ascontiguousarray(features.T)
        found: list[Any] = []
        for member, count in zip(self.members, self.counts, strict=True):
            answers, index = member.many(rows)
            own = np.array(answers[-count:])
            own[:, index == OVERFLOW] = np.inf
            found.append(own)
        return np.concatenate(found)
