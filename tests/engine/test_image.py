"""The image, in a real Docker Engine: built in every way, run in every way, stopped under load."""

import json
import os
import pty
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.conftest import free_port
from tests.containers import (
    BASE,
    CERTIFICATES,
    TAG,
    UNNEEDED,
    build,
    container,
    docker,
    require_engine,
    running_registry,
)
from tests.load import Load
from tests.package import ROOT
from tests.waits import wait_until

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]

HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
ON_BOTH = (5000, 8080)


@pytest.fixture
def checkout(artifacts: Path, tmp_path: Path) -> Path:
    """Copy the files of the project that git knows, with a trained bundle."""
    target = tmp_path / "checkout"
    for name in ("Dockerfile", ".dockerignore", "iris_deploy", "requirements"):
        source = ROOT / name
        (target).mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(
                source, target / name, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True
            )
        else:
            shutil.copy(source, target / name)
    shutil.copytree(artifacts / "iris" / "1", target / "artifacts" / "iris" / "1")
    (target / "artifacts" / "README.md").write_text("not for the image")
    return target


def test_a_tag_is_earned_and_the_report_says_by_what(report: dict[str, object]) -> None:
    trial = report["trial"]
    assert isinstance(trial, dict)
    assert trial["ports"] == list(ON_BOTH)
    assert trial["replayed"] >= 1
    assert 0 < trial["ready_seconds"] < 30
    assert 0 < trial["stop_seconds"] < 5
    assert report["tags"] == [TAG]
    assert report["image"] == docker("image", "inspect", "--format", "{{.Id}}", TAG)


def test_the_image_adds_at_most_45_megabytes_to_its_base(report: dict[str, object]) -> None:
    added = report["added"]
    assert isinstance(added, int)
    assert 0 < added <= 45_000_000


def test_the_report_says_what_each_layer_holds(report: dict[str, object]) -> None:
    layers = report["layers"]
    assert isinstance(layers, list)
    sizes = {layer["instruction"]: layer["size"] for layer in layers[-3:]}
    lib, app, bundle = (sizes[f"/opt/iris-deploy/{part}"] for part in ("lib", "app", "artifacts"))
    assert lib > app > bundle > 1000
    assert lib + app + bundle == report["added"]


def test_the_talks_line_runs_it_in_a_terminal(image: str) -> None:
    """With a free port of the machine instead of 5000, and stopped with Ctrl-C."""
    port = free_port()
    ours, theirs = pty.openpty()
    line = ["docker", "run", "-i", "-t", "--rm", "-p", f"127.0.0.1:{port}:5000", image]
    process = subprocess.Popen(line, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        seen = b""
        while b"Ctrl-C to stop" not in seen:
            seen += os.read(ours, 4096)
        with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert json.load(answer)["model"] == "iris"
        with urlopen(f"http://127.0.0.1:{port}/page/docs.js", timeout=10) as answer:
            assert b"openapi.json" in answer.read()
        os.write(ours, b"\x03")
        while process.poll() is None:
            try:
                seen += os.read(ours, 4096)
            except OSError:
                break
        assert process.wait(20) == 0, seen
        assert b"every request was answered" in seen
    finally:
        process.kill()
        os.close(ours)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--user", "0"),
        ("--user", "1000"),
        ("--user", "1000650000:0"),
        HARDENED,
        (*HARDENED, "--user", "1000650000:0", "--pids-limit", "64"),
        ("--volume", "/home"),
        ("--volume", "/home", "--volume", "/data", "--volume", "/opt/ml"),
        ("--env", "HOME=/nonexistent", "--workdir", "/tmp"),
        ("--memory", "256m", "--cpus", "0.5"),
        ("--init",),
    ],
    ids=" ".join,
)
def test_it_answers_on_both_ports_whoever_runs_it(image: str, options: tuple[str, ...]) -> None:
    with container(image, *options) as running:
        assert all(running.predicts(port) for port in ON_BOTH)
        docker("stop", running.identity)
        assert running.state("ExitCode") == "0", running.log()


