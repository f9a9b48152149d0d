"""What stands in the way of an image is told in one message, and nothing is left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import msgspec
import pytest

from iris_deploy.bundle.manifest_json import encode_manifest
from iris_deploy.bundle.repository import Repository
from iris_deploy.image.engines.registry import ENGINES
from tests.conftest import COMMAND, Run, run_process
from tests.containers import (
    BASE,
    build,
    docker,
    engine_with_room_for,
    remove_store,
    require_engine,
    running_registry,
)
from tests.load import can_unshare
from tests.package import ROOT
from tests.tools import require
from tests.waits import pause, wait_until

pytestmark = pytest.mark.once

once = pytest.mark.once

DENIED = (
    "permission denied while trying to connect to the Docker daemon socket at "
    'unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version": dial unix '
    "/var/run/docker.sock: connect: permission denied"
)


def fake_docker(directory: Path, script: str) -> dict[str, str]:
    """Put a program called docker on a PATH of its own."""
    directory.mkdir(parents=True)
    program = directory / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


def refused(*options: object, env: dict[str, str] | None = None, code: int = 1) -> str:
    """Run build-image, expect it to fail, and return what it said."""
    ran = run_process("build-image", *options, env=env)
    text = ran.stderr.decode()
    assert ran.returncode == code, text
    assert "\nTraceback" not in text  # of ours; of pip it may be
    assert len(re.findall("^error: ", text, re.MULTILINE)) == 1
    assert "\nhint: " in text
    return text


@contextmanager
def altered_base(directory: Path, instruction: str) -> Iterator[str]:
    """Make a base image with one instruction more, until the block ends."""
    (directory / "Dockerfile").write_text(f"FROM {BASE}\n{instruction}\n")
    tag = f"iris-deploy-tests/{directory.name.lower().strip('_')}:1"
    docker("build", "--tag", tag, str(directory))
    try:
        yield tag
    finally:
        docker("rmi", "--force", tag, fine=False)


@pytest.mark.parametrize("tag", ["User/iris:1.0", "iris:", "a b:1", "x:y:z", "-iris:1", "", "i/:1"])
def test_an_invalid_tag_is_refused_before_anything_else(
    run: Run, artifacts: Path, tag: str
) -> None:
    result = run("build-image", "--artifacts", artifacts, "--tag", tag)
    assert result.code == 2
    assert "expected [registry/]name:tag" in result.err
    assert "--tag user/iris:1.0" in result.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--max-size", "big"),
        ("--label", "nothing"),
        ("--build-arg", "=x"),
        ("--min-accuracy", "2"),
        ("--builder", "kaniko"),
    ],
)
def test_a_wrong_option_is_wrong_usage(run: Run, artifacts: Path, option: str, value: str) -> None:
    result = run("build-image", "--artifacts", artifacts, option, value)
    assert result.code == 2
    assert option in result.err


def test_a_bundle_that_does_not_verify_is_refused(run: Run, artifacts: Path) -> None:
    path = artifacts / "iris" / "2" / "sc_iris_petal.pkl"
    path.write_bytes(path.read_bytes()[:-1])
    result = run("build-image", "--artifacts", artifacts)
    assert result.code == 1
    assert "was changed after it was written" in result.err


def test_without_an_engine_it_says_what_to_install(artifacts: Path, tmp_path: Path) -> None:
    text = refused("--artifacts", artifacts, env={"PATH": str(tmp_path)})
    assert "none of docker, podman, buildah is on the PATH" in text
    assert "--context-only" in text
    text = refused("--artifacts", artifacts, "--builder", "podman", env={"PATH": str(tmp_path)})
    assert "podman is not installed" in text


def test_without_permission_it_says_who_may(artifacts: Path, tmp_path: Path) -> None:
    env = fake_docker(tmp_path / "bin", f"echo '{DENIED}' >&2; exit 1")
    assert "usermod -aG docker" in refused("--artifacts", artifacts, env=env)


@pytest.mark.parametrize(
    "end",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "Error processing tar file(exit status 1): write /opt/some.so: no space left on device",
    ],
    ids=["pip", "a layer"],
)
def test_a_disk_that_gets_full_later_is_told(artifacts: Path, tmp_path: Path, end: str) -> None:
    """What a real engine said, played, since the installation needs a network."""
    script = f'[ "$1" = build ] && echo "{end}" && exit 1; [ "$1" = version ]'
    text = refused("--artifacts", artifacts, env=fake_docker(tmp_path / "bin", script))
    assert "the disk is full (docker build failed)" in text
    assert f"  | {end}" in text


def test_a_daemon_that_is_not_there_is_told_from_one_that_is(
    artifacts: Path, tmp_path: Path
) -> None:
    require("docker")
    env = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    text = refused("--artifacts", artifacts, "--builder", "docker", env=env)
    assert "the Docker daemon does not answer" in text
    assert "systemctl start docker" in text


def test_a_confined_docker_gets_files_that_it_can_read(artifacts: Path, tmp_path: Path) -> None:
    """Docker from the snap sees the home directory, and no /tmp."""
    home = tmp_path / "home"
    home.mkdir()
    script = (
        'case "$1" in build) for word; do last=$word; done; echo "context $last"; exit 1;; '
        "version) echo 20;; *) exit 1;; esac"
    )
    env = fake_docker(tmp_path / "snap" / "bin", script) | {"HOME": str(home)}
    text = refused("--artifacts", artifacts, env=env)
    context = re.search(r"\| context (\S+)", text)
    assert context
    assert Path(context[1]).parent == home
    assert list(home.iterdir()) == []


def test_buildx_is_asked_for_no_index_and_for_one_time(artifacts: Path, tmp_path: Path) -> None:
    env = fake_docker(tmp_path / "bin", "exit 0") | {"SOURCE_DATE_EPOCH": "1700000000"}
    ran = run_process("build-image", "--artifacts", artifacts, "--dry-run", env=env)
    assert ran.returncode == 0, ran.stderr
    command = ran.stdout.decode()
    for word in ("buildx build", "--load", "--provenance=false", "--sbom=false"):
        assert word in command
    assert "SOURCE_DATE_EPOCH=1700000000" in command


def test_help_and_errors_name_the_engines_that_there_are(artifacts: Path) -> None:
    names = [engine.name for engine in ENGINES]
    assert "|".join(names) in run_process("build-image", "--help").stdout.decode()
    text = refused("--artifacts", artifacts, "--builder", "kaniko", code=2)
    assert f"--builder: expected one of {', '.join(names)}; got 'kaniko'" in text


@pytest.mark.parametrize("builder", [engine.name for engine in ENGINES])
def test_a_dry_run_shows_the_commands_and_runs_none(
    artifacts: Path, tmp_path: Path, builder: str
) -> None:
    marks = tmp_path / "marks"
    directory = tmp_path / "bin"
    env = fake_docker(directory, f'[ "$1" = buildx ] && exit 1; echo "$@" >>{marks}')
    if builder != "docker":
        (directory / "docker").rename(directory / builder)
    ran = run_process(
        *("build-image", "--artifacts", artifacts, "--dry-run", "--builder", builder),
        *("--push", "--tag", "user/iris:1.0"),
        *("--platform", "linux/amd64", "--network", "host", "--label", "a=b c"),
        *("--build-arg", "PIP_INDEX_URL=https://example.org/simple", "--base-image", "slim:1"),
        env={**env, "HTTPS_PROXY": "http://user:secret@proxy.example:3128"},
    )
    assert ran.returncode == 0, ran.stderr
    first, *others = ran.stdout.decode().splitlines()
    for words in (
        "BASE_IMAGE=slim:1",
        "--platform linux/amd64",
        "--network host",
        "--label 'a=b c'",
        "PIP_INDEX_URL=https://example.org/simple",
        "--build-arg HTTPS_PROXY ",
    ):
        assert words in first
    assert "secret" not in first
    assert ("--format docker --layers --no-cache --timestamp" in first) == (builder != "docker")
    assert others == [f"{builder} tag IMAGE user/iris:1.0", f"{builder} push user/iris:1.0"]
    assert not marks.exists()


def test_the_context_alone_holds_one_version_and_what_builds_it(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    target = tmp_path / "context"
    result = run("build-image", "--artifacts", artifacts, "--version", 1, "--context-only", target)
    assert result.code == 0, result.err
    assert "BASE_IMAGE=python:" in result.out
    root = ROOT
    assert (target / "Dockerfile").read_bytes() == (root / "Dockerfile").read_bytes()
    bundle = [path.relative_to(target) for path in (target / "artifacts").rglob("*.*")]
    assert {str(path.parent) for path in bundle} == {"artifacts/iris/1"}
    pins = (target / "requirements" / "serve.txt").read_text()
    assert re.fullmatch(r"([a-z0-9-]+==\S+\n)+", pins)
    assert {"flask", "numpy", "typer", "waitress"} <= set(
        re.findall(r"^(\S+)==", pins, re.MULTILINE)
    )
    assert not {"scikit-learn", "scipy", "rich"} & set(re.findall(r"^(\S+)==", pins, re.MULTILINE))
    assert not list(target.rglob("__pycache__"))
    again = run("build-image", "--artifacts", artifacts, "--context-only", target)
    assert again.code == 1
    assert "is not empty" in again.err


def test_the_checkout_pins_the_same_packages(run: Run, artifacts: Path, tmp_path: Path) -> None:
    """requirements/serve.txt, for a plain docker build, and what is found out when installed."""
    target = tmp_path / "context"
    assert run("build-image", "--artifacts", artifacts, "--context-only", target).code == 0
    lock = (ROOT / "requirements" / "serve.txt").read_text()
    names = re.compile(r"^([a-z0-9-]+)==", re.MULTILINE)
    pins = (target / "requirements" / "serve.txt").read_text()
    needed = set(names.findall(pins)) - {"typing-extensions"}
    assert needed <= set(names.findall(lock))


def test_pips_settings_and_certificates_go_into_the_build(artifacts: Path, tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----")
    env = {
        "PIP_INDEX_URL": "https://user:secret@index.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://more.example/simple file:///not/there",
        "PIP_TRUSTED_HOST": "index.example",
        "PIP_CERT": str(authority),
        "PIP_CONFIG_FILE": os.devnull,
    }
    target = tmp_path / "context"
    ran = run_process("build-image", "--artifacts", artifacts, "--context-only", target, env=env)
    assert ran.returncode == 0, ran.stderr
    settings = (target / "requirements" / "pip.conf").read_text()
    assert "index-url = https://user:secret@index.example/simple\n" in settings
    assert "extra-index-url = https://more.example/simple\n" in settings
    assert "trusted-host = index.example\n" in settings
    assert "file:" not in settings
    assert "cert = /build/requirements/ca.pem\n" in settings
    assert (target / "requirements" / "ca.pem").read_text() == authority.read_text()


def rewrite(artifacts: Path, *, python: str | None = None, numpy: str | None = None) -> None:
    """Change with what version 1 says that it was trained, and leave it whole."""
    bundle = Repository(artifacts).read("iris", 1)
    trained = bundle.manifest.environment
    packages = trained.packages | ({"numpy": numpy} if numpy else {})
    changed = msgspec.structs.replace(trained, python=python or trained.python, packages=packages)
    manifest = msgspec.structs.replace(bundle.manifest, environment=changed)
    (bundle.path / "bundle.json").write_bytes(encode_manifest(manifest))


def test_another_numpy_than_trained_the_bundle_is_refused(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    rewrite(artifacts, numpy="1.0.0")
    target = tmp_path / "context"
    result = run("build-image", "--artifacts", artifacts, "--version", 1, "--context-only", target)
    assert result.code == 1
    assert "was trained with numpy 1.0.0; installed is " in result.err
    assert "pip install numpy==1.0.0" in result.err


@once
def test_another_python_than_trained_the_bundle_is_refused_in_the_build(artifacts: Path) -> None:
    require_engine()
    rewrite(artifacts, python="3.9.1")
    options = ("--version", 1, "--base-image", BASE, "--tag", "unwanted/old:1")
    text = refused("--artifacts", artifacts, *options)
    assert "was trained with Python 3.9; the base image has 3." in text
    assert "BASE_IMAGE=python:3.9-slim" in text
    assert not docker("image", "ls", "--quiet", "unwanted/old")


def test_an_accuracy_below_the_gate_builds_nothing(artifacts: Path, tmp_path: Path) -> None:
    env = fake_docker(tmp_path / "bin", "exit 9")
    text = refused("--artifacts", artifacts, "--min-accuracy", 0.999, env=env, code=4)
    assert "nothing was built" in text


@once
def test_an_image_above_the_largest_size_gets_no_tag(artifacts: Path) -> None:
    require_engine()
    options = ("--base-image", BASE, "--tag", "unwanted/size:1", "--max-size", "10MB")
    text = refused("--artifacts", artifacts, *options, code=4)
    assert re.search(r"the image has [\d,]+ bytes; --max-size allows 10,000,000", text)
    assert not docker("image", "ls", "--quiet", "unwanted/size")


@once
def test_what_is_refused_now_keeps_the_tag_that_it_earned_before(
    artifacts: Path, tmp_path: Path
) -> None:
    """The builder's cache makes the second image the very same one."""
    require_engine()
    tag = "iris-deploy-tests/kept:1"
    image = build("--artifacts", artifacts, "--tag", tag, cwd=tmp_path)["image"]
    try:
        options = ("--base-image", BASE, "--tag", "unwanted/kept:1", "--max-size", "10MB")
        refused("--artifacts", artifacts, *options, code=4)
        assert docker("image", "inspect", "--format", "{{.Id}}", tag) == image
    finally:
        docker("rmi", "--force", tag)


