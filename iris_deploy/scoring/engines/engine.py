"""What pieces are scored by, as far as who sends them has to know it."""

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from iris_deploy.errors import IrisDeployError
from iris_deploy.scoring.pieces import Job, Scored
from iris_deploy.scoring.scorer import Scorer


class Engine(Protocol):
    """What pieces are scored by, several at a time."""

    def score(
        self, job: Job, pieces: Iterable[tuple[Any, float]]
    ) -> Iterator[tuple[Scored, float]]:
        """Score pieces, and give them back in order.

        Parameters
        ----------
        job : Job
        pieces : iterable of (data, float)
            Each with the share of the file that has been read with it.
        """
        ...

    def close(self) -> None:
        """End all that it has started."""
        ...


class Outcome(NamedTuple):
    """What a process has made of a piece: errors of ours, and others, come back like answers."""

    scored: Scored | None = None
    error: IrisDeployError | None = None
    bug: str = ""

    def take(self) -> Scored:
        """Return it, or raise what went wrong."""
        if self.error is not None:
            raise self.error
        if self.scored is None:
            raise RuntimeError(self.bug)
        return self.scored


def try_to_score(find_scorer: Callable[[], Scorer], job: Job, data: Any) -> Outcome:
    """Score a piece in a process other than that which sent it."""
    try:
        return Outcome(scored=find_scorer().score(job, data))
    except IrisDeployError as exc:
        return Outcome(error=exc)
    except Exception:  # noqa: BLE001
        return Outcome(bug=traceback.format_exc())


def score_in_order(
    submit: Callable[[Any], Any],
    pieces: Iterable[tuple[Any, float]],
    ahead: int,
    take: Callable[[Any, float], Scored],
) -> Iterator[tuple[Scored, float]]:
    """Have pieces scored, some ahead of what is taken, and give them back in order.

    Parameters
    ----------
    submit : callable
        Has a piece scored, and returns what will tell.
    pieces : iterable of (data, float)
    ahead : int
        Pieces that are under way at a time.
    take : callable
        From what was returned, and the share of the file, to what was scored.
    """
    waiting: deque[tuple[Any, float]] = deque()
    for data, share in pieces:
        waiting.append((submit(data), share))
        if len(waiting) > ahead:
            told, of = waiting.popleft()
            yield take(told, of), of
    for told, of in waiting:
        yield take(told, of), of
