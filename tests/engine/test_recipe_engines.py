"""What recipes write for engines, run by engines."""

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Run, free_port
from tests.containers import (
    TAG,
    build,
    docker,
    remove_store,
    require_engine,
    running_registry,
)
from tests.load import SMALL, read_answer
from tests.pieces import INSTANCE, post
from tests.raw_http import get
from tests.recipes import documents
from tests.tools import require
from tests.waits import wait_until

pytestmark = pytest.mark.once

NAME = "iris-deploy-tests"


@pytest.fixture(scope="module")
def published(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Have an image of the newest bundle in a registry, and return its tag there."""
    require_engine()
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        tag = f"{registry}/user/iris:1.0"
        build("--artifacts", _trained, "--tag", tag, "--push", cwd=_trained)
        yield tag
        docker("rmi", "--force", tag, fine=False)


def ask(address: tuple[str, int], request: bytes = SMALL) -> tuple[int, Any]:
    """Return the status and what the answer's JSON says; 0 if there is none."""
    try:
        with socket.create_connection(address, 10) as connection:
            connection.sendall(request)
            answer = read_answer(connection)
            return answer.status, answer.json()
    except OSError:
        return 0, None


RIGHT = (200, {"prediction": "virginica"})
Written = Callable[..., Path]


@pytest.fixture
def written(run: Run, artifacts: Path, tmp_path: Path, published: str) -> Written:
    """Write a recipe of the image, as a user does, and return its folder."""

    def written(kind: str, *options: object) -> Path:
        folder = tmp_path / kind
        given = ("--image", published, "--artifacts", artifacts, "--output", folder)
        ran = run("recipe", kind, *given, "--name", NAME, *options)
        assert (ran.code, ran.err) == (0, "")
        return folder

    return written


def inspected(name: str) -> Any:
    return json.loads(docker("inspect", name))[0]


def is_hardened(host: Any) -> bool:
    """Tell whether a container has what recipes promise of it."""
    return (
        host["ReadonlyRootfs"] is True
        and host["CapDrop"] == ["ALL"]
        and any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
        and host["Memory"] == host["MemorySwap"] == 384 << 20
        and host["PidsLimit"] == 256
        and host["RestartPolicy"]["Name"] == "unless-stopped"
    )


def test_the_shell_script_runs_the_image_and_a_newer_one_in_its_place(written: Written) -> None:
    port = free_port()
    folder = written("docker", "--port", port)
    script = folder / "run.sh"
    assert "@sha256:" in script.read_text()
    try:
        for _ in range(2):
            subprocess.run(["sh", script], check=True, capture_output=True, timeout=120)
            assert ask(("127.0.0.1", port)) == RIGHT
            assert is_hardened(inspected(NAME)["HostConfig"])
            assert inspected(NAME)["State"]["Health"]["Status"] in {"starting", "healthy"}
    finally:
        docker("rm", "--force", NAME, fine=False)


def test_tokens_of_the_shell_script_are_wanted_and_rotate(written: Written) -> None:
    port = free_port()
    folder = written("docker", "--port", port, "--tokens")
    script = ["sh", str(folder / "run.sh")]
    refused = subprocess.run(script, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "put a bearer token into secrets/tokens first" in refused.stderr
    (folder / "secrets").mkdir()
    tokens = folder / "secrets/tokens"

    def status(token: str) -> int:
        authorization = b"Authorization: Bearer " + token.encode()
        body = json.dumps(INSTANCE).encode()
        return ask(("127.0.0.1", port), post(body, authorization))[0]

    try:
        tokens.write_text("the-first-token-of-two\n")
        subprocess.run(script, check=True, capture_output=True, timeout=120)
        assert (status("the-first-token-of-two"), status("another")) == (200, 401)
        tokens.write_text("the-second-token-of-two\n")
        docker("kill", "--signal", "HUP", NAME)
        wait_until(lambda: status("the-second-token-of-two") == 200)
        assert status("the-first-token-of-two") == 401
    finally:
        docker("rm", "--force", NAME, fine=False)


def test_compose_runs_its_file_and_waits_until_it_is_healthy(written: Written) -> None:
    tools = os.environ.get("IRIS_DEPLOY_TEST_VALIDATORS")
    if not tools:
        require("docker-compose")
    compose = str(Path(tools or "", "bin/docker-compose"))
    port = free_port()
    folder = written("compose", "--port", port, "--tokens")
    (folder / "tokens").write_text("the-first-token-of-two\n")
    command = [compose, "--file", str(folder / "compose.yaml")]
    try:
        up = [*command, "up", "--detach", "--wait", "--quiet-pull"]
        ran = subprocess.run(up, capture_output=True, text=True, check=False, timeout=180)
        assert ran.returncode == 0, ran.stderr
        assert ask(("127.0.0.1", port))[0] == 401
        (container,) = docker(
            "ps", "--quiet", "--filter", f"label=com.docker.compose.project={NAME}"
        ).split()
        state = inspected(container)
        assert is_hardened(state["HostConfig"])
        assert state["State"]["Health"]["Status"] == "healthy"
        assert state["Config"]["StopTimeout"] == 10
    finally:
        subprocess.run([*command, "down", "--volumes"], capture_output=True, check=False)


CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=10000:10000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@pytest.fixture
def podman(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run podman with a store of its own, and what it takes where there is no systemd."""
    program = require("podman")
    require("runc")
    require("catatonit")
    short = Path(tempfile.mkdtemp())  # podman takes no longer ones
    (short / "containers.conf").write_text(CONTAINERS_CONF)
    env = {**os.environ, "CONTAINERS_CONF": str(short / "containers.conf")}
    store = ("--root", str(tmp_path / "store"), "--runroot", str(short / "run"))

    def podman(*words: object, fine: bool = True) -> str:
        command = [program, *store, *map(str, words)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        assert not fine or ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    try:
        yield podman
    finally:
        podman("pod", "rm", "--all", "--force", fine=False)
        podman("network", "rm", "--force", NAME, fine=False)
        podman("rmi", "--all", "--force", fine=False)
        remove_store(tmp_path / "store", short)


def test_podman_plays_the_deployment_of_kubernetes(
    run: Run, artifacts: Path, tmp_path: Path, published: str, podman: Callable[..., str]
) -> None:
    """Unchanged but for its probes: podman would run curl in the container for them."""
    local = f"localhost/{TAG}"
    docker("tag", published, local)
    archive = tmp_path / "image.tar"
    docker("save", "--output", str(archive), local)
    podman("pull", f"docker-archive:{archive}")
    folder = tmp_path / "kubernetes"
    given = ("--image", local, "--no-lookup", "--artifacts", artifacts)
    assert run("recipe", "kubernetes", *given, "--output", folder, "--name", NAME).code == 0
    (deployment,) = documents((folder / "base/deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    probes = {kind: container.pop(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")}
    path = tmp_path / "deployment.yaml"
    path.write_text(yaml.safe_dump(deployment))
    podman("network", "create", NAME)
    podman("kube", "play", "--network", NAME, path)
    (name,) = [
        line for line in podman("ps", "--format", "{{.Names}}").split() if line.endswith("server")
    ]
    state = json.loads(podman("inspect", name))[0]
    pod = json.loads(podman("pod", "inspect", state["Pod"]))
    infra = json.loads(podman("inspect", pod["InfraContainerID"]))[0]
    (network,) = infra["NetworkSettings"]["Networks"].values()
    address = (network["IPAddress"], container["ports"][0]["containerPort"])
    paths = [probe["httpGet"]["path"].encode() for probe in probes.values()]
    wait_until(lambda: [ask(address, get(path))[0] for path in paths] == [200] * 3)
    assert ask(address) == RIGHT
    status = Path(f"/proc/{state['State']['Pid']}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["1000"] * 4
    assert {fields[name] for name in ("CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"
    assert state["HostConfig"]["ReadonlyRootfs"] is True
    assert state["HostConfig"]["Memory"] == 384 << 20
    docker("rmi", local)