def test_tags_are_given_all_or_none(artifacts: Path, tmp_path: Path) -> None:
    """An engine that takes the first tag and not the second is none that we have: it is played."""
    log = tmp_path / "log"
    script = f"""
        echo "$@" >>{log}
        case "$1" in
            build)
                for word; do [ "$last" = --iidfile ] && echo sha256:1 >"$word"; last=$word; done
                ;;
            image) case "$4" in *Size*) echo 5;; *) echo null;; esac;;
            tag) [ "$3" = first:1 ];;
            buildx) false;;
        esac"""
    env = fake_docker(tmp_path / "bin", script)
    tags = ("--tag", "first:1", "--tag", "second:1", "--no-trial")
    refused("--artifacts", artifacts, *tags, env=env)
    assert log.read_text().splitlines()[-3:] == [
        *("rmi first:1", "image inspect --format {{json .RepoTags}} sha256:1", "rmi sha256:1"),
    ]


@once
def test_a_base_image_that_is_not_to_be_had(artifacts: Path) -> None:
    require_engine()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        base = f"127.0.0.1:{silent.getsockname()[1]}/no/base:1"
        text = refused("--artifacts", artifacts, "--base-image", base)
    assert "does not answer" in text or "not to be had" in text
    assert "| " in text


@once
def test_a_base_image_without_python(artifacts: Path, tmp_path: Path) -> None:
    require_engine()
    with altered_base(tmp_path, "RUN rm -f /usr/bin/python3") as tag:
        text = refused("--artifacts", artifacts, "--base-image", tag, "--tag", "unwanted/python:1")
        assert "python3" in text
        assert not docker("image", "ls", "--quiet", "unwanted/python")


