"""How much of the memory that there is each piece may take."""

import re
from pathlib import Path
from typing import Final

from iris_deploy.errors import SettingsError
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.inputs import Size
from iris_deploy.scoring.settings import MEMORY

_PARENT: Final = 110 << 20  # bytes of Python, NumPy, Arrow and a bundle
_WORKER: Final = 50 << 20  # of one more process that shares what it can
_OF_TEXT: Final = 40  # bytes for one of text: its lines, their values, the lines that are written
_OF_COLUMNS: Final = 6  # bytes for one of columns
_OF_VALUE: Final = 32  # bytes for each value and score of a row
_LEAST: Final = 1 << 17  # bytes of a piece
_MOST: Final = 1 << 16  # rows of a piece; more are no quicker
_MOST_BYTES: Final = 1 << 25  # of a piece, which clusters send about


def peak_bytes() -> int:
    """Return the most memory that this process has had so far; 0 where that cannot be known."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s*([0-9]+) kB$", status, re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def plan_size(
    memory: int | None,
    signature: Signature,
    *,
    workers: int,
    processes: bool,
    textual: bool,
    model: int = 0,
) -> Size:
    """Return how large pieces may be.

    Parameters
    ----------
    memory : int or None
        Bytes that all may take together; None for `MEMORY` and what they take for the model.
    signature : Signature
    workers : int
    processes : bool
        Whether these are processes of their own.
    textual : bool
        Whether pieces are text.
    model : int
        Bytes that each process takes for the model.

    Raises
    ------
    SettingsError
        If there is too little for so many.
    """
    models = model * (1 + workers * processes)
    base = _PARENT + _WORKER * workers * processes + models
    memory = MEMORY + models if memory is None else memory
    n_bytes = (memory - base) // (workers + 2) // (_OF_TEXT if textual else _OF_COLUMNS)
    if n_bytes < _LEAST:
        least = base + _LEAST * (workers + 2) * (_OF_TEXT if textual else _OF_COLUMNS)
        raise SettingsError(
            f"`memory`: expected {-(-least >> 20)}MiB at least for {workers} "
            f"worker{'s' * (workers > 1)} and the model, got {memory >> 20}MiB",
            hint="give more, or fewer `workers`",
        )
    n_values = len(signature.columns) + sum(len(part.classes) for part in signature.parts) + 2
    rows = max((memory - base) // (workers + 2) // (_OF_VALUE * n_values), 1)
    return Size(min(n_bytes, _MOST_BYTES), min(rows, _MOST))
