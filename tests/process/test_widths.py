"""What is printed keeps every figure, however narrow the terminal, with and without colours."""

import re
import subprocess
from pathlib import Path

import pytest
from palmerpenguins import load_penguins

from iris_deploy.cli import build_image
from iris_deploy.image.build import ImageReport
from iris_deploy.image.engines.layout import Layer
from iris_deploy.image.trial import Trial
from tests.conftest import COMMAND, Run
from tests.terminals import run_at_terminal

pytestmark = pytest.mark.once

WIDE, WIDTHS = 400, (60, 80, 120)
INSTANCE = '{"length": 5.1, "width": 2.4}'

SHOWN: dict[str, tuple[str, ...]] = {
    "alone": (),
    "train": ("train",),
    "train --data": ("train", "--data", "penguins.csv", "--target", "species"),
    "evaluate": ("evaluate", "--model", "iris"),
    "evaluate a table": ("evaluate", "--model", "penguins"),
    "predict": ("predict", "--model", "iris", "--details", INSTANCE),
    "inspect": ("inspect", "artifacts/penguins/1/pipeline_penguins.pkl"),
    "import": ("import", "artifacts/penguins/1/pipeline_penguins.pkl", "--model", "mine"),
    "list": ("list",),
    "doctor": ("doctor",),
    "recipe": ("recipe",),
    "--version": ("--version",),
}
MOVING = r"sha256:\w+|version \d+|\d+(\.\d+)? GB free|\d+\.\d s\b|versions? \d+ to \d+|/\d+/"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    load_penguins().to_csv(folder / "penguins.csv", index=False)
    for words in (SHOWN["train"], SHOWN["train --data"]):
        subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, check=True)
    return folder


def figures(text: str) -> set[str]:
    """Return the numbers of an output, but for those that another run has otherwise."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return set(re.findall(r"\d[\d.,]*\d|\d", re.sub(MOVING, "", plain)))


@pytest.mark.parametrize("what", SHOWN)
def test_no_figure_is_lost_however_narrow_and_in_whatever_colours(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(home)
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", str(WIDE))
    expected = figures(run(*SHOWN[what]).out)
    assert expected or what in {"alone", "recipe"}
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        for colours in ("NO_COLOR", "FORCE_COLOR"):
            with monkeypatch.context() as patch:
                patch.setenv(colours, "1")
                ran = run(*SHOWN[what])
                assert ran.code == 0, ran.err
                assert expected - figures(ran.out) == set(), (width, colours)


@pytest.mark.parametrize("what", ["evaluate", "evaluate a table", "inspect", "list"])
def test_a_narrow_terminal_shows_what_a_pipe_gets(home: Path, what: str) -> None:
    piped = subprocess.run([*COMMAND, *SHOWN[what]], cwd=home, capture_output=True, check=True)
    lost = figures(piped.stdout.decode()) - figures(run_at_terminal(SHOWN[what], home, min(WIDTHS)))
    assert lost == set()


def test_the_report_of_an_image_keeps_its_sizes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a build shows it, which takes an engine."""
    layers = [Layer(size=k * 1_234_567, instruction=f"COPY {'x' * 100} {k}") for k in (3, 40, 500)]
    report = ImageReport(
        builder="docker", image="sha256:" + "0" * 64, tags=("user/iris:1.0",), pushed=(),
        base_image="python:3.11-slim", size=181_234_567, added=55_123_456, layers=layers,
        trial=Trial(ports=(5000, 8080), ready_seconds=0.7, replayed=9, stop_seconds=0.3),
        reproducible=True,
    )  # fmt: skip
    for width in (*WIDTHS, 40):
        monkeypatch.setenv("COLUMNS", str(width))
        build_image._report(report, "docker")
        shown = capsys.readouterr().out
        for size in ("3.70 MB", "49.38 MB", "617.28 MB", "181.2 MB", "55.1 MB", "0.7 s", "0.3 s"):
            assert size in shown, width
