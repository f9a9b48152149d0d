"""Run a fresh image as strictly as any platform does, and ask it what it must know.

Everything goes through the engine: the requests are made inside the container, so that it needs no
network, and an engine on another machine will do.
"""

import contextlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from iris_deploy.bundle.manifest import Example, Manifest
from iris_deploy.errors import ImageError
from iris_deploy.image.engines.container import Container
from iris_deploy.image.engines.failures import indent
from iris_deploy.image.engines.program import Program

HARDENED: Final = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--user", "1234567:0", "--pids-limit", "256", "--network", "none", "--volume", "/home"),
)
"""No writable file, no capabilities, a user that the image does not know, no network, and an empty
volume over /home, as Azure mounts one."""

PORTS: Final = (5000, 8080)
"""The talk's, and the one that most platforms probe."""

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 5
"""The least that any platform waits between SIGTERM and SIGKILL."""

_LOOK = 0.05  # seconds between two looks into the log

_ASK = """\
import http.client, json, sys, time
wait, ports, requests = json.load(sys.stdin)
deadline, answers = time.monotonic() + wait, []
for port in ports:
    while True:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            line.request("GET", "/health/ready")
            if line.getresponse().status == 200:
                break
            seen = "not ready"
        except OSError as exc:
            seen = exc
        if time.monotonic() > deadline:
            sys.exit(f"port {port}: {seen}")
        time.sleep(0.05)
    for path, body in requests:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        line.request("POST", path, body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        answers.append([port, answer.status, answer.read().decode()])
print(json.dumps(answers))
"""
"""Runs in the container. Python is all that is there to ask with."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What was seen.

    Parameters
    ----------
    ready_seconds : float
        From the start of the container's process to the server's first log line, by the machine
        that runs it.
    replayed : int
        Recorded examples that were answered to the last bit, on each port.
    ports : tuple of int
    stop_seconds : float
        From SIGTERM to the end.
    """

    ready_seconds: float
    replayed: int
    ports: tuple[int, ...]
    stop_seconds: float


def try_image(engine: Program, image: str, manifest: Manifest) -> Trial:
    """Start an image hardened, replay the recorded examples, and stop it with SIGTERM.

    Parameters
    ----------
    engine : Program
        docker or podman.
    image : str
    manifest : Manifest
        With the examples and what they were answered with.

    Returns
    -------
    Trial

    Raises
    ------
    ImageError
        With the container's log, if it does not start, answers otherwise or does not stop in time.
    """
    container = Container(engine, f"iris-deploy-trial-{secrets.token_hex(6)}")
    try:
        container.start(image, *HARDENED)
        return _examine(container, manifest)
    except ImageError as exc:
        log = container.logs().rstrip()[-2000:]
        message = f"the image did not pass its trial and gets no tag: {exc}"
        if log:
            message += f"\nIts log:\n{indent(log)}"
        hint = "`no_trial` tags it all the same, untried; `verbose` shows the build's log"
        raise ImageError(message, hint=hint) from exc
    finally:
        container.remove()


def _examine(container: Container, manifest: Manifest) -> Trial:
    examples = manifest.examples
    requests = [["/predict?details=true", json.dumps(e.instance)] for e in examples]
    given = json.dumps([READY_SECONDS, PORTS, requests])
    answers = json.loads(container.execute("python3", "-I", "-c", _ASK, given=given))
    expected = [(port, example) for port in PORTS for example in examples]
    for (port, example), (_, status, body) in zip(expected, answers, strict=True):
        if status != 200 or not _agrees(json.loads(body), example, manifest):
            raise ImageError(
                f"on port {port}, for {example.instance} expected {example.prediction} "
                f"{example.scores}; got {status} {body.strip()}"
            )
    ready = _seconds_to_start(container)
    before = time.monotonic()
    container.stop(STOP_SECONDS)
    seconds, code = time.monotonic() - before, container.state()["ExitCode"]
    if code != 0:
        raise ImageError(f"SIGTERM: expected exit code 0 within {STOP_SECONDS} s, got {code}")
    return Trial(
        ready_seconds=ready, replayed=len(examples), ports=PORTS, stop_seconds=round(seconds, 2)
    )


def _agrees(answer: Mapping[str, object], example: Example, manifest: Manifest) -> bool:
    """Compare an answer with the recorded one."""
    given: list[Any] = [answer.get(name, {}) for name in ("probabilities", "decision_values")]
    if isinstance(example.prediction, dict):  # of several outputs, each has its own
        scores = [s for name in example.prediction for by in given for s in _of(by, name)]
    else:
        scores = [score for by in given for score in by.values()]
    return example.agrees(answer["prediction"], scores, exactly=manifest.library is None)


def _of(by_output: Mapping[str, Mapping[str, float]], name: str) -> list[float]:
    return [*by_output.get(name, {}).values()]


def _seconds_to_start(container: Container) -> float:
    """Return the time from the container's start to the server's start line, seconds.

    The first worker answers before the others are there, of which that line tells.
    """
    started, end = str(container.state()["StartedAt"]), time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        for line in container.logs().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                said = json.loads(line)
                if said["event"] == "start":
                    since = datetime.fromisoformat(said["time"]) - datetime.fromisoformat(started)
                    return round(since.total_seconds(), 2)
        time.sleep(_LOOK)
    raise ImageError("its log has no start line")
