"""How files are scored: defaults and bounds."""

from dataclasses import dataclass
from typing import Final

from iris_deploy.errors import expect, expect_between

ON_BAD: Final = ("fail", "skip", "null")
"""What becomes of a row that does not fit: an error, no row, or a row without an answer."""

MEMORY: Final = 256 << 20
"""Bytes that all processes may take together for everything but the model."""

LEAST_MEMORY: Final = 192 << 20
"""Bytes; what Python, NumPy and Arrow take before there is a row, and some rows."""

MOST_WORKERS: Final = 1024


def read_keep(text: str) -> tuple[str, ...] | None:
    """Return which columns are carried along: ``all``, ``none``, or names with commas between."""
    if text == "all":
        return None
    return () if text in {"none", ""} else tuple(text.split(","))


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """How files are scored.

    Parameters
    ----------
    details : bool
        Whether scores and a count of warnings stand beside each prediction.
    keep : tuple of str or None
        Columns of the input that are carried along; None for all.
    on_bad : {'fail', 'skip', 'null'}
    missing : tuple of str
        Texts of CSV that stand for a missing value, beside none.
    memory : int or None
        Bytes that all processes may take together; None for `MEMORY` and what the model takes.
    model : int
        Bytes that each process takes for the model.
    workers : int or None
        Processes or threads that score at a time; None for as many as there are processors, and
        as the memory is enough for.
    cluster : (str, str) or None
        Kind and address of the cluster whose workers score; None for this machine.
    """

    details: bool = False
    keep: tuple[str, ...] | None = None
    on_bad: str = "fail"
    missing: tuple[str, ...] = ()
    memory: int | None = None
    model: int = 0
    workers: int | None = None
    cluster: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        expect(self.on_bad in ON_BAD, "on_bad", f"one of {', '.join(ON_BAD)}", self.on_bad)
        if self.workers is not None:
            expect_between("workers", self.workers, 1, MOST_WORKERS)
        if self.memory is not None:
            expect(
                self.memory >= LEAST_MEMORY,
                "memory",
                f"{LEAST_MEMORY >> 20}MiB at least",
                f"{self.memory >> 20}MiB",
            )
