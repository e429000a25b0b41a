"""The guide for people who write a provider is tried out: every listing is written, every command run, in order."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from charimg.claims import Kind
from charimg.scaffold import Names, contents, write

PAGE = Path(__file__).resolve().parent.parent / "docs/write-a-provider.md"
COMMAND = shutil.which("charimg", path=str(Path(sys.executable).parent)) or "charimg"
PROGRAMS = {"charimg": [COMMAND], "python": [sys.executable], "rm": ["rm"]}


def blocks() -> Iterator[tuple[str, str]]:
    """The language and text of every fenced block of the page."""
    yield from re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def fits(shown: str, printed: str) -> bool:
    """Whether the printed text is the shown one; ``...`` is anything within a line, and alone on a line any lines."""
    pattern = re.escape(shown.strip("\n"))
    pattern = re.sub(r"(?:^|(?<=\n))\\\.\\\.\\\.(?:\\?\n|$)", "(?:[^\n]*\n)*?(?:[^\n]*$)?", pattern)
    pattern = pattern.replace(r"\.\.\.", "[^\n]*")
    return re.fullmatch(pattern, printed.strip("\n")) is not None


def steps(block: str) -> Iterator[tuple[str, str]]:
    """Every command of a console block with what is shown below it."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        yield command, shown


@pytest.mark.parametrize(
    ("shown", "printed", "fitting"),
    [
        ("one\n...\nlast", "one\ntwo\nthree\nlast", True),
        ("one\n...\nlast", "one\nlast", True),
        ("one\n...", "one\ntwo\nthree", True),
        ("a ... in ...", "a word in time", True),
        ("a ... in ...", "a word\nin time", False),
        ("one\n...\nlast", "one\ntwo\nthree", False),
        ("one", "one\ntwo", False),
    ],
)
def test_dots_stand_for_what_differs(shown: str, printed: str, fitting: bool) -> None:
    """The comparison is no looser than it says."""
    assert fits(shown, printed) is fitting


@pytest.mark.slow
def test_the_guide_works_as_it_is_written(tmp_path: Path) -> None:
    """One folder, from ten lines to a package; what is printed is what the page shows."""
    home = tmp_path / "home"
    project = tmp_path / "project"
    project.mkdir()
    quiet = {"COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": "1", "CHARIMG_CONFIG_HOME": str(home), "PYTEST_ADDOPTS": ""}
    wrong = []
    for language, text in blocks():
        named = re.match(r"# ([\w./-]+)\n", text)
        if language == "console":
            for command, shown in steps(text):
                program, *words = shlex.split(command)
                done = subprocess.run(
                    [*PROGRAMS[program], *words],
                    cwd=project,
                    env={**os.environ, **quiet},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                if not fits(shown, done.stdout):
                    wrong.append(f"$ {command}\n{done.stdout}")
        elif named:
            path = project / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    assert wrong == []


def test_every_listing_is_tried() -> None:
    """Python has a file it is written to, and the page begins with ten lines of it, or a dozen."""
    listings = [text for language, text in blocks() if language == "python"]
    first = [line for line in listings[0].splitlines()[1:] if line.strip()]

    assert [text for text in listings if not re.match(r"# (plugins|tests)/\w+\.py\n", text)] == []
    assert len(first) <= 10
    assert all(ast.parse(text) for text in listings)


@pytest.mark.slow
def test_the_listings_pass_the_checks_of_a_new_package(tmp_path: Path) -> None:
    """A class of this page, put in the place of the example, is clean by the settings that ``plugin new`` writes."""
    tools = Path(sys.executable).parent
    if not (tools / "ruff").exists() or not (tools / "mypy").exists():
        pytest.skip("ruff and mypy come with the extra 'dev'")
    write(contents(Names.of("paint-box"), Kind.GENERATOR), tmp_path)
    classes = 0
    for language, text in blocks():
        named = re.match(r"# plugins/(\w+)\.py\n", text)
        if language == "python" and named and "from __future__" in text:  # the others are too short to be typed
            code = text[named.end() :].partition("\n\n@charimg.hookimpl")[0].rstrip()
            (tmp_path / "charimg_paint_box" / f"{named[1]}.py").write_text(
                f'"""The {named[1]}."""\n\n{code}\n', encoding="utf-8"
            )
            classes += 1

    def run(*command: str) -> str:
        environ = {**os.environ, "MYPYPATH": str(PAGE.parent.parent)}
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr if done.returncode else ""

    told = run(str(tools / "ruff"), "check", "--no-cache", ".") + run(str(tools / "ruff"), "format", "--diff", ".")
    cache = str(tmp_path.parent / "mypy")
    told += run(str(tools / "mypy"), "--follow-imports", "silent", "--cache-dir", cache, "charimg_paint_box")

    assert told == ""
    assert classes == 3
