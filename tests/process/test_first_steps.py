"""The command line as a place to learn: where one is, what there is, what is amiss."""

import json
import os
import re
import resource
import shutil
import socket
import subprocess
from pathlib import Path

import msgspec
import pytest

from iris_deploy.bundle.manifest_json import decode_manifest, encode_manifest
from iris_deploy.cli import main
from tests.conftest import COMMAND, Run, free_port, run_process

COMPLETE = "_IRIS_DEPLOY_COMPLETE"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(out: str) -> list[str]:
    """Return the commands that an output proposes."""
    lines = (line.removeprefix("Next").strip() for line in out.splitlines())
    return [line for line in lines if line.startswith("iris-deploy ") and ":" not in line]


def test_alone_it_shows_how_to_begin_in_an_empty_directory(run: Run, home: Path) -> None:
    shown = run()
    assert shown.code == 0
    assert "no bundle in artifacts/ yet" in shown.out
    first, *others = commands(shown.out)
    assert first == "iris-deploy train"
    assert others == [
        "iris-deploy train --data FILE --target COLUMN",
        "iris-deploy import FILE",
        "iris-deploy doctor",
    ]
    assert list(home.iterdir()) == []


def test_alone_it_names_what_is_there(run: Run, artifacts: Path, home: Path) -> None:
    (home / "my model.pkl").write_bytes(b"")
    (home / "churn.csv").write_bytes(b"")
    shutil.copytree(artifacts / "iris/1", artifacts / "another/1")
    if artifacts != home / "artifacts":
        shutil.copytree(artifacts, home / "artifacts")
    shown = run()
    assert "artifacts/ holds another (version 1), iris (versions 1 to 2)" in shown.out
    proposed = commands(shown.out)
    assert "iris-deploy serve --model another" in proposed
    assert "iris-deploy train --data churn.csv --target COLUMN" in proposed
    assert "iris-deploy import 'my model.pkl'" in proposed
    for command in proposed:  # each is there
        assert run(*command.split()[1:2], "--help").code == 0


def test_alone_it_names_no_file_that_would_command_a_terminal(home: Path) -> None:
    for name in (b"\x1b[2J.csv", b"\xff.pkl", b"a\nb.csv"):
        Path(os.fsdecode(bytes(home) + b"/" + name)).write_bytes(b"")
    shown = run_process(cwd=home)
    assert shown.returncode == 0, shown.stderr
    assert b"--data FILE" in shown.stdout
    assert b"import FILE" in shown.stdout


@pytest.mark.parametrize("words", ["", "list", "doctor", "doctor --json"])
def test_in_a_directory_that_is_gone_it_is_no_bug(home: Path, words: str) -> None:
    (home / "gone").mkdir()
    command = f'rmdir "$PWD"; exec {COMMAND[0]} -P {" ".join(COMMAND[1:])} {words}'
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=home / "gone", capture_output=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    assert b"Traceback" not in done.stderr


def test_alone_it_obeys_the_variable_that_names_the_artifacts(artifacts: Path, home: Path) -> None:
    shown = run_process(cwd=home, env={"IRIS_DEPLOY_ARTIFACTS": str(artifacts)})
    assert f"{artifacts}/ holds iris (versions 1 to 2)" in shown.stdout.decode()


def test_list_shows_every_bundle_with_its_figures(run: Run, artifacts: Path) -> None:
    listed = run("list", "--artifacts", artifacts)
    assert listed.code == 0
    newest, oldest = (line for line in listed.out.splitlines() if line.startswith("iris"))
    assert newest.startswith("iris version 2, the newest: LogisticRegression predicts species")
    assert oldest.startswith("iris version 1: Perceptron predicts species of 2 columns")
    told = run("list", "--artifacts", artifacts, "--json").json()["bundles"]
    assert [(each["model"], each["version"]) for each in told] == [("iris", 2), ("iris", 1)]
    for each in told:
        assert each["size"] == sum(p.stat().st_size for p in Path(each["path"]).glob("*.pkl"))
        assert f"accuracy {each['metrics']['accuracy']:.4g}" in listed.out
        assert each["digest"][:19] in listed.out


def test_list_goes_on_after_a_bundle_that_cannot_be_read(run: Run, artifacts: Path) -> None:
    (artifacts / "iris/2/bundle.json").write_text("{")
    (artifacts / "iris/3").mkdir()
    (artifacts / "iris/4").mkdir()
    (artifacts / "iris/4/bundle.json").write_bytes(os.urandom(1000))
    listed = run("list", "--artifacts", artifacts)
    assert listed.code == 0
    assert listed.out.count("iris version") == 4
    assert "bundle.json is missing" in listed.out
    problems = run("list", "--artifacts", artifacts, "--json").json()["bundles"]
    assert ["problem" in each for each in problems] == [True, True, True, False]