@once
def test_pip_failing_inside_shows_the_end_of_its_log(artifacts: Path, tmp_path: Path) -> None:
    require_engine()
    env = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "PIP_EXTRA_INDEX_URL": "",
        "TMPDIR": str(tmp_path),
    }
    options = ("--base-image", BASE, "--tag", "unwanted/pip:1")
    text = refused("--artifacts", artifacts, *options, env=env)
    assert "pip cannot install what serving needs" in text
    assert "No matching distribution" in text
    assert not docker("image", "ls", "--quiet", "unwanted/pip")
    # Those of other tests come and go.
    wait_until(lambda: not docker("ps", "--all", "--quiet", "--filter", "status=exited"))
    assert list(tmp_path.glob("iris-deploy-*")) == []


@once
@pytest.mark.skipif(not can_unshare("-m"), reason="needs a mount namespace")
def test_a_full_disk_is_told(artifacts: Path, tmp_path: Path) -> None:
    require_engine()
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=64k none {small} && exec "$@"'
    options = ("build-image", "--artifacts", str(artifacts), "--base-image", BASE)
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "-", *COMMAND, *options],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(small)},
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert "No space left on device" in ran.stderr
    assert "hint: make room in" in ran.stderr


@once
@pytest.mark.skipif(not can_unshare("-mn"), reason="needs namespaces for mounts and networks")
def test_a_full_disk_of_the_engine_is_told(artifacts: Path, tmp_path: Path) -> None:
    """Too full to unpack pip."""
    require_engine()
    with engine_with_room_for(25, tmp_path) as address:
        env = {"DOCKER_HOST": address}
        options = ("--base-image", BASE, "--network", "host", "--tag", "unwanted/full:1")
        text = refused("--artifacts", artifacts, *options, env=env)
        assert "the disk is full (docker build failed)" in text
        assert "no space left on device" in text.lower()
        assert "`docker system df`" in text
        shown = ["docker", "--host", address, "ps", "--all", "--quiet"]
        assert subprocess.check_output(shown) == b""


