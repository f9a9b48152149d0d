"""One connection: which lane its requests take, and how it ends."""

import socket
import threading
import time
from typing import Any

from waitress.channel import HTTPChannel

from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.server.parser import StrictParser
from iris_deploy.serving.server.tasks import FlaskTask, QuickTask, RefusalTask

_LINGER = 2.0  # seconds after the last byte of a client that still sends, to read its answer


class Channel(HTTPChannel):
    """A connection of waitress's loop.

    Attributes
    ----------
    touched : float
        When something was received or sent last, on the monotonic clock: unlike waitress's own
        stamp it does not jump with the machine's clock.
    last_head : bytes
        Of the request before, if it was quick.
    """

    error_task_class = RefusalTask
    parser_class = StrictParser  # type: ignore[assignment]
    server: Any
    socket: Any
    requests: list[Any]
    request: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.touched = time.monotonic()
        self.lingering_until: float | None = None
        self._linger_end = 0.0
        self.in_loop = False
        self.last_head = b""
        super().__init__(*args, **kwargs)

    def received(self, data: bytes) -> bool:
        """Take bytes, and answer at once what is quick."""
        self.touched = time.monotonic()
        if self._idle and self.server.quick.answer(self, data):
            return True
        taken: bool = super().received(data)
        self._answer_on()
        return taken

    @property
    def _idle(self) -> bool:
        """Whether nothing is under way and the connection stays."""
        return not (
            self.requests
            or self.request is not None
            or self.total_outbufs_len
            or self.will_close
            or self.close_when_flushed
        )

    def add_channel(self, map: Any = None) -> None:  # noqa: A002 - waitress's word
        """Join the connections of this worker."""
        super().add_channel(map)
        self.server.balance.note(len(self.server.active_channels))

    def del_channel(self, map: Any = None) -> None:  # noqa: A002
        """Leave the connections of this worker."""
        super().del_channel(map)
        self.server.balance.note(len(self.server.active_channels))

    def answer_now(self) -> None:
        """Answer the first request that waits in the loop, whatever it is."""
        self.service()
        self._answer_on()

    def _answer_on(self) -> None:
        while self.in_loop:  # again after each answer, if another request came with the first
            self.in_loop = False
            self.service()

    def put_task(self) -> bool:
        """Choose the lane of the next request; return whether it needs a thread.

        Called with the lock on the requests held, hence from `received` and after an answer.
        """
        request = self.requests[0]
        request.queued = time.monotonic()
        quick = self.server.service.is_quick(request)
        self.task_class = QuickTask if quick else FlaskTask  # type: ignore[assignment]
        in_loop = threading.get_ident() == self.server.service.loop
        self.in_loop = in_loop and bool(request.error or quick)
        return not self.in_loop

    def time_out(self, now: float, *, network: float, idle: float) -> None:
        """Give up what takes too long.

        Parameters
        ----------
        now : float
            Monotonic clock.
        network : float
            Seconds for a request to arrive, and for a client to take something of an answer.
        idle : float
            Seconds without any traffic.
        """
        if self.lingering_until is not None:
            if now > self.lingering_until:
                self.handle_close()
        elif self.total_outbufs_len or self.requests:
            if self.request is not None:
                self.request.begun = now  # its rest is not read before the answer is out
            if self.total_outbufs_len and now - self.touched > network:
                self.handle_close()
        elif self.request is not None:
            if now - self.request.begun > network:
                self._refuse_late(network)
        elif now - self.touched > idle:
            self.will_close = True

    def _refuse_late(self, seconds: float) -> None:
        request, self.request = self.request, None
        request.refuse(reply_problem(408, f"the request did not arrive within {seconds:g} seconds"))
        self.requests.append(request)
        self.answer_now()

    @property
    def busy(self) -> bool:
        """Whether a request is under way in either direction."""
        arriving = self.request is not None and not self.request.blank
        return bool(self.requests or arriving or self.total_outbufs_len)

    def finish(self, now: float, quiet: float) -> None:
        """Close, if nothing has happened for so many seconds and nothing is under way."""
        if not self.busy and self.lingering_until is None and now - self.touched >= quiet:
            self.will_close = True

    def readable(self) -> bool:
        """Tell the loop whether to read."""
        return self.lingering_until is not None or bool(super().readable())

    def writable(self) -> bool:
        """Tell the loop whether to write."""
        return self.lingering_until is None and bool(super().writable())

    def handle_read(self) -> None:
        """Read; what comes after the last answer is thrown away."""
        if self.lingering_until is None:
            super().handle_read()
        else:
            more = self.recv(64 * 1024)  # closes at the end of the stream
            if more and self.lingering_until is not None:
                self.lingering_until = min(time.monotonic() + _LINGER, self._linger_end)

    def handle_write(self) -> None:
        """Write, and after the last answer say good-bye before closing.

        Closing a socket with unread input resets the connection, and the client may never see the
        answer that told it why. So only our side is closed, until the client has closed its own.
        """
        last, self.close_when_flushed = self.close_when_flushed, False
        super().handle_write()
        if last and self.connected and not self.will_close:
            if self.total_outbufs_len:
                self.close_when_flushed = True
                return
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.handle_close()
            else:
                now = time.monotonic()
                self.lingering_until = now + _LINGER
                self._linger_end = now + self.server.service.settings.request_timeout

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: FBT001, FBT002
        """Send, and note when the client took something."""
        sent: int = super().send(data, do_close)
        if sent:
            self.touched = time.monotonic()
        return sent
