"""The pictures of the documentation, drawn of what there is: ``make pictures``."""

import html
import io
import re
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from tests.conftest import run_process, serving
from tests.package import ROOT
from tests.terminals import run_at_terminal
from tests.tools import require

DOCS = ROOT / "docs"
WIDTH = 88  # characters of a terminal
TERMINAL = {"train.svg": ("train",), "list.svg": ("list",)}
"""Pictures of a terminal, and the commands that are seen there, one after the other."""


def draw_terminal(home: Path) -> dict[str, str]:
    """Return the pictures of a terminal, as SVG."""
    drawn = {}
    for name, words in TERMINAL.items():
        console = Console(record=True, width=WIDTH, file=io.StringIO())
        console.print(Text.from_ansi(f"\x1b[1m$ iris-deploy {' '.join(words)}\x1b[0m"))
        console.print(Text.from_ansi(run_at_terminal(words, home, WIDTH)), soft_wrap=True)
        drawn[name] = console.export_svg(title="iris-deploy", unique_id="terminal")
    return drawn


def read_picture(picture: str) -> str:
    """Return the text of a picture of a terminal, its lines one below the other."""
    pieces = re.findall(
        r'<text class="terminal-r\d+" x="([\d.]+)" y="([\d.]+)".*?>(.*?)</text>', picture
    )
    lines: dict[float, str] = {}
    for _, y, text in pieces:
        lines[float(y)] = lines.get(float(y), "") + html.unescape(text).replace("\xa0", " ")
    return "\n".join(lines[y].rstrip() for y in sorted(lines))


def draw_page(home: Path, target: Path) -> None:
    """Draw the page of the talk's model."""
    with serving(home / "artifacts", "--workers", 1) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=require("chromium"), args=["--no-sandbox", "--no-proxy-server"]
        )
        page = browser.new_page(viewport={"width": 1240, "height": 790})
        page.goto(f"{server.url}/")
        page.locator("#drawn .legend").wait_for()
        address = page.locator("#command")
        address.evaluate(
            "(each) => { each.textContent = each.textContent.replace(/:\\d+/, ':5000') }"
        )
        page.screenshot(path=target)
        browser.close()


def main() -> None:
    """Draw all of them."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name, picture in draw_terminal(home).items():
            (DOCS / name).write_text(picture)
        plot = ("evaluate", "--plot", str(DOCS / "evaluation.png"))
        assert run_process(*plot, cwd=home).returncode == 0
        draw_page(home, DOCS / "page.png")


if __name__ == "__main__":
    main()
