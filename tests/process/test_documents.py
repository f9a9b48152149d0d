"""What README, tutorial and guides show happens as they show it; both tutorials show the same."""

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import joblib
import pytest
from palmerpenguins import load_penguins
from sklearn.datasets import load_iris
from sklearn.linear_model import Perceptron
from sklearn.preprocessing import StandardScaler

from tests.conftest import run_process
from tests.documents import ELSEWHERE, Reader, mask, read_blocks, read_commands
from tests.package import ROOT
from tests.pictures import draw_terminal, read_picture
from tests.tools import require

pytestmark = pytest.mark.once

ENGLISH, JAPANESE = ROOT / "docs/tutorial.md", ROOT / "docs/ja/tutorial.md"


def nothing(_reader: Reader) -> None:
    """Begin in an empty directory."""


def penguins(reader: Reader) -> None:
    """Have a table."""
    load_penguins().to_csv(reader.home / "penguins.csv", index=False)


def made(reader: Reader) -> None:
    """Have a table, and what ``make run`` makes."""
    penguins(reader)
    assert run_process("train", cwd=reader.home).returncode == 0
    reader.serve(["serve", "--model", "iris"])


def files(reader: Reader) -> None:
    """Have a scaler, a model, and a module that is named with it."""
    home = reader.home
    X, y = load_iris(return_X_y=True)
    scaler = StandardScaler().fit(X[:, [2, 3]])
    joblib.dump(scaler, home / "scaler.pkl")
    joblib.dump(
        Perceptron(random_state=0).fit(scaler.transform(X[:, [2, 3]]), y), home / "model.pkl"
    )
    (home / "steps.py").write_text('"""A module of ours."""\n')


PAGES: dict[str, tuple[Callable[[Reader], None], set[str]]] = {
    "README.md": (made, {"train", "import", "evaluate", "serve", "curl", "recipe"}),
    "docs/tutorial.md": (nothing, {"python", "import", "serve", "curl", "recipe", "docker"}),
    "docs/ja/tutorial.md": (nothing, {"python", "import", "serve", "curl", "recipe", "docker"}),
    "docs/accuracy.md": (nothing, {"train"}),
    "docs/tables.md": (penguins, {"train", "evaluate", "serve", "curl"}),
    "docs/images.md": (nothing, {"build-image", "docker"}),
    "docs/operations.md": (made, {"openssl", "serve"}),
    "docs/monitoring.md": (made, {"recipe", "docker"}),
    "docs/scoring.md": (penguins, {"train", "score"}),
    "docs/recipes.md": (made, {"train", "recipe", "curl"}),
    "docs/import.md": (files, {"import", "serve"}),
}
"""What is there before a page is read, and what it shows at least."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_happens(name: str, tmp_path: Path) -> None:
    require("curl")
    prepare, shown = PAGES[name]
    with ExitStack() as stack:
        reader = Reader(tmp_path, stack)
        prepare(reader)
        reader.follow(ROOT / name)
    assert shown <= reader.done


def test_both_tutorials_show_the_same() -> None:
    assert read_blocks(ENGLISH) == read_blocks(JAPANESE)
    headings = [
        re.findall(r"^(#+ \d*)", page.read_text(), re.MULTILINE) for page in (ENGLISH, JAPANESE)
    ]
    assert headings[0] == headings[1]
    own = {"ja/tutorial.md", "tutorial.md"}
    one, other = (
        set(re.findall(r"\]\((?:\.\./)?([^)]*)\)", page.read_text())) - own
        for page in (ENGLISH, JAPANESE)
    )
    assert one == other


def test_the_pictures_of_a_terminal_show_what_is_printed_today(tmp_path: Path) -> None:
    """Else `make pictures` draws them anew."""
    for name, drawn in draw_terminal(tmp_path).items():
        shown = mask(read_picture((ROOT / "docs" / name).read_text()))
        assert shown == mask(read_picture(drawn)), name
        assert "iris" in shown


def test_the_documentation_is_built_without_a_warning_and_can_be_searched(tmp_path: Path) -> None:
    words = ("-q", "-W", "--keep-going", "-n", "-b", "html", ROOT / "docs", tmp_path)
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    index = (tmp_path / "searchindex.js").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("")
        assert (tmp_path / f"{name}.html").exists()
        assert f'"{name}"' in index
    text = (tmp_path / "tutorial.html").read_text()
    assert not re.search(r'<(script|link|img)[^>]*(src|href)="https?://', text)


def test_what_no_test_runs_is_shown_somewhere() -> None:
    """Else its line in the list of exceptions has outlived its page."""
    shown = {
        word
        for name in PAGES
        for block in read_blocks(ROOT / name)
        if block.kind == "console"
        for command, _ in read_commands(block)
        for word in (command.split()[0].rpartition("/")[2] or ".", *command.split()[1:2])
    }
    assert set(ELSEWHERE) - shown == set()
