"""Fixtures: the command run in this process, trained bundles, and a served one."""

import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from iris_deploy.bundle.settings import ARTIFACTS_VARIABLE
from iris_deploy.cli import main
from iris_deploy.serving.settings import HOST_VARIABLE, PORT_VARIABLES
from tests.waits import wait_until

COMMAND = (sys.executable, "-m", "iris_deploy")
"""The console command in a process of its own."""


@dataclass(frozen=True)
class Result:
    """What a run of the command left: exit code and output."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the console command in this process and return its exit code and output."""
    for name in (ARTIFACTS_VARIABLE, HOST_VARIABLE, *PORT_VARIABLES):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        if isinstance(sys.stderr, io.TextIOWrapper):
            sys.stderr.reconfigure(errors="backslashreplace")  # as that of a process is
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


def run_process(
    *arguments: object,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run the console command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=150,
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have coverage leave processes alone that a test starts: it would load and write files."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained") / "artifacts"
    assert main(["train", "--artifacts", str(root)]) == 0
    assert main(["train", "--artifacts", str(root), "--classifier", "logistic-regression"]) == 0
    return root


@pytest.fixture
def artifacts(_trained: Path, tmp_path: Path) -> Path:
    """Copy a repository with iris 1 (the talk's perceptron) and 2 (logistic regression)."""
    return Path(shutil.copytree(_trained, tmp_path / "artifacts"))


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running ``iris-deploy serve``: its process, its first URL, and what it has logged."""

    process: subprocess.Popen[str]
    url: str
    start: dict[str, Any]
    output: Path
    errors: Path

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def connect(self, timeout: float = 20) -> socket.socket:
        return socket.create_connection(self.address, timeout)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def predict(self, value: object, query: str = "", **headers: str) -> Answer:
        body = value if isinstance(value, (bytes, str)) else json.dumps(value)
        return self.request(
            "POST", f"/predict{query}", body, {"Content-Type": "application/json", **headers}
        )

    def log(self) -> list[dict[str, Any]]:
        """Return the log lines so far; each is one JSON object."""
        whole = self.output.read_text().rpartition("\n")[0]  # of a line at work a part may show
        return [json.loads(line) for line in whole.split("\n")]

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log() if line["event"] == event]

    def workers(self) -> list[int]:
        """Return the process ids of the workers that live."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def metrics(self) -> dict[str, float]:
        """Return the figures of a scrape by name and labels, as they are written."""
        text = self.request("GET", "/metrics").body.decode()
        samples = [line.rpartition(" ") for line in text.splitlines() if line[0] != "#"]
        return {name: float(value) for name, _, value in samples}

    def stop(self, number: int = signal.SIGTERM, timeout: float = 20) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout)


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_line(output: Path) -> str:
    """Return the line that says that it serves, which warnings may precede; empty if none does."""
    lines = output.read_text().split("\n")[:-1]
    return next((line for line in lines if '"event":"start"' in line or "Serving " in line), "")


@contextmanager
def serving(
    artifacts: Path,
    *options: object,
    env: dict[str, str] | None = None,
    prefix: Sequence[str] = (),
    files: Sequence[int] = (),
    command: Sequence[str] = COMMAND,
) -> Iterator[Server]:
    """Serve a repository until the block ends, on `files`, as told, or else on a free port."""
    unset = {HOST_VARIABLE, *PORT_VARIABLES}
    clean = {k: v for k, v in os.environ.items() if k not in unset}
    words = list(map(str, options))
    somewhere = {"--port", "-p", "--unix-socket"} & set(words) or unset & set(env or ())
    if not somewhere and not files:
        words += ["--port", "0"]
    with tempfile.TemporaryDirectory() as directory:
        output, errors = Path(directory) / "out", Path(directory) / "err"
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                [*prefix, *command, "serve", "--artifacts", str(artifacts), *words],
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                text=True,
                env={**clean, **(env or {})},
                pass_fds=files,
            )
        try:
            wait_until(lambda: start_line(output) or process.poll() is not None)
            line = start_line(output)
            assert line, errors.read_text()
            start = json.loads(line) if line.startswith("{") else {"message": line}
            url = start["message"].split(" at ")[1].split(",")[0].split(" and ")[0]
            yield Server(process, url, start, output, errors)
        finally:
            process.kill()
            process.communicate()


@pytest.fixture(scope="session")
def server(_trained: Path) -> Iterator[Server]:
    """The talk's bundle, served; one server a test process, never changed by a test."""
    with serving(_trained, "--version", 1, "--access-log", "all") as running:
        yield running
