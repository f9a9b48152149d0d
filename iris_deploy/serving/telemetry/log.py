"""What the server says: one line per event and request, for a person or for a machine.

All goes to one file descriptor, each line in one write, so that the lines of several workers do
not mix. A line never holds the data of a request: no query, no body, no header but the request id.
"""

import logging
import os
import re
import stat
import time
import traceback
from typing import Any

import msgspec

from iris_deploy.serving.settings import LogFormat

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
"""Characters that could forge a line or steer a terminal, and what is written for them."""

_UNPRINTABLE = re.compile(r"[^!-~]")

# Characters that are logged, so that a line is below the 4096 bytes that a pipe keeps together.
_LONGEST_METHOD, _LONGEST_PATH, _LONGEST_MESSAGE, _LONGEST_TRACE = 32, 256, 800, 2000


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
        if len(message) > _LONGEST_MESSAGE:
            message = message[:_LONGEST_MESSAGE] + "..."
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
        trace: str | None = None,
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
        trace : str, optional
            The header ``traceparent``, checked.
        """
        method = method[:_LONGEST_METHOD]
        if len(path) > _LONGEST_PATH:
            path = path[:_LONGEST_PATH] + "..."
        # As URLs have it: what is no printable ASCII could forge a line or steer a terminal.
        path, client = _UNPRINTABLE.sub(_escape, path), _UNPRINTABLE.sub(_escape, client)
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
            self._write_json(line | {"traceparent": trace} if trace else line)
        else:
            what = f"{method or '-'} {path or '-'}"
            line_ = f"{_clock()} {status} {what} {seconds * 1e3:.2f} ms {client} {identity}\n"
            self._write(line_.encode())

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

    def _write(self, line: bytes) -> None:
        # A log that nobody takes, or not now; a full disk: no reason to stop answering.
        for _ in range(self._tries):
            try:
                os.write(self._descriptor, line)
            except BlockingIOError:
                time.sleep(0)
            except OSError:
                return
            else:
                break
        else:
            self._lost += 1
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


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("latin-1", "replace"))


def _now() -> str:
    """Return the time as RFC 3339 has it, in UTC, to the millisecond."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"


def _clock() -> str:
    return time.strftime("%H:%M:%S")