def test_list_shows_no_commands_to_a_terminal(run: Run, artifacts: Path) -> None:
    path = artifacts / "iris/2/bundle.json"
    manifest = decode_manifest(path.read_bytes())
    assert manifest.evaluation
    metrics = {"\x1b[2J": next(iter(manifest.evaluation.metrics.values()))}
    evaluation = msgspec.structs.replace(manifest.evaluation, metrics=metrics)
    path.write_bytes(encode_manifest(msgspec.structs.replace(manifest, evaluation=evaluation)))
    listed = run("list", "--artifacts", artifacts)
    assert listed.code == 0
    assert "\x1b" not in listed.out


def test_list_of_nothing_says_what_to_do(run: Run, home: Path) -> None:
    listed = run("list")
    assert (listed.code, run("list", "--json").json()) == (0, {"bundles": []})
    assert "Next: iris-deploy train" in listed.out
    (home / "artifacts").write_text("")
    assert run("list").code == 0


def found(
    *options: object, env: dict[str, str] | None = None, cwd: Path
) -> dict[str, dict[str, str]]:
    """Have the doctor look, and return the findings by what was looked at."""
    done = run_process("doctor", "--json", *options, env=env, cwd=cwd)
    findings = {each["what"]: each for each in json.loads(done.stdout)["findings"]}
    is_fault = any(each["state"] == "fault" for each in findings.values())
    assert done.returncode == (1 if is_fault else 0), done.stderr
    for each in findings.values():
        assert bool(each["mend"]) == (each["state"] != "ok"), each
    return findings


def test_the_doctor_finds_a_healthy_machine_healthy(home: Path, artifacts: Path) -> None:
    findings = found("--artifacts", artifacts, "--port", free_port(), cwd=home)
    looked = ("Python", "packages", "artifacts", "port", "processors", "open files")
    assert {findings[what]["state"] for what in looked} == {"ok"}
    assert "holds 2 bundles" in findings["artifacts"]["found"]
    for words in (("doctor",), ("doctor", "--json")):
        said = run_process(*words, cwd=home).stdout.decode()
        assert not re.search("`[a-z_]+`", said)  # options are written as people give them


def test_the_doctor_names_what_is_amiss_and_how_to_mend_it(home: Path, artifacts: Path) -> None:
    (artifacts / "iris/1/bundle.json").unlink()
    env = {"PATH": str(home), "https_proxy": "http://me:secret@proxy:3128", "no_proxy": "a.b"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        findings = found("--artifacts", artifacts, "--port", port, env=env, cwd=home)
    for what, words, mend in (
        ("port", str(port), "--port"),
        ("artifacts", "iris version 1", "list"),
        ("engine", "docker, podman, buildah", "Docker or Podman"),
        ("proxy", "https_proxy", "no_proxy=127.0.0.1"),
    ):
        assert findings[what]["state"] == "note"
        assert words in findings[what]["found"]
        assert mend in findings[what]["mend"]
    assert "secret" not in str(findings)


def test_the_doctor_tries_every_engine_and_says_which_does_not_answer(home: Path) -> None:
    for name, code in (("docker", 1), ("podman", 0)):
        (home / name).write_text(f"#!/bin/sh\necho 'cannot connect' >&2\nexit {code}\n")
        (home / name).chmod(0o755)
    findings = found(env={"PATH": f"{home}:/usr/bin:/bin"}, cwd=home)
    assert findings["docker"]["state"] == "note"
    assert findings["podman"]["state"] == "ok"


def test_the_doctor_counts_files_that_may_be_open(home: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    done = subprocess.run(
        [*COMMAND, "doctor", "--json"], preexec_fn=limit, capture_output=True, cwd=home, check=False
    )
    findings = {each["what"]: each for each in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert findings["open files"]["state"] == "fault"
    assert "ulimit -n" in findings["open files"]["mend"]


def complete(words: str, cwd: Path) -> list[str]:
    """Return what bash is proposed for the last word."""
    position = len(words.split(" ")) - 1
    env = {COMPLETE: "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(position)}
    return run_process(cwd=cwd, env=env).stdout.decode().split()


def test_a_shell_completes_commands_options_models_and_versions(
    artifacts: Path, home: Path
) -> None:
    elsewhere = f"iris-deploy serve --artifacts {artifacts}"
    assert complete("iris-deploy serv", home) == ["serve"]
    assert complete("iris-deploy serve --url", home) == ["--url-prefix"]
    assert complete(f"{elsewhere} --model i", home) == ["iris"]
    assert complete(f"{elsewhere} --version ", home) == ["1", "2"]
    assert complete(f"{elsewhere} --model nobody --version ", home) == []
    assert complete("iris-deploy serve --artifacts /dev/null/x --model ", home) == []
    script = run_process("--show-completion", "bash", cwd=home)
    assert COMPLETE in script.stdout.decode()
    assert main(["--help"]) == 0
