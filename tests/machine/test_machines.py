"""Machines as clouds start them, with the very files that recipes write."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.containers import BASE, docker
from tests.load import SMALL, Load, read_answer
from tests.machines import HOST, Machine, booted
from tests.package import ROOT
from tests.recipes import read
from tests.waits import wait_until

BOOT = 900  # seconds at most; an emulated machine is slow, and others want the processor too

pytestmark = pytest.mark.timeout(2 * BOOT)


def answers(machine: Machine) -> bool:
    """Ask for the talk's prediction, from outside."""
    try:
        with socket.create_connection(("127.0.0.1", machine.port), 10) as connection:
            connection.sendall(SMALL)
            return bool(read_answer(connection).json() == {"prediction": "virginica"})
    except (OSError, ValueError):
        return False


def recipe(run: Run, artifacts: Path, folder: Path, kind: str, *options: str) -> dict[str, str]:
    """Write a recipe as a user does, and return its files."""
    ran = run("recipe", kind, "--artifacts", artifacts, "--output", folder, *options)
    assert ran.code == 0, ran.err
    return read(folder)


def documented(command: str) -> str:
    """Return the line of docs/recipes.md, from `train` to a machine, that has a command in it."""
    text = (ROOT / "docs/recipes.md").read_text()
    section = text.partition("\n## From `train` to a machine that answers\n")[2].partition("\n## ")
    (line,) = (line[2:] for line in section[0].splitlines() if line.startswith(f"$ {command}"))
    return str(line)


def follow(folder: Path, line: str) -> str:
    """Run a line of the documentation, and return what it prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    ran = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=env, text=True, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_fresh_machine_serves_by_the_documented_commands_and_comes_back_after_a_reboot(
    disk: Path, registry: str, tmp_path: Path
) -> None:
    """With a bad image it is told to serve, it goes back to the good one."""
    there = f"{HOST}:{registry.rpartition(':')[2]}"  # where the machine sees the same registry
    for command in ("train", "build-image", "recipe"):
        line = documented(f"iris-deploy {command}").replace("registry.example.com", registry)
        follow(tmp_path, line + f" --base-image {BASE}" * (command == "build-image"))
    user_data = (tmp_path / "deploy/cloud-init/user-data").read_text().replace(registry, there)
    (image,) = set(re.findall(r"sha256:[0-9a-f]{64}", user_data))
    docker("tag", BASE, f"{registry}/user/other:1.0")
    docker("push", f"{registry}/user/other:1.0")
    with booted(tmp_path / "machine", disk, user_data, 80) as machine:
        wait_until(lambda: answers(machine), BOOT, failed=machine.tail)
        asked = documented("curl").replace("ADDRESS", f"127.0.0.1:{machine.port}")
        assert follow(tmp_path, asked) == '{"prediction":"virginica"}'
        machine.wait_for_shell()
        exposed = machine.run("systemd-analyze security --threshold=15 iris.service")
        assert "SAFE" in exposed
        update = documented("sudo iris-update").removeprefix("sudo ").split()[0]
        ran = machine.run(f"{update} {there}/user/other:1.0 2>&1 || echo refused", 300)
        assert "is not ready; back to" in ran
        assert "refused" in ran
        wait_until(lambda: answers(machine), BOOT, failed=machine.tail)
        assert image in machine.run("cat /etc/iris/image")
        machine.run("systemctl reboot --no-block")
        wait_until(lambda: not answers(machine), 60)
        wait_until(lambda: answers(machine), BOOT, failed=machine.tail)


def wheels(requirements: str, folder: Path) -> None:
    """Have what a machine installs: this project, and what it requires."""
    source = folder.with_name("source")
    left_out = shutil.ignore_patterns(".*", "tests", "artifacts", "build", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=left_out)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, source], check=True)
    lines = requirements.splitlines()
    others = [line for line in lines if not line.startswith(("#", "iris-deploy"))]
    download = ("download", "--no-deps", "--only-binary", ":all:", "--dest", folder)
    subprocess.run([*pip, *download, *others], check=True)


def test_a_machine_without_any_container_loses_no_request_in_restarts_and_reloads(
    disk: Path, run: Run, artifacts: Path, tmp_path: Path
) -> None:
    media = tmp_path / "media"
    files = recipe(run, artifacts, media / "recipe", "systemd-venv", "--port", "5000")
    wheels(files["requirements.txt"], media / "wheels")
    shutil.copytree(artifacts, media / "artifacts")
    with booted(tmp_path / "machine", disk, "#cloud-config\n{}\n", 5000, media) as machine:
        machine.wait_for_shell(BOOT)
        machine.run("mkdir -p /mnt/media && mount -o ro /dev/vdc /mnt/media")
        machine.run("sh /mnt/media/recipe/install.sh /mnt/media/artifacts", BOOT)
        wait_until(lambda: answers(machine), BOOT, failed=machine.tail)
        assert "SAFE" in machine.run("systemd-analyze security --threshold=15 iris.service")
        assert "Serving iris version 2" in machine.run("systemctl status --no-pager iris.service")
        assert "active (running)" in machine.run("systemctl status --no-pager iris.socket")

        def connect() -> socket.socket:
            return socket.create_connection(("127.0.0.1", machine.port), 60)

        with Load(connect, renewing=3) as load:
            for _ in range(3):
                load.go_on(10)
                machine.run("systemctl restart iris.service")
            machine.run("cp -r /opt/iris/artifacts/iris/2 /opt/iris/artifacts/iris/.3")
            machine.run("mv /opt/iris/artifacts/iris/.3 /opt/iris/artifacts/iris/3")
            machine.run("systemctl reload iris.service")
            load.go_on(10)
        assert load.failures == []
        journal = machine.run("journalctl --no-pager --output cat --unit iris.service")
        assert journal.count('"event":"stop"') == 3
        assert journal.count('"event":"reload') == 1
