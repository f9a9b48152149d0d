"""What others set in the environment: platforms their ports, Kubernetes and Docker more."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_deploy.bundle.settings import ARTIFACTS_VARIABLE
from iris_deploy.errors import SettingsError
from iris_deploy.serving.environment import COLLIDING, injected_variables, named_ports
from iris_deploy.serving.settings import HOST_VARIABLE, PORT_VARIABLES, TOKENS_VARIABLE
from tests.conftest import Run, free_port, run_process, serving
from tests.load import ask_port
from tests.package import ROOT

OURS = (*PORT_VARIABLES, HOST_VARIABLE, ARTIFACTS_VARIABLE, TOKENS_VARIABLE)
INJECTED = "tcp://10.96.0.1:80"
SUFFIXES = {
    # Kubernetes, for a Service with one port, and with a named one.
    "_SERVICE_HOST": "10.96.0.1",
    "_SERVICE_PORT": "80",
    "_SERVICE_PORT_HTTP": "80",
    "_PORT": INJECTED,
    "_PORT_80_TCP": INJECTED,
    "_PORT_80_TCP_PROTO": "tcp",
    "_PORT_80_TCP_PORT": "80",
    "_PORT_80_TCP_ADDR": "10.96.0.1",
    "_PORT_53_UDP": "udp://10.96.0.1:53",
    "_PORT_9_SCTP": "sctp://[fd00::1]:9",
    # Docker, for a link.
    "_NAME": "/web/iris-deploy",
    "_ENV_PATH": "/usr/bin",
}


def health(**env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [sys.executable, "-m", "iris_deploy.serving.healthcheck"],
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_whatever_a_service_or_link_sets_in_a_name_of_ours_is_seen_to_be_injected() -> None:
    """For every name that a Service can have so that one of its variables is one of ours."""
    found = set()
    for variable in OURS:
        for suffix, value in SUFFIXES.items():
            if variable.endswith(suffix) and variable != suffix:
                assert injected_variables({variable: value}) == (variable,)
                found.add(variable)
    assert found == {"SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT", "IRIS_DEPLOY_PORT"}
    image = (ROOT / "Dockerfile").read_text()
    assert not found & set(re.findall(r"^(?:ENV|   ) *([A-Z_]+)=", image, re.MULTILINE))


@pytest.mark.parametrize("variable", COLLIDING)
def test_an_injected_value_is_ignored_and_named(artifacts: Path, variable: str) -> None:
    port = free_port()
    env = {"IRIS_DEPLOY_PORTS": str(port), variable: INJECTED}
    options = ("--port", port) if variable == "IRIS_DEPLOY_PORTS" else ()
    with serving(artifacts, "--workers", 1, *options, env=env) as running:
        assert running.url == f"http://127.0.0.1:{port}"
        (event,) = running.events("ignored")
        assert (event["level"], event["variable"]) == ("warning", variable)
        assert variable in event["message"]
        asked = health(**env)
        if not options:
            assert (asked.returncode, asked.stderr) == (0, "")


def test_tokens_that_look_injected_do_not_open_the_server(artifacts: Path) -> None:
    """No Service can make this name: whoever set it meant it."""
    env = {TOKENS_VARIABLE: INJECTED}
    result = run_process("serve", "--artifacts", artifacts, "--port", 0, env=env)
    assert result.returncode == 2
    assert TOKENS_VARIABLE.encode() in result.stderr


def test_the_environment_is_as_before_after_a_command(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ARTIFACTS_VARIABLE, INJECTED)
    assert run("predict", "{}", "--artifacts", "nowhere").code == 1
    assert os.environ[ARTIFACTS_VARIABLE] == INJECTED


def test_the_image_ports_come_last_and_all_of_them_count() -> None:
    ours = {"IRIS_DEPLOY_PORTS": "5000 8080"}
    assert named_ports(ours) == (5000, 8080)
    assert named_ports({**ours, "IRIS_DEPLOY_PORT": " "}) == (5000, 8080)
    assert named_ports({**ours, "IRIS_DEPLOY_PORT": INJECTED}) == (5000, 8080)
    for name in PORT_VARIABLES[:-1]:
        assert named_ports({**ours, name: "9000"}) == (9000,)
    assert named_ports({}) == ()


@pytest.mark.parametrize(
    "value", ["x", "-1", "65536", "5000 x", "1e3", "0x10", "9" * 5000, "http://x", "٣", "5_0", "+5"]
)
@pytest.mark.parametrize("variable", [PORT_VARIABLES[0], PORT_VARIABLES[-1]])
def test_what_is_no_port_is_a_usage_error_that_names_the_variable(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        named_ports({variable: value})
    monkeypatch.setenv(variable, value)
    result = run("serve", "--artifacts", "nowhere")
    assert result.code == 2
    assert variable in result.err
    assert len(result.err) < 500


@pytest.mark.parametrize(
    "env",
    [
        *({name: value} for name in PORT_VARIABLES for value in ("x", "-1", "99999", "9" * 5000)),
        *(
            {HOST_VARIABLE: host, "PORT": "1"}
            for host in ("a\nb", "a b", "x" * 300, "-", ".", "a..b", "\udcff", "[", "http://x", "%")
        ),
        {"PORT": "0"},
    ],
    ids=lambda env: ascii(env)[:60],
)
def test_the_health_check_ends_with_one_line_whatever_it_is_told(env: dict[str, str]) -> None:
    asked = health(**env)
    assert asked.returncode == 1
    assert asked.stdout == ""
    assert len(asked.stderr.splitlines()) == 1
    assert "Traceback" not in asked.stderr


@pytest.fixture
def babbler() -> Iterator[int]:
    """Listen, and answer with what is not HTTP."""
    code = (
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\n"
        "print(s.getsockname()[1], flush=True)\n"
        "while True:\n    c = s.accept()[0]\n    c.recv(999)\n    c.sendall(b'SSH-2.0\\n')\n"
        "    c.close()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.kill()


def test_the_health_check_is_not_confused_by_another_protocol(babbler: int) -> None:
    asked = health(PORT=str(babbler))
    assert (asked.returncode, asked.stdout) == (1, "")
    assert len(asked.stderr.splitlines()) == 1


@pytest.mark.parametrize("host", ["*", "::", "0.0.0.0", "127.0.0.1", "127.0.0.3", "::1", None])
def test_the_health_check_asks_where_the_server_listens(artifacts: Path, host: str | None) -> None:
    env = {"PORT": str(free_port())} | ({HOST_VARIABLE: host} if host else {})
    with serving(artifacts, "--workers", 1, env=env):
        asked = health(**env)
        assert (asked.returncode, asked.stderr) == (0, "")


def test_the_health_check_loads_nothing_heavy() -> None:
    script = (
        "import sys, iris_deploy.serving.healthcheck; "
        "print({name.partition('.')[0] for name in sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for package in ("numpy", "flask", "waitress", "msgspec", "typer", "rich"):
        assert f"'{package}'" not in ran.stdout


@pytest.mark.parametrize("host", ["*", "::"])
def test_all_addresses_are_ipv6_and_ipv4(artifacts: Path, host: str) -> None:
    port = free_port()
    options = ("--workers", 1, "--host", host, "--port", port)
    with serving(artifacts, *options) as running:
        assert running.start["urls"] == [f"http://[::]:{port}"]
        assert f"curl -s http://127.0.0.1:{port}/predict" in running.start["hint"]
        assert ask_port(port) == 200
        with socket.create_connection(("::1", port), 20) as connection:
            connection.sendall(b"GET /health/ready HTTP/1.0\r\nHost: x\r\n\r\n")
            assert connection.recv(99).startswith(b"HTTP/1.0 200")
        assert running.events("port_shared") == []