@once
def test_an_image_that_fails_its_trial_gets_no_tag(artifacts: Path, tmp_path: Path) -> None:
    """The base says a port that is none, so that the server refuses to start."""
    require_engine()
    with altered_base(tmp_path, "ENV SAGEMAKER_BIND_TO_PORT=many") as tag:
        text = refused("--artifacts", artifacts, "--base-image", tag, "--tag", "unwanted/trial:1")
        assert "did not pass its trial and gets no tag" in text
        assert "many" in text
        assert not docker("image", "ls", "--quiet", "unwanted/trial")
        report = build(
            "--artifacts",
            artifacts,
            "--tag",
            "unwanted/trial:1",
            "--no-trial",
            "--base-image",
            tag,
            cwd=tmp_path,
        )
        assert report["trial"] is None
        docker("rmi", "--force", "unwanted/trial:1")
    assert not docker("ps", "--all", "--quiet", "--filter", f"ancestor={tag}")


@once
@pytest.mark.parametrize("registry", ["silent", "unknown", "closed"])
def test_a_registry_that_refuses(artifacts: Path, tmp_path: Path, registry: str) -> None:
    """The image has earned its tag by then, and keeps it."""
    require_engine()
    password = "nobody:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC"  # of no use
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        host, expected = f"127.0.0.1:{silent.getsockname()[1]}", "the registry does not answer"
        if registry == "unknown":
            host = "registry.invalid"
        with running_registry(tmp_path, password) if registry == "closed" else nullcontext("") as r:
            if r:
                host, expected = r, "the registry refuses: not logged in"
            tag = f"{host}/user/iris:1"
            options = ("--base-image", BASE, "--tag", tag, "--push")
            text = refused("--artifacts", artifacts, *options)
    try:
        assert expected in text
        assert docker("image", "ls", "--quiet", tag)
    finally:
        docker("rmi", "--force", tag)


