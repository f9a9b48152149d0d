"""The console command as a whole: help, exit codes, boundaries."""

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.main import get_command

import iris_deploy
from iris_deploy.cli import build_app, main
from tests.conftest import COMMAND, Run, run_process

COMMANDS = ("train", "evaluate", "predict", "serve")


def test_help_lists_the_commands_and_where_to_start(run: Run) -> None:
    for arguments in (["--help"], ["-h"]):
        result = run(*arguments)
        assert result.code == 0
        text = result.out + result.err
        for command in COMMANDS:
            assert command in text
        assert "iris-deploy train" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_every_option(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.code == 0
    assert "Usage: iris-deploy" in result.out


def test_version_is_that_of_the_package_and_of_what_it_needs(run: Run) -> None:
    own, python, *others = run("--version").out.splitlines()
    assert own == f"iris-deploy {iris_deploy.__version__}"
    assert python == f"Python {platform.python_version()}"
    assert f"scikit-learn {version('scikit-learn')}" in others


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    result = run("deploy")
    assert result.code == 2
    assert "No such command" in result.err


def test_ctrl_c_is_130_and_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from iris_deploy.bundle.repository import Repository

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Repository, "read", interrupted)
    result = run("predict", "{}")
    assert result.code == 130
    assert "Traceback" not in result.err


def test_a_bug_is_3_with_its_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from iris_deploy.bundle.repository import Repository

    def broken(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(Repository, "read", broken)
    result = run("predict", "{}")
    assert result.code == 3
    assert "RuntimeError: unforeseen" in result.err
    assert "please report" in result.err


def test_no_paragraph_of_a_help_breaks_before_the_terminal_ends() -> None:
    for name, command in get_command(build_app()).commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        assert "\n" not in command.help.replace("\n\n", ""), name


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["serve", "--help"]])
def test_help_loads_none_of_the_heavy_packages(arguments: list[str]) -> None:
    script = (
        "import json, sys; from iris_deploy.cli import main; main(sys.argv[1:]); "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, check=True, timeout=60
    )
    loaded = set(json.loads(result.stdout.splitlines()[-1]))
    assert not loaded & {"sklearn", "scipy", "numpy", "joblib", "flask", "waitress", "msgspec"}


def test_the_installed_command_and_the_module_are_the_same() -> None:
    module = run_process("--version").stdout
    script = f"{sys.prefix}/bin/iris-deploy"
    installed = subprocess.run([script, "--version"], capture_output=True, check=True, timeout=60)
    assert installed.stdout == module
    assert module.decode().startswith(f"iris-deploy {iris_deploy.__version__}\n")
    assert COMMAND[0] == sys.executable


def test_main_takes_the_arguments_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["iris-deploy", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("iris-deploy ")


@pytest.mark.parametrize("command", [["evaluate"], ["train"], ["--help"], ["evaluate", "--help"]])
def test_a_terminal_without_unicode_is_no_bug(artifacts: Path, command: list[str]) -> None:
    env = {"PYTHONIOENCODING": "ascii", "IRIS_DEPLOY_ARTIFACTS": str(artifacts)}
    result = run_process(*command, env=env)
    assert result.returncode == 0, result.stderr


def test_help_of_train_names_every_dataset_and_classifier() -> None:
    from iris_deploy.training.classifiers import CLASSIFIERS
    from iris_deploy.training.sources.datasets import DATASETS

    out = run_process("train", "--help", env={"COLUMNS": "200"}).stdout.decode()
    for names in (DATASETS, CLASSIFIERS):
        assert "|".join(names) in out
