"""A browser that tests drive: Chromium without a window, by its DevTools protocol over a pipe.

References
----------
https://chromedevtools.github.io/devtools-protocol/
"""

import itertools
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.tools import require
from tests.waits import wait_until

_PATIENCE = 60.0  # s for the answer to a command; the first waits for the browser's start
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-extensions", "--disable-sync", "--hide-scrollbars", "--no-proxy-server"),
)
_KEYS = {"Tab": 9, "Enter": 13, " ": 32}


class Page:
    """A page in a browser, and what it has said and asked for since it was made.

    Attributes
    ----------
    errors : list of str
        Of its console: exceptions, what a policy has blocked, answers that were errors.
    asked : list of str
        Addresses of its requests.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._numbers = itertools.count(1)
        self._unread = b""
        self._session = ""
        self.errors: list[str] = []
        self.asked: list[str] = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        attached = self.command("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **given: object) -> Any:
        """Give a command and return its result."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = self._read(deadline)
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer.get("method", ""), answer.get("params", {}))

    def _read(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._unread:
            left = deadline - time.monotonic()
            assert left > 0, "the browser does not answer"
            if select.select([self._answers], [], [], left)[0]:
                more = os.read(self._answers, 1 << 20)
                assert more, "the browser has ended"
                self._unread += more
        message, _, self._unread = self._unread.partition(b"\0")
        read: dict[str, Any] = json.loads(message)
        return read

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(told["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in {"error", "assert"}:
            self.errors.append(json.dumps(told["args"]))
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])

    def open(self, url: str) -> None:
        """Load an address."""
        self.command("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        ran = self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in ran, ran["exceptionDetails"]
        return ran["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true in the page."""
        wait_until(
            lambda: self.run(f"!!({script})"), failed=lambda: (script, self.errors, self.text())
        )

    def text(self) -> str:
        """Return what is there to be read."""
        read: str = self.run("document.body.innerText")
        return read

    def press(self, key: str) -> None:
        """Press a key and let go."""
        code = _KEYS[key]
        typed = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            text = typed if kind == "keyDown" else ""
            self.command(
                "Input.dispatchKeyEvent",
                type=kind, key=key, code=key, text=text, windowsVirtualKeyCode=code,
            )  # fmt: skip


@contextmanager
def browsing(folder: Path) -> Iterator[Page]:
    """Start a browser, whose profile is kept in a folder, and open a page in it."""
    commands, given = os.pipe()
    taken, answers = os.pipe()
    # The browser expects them at 3 and 4.
    redirect = f'exec "$0" "$@" 3</dev/fd/{commands} 4>/dev/fd/{answers}'
    words = [*_OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={folder}"]
    with (folder / "log").open("wb") as log:
        browser = subprocess.Popen(
            ["/bin/sh", "-c", redirect, require("chromium"), *words],
            pass_fds=(commands, answers), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    os.close(commands)
    os.close(answers)
    try:
        yield Page(given, taken)
    finally:
        os.close(given)  # with which it ends, and its children before it
        os.close(taken)
        try:
            browser.wait(_PATIENCE)
        finally:
            browser.kill()
