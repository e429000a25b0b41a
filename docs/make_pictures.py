"""Make the pictures of the README from a real run: the live view in a terminal, and the gallery in a browser.

Needs tmux and Chromium on the machine, and a font with Bengali. Run by ``make pictures``; the pictures are looked at
before they are committed.
"""

from __future__ import annotations

import html
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
COLUMNS, ROWS = 100, 27

NIGHT = TerminalTheme(
    (27, 29, 35),
    (228, 230, 235),
    [
        (27, 29, 35),
        (240, 113, 120),
        (126, 200, 120),
        (229, 192, 106),
        (110, 160, 240),
        (198, 140, 230),
        (96, 196, 200),
        (228, 230, 235),
    ],
)
"""The colours of the picture's terminal: background, foreground, the eight."""

PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #f4f1ea; }}
.window {{ margin: 24px; display: inline-block; border-radius: 10px; overflow: hidden; background: #1b1d23;
  box-shadow: 0 12px 32px #0004; }}
.bar {{ background: #2b2e36; color: #b9bdc7; font: 13px sans-serif; padding: 9px 14px; }}
pre {{ margin: 0; padding: 14px 18px 18px; color: #e4e6eb; font: 14px/1.35 "DejaVu Sans Mono", "Noto Sans Bengali",
  "Noto Color Emoji", monospace; }}
</style><div class="window"><div class="bar">{title}</div>{body}</div>"""


def main() -> None:
    """Make both pictures in a folder that is thrown away."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "gopal-bhar"
        shutil.copytree(ROOT / "docs/examples/gopal-bhar", folder)
        _terminal(folder)
        _gallery(folder)


def _terminal(folder: Path) -> None:
    """The live view in the middle of a quota wait."""
    charimg = Path(sys.executable).parent / "charimg"
    session = "charimg-pictures"
    command = f"cd {folder} && clear && {charimg} run -o quota=12 -o latency=1; sleep 60"
    size = ["-x", str(COLUMNS), "-y", str(ROWS)]
    environ = {**os.environ, "TERM": "xterm-256color", "CI": ""}
    subprocess.run(["tmux", "new-session", "-d", "-s", session, *size, command], check=True, env=environ)
    try:
        deadline = time.monotonic() + 90
        screen = ""
        while "Quota limit" not in screen and time.monotonic() < deadline:
            time.sleep(0.5)
            screen = _screen(session)
        time.sleep(2)
        screen = _screen(session)
        while "GENERATION COMPLETE" not in _screen(session) and time.monotonic() < deadline:
            time.sleep(1)
    finally:
        subprocess.run(["tmux", "kill-session", "-t", session], check=False)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen.rstrip()))
    body = console.export_html(theme=NIGHT, inline_styles=True, code_format="<pre>{code}</pre>")
    page = folder / "terminal.html"
    page.write_text(PAGE.format(title=html.escape("charimg run"), body=body), encoding="utf-8")
    _photograph(page, IMAGES / "terminal.png", 910, 570)


def _screen(session: str) -> str:
    command = ["tmux", "capture-pane", "-e", "-p", "-t", session]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _gallery(folder: Path) -> None:
    charimg = str(Path(sys.executable).parent / "charimg")
    subprocess.run([charimg, "gallery"], cwd=folder, check=True)
    _photograph(folder / "gallery.html", IMAGES / "gallery.png", 1280, 900)


def _photograph(page: Path, target: Path, width: int, height: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium on this machine; install it first")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                *quiet,
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                "--hide-scrollbars",
                f"--screenshot={target}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    main()
