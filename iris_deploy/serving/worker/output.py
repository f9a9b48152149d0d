"""What is still to be sent on one connection."""

from collections.abc import Callable

from iris_deploy.serving.reply import Stream
from iris_deploy.serving.worker.memory import SMALL, Budget
from iris_deploy.serving.worker.response import LAST_CHUNK, chunk

End = Callable[[int], None]
"""Gets the bytes of a body once all of it is sent, or once it is known that it never will be."""


class Output:
    """Bytes, and a body that is made as they are taken.

    Parameters
    ----------
    budget : Budget
        Of large answers.

    Attributes
    ----------
    pending : bool
        Whether there is anything to be sent.
    waiting : int
        Bytes of it that are made.
    """

    def __init__(self, budget: Budget) -> None:
        self.pending, self.waiting = False, 0
        self._budget = budget
        self._data: list[bytes | memoryview] = []
        self._stream: Stream | None = None
        self._chunked = False
        self._size = 0  # bytes of the stream so far
        self._end: End | None = None
        self._taken = 0  # of the budget
        self._is_cut = False

    @property
    def is_long(self) -> bool:
        """Whether so much is to be sent that nothing should be added before it is."""
        return self._stream is not None or self.waiting > SMALL

    def take(self, size: int) -> bool:
        """Take memory for an answer of such a size, if there is any, and say whether there was."""
        if size <= SMALL:
            return True
        if not self._budget.take(size):
            return False
        self._taken += size
        return True

    def add(self, data: bytes) -> None:
        """Send some bytes."""
        self._data.append(data)
        self.waiting += len(data)
        self.pending = True

    def add_stream(self, stream: Stream, end: End, *, chunked: bool) -> None:
        """Send a body as it is made."""
        self._stream, self._end, self._chunked, self._size = stream, end, chunked, 0
        self.pending = True

    def send(self, send: Callable[[bytes | memoryview], int]) -> None:
        """Send what is made, as far as it is taken.

        Parameters
        ----------
        send : callable
            Returns how many bytes were taken.
        """
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"".join(self._data)
            self._data, self.waiting = [], 0
            sent = send(data)
            if sent < len(data) and not self._is_cut:
                self._data, self.waiting = [memoryview(data)[sent:]], len(data) - sent
        if not self._data and self._stream is None:
            self.pending = False
            self._release()

    def cut(self) -> None:
        """Forget what is left; there will be nothing more."""
        self._is_cut = True
        self._data, self.waiting, self.pending = [], 0, False
        self._finish()
        self._release()

    def make_piece(self) -> None:
        """Make another piece of the stream.

        Raises
        ------
        Exception
            What making it has raised.
        """
        if self._stream is None:
            return
        piece = next(self._stream.pieces, None)
        if piece is None:
            if self._chunked:
                self.add(LAST_CHUNK)
            self._finish()
            if not self._data:
                self.send(len)  # of nothing: all is sent
        elif piece:
            self._size += len(piece)
            self.add(chunk(piece) if self._chunked else piece)

    def _finish(self) -> None:
        if self._stream is not None and self._end is not None:
            self._stream = None
            self._end(self._size)

    def _release(self) -> None:
        self._budget.release(self._taken)
        self._taken = 0
