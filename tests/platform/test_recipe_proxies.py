"""What stands in front in the recipe of Compose, run as it is written, with a server behind it."""

import contextlib
import gzip
import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Answer, Run, Server, free_port, serving
from tests.load import Load, read_answer
from tests.pieces import HOST, INSTANCE, post
from tests.raw_http import get
from tests.recipes import documents, write
from tests.tools import require
from tests.waits import wait_until

pytestmark = pytest.mark.once

DOMAIN = "iris.example.com"


@dataclass
class Front:
    """A proxy that runs: how to connect, and how to have it read its configuration again."""

    port: int
    context: ssl.SSLContext
    reload: Callable[[], object] | None

    def connect(self) -> ssl.SSLSocket:
        """Open a connection with TLS."""
        plain = socket.create_connection(("127.0.0.1", self.port), 20)
        return self.context.wrap_socket(plain, server_hostname=DOMAIN)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for the domain, and the folder with its key."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    subprocess.run(
        [
            *(require("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}"),
            *("-keyout", folder / f"{DOMAIN}.key", "-out", folder / f"{DOMAIN}.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@contextlib.contextmanager
def nginx(text: str, upstream: int, certificate: Path, folder: Path) -> Iterator[Front]:
    """Run nginx with the recipe's file: other ports, and what Debian's 1.22 has no word for."""
    port, plain = free_port(), free_port()
    for written, here in {
        "server server:5000": f"server 127.0.0.1:{upstream}",
        "/etc/nginx/certificates": str(certificate),
        "/tmp/nginx.pid": str(folder / "pid"),
        "        listen 80;\n        listen [::]:80;\n": f"        listen 127.0.0.1:{plain};\n",
        "        listen 443 ssl;\n        listen [::]:443 ssl;\n        http2 on;\n": (
            f"        listen 127.0.0.1:{port} ssl http2;\n"
        ),
    }.items():
        assert written in text, written
        text = text.replace(written, here)
    path = folder / "nginx.conf"
    path.write_text(text)
    command = [require("nginx"), "-c", str(path), "-e", str(folder / "errors")]
    process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    context = ssl.create_default_context(cafile=certificate / f"{DOMAIN}.pem")
    try:
        yield Front(port, context, lambda: process.send_signal(signal.SIGHUP))
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def caddy(text: str, upstream: int, certificate: Path, folder: Path) -> Iterator[Front]:
    """Run Caddy with the recipe's file: other ports, and a certificate that is there."""
    program = Path(os.environ.get("IRIS_DEPLOY_TEST_VALIDATORS", ""), "bin/caddy")
    if not program.is_file():
        program = Path(require("caddy"))
    port = free_port()
    pair = " ".join(str(certificate / f"{DOMAIN}.{kind}") for kind in ("pem", "key"))
    assert f"\n{DOMAIN} {{\n" in text
    hosts = f"{DOMAIN}:{port}, {HOST.decode().partition(': ')[2]}:{port}"  # that of other tests
    text = text.replace(f"\n{DOMAIN} {{\n", f"\n{hosts} {{\n\ttls {pair}\n")
    assert "server:5000" in text
    text = text.replace("server:5000", f"127.0.0.1:{upstream}")
    path = folder / "Caddyfile"
    path.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{text}")
    env = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    options = ("--adapter", "caddyfile", "--config", str(path))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program, "run", *options], env=env, stderr=quiet)
    context = ssl.create_default_context(cafile=certificate / f"{DOMAIN}.pem")
    try:
        yield Front(port, context, None)
    finally:
        process.terminate()
        process.wait()


FRONTS = {"nginx": (nginx, "nginx.conf"), "caddy": (caddy, "Caddyfile")}


@pytest.fixture(params=FRONTS)
def kind(request: pytest.FixtureRequest) -> str:
    """Name what stands in front."""
    return str(request.param)


@pytest.fixture
def options() -> tuple[str, ...]:
    """Return what else the recipe is asked for."""
    return ()


@pytest.fixture
def front(
    kind: str,
    options: tuple[str, ...],
    run: Run,
    artifacts: Path,
    tmp_path: Path,
    certificate: Path,
) -> Iterator[tuple[Server, Front]]:
    """Run a server as the recipe does, and in front of it what the recipe writes."""
    start, name = FRONTS[kind]
    asked = ("--proxy", kind, "--domain", DOMAIN, "--workers", "2", *options)
    files = write(run, artifacts, tmp_path / "recipe", "compose", *asked)
    (compose,) = documents(files["compose.yaml"])
    arguments = compose["services"]["server"]["command"][1:]
    with serving(artifacts, *arguments, "--trusted-proxy", "127.0.0.1") as running:
        upstream = int(running.url.rpartition(":")[2])
        with start(files[name], upstream, certificate, tmp_path) as front:
            wait_until(lambda: is_there(front))
            yield running, front


def is_there(front: Front) -> bool:
    try:
        front.connect().close()
    except OSError:
        return False
    return True


def test_it_answers_with_tls_and_the_server_knows_the_client(front: tuple[Server, Front]) -> None:
    server, proxy = front
    with proxy.connect() as connection:
        for _ in range(3):  # on one connection
            connection.sendall(post(json.dumps(INSTANCE).encode()))
            answer = read_answer(connection)
            assert answer.json() == {"prediction": "virginica"}
            assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]

    def lines() -> list[dict[str, Any]]:
        return [line for line in server.events("request") if line["path"] == "/predict"]

    wait_until(lambda: len({line["id"] for line in lines()}) == 3)
    assert {line["client"] for line in lines()} == {"127.0.0.1"}