def test_it_takes_the_largest_body_on_a_read_only_root(image: str) -> None:
    body = json.dumps([{"length": 5.1, "width": 2.4}] * 33_800).encode()
    assert 1_000_000 < len(body) <= 1024 * 1024
    with container(image, *HARDENED, "--user", "12345:0") as running:
        assert running.predicts(5000)
        status, answer = running.post(5000, body)
        assert status == 200
        assert answer.count(b"virginica") == 33_800


@pytest.mark.parametrize(
    ("environment", "command", "port"),
    [
        (("PORT=9000",), (), 9000),
        (("SAGEMAKER_BIND_TO_PORT=9001", "PORT=9000"), ("serve",), 9001),
        (("AIP_HTTP_PORT=9002", "PORT=9000"), (), 9002),
        ((), ("serve", "--port", "9003", "--workers", "1"), 9003),
    ],
)
def test_a_platform_says_the_port(
    image: str, environment: tuple[str, ...], command: tuple[str, ...], port: int
) -> None:
    options = [word for pair in environment for word in ("--env", pair)]
    with container(image, *options, command=command) as running:
        assert running.predicts(port)
        assert running.refuses(5000)
        assert running.refuses(8080)


def test_the_word_serve_is_taken_and_the_server_is_the_first_process(image: str) -> None:
    with container(image, command=("serve",)) as running:
        assert running.predicts(8080)
        start = running.start()
        assert start["pid"] == 1
        assert {url[:-4] for url in start["urls"]} <= {"http://[::]:", "http://0.0.0.0:"}
        assert [url[-4:] for url in start["urls"]] == ["5000", "8080"]


def test_what_kubernetes_sets_for_a_service_of_its_name_changes_nothing(image: str) -> None:
    injected = ("--env", "IRIS_DEPLOY_PORT=tcp://10.96.0.1:80")
    quick = ("--health-interval", "0.3s", "--health-start-period", "0s", "--health-retries", "1")
    with container(image, *injected, *quick) as running:
        assert running.predicts(5000)
        assert running.predicts(8080)
        wait_until(lambda: running.state("Health.Status") == "healthy")


def test_the_health_check_notices_a_server_and_none(image: str) -> None:
    quick = ("--health-interval", "0.3s", "--health-start-period", "0s", "--health-retries", "1")
    with container(image, *quick, "--env", "PORT=9000") as running:
        wait_until(lambda: running.state("Health.Status") == "healthy")
    with container(image, *quick, command=("serve", "--port", "9003")) as running:
        wait_until(lambda: running.state("Health.Status") == "unhealthy")


@pytest.mark.parametrize("number", ["TERM", "INT"])
def test_no_request_fails_when_it_is_stopped_under_load(image: str, number: str) -> None:
    with container(image, *HARDENED) as running:
        assert running.predicts(5000)
        address = (running.address, 5000)
        with Load(lambda: socket.create_connection(address, 10), keep_alive=4, renewing=4) as load:
            load.go_on(300)
            load.refusals_are_fine = True
            if number == "TERM":
                docker("stop", running.identity)
            else:
                docker("kill", "--signal", "INT", running.identity)
                wait_until(lambda: running.state("Running") == "false")
            load.join()
        unreachable = {"no connection"}  # the address itself goes with the container
        assert set(load.kinds()) <= unreachable, load.failures[:5]
        assert running.state("ExitCode") == "0", running.log()[-2000:]


def test_it_holds_the_server_and_one_bundle_and_no_more(image: str) -> None:
    listed = docker(
        "run", "--rm", "--entrypoint", "find", image, "/opt", "/home", "-mindepth", "1"
    ).splitlines()
    assert {path for path in listed if path.count("/") <= 3} == {
        "/opt/iris-deploy",
        *(f"/opt/iris-deploy/{part}" for part in ("lib", "app", "artifacts")),
    }
    names = {Path(path).name for path in listed}
    assert not names & UNNEEDED
    assert not any(name.endswith((".h", ".pyi", ".pyx")) for name in names)
    package = {path.split("/iris_deploy/")[1] for path in listed if "/app/iris_deploy/" in path}
    assert {path.split("/")[0] for path in package if "/" in path} == {
        *("bundle", "cli", "codec", "dumps", "estimators", "kernels", "schema"),
        *("runtimes", "serving"),
    }
    assert any(name.endswith(".pyc") for name in names)
    assert not any(name.endswith(".py") for name in names)
    bundle = [path for path in listed if "/artifacts/" in path and "." in Path(path).name]
    assert {Path(path).name for path in bundle} == {
        *("bundle.json", "ppn_iris.pkl", "sc_iris_petal.pkl"),
    }


