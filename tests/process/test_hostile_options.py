"""Every option of every command, with values that nobody should give: never a bug, whatever comes.

The commands and options are walked, so that an option that is added is tried too.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from iris_deploy.cli import build_app
from iris_deploy.serving.settings import YEAR
from tests.conftest import Result, Run, run_process, serving

pytestmark = pytest.mark.once

NUMBERS = (
    *("0", "-1", "1", "2147483648", "9223372036854775808", "1" + "0" * 30, "9" * 5000),
    *("nan", "inf", "-inf", "1e308", "1e-308", "-0.0", "0x10", "1_0", "٣"),
)
TEXTS = (
    *(
        "",
        " ",
        "x" * 300,
        "x" * 5000,
        "\udcff",
        "a\udcffb",
        "a\0b",
        "../..",
        "/",
        "a\nb",
        "\x1b[31m",
    ),
    *(
        "*",
        "-",
        "--",
        "é",
        "a" * 64 + ".example",
        "a..b",
        "[::1]",
        "%s",
        "{}",
        "0",
        "\u202e",
        "$(id)",
    ),
)

INERT: dict[str, tuple[str, ...]] = {
    "train": ("--dataset", "none-such"),
    "evaluate": ("--artifacts", "none-such"),
    "predict": ("{}", "--artifacts", "none-such"),
    "serve": ("--artifacts", "none-such"),
    "build-image": ("--artifacts", "none-such"),
    "import": ("none-such.pkl", "--artifacts", "none-such"),
    "recipe": ("kubernetes", "--artifacts", "none-such", "--no-lookup"),
    "score": ("none-such.csv", "--output", "out.csv", "--artifacts", "none-such"),
    "list": (),
    "doctor": (),
}
"""What keeps a command from its work once its options are read."""

LOOKING = ("list", "doctor")
"""Commands that only look, and say what they see."""


def options() -> Iterator[tuple[str, Any]]:
    group: Any = get_command(build_app())
    for name, command in group.commands.items():
        for option in command.params:
            if option.param_type_name == "option" and not option.is_flag:
                yield name, option


def is_number(option: Any) -> bool:
    return "int" in option.type.name or "float" in option.type.name


def attempt(run: Run, *words: object) -> Result:
    """Run the command, which has to end as it ends for users; what it says is made plain ASCII."""
    result = run(*words)
    err = ascii(result.err)
    assert result.code in {0, 1, 2}, (ascii(words)[:300], err[-2000:])
    assert "Traceback" not in err, ascii(words)[:300]
    return Result(result.code, ascii(result.out), err)


CASES = list(options())
EACH = pytest.mark.parametrize(
    ("command", "option"), CASES, ids=lambda part: part if isinstance(part, str) else part.opts[0]
)


def test_every_command_is_walked() -> None:
    assert {command for command, _ in CASES} == set(INERT)
    assert len(CASES) > 50


@pytest.mark.no_cover
@EACH
def test_a_hostile_value_is_never_a_bug(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, option: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no engine
    for value in (*NUMBERS, *TEXTS):
        result = attempt(run, command, *INERT[command], option.opts[0], value)
        wrong = ascii(value)[:300]
        assert result.code or command in LOOKING, wrong
        unfit = "\udcff" in value or "\0" in value
        if unfit or (is_number(option) and value in TEXTS and value != "0"):
            assert (wrong, result.code) == (wrong, 2)
            assert option.opts[0] in result.err


@EACH
def test_a_number_beyond_all_bounds_is_a_usage_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, option: Any
) -> None:
    """1e308 is a number that an estimator may take."""
    if not is_number(option):
        return
    monkeypatch.chdir(tmp_path)
    for value in ("-1", "1" + "0" * 30, "9223372036854775808", "nan", "inf", "-inf"):
        if command == "train" and option.name in {"eta0", "tol"} and value[0] in "19":
            continue
        result = attempt(run, command, *INERT[command], option.opts[0], value)
        assert result.code == 2, (value, result.err)
        assert option.opts[0] in result.err


@pytest.mark.parametrize("value", TEXTS, ids=ascii)
def test_hostile_text_does_its_work_or_is_refused(
    run: Run, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """With a bundle there, so that the value gets to where it is used."""
    inside = tmp_path / "in" / "side"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    there = ("--artifacts", artifacts, "--version", 1)
    (inside / "new.csv").write_text("length,width\n5.1,2.4\n")
    for words in (
        ("predict", "{}", "--artifacts", artifacts, "--model", value),
        ("predict", *there, "--file", value),
        ("predict", *there, "--", value),
        ("score", "new.csv", *there, "--force", "--output", value),
        ("score", "new.csv", *there, "--force", "-o", "out.csv", "--keep", value),
        ("score", "new.csv", *there, "--force", "-o", "out.csv", "--missing", value),
        ("score", "new.csv", *there, "--force", "-o", "out.csv", "--bad", value),
        ("score", *there, "--force", "-o", "out.csv", "--", value),
        ("evaluate", *there, "--model", value),
        ("evaluate", *there, "--plot", value),
        ("build-image", *there, "--dry-run", "--tag", value),
        ("build-image", *there, "--dry-run", "--label", f"a={value}"),
        ("build-image", *there, "--dry-run", "--build-arg", f"a={value}"),
        ("build-image", *there, "--dry-run", "--base-image", value),
        ("build-image", *there, "--dry-run", "--platform", value),
        ("build-image", *there, "--context-only", value),
        ("build-image", *there, "--dry-run", "--max-size", value),
        ("build-image", *there, "--dry-run", "--max-size", value.replace("x", "9")),
        ("serve", *there, "--host", "192.0.2.1", "--tokens-file", value),
        ("serve", *there, "--host", value, "--dev", "--unix-socket", "socket"),
    ):
        attempt(run, *words)


@pytest.mark.parametrize(
    "words",
    [
        ("train", "--model", "\udcff"),
        ("train", "--artifacts", "\udcff"),
        ("train", "--eta0", "1e308"),
        ("train", "--eta0", "1e-308"),
        ("train", "--tol", "1e308"),
        ("train", "--classifier", "logistic-regression", "--tol", "1e308"),
        ("train", "--model", "x" * 300),
        ("train", "--model", "../.."),
        ("train", "--artifacts", "x" * 300),
        ("train", "--artifacts", "a\nb"),
        ("train", "--test-size", "1e-308"),
        ("train", "--test-size", "0.9999999999"),
        ("\udcff",),
        ("--\udcff",),
        ("serve", "--\udcff", "1"),
        ("serve", "--port"),
    ],
    ids=ascii,
)
def test_hostile_words_are_never_a_bug(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    attempt(run, *words)


def test_bytes_that_are_no_text_are_refused_in_a_process_of_its_own(tmp_path: Path) -> None:
    env = {"IRIS_DEPLOY_ARTIFACTS": "a\udcffb"}
    result = run_process("train", cwd=tmp_path, env=env)
    assert result.returncode == 2
    assert b"--artifacts" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_largest_values_are_served_with(artifacts: Path) -> None:
    """What is within bounds can be had: nothing of it overflows a clock or a call of the system."""
    year = str(int(YEAR))
    seconds = ("request-timeout", "idle-timeout", "queue-timeout", "worker-timeout", "grace")
    words = [word for name in seconds for word in (f"--{name}", year)]
    words += ["--threads", "1024", "--max-body-bytes", str(2**30), "--max-header-bytes", str(2**20)]
    words += ["--trusted-proxy-count", "100", "--trusted-proxy", "*"]
    with serving(artifacts, "--workers", 2, *words) as running:
        assert running.predict([{"length": 5.1, "width": 2.4}] * 9000).status == 200  # on a thread
        assert running.predict({"length": 5.1, "width": 2.4}).status == 200
        assert running.stop() == 0
        assert running.errors.read_text() == ""