@once
@pytest.mark.parametrize("moment", ["for part in serve:lib", "Trying the image"])
def test_ctrl_c_in_the_middle_leaves_nothing(artifacts: Path, tmp_path: Path, moment: str) -> None:
    require_engine()
    tag = f"unwanted/interrupted-{'trial' if 'Try' in moment else 'build'}"
    epoch = str(int(time.time()))  # of its own, so that no other test's cache makes it too quick
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [
                "env",
                "--default-signal=INT",  # which shells have ignored by what runs in the background
                *(*COMMAND, "build-image", "--artifacts", str(artifacts), "--base-image", BASE),
                *("--tag", f"{tag}:1", "--label", f"of={tag}"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=file,
            env={**os.environ, "TMPDIR": str(tmp_path), "SOURCE_DATE_EPOCH": epoch},
            start_new_session=True,
        )
        wait_until(lambda: moment in log.read_text() or process.poll() is not None, 60)
        pause(0.3)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130, log.read_text()
    assert "Traceback" not in log.read_text()
    assert "interrupted: no tag was given" in log.read_text()
    assert not docker("image", "ls", "--quiet", tag)
    assert list(tmp_path.glob("iris-deploy-*")) == []
    assert not docker("ps", "--all", "--quiet", "--filter", f"label=of={tag}")


@once
@pytest.mark.timeout(420)  # their storage copies every layer
@pytest.mark.parametrize("builder", ["podman", "buildah"])
def test_podman_and_buildah_make_the_same_image_twice(
    artifacts: Path, tmp_path: Path, builder: str
) -> None:
    """Without a trial: buildah cannot run what it builds, and podman not everywhere."""
    require_engine()
    program = require(builder)
    archive = tmp_path / "base.tar"
    docker("save", "--output", str(archive), BASE)
    short = tempfile.mkdtemp()  # podman takes no longer ones
    store = f"--root {tmp_path}/store --runroot {short}"
    wrapper = tmp_path / "bin" / builder
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {program} {store} "$@"\n')
    wrapper.chmod(0o755)
    env = {"PATH": f"{wrapper.parent}:{os.environ['PATH']}", "BUILDAH_ISOLATION": "chroot"}

    def call(*words: str) -> str:
        ran = subprocess.run([wrapper, *words], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    base = call("pull", f"docker-archive:{archive}").split()[-1]
    options = ("--artifacts", artifacts, "--builder", builder, "--base-image", base)
    try:
        if builder == "buildah":
            assert "buildah cannot run what it builds" in refused(*options, env=env)
        images = []
        for epoch in ("", "", "1700000000"):
            ran = run_process(
                *("build-image", *options, "--no-trial", "--json", "--tag", "twice:1"),
                env={**env, "SOURCE_DATE_EPOCH": epoch},
            )
            assert ran.returncode == 0, ran.stderr
            report = json.loads(ran.stdout)
            assert report["reproducible"] is True
            images.append(report["image"])
            assert images[-1].removeprefix("sha256:") in call("images", "--no-trunc", "twice:1")
        assert images[0] == images[1] != images[2]
        assert [layer["instruction"] for layer in report["layers"]][-3:] == [
            f"/opt/iris-deploy/{part}" for part in ("lib", "app", "artifacts")
        ]
        assert report["size"] == sum(layer["size"] for layer in report["layers"])
        assert 30e6 < report["added"] < 75e6
        # An image that is too large is removed, unless the same one has earned a tag before.
        too_large = (*options, "--no-trial", "--max-size", "60MB", "--tag", "large:1")
        for epoch in ("1700000000", "1800000000"):
            text = refused(*too_large, env={**env, "SOURCE_DATE_EPOCH": epoch}, code=4)
            assert "--max-size allows 60,000,000" in text
        assert images[-1].removeprefix("sha256:") in call("images", "--no-trunc", "twice:1")
        left = set(call("images", "--all", "--quiet", "--no-trunc").split())
        assert left == {f"sha256:{base}", *images}
        if builder == "podman":
            health = json.loads(call("image", "inspect", images[0]))[0]["Healthcheck"]
            assert health["Test"] == ["CMD", "/opt/iris-deploy/app/healthcheck"]
            return
        working = call("from", images[0]).strip()
        command = ["/opt/iris-deploy/app/iris-deploy", "predict", '{"length": 5.1, "width": 2.4}']
        inside = ("run", "--isolation", "chroot", "--user", "1000650000:0", working, "--")
        assert call(*inside, *command) == '{"prediction":"virginica"}\n'
    finally:
        if builder == "buildah":
            subprocess.run([wrapper, "rm", "--all"], capture_output=True, check=False)
        subprocess.run([wrapper, "rmi", "--all", "--force"], capture_output=True, check=False)
        remove_store(tmp_path / "store", short)
