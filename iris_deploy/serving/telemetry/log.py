"""What the server says: one line per event and request, for a person or for a machine.

All goes to one file descriptor, each line within one write, so that the lines of several workers do
not mix. A line never holds the data of a request: no query, no body, no header but the request id.
"""

import logging
import os
import stat
import threading
import time
import traceback
from typing import Any

import msgspec

from iris_deploy.serving.settings import LogFormat
from iris_deploy.serving.telemetry.request_lines import Answered, clock, utc, write_json, write_text

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
"""Characters that could forge a line or steer a terminal, and what is written for them."""

# Characters that are logged, so that a line is below the 4096 bytes that a pipe keeps together.
_LONGEST_MESSAGE, _LONGEST_TRACE = 800, 2000
_KEPT_TOGETHER = 4096  # bytes of a write that no other process's comes into, in a pipe
_AT_ONCE = 1 << 16  # bytes of a write to a file, which is never divided


class Log:
    """Write log lines.

    Parameters
    ----------
    style : {'text', 'json'}
        Text for a terminal, JSON for what collects logs.
    access : bool
        Whether requests are logged.
    descriptor : int
        File descriptor to write to; standard output.
    """

    def __init__(self, style: LogFormat, *, access: bool = True, descriptor: int = 1) -> None:
        self._json = style == "json"
        self._descriptor = _unblocked(descriptor)
        # Linux refuses to write to a terminal also while another process writes there.
        self._tries = 50 if os.isatty(descriptor) else 1
        self._at_once = _AT_ONCE if _is_file(descriptor) else _KEPT_TOGETHER
        self._write_request = write_json if self._json else write_text
        self._gathers_in: int | None = None  # a thread
        self._gathered: list[bytes] = []
        self._time = ""  # of the first of these
        self._lost = 0
        self.access = access
        self.worker: int | None = None
        """Number of the worker that this process is; None for the supervisor."""

    def event(self, level: str, event: str, message: str, **fields: object) -> None:
        """Say that something happened.

        Parameters
        ----------
        level : {'info', 'warning', 'error'}
        event : str
            One word, for machines.
        message : str
            A sentence, for people.
        fields : JSON values
            What a machine would want to read apart.
        """
        if self._gathers_in == threading.get_ident():
            self.flush()  # in the order in which it happened
        if len(message) > _LONGEST_MESSAGE:
            message = message[:_LONGEST_MESSAGE] + "..."
        if self._json:
            line: dict[str, object] = {"time": utc(), "level": level, "event": event}
            if self.worker is not None:
                line["worker"] = self.worker
            self._write_json(line | {"message": message} | fields)
        else:
            sender = "" if self.worker is None else f"worker {self.worker}: "
            word = "" if level == "info" else f"{level}: "
            more = fields.get("traceback") or fields.get("hint")
            begin = "" if event == "start" else f"{clock()} "
            message = message.translate(_CONTROLS)
            line_ = f"{begin}{sender}{word}{message}\n" + (f"{more}\n" if more else "")
            self._write(line_.encode(errors="backslashreplace"))

    def request(self, answered: Answered) -> None:
        """Say that a request was answered."""
        if not self._gathered:
            self._time = utc() if self._json else clock()
        line = self._write_request(answered, self.worker, self._time)
        if self._gathers_in is None:
            self._write(line)
        else:
            self._gathered.append(line)

    def gather(self) -> None:
        """Keep the lines of requests until `flush`: for a loop that answers several in a turn."""
        self._gathers_in = threading.get_ident()

    def flush(self) -> None:
        """Write the lines that were gathered: a few writes for all."""
        if not self._gathered:
            return
        lines, self._gathered = self._gathered, []
        piece: list[bytes] = []
        size = 0
        for line in lines:
            if size + len(line) > self._at_once:
                self._write(b"".join(piece), len(piece))
                piece, size = [], 0
            piece.append(line)
            size += len(line)
        self._write(b"".join(piece), len(piece))

    def exception(self, message: str, exc: BaseException) -> None:
        """Say that something failed that should not, with its traceback."""
        trace = "".join(traceback.format_exception(exc)).rstrip()
        self.event("error", "bug", message, traceback=trace[-_LONGEST_TRACE:])

    def bug(self, message: str, exc: BaseException | None, **fields: object) -> None:
        """Say that a request has met what nobody expected.

        Where, and of what kind: the text of an exception may quote the data of a request.

        Parameters
        ----------
        message : str
        exc : BaseException
        fields : JSON values
            The request's ``id``, where it is known.
        """
        self.event("error", "bug", message, **fields, traceback=_without_text(exc))

    def capture_logging(self) -> None:
        """Send what libraries log through here too: warnings and errors."""
        root = logging.getLogger()
        root.handlers[:] = [_Bridge(self)]
        root.setLevel(logging.WARNING)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a figure says it better

    def _write_json(self, line: dict[str, Any]) -> None:
        self._write(msgspec.json.encode(line) + b"\n")

    def _write(self, data: bytes, lines: int = 1) -> None:
        # A log that nobody takes, or not now; a full disk: no reason to stop answering.
        for _ in range(self._tries):
            try:
                os.write(self._descriptor, data)
            except BlockingIOError:
                time.sleep(0)
            except OSError:
                return
            else:
                break
        else:
            self._lost += lines
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self.event("warning", "lost", f"{lost} lines were lost: nobody took them")


class _Bridge(logging.Handler):
    """Turn records of the standard library's logging into events."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, object] = {"logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            fields["traceback"] = _without_text(record.exc_info[1])
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.event(level, "log", record.getMessage(), **fields)


def _without_text(exc: BaseException | None) -> str:
    if exc is None:
        return ""
    frames = "".join(traceback.format_tb(exc.__traceback__))
    return frames[-_LONGEST_TRACE:] + type(exc).__name__


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _unblocked(descriptor: int) -> int:
    """Return a descriptor of the same pipe or terminal that is written to or not, but never waits.

    Opened anew, so that nobody else's copy changes. Where that cannot be, writing may wait.
    """
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(kind) or os.isatty(descriptor):
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
            return os.open(f"/proc/self/fd/{descriptor}", flags)
    except OSError:
        pass
    return descriptor
