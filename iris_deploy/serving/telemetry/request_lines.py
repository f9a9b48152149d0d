"""The line of the access log for one request, for a person or for a machine.

There is one for every request, so it is put together from pieces that are kept: the second, the
path, the method. What clients send is cut and escaped before it is any of them.
"""

import re
import time
from functools import lru_cache
from typing import Final

import msgspec

_UNPRINTABLE = re.compile(r"[^!-~]")
_ADDRESS = re.compile(r"[0-9A-Za-z.:%_-]*+")  # nothing of it needs to be escaped anywhere

# Characters that are logged, so that a line is below the 4096 bytes that a pipe keeps together.
_LONGEST_METHOD: Final = 32
_LONGEST_PATH: Final = 256
_KEPT = 1024  # paths and methods as they are written


Answered = tuple[str, str, str, str, int, float, int, str, str]
"""A request that was answered.

- request id, checked
- address of the client
- method, and path without the query, as they came; empty for what was not HTTP
- status
- seconds from the last byte of the request to the last byte given to the kernel or its queue
- bytes of the answer's body
- ``loop`` or ``pool``: where it was worked on
- the header ``traceparent``, checked; empty if there is none

A plain tuple: one with names takes a third of the time of a line.
"""


def write_json(answered: Answered, worker: int | None, now: str) -> bytes:
    """Write a line for a machine.

    Parameters
    ----------
    answered : Answered
    worker : int or None
        Number of the process that has answered.
    now : str
        See `utc`.
    """
    identity, client, method, path, status, seconds, size, lane, trace = answered
    if not _ADDRESS.fullmatch(client):
        client = _json(client, _LONGEST_PATH)
    more = f',"traceparent":"{trace}"}}\n' if trace else "}\n"
    return (
        f'{{"time":"{now}","level":"info","event":"request",'
        f'"worker":{"null" if worker is None else worker},"id":"{identity}","client":"{client}",'
        f'{_members(method, path)},"status":{status},"duration_ms":{seconds * 1e3:.3f},'
        f'"bytes":{size},"lane":"{lane}"{more}'
    ).encode()


def write_text(answered: Answered, _worker: int | None, now: str) -> bytes:
    """Write a line for a person; see `write_json`, and `clock` for the time."""
    identity, client, method, path, status, seconds, _, _, _ = answered
    what = f"{_plain(method, _LONGEST_METHOD) or '-'} {_plain(path, _LONGEST_PATH) or '-'}"
    took = f"{seconds * 1e3:.2f} ms"
    return f"{now} {status} {what} {took} {_plain(client, _LONGEST_PATH)} {identity}\n".encode()


def utc() -> str:
    """Return the time as RFC 3339 has it, in UTC, to the millisecond."""
    now = time.time()
    second = int(now)
    return f"{_utc(second)}.{int((now - second) * 1000):03d}Z"


def clock() -> str:
    """Return the time of day, here."""
    return _clock(int(time.time()))


@lru_cache(1)
def _utc(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


@lru_cache(1)
def _clock(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


@lru_cache(_KEPT)
def _plain(text: str, longest: int) -> str:
    """Cut a text, and write it as URLs have it: else it could forge a line or steer a terminal."""
    if len(text) > longest:
        text = text[:longest] + "..."
    return _UNPRINTABLE.sub(_escape, text)


def _json(text: str, longest: int) -> str:
    """Write the same between the quotes of a string in JSON."""
    return msgspec.json.encode(_plain(text, longest)).decode()[1:-1]


@lru_cache(_KEPT)
def _members(method: str, path: str) -> str:
    """Write both as members of an object in JSON."""
    method, path = _json(method, _LONGEST_METHOD), _json(path, _LONGEST_PATH)
    return f'"method":"{method}","path":"{path}"'


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("latin-1", "replace"))
