"""Fixtures: the command run in this process, trained bundles, and a served one."""

import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from iris_deploy.cli import main

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
    for name in ("IRIS_DEPLOY_ARTIFACTS", "PORT", "AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Result:
        capsys.readouterr()
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
        timeout=60,
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )


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


@dataclass(frozen=True)
class Server:
    """A running ``iris-deploy serve``."""

    process: subprocess.Popen[str]
    url: str

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

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

    def predict(self, value: object, query: str = "") -> Answer:
        body = value if isinstance(value, (bytes, str)) else json.dumps(value)
        return self.request("POST", f"/predict{query}", body, {"Content-Type": "application/json"})


@contextmanager
def serving(
    artifacts: Path, *options: object, env: dict[str, str] | None = None
) -> Iterator[Server]:
    """Serve a repository on a free port until the block ends."""
    clean = {k: v for k, v in os.environ.items() if k not in {"PORT", "AIP_HTTP_PORT"}}
    process = subprocess.Popen(
        [*COMMAND, "serve", "--artifacts", str(artifacts), *map(str, options or ("--port", 0))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**clean, "PYTHONUNBUFFERED": "1", **(env or {})},
    )
    try:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        assert " at http" in line, line + process.stderr.read()
        yield Server(process, line.split(" at ")[1].split(",")[0])
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def server(_trained: Path) -> Iterator[Server]:
    """The talk's bundle, served; one server a test process, never changed by a test."""
    with serving(_trained, "--port", 0, "--version", 1) as running:
        yield running
