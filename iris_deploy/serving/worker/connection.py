"""What the parts of a worker ask of a connection; channel.py is one."""

from typing import Protocol

Rank = tuple[int, float]
"""Kind of a connection on which little happens, and since when on the monotonic clock. The least
has to go first."""


class Connection(Protocol):
    """A client's connection, as those see it who share the worker with it.

    Attributes
    ----------
    peer : str
        Address at the other end, or ``unix``.
    touched : float
        When something was received or sent last, on the monotonic clock.
    before : int
        Hash of the head, or of the request line, of the request before, if it was quick.
    is_reserved : bool
        Whether it has come when all but the reserved places were taken.
    connected : bool
    """

    peer: str
    touched: float
    before: int
    is_reserved: bool
    connected: bool

    @property
    def busy(self) -> bool:
        """Whether a request is under way in either direction."""
        ...

    def take_turn(self) -> None:
        """Go on where the last turn has ended."""

    def send(self, data: bytes, /) -> int:
        """Send now, and return how many bytes the kernel took."""
        ...

    def send_on(self) -> None:
        """Send what can be sent, and ask for a turn if there is more to make, or to read."""

    def queue(self, data: bytes) -> None:
        """Send some bytes when the client takes them."""

    def time_out(self, now: float, *, network: float, idle: float) -> None:
        """Give up what takes too long."""

    def finish(self, now: float, quiet: float) -> None:
        """Close, if nothing has happened for so many seconds and nothing is under way."""

    def rank(self, now: float) -> Rank | None:
        """Tell how soon it has to make room for another; None if it does not have to."""

    def evict(self) -> None:
        """Do nothing any more: it is about to be closed for another."""

    def handle_error(self) -> None:
        """Close after what nobody expected, and say that it was."""

    def handle_close(self) -> None:
        """Close, whatever is under way."""
