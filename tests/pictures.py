"""The pictures of the documentation, drawn of what there is: ``make pictures``."""

import contextlib
import html
import io
import os
import pty
import re
import subprocess
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from tests.conftest import COMMAND, run_process, serving
from tests.package import ROOT
from tests.tools import require

DOCS = ROOT / "docs"
WIDTH = 88  # characters of a terminal
TERMINAL = {"train.svg": ("train",), "list.svg": ("list",)}
"""Pictures of a terminal, and the commands that are seen there, one after the other."""


def capture(words: tuple[str, ...], home: Path) -> str:
    """Run the command at a terminal, and return what it shows, with its colours."""
    own, other = pty.openpty()
    env = {**os.environ, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=home, stdout=other, stderr=subprocess.DEVNULL, env=env
    )
    os.close(other)
    shown = b""
    with contextlib.suppress(OSError):  # as Linux says that nobody has it open
        while more := os.read(own, 1 << 16):
            shown += more
    os.close(own)
    assert process.wait(60) == 0
    return shown.decode().replace("\r\n", "\n")


def draw_terminal(home: Path) -> dict[str, str]:
    """Return the pictures of a terminal, as SVG."""
    drawn = {}
    for name, words in TERMINAL.items():
        console = Console(record=True, width=WIDTH, file=io.StringIO())
        console.print(Text.from_ansi(f"\x1b[1m$ iris-deploy {' '.join(words)}\x1b[0m"))
        console.print(Text.from_ansi(capture(words, home)), soft_wrap=True)
        drawn[name] = console.export_svg(title="iris-deploy", unique_id="terminal")
    return drawn


def read_terminal(picture: str) -> str:
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
