"""How one connection ends: at a deadline, for another one's sake, or after its last answer.

After the last answer our side is closed, and the client's is awaited. Closing a socket with unread
input resets the connection, and the client may never see the answer that told it why.
"""

import socket
from typing import Literal

from iris_deploy.serving.worker.connection import Rank
from iris_deploy.serving.worker.intake import Intake
from iris_deploy.serving.worker.output import Output

_PATIENCE = 2.0  # seconds after the last byte of a client that still sends, to read its answer
_SETTLED = 1.0  # seconds without anything after which a connection may have to make room


class Ending:
    """The end of a connection, which may be far away.

    Parameters
    ----------
    intake : Intake
    output : Output

    Attributes
    ----------
    given_up : bool
        Whether nothing is done any more, but to close it.
    lingers_until : float or None
        When the client is not awaited any more, on the monotonic clock; None before our side is
        closed.
    """

    def __init__(self, intake: Intake, output: Output) -> None:
        self._intake = intake
        self._output = output
        self.given_up = False
        self.lingers_until: float | None = None
        self._latest = 0.0

    def close_our_side(self, connection: socket.socket, now: float, longest: float) -> None:
        """Say that nothing more will come.

        Parameters
        ----------
        connection : socket
        now : float
            Monotonic clock.
        longest : float
            Seconds that the client is awaited at most, whatever it sends.

        Raises
        ------
        OSError
            If the client is gone.
        """
        connection.shutdown(socket.SHUT_WR)
        self.lingers_until = now + _PATIENCE
        self._latest = now + longest

    def linger(self, now: float) -> None:
        """Await the client for some time more: it still sends."""
        self.lingers_until = min(now + _PATIENCE, self._latest)

    def overdue(
        self, now: float, touched: float, *, network: float, idle: float
    ) -> Literal["connection", "request", "traffic"] | None:
        """Tell what takes too long, of a connection that no thread works for.

        Parameters
        ----------
        now, touched : float
            Monotonic clock; when something was received or sent last.
        network : float
            Seconds for a request to arrive, and for a client to take something of an answer.
        idle : float
            Seconds without any traffic.
        """
        request = self._intake.request
        if self.lingers_until is not None:
            return "connection" if now > self.lingers_until else None
        if self._output.pending:
            return "connection" if now - touched > network else None
        if request is not None:
            return "request" if now - request.started > network else None
        return "traffic" if now - touched > idle else None

    def rank(self, now: float, touched: float, *, has_asked: bool) -> Rank | None:
        """Tell how soon the connection has to make room for another; None if it does not have to.

        First goes who has its last answer, then who has been idle longest, then whose request or
        answer takes longest. Whoever has just come is left the time to say something.
        """
        if self.given_up or self._intake.more:
            return None
        if self.lingers_until is not None:
            return 0, self.lingers_until
        pending, request = self._output.pending, self._intake.request
        if has_asked and not (pending or request):
            return 1, touched
        since = request.started if request and not pending else touched
        return (2, since) if now - since > _SETTLED else None