def test_it_compresses_large_answers_and_refuses_bodies_that_the_server_would_refuse(
    front: tuple[Server, Front],
) -> None:
    _, proxy = front
    with proxy.connect() as connection:
        body = json.dumps([INSTANCE] * 500).encode()
        connection.sendall(post(body, b"Accept-Encoding: gzip"))
        answer = read_answer(connection)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert json.loads(gzip.decompress(answer.body)) == {"predictions": ["virginica"] * 500}
    with proxy.connect() as connection, contextlib.suppress(OSError):
        connection.sendall(post(b" " * (2 << 20)))
        assert read_answer(connection).status == 413


def test_it_speaks_http_2(front: tuple[Server, Front], certificate: Path) -> None:
    _, proxy = front
    ran = subprocess.run(
        [
            *(require("curl"), "--silent", "--http2", "--cacert", certificate / f"{DOMAIN}.pem"),
            *("--resolve", f"{DOMAIN}:{proxy.port}:127.0.0.1", "--write-out", " %{http_version}"),
            *("--header", "Content-Type: application/json", "--data", json.dumps(INSTANCE)),
            f"https://{DOMAIN}:{proxy.port}/predict",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert ran.stdout == '{"prediction":"virginica"} 2'


def test_reloads_of_the_proxy_and_of_the_server_lose_no_request(
    front: tuple[Server, Front],
) -> None:
    """On new connections: an idle one a proxy may close at any time, as HTTP has it.

    Caddy is not reloaded: it closes some of the connections that it has just accepted then.
    """
    server, proxy = front
    with Load(proxy.connect, renewing=4) as load:
        for _ in range(3):
            load.go_on(20)
            if proxy.reload is not None:
                proxy.reload()
            load.go_on(20)
            server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(server.events("reload_same")) == 3)
        load.go_on(20)
    assert load.failures == []


@pytest.mark.parametrize("options", [("--url-prefix", "/models/iris", "--monitoring")])
def test_it_serves_below_a_path_and_nothing_else(
    front: tuple[Server, Front], options: tuple[str, ...]
) -> None:
    _, proxy = front
    prefix = options[1].encode()

    def ask(request: bytes) -> Answer:
        with proxy.connect() as connection:
            connection.sendall(request)
            return read_answer(connection)

    instance = post(json.dumps(INSTANCE).encode())
    answer = ask(instance.replace(b"/predict", prefix + b"/predict", 1))
    assert answer.json() == {"prediction": "virginica"}
    description = ask(get(prefix + b"/openapi.json")).json()
    assert description["servers"] == [{"url": options[1]}]
    for elsewhere in (b"/health/ready", b"/metrics", prefix + b"/metrics", b"/models", b"/"):
        assert ask(get(elsewhere)).status == 404
    assert ask(instance).status == 404


def test_readiness_is_seen_from_outside(front: tuple[Server, Front]) -> None:
    _, proxy = front
    with proxy.connect() as connection:
        connection.sendall(get(b"/health/ready"))
        assert read_answer(connection).json() == {"status": "ready"}
