"""A container engine for tests: the machine's own, with a base image that it already has."""

import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.facts import READY_PATH
from tests.conftest import Answer, free_port, run_process
from tests.pieces import JSON
from tests.tools import require
from tests.waits import wait_until

BASE = os.environ.get(
    "IRIS_DEPLOY_TEST_BASE", f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
)
"""Base image of the tests: pulled beforehand, or made by .ci/engine."""

TAG = "iris-deploy-tests/iris:1.0"
_VIRGINICA = b'{"prediction":"virginica"}'
UNNEEDED = {
    *("sklearn", "scipy", "joblib", "pandas", "pyarrow", "matplotlib"),
    *("rich", "pygments", "pip", "tests"),
}
"""What has no place in an image."""

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def docker(*words: str, given: bytes = b"", fine: bool = True) -> str:
    """Run the docker client and return what it prints."""
    ran = subprocess.run(["docker", *words], input=given, capture_output=True, check=False)
    assert not fine or ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode().strip()


def require_engine() -> None:
    """Skip a test, or fail it where tools are required, without an engine and a base image."""
    require("docker")
    missing = None
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        missing = "no Docker Engine answers"
    elif not docker("image", "ls", "--quiet", BASE, fine=False):
        missing = f"the engine has no image {BASE}: docker pull {BASE}"
    if missing and os.environ.get("IRIS_DEPLOY_TEST_TOOLS") == "required":
        pytest.fail(missing)
    if missing:
        pytest.skip(f"containers are not tested: {missing}")


def build(*options: object, cwd: Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Run build-image with ``--json`` and return its report."""
    ran = run_process("build-image", "--base-image", BASE, "--json", *options, cwd=cwd, env=env)
    assert ran.returncode == 0, ran.stderr.decode()
    report: dict[str, Any] = json.loads(ran.stdout)
    return report


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process of the tests at a time do something."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def container(image: str, *options: str, command: Sequence[str] = ()) -> Iterator["Container"]:
    """Run an image in the background until the block ends."""
    identity = docker("run", "--detach", *options, image, *command)
    try:
        yield Container(identity)
    finally:
        docker("rm", "--force", "--volumes", identity)


@contextmanager
def engine_with_room_for(megabytes: int, directory: Path) -> Iterator[str]:
    """Run a Docker Engine with the base image and so much free disk, and yield its address.

    It has a network of its own, since it would take the bridge away from the other engine.
    """
    daemon, disk = require("dockerd"), directory / "disk"
    disk.mkdir()
    short = tempfile.mkdtemp()
    address = f"unix://{short}/docker.sock"
    roots = f"--data-root {disk} --exec-root {short}/exec --pidfile {short}/pid"
    script = f"mount -t tmpfs none {disk} && exec {daemon} --host {address} {roots} --bridge none"
    with (directory / "engine.log").open("w") as log:
        engine = subprocess.Popen(["unshare", "--mount", "--net", "sh", "-c", script], stderr=log)
    try:
        env = {**os.environ, "DOCKER_HOST": address}

        def call(*words: str, **more: Any) -> bool:
            return subprocess.run(["docker", *words], env=env, check=False, **more).returncode == 0

        wait_until(lambda: call("version", capture_output=True), 30)
        with subprocess.Popen(["docker", "save", BASE], stdout=subprocess.PIPE) as saved:
            assert call("load", "--quiet", stdin=saved.stdout)
        seen = os.statvfs(f"/proc/{engine.pid}/root{disk}")
        size = (seen.f_blocks - seen.f_bfree) * seen.f_frsize + megabytes * 2**20
        remount = ["mount", "--options", f"remount,size={size}", str(disk)]
        subprocess.run(["nsenter", f"--mount=/proc/{engine.pid}/ns/mnt", *remount], check=True)
        yield address
    finally:
        engine.terminate()
        engine.wait(30)
        remove_store(short)


@contextmanager
def running_registry(directory: Path, password: str | None = None) -> Iterator[str]:
    """Run a registry on loopback until the block ends; with a line of htpasswd it is closed."""
    program, port = require("docker-registry"), free_port()
    configuration = directory / "registry.yml"
    text = (
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {directory / 'registry'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    if password:
        (directory / "htpasswd").write_text(password + "\n")
        text += f"auth: {{htpasswd: {{realm: tests, path: {directory / 'htpasswd'}}}}}\n"
    configuration.write_text(text)
    command, silence = [program, "serve", str(configuration)], subprocess.DEVNULL
    with subprocess.Popen(command, stdout=silence, stderr=silence) as process:
        try:
            wait_until(lambda: _listens(port))
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


class Container:
    """A running container."""

    def __init__(self, identity: str) -> None:
        self.identity = identity

    @cached_property
    def address(self) -> str:
        """Its own address on the engine's bridge: nothing stands between it and the test."""
        return docker(
            "inspect",
            "--format",
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            self.identity,
        )

    def log(self) -> str:
        command = ["docker", "logs", self.identity]
        return subprocess.run(command, capture_output=True, check=True).stdout.decode()

    def start(self) -> dict[str, Any]:
        """Return what the log says of the start, once all workers are there."""

        def told() -> list[dict[str, Any]]:
            lines = map(json.loads, self.log().splitlines())
            return [line for line in lines if line["event"] == "start"]

        wait_until(told)
        return told()[0]

    def state(self, field: str) -> str:
        return docker("inspect", "--format", "{{.State." + field + "}}", self.identity)

    def predicts(self, port: int) -> bool:
        """Ask for the talk's prediction, waiting until the server is there."""
        self.is_ready(port)
        return self.post(port, b'{"length": 5.1, "width": 2.4}') == (200, _VIRGINICA)

    def is_ready(self, port: int, path: str = READY_PATH) -> None:
        """Wait until the server is there."""

        def is_there() -> bool:
            try:
                self.get(port, path)
            except OSError:
                assert self.state("Running") == "true", self.log()
                return False
            return True

        wait_until(is_there)

    def get(self, port: int, path: str) -> tuple[int, bytes]:
        answer = self.ask(port, "GET", path)
        return answer.status, answer.body

    def post(self, port: int, body: bytes) -> tuple[int, bytes]:
        answer = self.ask(port, "POST", "/predict", body, JSON)
        return answer.status, answer.body

    def refuses(self, port: int) -> bool:
        try:
            self.get(port, "/")
        except ConnectionRefusedError:
            return True
        return False

    def ask(
        self,
        port: int,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = 20,
    ) -> Answer:
        """Send a request with these headers and no Content-Type beside them."""
        line = http.client.HTTPConnection(self.address, port, timeout=timeout)
        try:
            line.request(method, path, body, dict(headers or {}))
            answer = line.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            line.close()


def remove_store(*folders: str | Path) -> None:
    """Remove folders in which podman or buildah kept images, which they leave mounted."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for folder in folders:
        for mount in sorted(mounts, reverse=True):  # what lies deeper first
            if Path(mount).is_relative_to(folder):
                subprocess.run(["umount", "--lazy", mount], check=True)
        if Path(folder).exists():
            shutil.rmtree(folder)
