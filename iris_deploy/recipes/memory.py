"""How much memory a server of a bundle needs, and may take."""

from typing import NamedTuple

from iris_deploy import facts
from iris_deploy.errors import SettingsError

_ARRAYS = 4
"""Times the bytes of its artifacts that a bundle takes: numbers of a dump, those of its kernel, and
the text of a manifest as objects. The processes share it."""

_STEP = 32 << 20
"""Bytes to whose multiple a limit is rounded up."""


class Memory(NamedTuple):
    """Bytes.

    Parameters
    ----------
    resident : int
        What it holds with no request under way.
    limit : int
        What it may take at most.
    large_requests : int
        What one worker may take for large requests.
    """

    resident: int
    limit: int
    large_requests: int


def plan_memory(
    artifacts: int, workers: int, limit: int | None, *, has_library: bool = False
) -> Memory:
    """Divide the memory of a server.

    Parameters
    ----------
    artifacts : int
        Bytes of a bundle's artifacts.
    workers : int
    limit : int or None
        Bytes that it may take; None for what it needs.
    has_library : bool
        Whether scikit-learn predicts.

    Raises
    ------
    SettingsError
        If that is too little.
    """
    resident = facts.SUPERVISOR_BYTES + workers * facts.WORKER_BYTES + _ARRAYS * artifacts
    if has_library:
        resident += facts.SCIKIT_LEARN_BYTES * (1 + workers)
    if limit is None:
        limit = -(-(resident + workers * facts.MAX_MEMORY_BYTES) // _STEP) * _STEP
    left = (limit - resident) // workers
    if left < facts.LEAST_MEMORY_BYTES:
        least = resident + workers * facts.LEAST_MEMORY_BYTES
        raise SettingsError(
            f"`memory`: expected at least {-(-least >> 20)} MiB, got {limit >> 20}: {workers} "
            f"worker{'s' * (workers > 1)} of this bundle hold {resident >> 20}, and each needs "
            f"{facts.LEAST_MEMORY_BYTES >> 20} for a large request",
            hint="give it more, or fewer `workers`",
        )
    return Memory(resident, limit, min(left, facts.MAX_MEMORY_BYTES))
