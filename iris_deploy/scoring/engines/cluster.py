"""What holds of workers on other machines, whichever cluster they are of."""

from typing import Protocol

from iris_deploy.errors import ScoringError
from iris_deploy.scoring.engines.engine import Engine
from iris_deploy.scoring.pieces import Job


class Cluster(Engine, Protocol):
    """An engine on other machines.

    Attributes
    ----------
    count : int
        Pieces that it scores at a time.
    """

    count: int


def refuse_piece(job: Job, share: float) -> ScoringError:
    """Return the error about a piece that has killed several workers."""
    return ScoringError(
        f"workers were killed again and again at the same rows of {job.source.name}, "
        f"{share:.0%} of it",
        hint="did they run out of memory? Give them more",
    )
