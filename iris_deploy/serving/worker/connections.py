"""The connections of one worker: what they share, who gets in, and who has to go for it."""

import time
from collections import deque
from heapq import nsmallest
from operator import itemgetter

from iris_deploy.serving.supervision.balance import Balance
from iris_deploy.serving.telemetry.metrics import EVICTED
from iris_deploy.serving.worker.connection import Connection, Rank
from iris_deploy.serving.worker.fast_path import QuickLane
from iris_deploy.serving.worker.lanes import Service
from iris_deploy.serving.worker.memory import Budget
from iris_deploy.serving.worker.pool import Pool

RESERVED = 8
"""Places beyond ``--connections``. Whoever gets one may ask for what operators need to see, and is
refused anything else, so that a worker with no other place left can be looked at."""

_TURNS = 0.005  # seconds that are spent on turns before the sockets are looked at again
_CHOSEN = 32  # connections that are chosen to go at a time, so that not all are compared for one
_LOOK_AGAIN = 0.05  # seconds, if none can go
_BETWEEN_LINES = 60.0  # seconds between two log lines about it


class Connections:
    """What the connections of one worker share.

    Parameters
    ----------
    service : Service
    pool : Pool
    quick : QuickLane
    memory : Budget
        For what comes and goes: large bodies, and large answers that are not read yet.
    balance : Balance
    limit : int
        So many at a time, and `RESERVED` more.

    Attributes
    ----------
    all : set of Connection
    look_again : float
        When to ask once more for room that there was none of, on the monotonic clock; 0 for when
        something happens.
    """

    def __init__(
        self,
        service: Service,
        pool: Pool,
        quick: QuickLane,
        memory: Budget,
        balance: Balance,
        limit: int,
    ) -> None:
        self.service = service
        self.pool = pool
        self.quick = quick
        self.memory = memory
        self.all: set[Connection] = set()
        self._balance = balance
        self._limit = limit
        self._turns: deque[Connection] = deque()
        self._chosen: list[tuple[Connection, Rank]] = []  # the next to go is the last
        self._gone: list[Connection] = []
        self.look_again = 0.0
        self._evicted = 0
        self._said_at = float("-inf")

    def have_room(self) -> bool:
        """Tell whether another connection can be let in."""
        if self._excess < RESERVED:
            self.look_again = 0.0
            return True
        now = time.monotonic()
        if now < self.look_again or self._choose(now):
            return bool(self._chosen)
        self.look_again = now + _LOOK_AGAIN
        return False

    def add(self, channel: Connection) -> None:
        """Let a connection in; if there are enough, one on which little happens has to go."""
        self.all.add(channel)
        self._balance.note(len(self.all))
        channel.is_reserved = self._excess > 0 and not self._make_room()

    def remove(self, channel: Connection) -> None:
        """Forget a connection that is closed."""
        self.all.discard(channel)
        self._balance.note(len(self.all))

    @property
    def full(self) -> bool:
        """Whether all but reserved places are taken."""
        return self._excess > 0

    @property
    def _excess(self) -> int:
        return len(self.all) - len(self._gone) - self._limit

    def resume_later(self, channel: Connection) -> None:
        """Give a connection another turn, after all others that have something to do."""
        self._turns.append(channel)

    @property
    def is_busy(self) -> bool:
        """Whether there is something to do without waiting for any socket."""
        return bool(self._turns or self._gone)

    def go_on(self) -> None:
        """Give turns to those that have asked for one, for a while, and close who has to go.

        Only here, between two looks at the sockets: a descriptor that is closed in between would be
        the next newcomer's, and the events that are known already those of another.
        """
        gone, self._gone = self._gone, []
        for channel in gone:
            if channel in self.all:
                channel.handle_close()
        end = time.monotonic() + _TURNS
        while self._turns and time.monotonic() < end:
            channel = self._turns.popleft()
            try:
                channel.take_turn()
            except Exception:  # noqa: BLE001 - it ends this connection, and not the worker
                channel.handle_error()

    def _make_room(self) -> bool:
        now = time.monotonic()
        while self._chosen or self._choose(now):
            channel, rank = self._chosen.pop()
            if channel in self.all and channel.rank(now) == rank:  # nothing has happened since
                channel.evict()
                self._gone.append(channel)
                self._count_evicted(now)
                return True
        return False

    def _choose(self, now: float) -> bool:
        """Choose who goes next, and return whether there is anybody."""
        ranks = ((channel, channel.rank(now)) for channel in self.all)
        ranked = [(channel, rank) for channel, rank in ranks if rank is not None]
        self._chosen = nsmallest(_CHOSEN, ranked, key=itemgetter(1))[::-1]
        return bool(self._chosen)

    def _count_evicted(self, now: float) -> None:
        self.service.metrics.add(EVICTED)
        self._evicted += 1
        if now - self._said_at >= _BETWEEN_LINES:
            message = (
                f"all {self._limit} connections are taken: whoever has been idle longest is closed "
                f"for a newcomer ({self._evicted} since the last such line)"
            )
            self.service.log.event("warning", "full", message, evicted=self._evicted)
            self._said_at, self._evicted = now, 0
