"""What a supervisor and its workers tell each other: the one place that knows how it is written.

Orders go to a worker, one a line, as JSON. Signs of a worker's life are single bytes.
"""

from collections.abc import Iterator

import msgspec

ALIVE = b"."
"""A worker's loop goes round."""

CANNOT_RELOAD = b"-"
"""A worker could not read what the supervisor has read."""


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Say that the server is not ready any more.

    Parameters
    ----------
    deadline : float
        When whatever is under way is cut off, on the monotonic clock.
    """

    deadline: float


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Stop listening, answer the rest, exit."""


class Reload(msgspec.Struct, frozen=True, tag="reload"):
    """Swap in a bundle that the supervisor has verified.

    Parameters
    ----------
    generation : int
        Counts the bundles that have been served.
    version : int
    digest : str
        Of its manifest.
    """

    generation: int
    version: int
    digest: str


Order = Drain | Close | Reload

_DECODER = msgspec.json.Decoder(Order)


def encode(order: Order) -> bytes:
    """Write an order as one line."""
    return msgspec.json.encode(order) + b"\n"


class OrderReader:
    """Read orders out of what comes on a line, in whatever pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> Iterator[Order]:
        """Take some bytes, and yield the orders that are whole by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        yield from map(_DECODER.decode, lines)