def test_only_what_serves_is_offered_inside(image: str) -> None:
    text = docker("run", "--rm", image, "--help")
    commands = r"^\W*(train|evaluate|predict|serve|build-image) "
    assert set(re.findall(commands, text, re.MULTILINE)) == {"predict", "serve"}
    answer = docker("run", "--rm", image, "predict", '{"length": 5.1, "width": 2.4}')
    assert answer == '{"prediction":"virginica"}'


def test_wrong_usage_inside_is_told_without_a_traceback(image: str) -> None:
    line = ["docker", "run", "--rm", image, "serve", "--port", "many"]
    ran = subprocess.run(line, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "many" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_image_describes_itself(image: str) -> None:
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image))
    with container(image) as running:
        assert running.predicts(5000)
        status, answer = running.get(5000, "/")
    served = json.loads(answer)
    assert status == 200
    assert labels["io.iris-deploy.digest"] == served["digest"]
    assert json.loads(labels["io.iris-deploy.metrics"]) == served["evaluation"]
    signature = json.loads(labels["io.iris-deploy.signature"])
    assert signature["classes"] == served["output"]["classes"]
    assert [f["name"] for f in signature["columns"]] == ["length", "width"]
    assert "numpy" in json.loads(labels["io.iris-deploy.trained-with"])
    for name in ("title", "version", "description", "base.name"):
        assert labels[f"org.opencontainers.image.{name}"]


def test_pips_settings_and_certificates_stay_out_of_the_image(image: str) -> None:
    history = docker("history", "--no-trunc", image)
    assert "PIP_" not in history
    assert "ca.pem" not in history
    found = docker(
        *("run", "--rm", "--user", "0", "--entrypoint", "find", image),
        *("/", "-xdev", "-name", "pip.conf", "-o", "-name", "ca.pem"),
    )
    assert found == ""


@pytest.fixture
def built(checkout: Path) -> Iterator[str]:
    """Build in a checkout, with no tool of ours."""
    require_engine()
    arguments = ["--build-arg", f"BASE_IMAGE={BASE}"]
    if CERTIFICATES.exists():
        arguments += ["--build-arg", f"PIP_CERT={CERTIFICATES}"]
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"):
        if name in os.environ:
            arguments += ["--build-arg", name]
    tag = "iris-deploy-tests/plain:1.0"
    docker("build", "--tag", tag, *arguments, str(checkout))
    yield tag
    docker("rmi", "--force", tag)


def test_docker_build_in_a_checkout_makes_the_same_layers(image: str, built: str) -> None:
    """Two builds, another context, another list of versions with hashes: not a bit differs."""
    template = "{{json .RootFS.Layers}}"
    ours, plain = (
        json.loads(docker("image", "inspect", "--format", template, name))
        for name in (image, built)
    )
    assert ours == plain
    with container(built, *HARDENED, "--user", "1000650000:0") as running:
        assert all(running.predicts(port) for port in ON_BOTH)


def test_push_and_pull_by_digest(checkout: Path, tmp_path: Path) -> None:
    require_engine()
    with running_registry(tmp_path) as registry:
        tag, digest = f"{registry}/user/iris:1.0", ""
        try:
            report = build("--tag", tag, "--push", cwd=checkout)
            (digest,) = report["pushed"]
            assert re.fullmatch(rf"{registry}/user/iris@sha256:[0-9a-f]{{64}}", digest)
            docker("rmi", "--force", tag, digest)
            docker("pull", digest)
            with container(digest) as running:
                assert running.predicts(5000)
            media = json.loads(docker("manifest", "inspect", "--insecure", digest))
            schema_2 = "application/vnd.docker.distribution.manifest.v2+json"
            assert media["mediaType"] == schema_2
        finally:
            docker("rmi", "--force", tag, *filter(None, [digest]), fine=False)
