"""What the server says: one line per event and request, for a person or for a machine.

All goes to one file descriptor, each line in one write, so that the lines of several workers do
not mix. A line never holds the data of a request: no query, no body, no header but the request id.
"""

import contextlib
import logging
import os
import time
import traceback
from typing import Any

import msgspec

from iris_deploy.settings import LogFormat

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
"""Characters that could forge a line or steer a terminal, and what is written for them."""

_LONGEST_PATH = 256  # characters of a path that are logged


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
        self._descriptor = descriptor
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
        if self._json:
            line: dict[str, object] = {"time": _now(), "level": level, "event": event}
            if self.worker is not None:
                line["worker"] = self.worker
            self._write_json(line | {"message": message} | fields)
        else:
            sender = "" if self.worker is None else f"worker {self.worker}: "
            word = "" if level == "info" else f"{level}: "
            more = fields.get("traceback") or fields.get("hint")
            clock = "" if event == "start" else f"{_clock()} "
            message = message.translate(_CONTROLS)
            line_ = f"{clock}{sender}{word}{message}\n" + (f"{more}\n" if more else "")
            self._write(line_.encode(errors="backslashreplace"))

    def request(
        self,
        *,
        identity: str,
        client: str,
        method: str,
        path: str,
        status: int,
        seconds: float,
        size: int,
        lane: str,
    ) -> None:
        """Say that a request was answered.

        Parameters
        ----------
        identity : str
            The request id.
        client : str
            Address.
        method, path : str
            As they came, without the query; empty for what was not HTTP.
        status : int
        seconds : float
            From the last byte of the request to the last byte given to the kernel or its queue.
        size : int
            Bytes of the answer's body.
        lane : {'loop', 'pool'}
            Where it was worked on.
        """
        if len(path) > _LONGEST_PATH:
            path = path[:_LONGEST_PATH] + "..."
        if self._json:
            line = {
                "time": _now(),
                "level": "info",
                "event": "request",
                "worker": self.worker,
                "id": identity,
                "client": client,
                "method": method,
                "path": path,
                "status": status,
                "duration_ms": round(seconds * 1e3, 3),
                "bytes": size,
                "lane": lane,
            }
            self._write_json(line)
        else:
            what = f"{method or '-'} {path or '-'}".encode("ascii", "backslashreplace").decode()
            line_ = f"{_clock()} {status} {what} {seconds * 1e3:.2f} ms {client} {identity}\n"
            self._write(line_.encode("ascii", "backslashreplace"))

    def exception(self, message: str, exc: BaseException) -> None:
        """Say that something failed that should not, with its traceback."""
        trace = "".join(traceback.format_exception(exc)).rstrip()
        self.event("error", "bug", message, traceback=trace)

    def capture_logging(self) -> None:
        """Send what libraries log through here too: warnings and errors."""
        root = logging.getLogger()
        root.handlers[:] = [_Bridge(self)]
        root.setLevel(logging.WARNING)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a figure says it better

    def _write_json(self, line: dict[str, Any]) -> None:
        self._write(msgspec.json.encode(line) + b"\n")

    def _write(self, line: bytes) -> None:
        # A log that nobody takes any more, a full disk: no reason to stop answering.
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line)


class _Bridge(logging.Handler):
    """Turn records of the standard library's logging into events."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, object] = {"logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            # Where, and of what kind: the text of an exception may quote the data of a request.
            frames = "".join(traceback.format_tb(record.exc_info[2]))
            fields["traceback"] = f"{frames}{record.exc_info[0].__name__}"
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.event(level, "log", record.getMessage(), **fields)


def _now() -> str:
    """Return the time as RFC 3339 has it, in UTC, to the millisecond."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"


def _clock() -> str:
    return time.strftime("%H:%M:%S")
