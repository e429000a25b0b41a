"""Runs commands one after the other in one process, each with an environment of its own, and keeps all they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_DRIVER = """
import json, os, sys
{prelude}
from charimg.cli import main
usual = dict(os.environ)
for environ, arguments in json.loads(sys.stdin.readline()):
    os.environ.clear()
    os.environ.update({{**usual, **environ}})
    print("#", *arguments, flush=True)
    try:
        main(arguments)
    except SystemExit as ended:
        print("# ended with", ended.code, flush=True)
    except BaseException:
        import traceback

        traceback.print_exc()
        print("# ended with a traceback", flush=True)
"""

UNREDACTED = """
import charimg.cli, charimg.redaction
charimg.redaction.Redactor.erased = lambda self, text: text
charimg.redaction.Redactor.clean = lambda self, text: text
charimg.redaction.Redactor.holds = lambda self, text: False
charimg.redaction.clean_of_all = lambda text: text
"""
"""Switches the eraser off: what it keeps back must then be found."""

Step = tuple[Mapping[str, str], Sequence[str]]
"""Variables and arguments of one command."""


@dataclass(frozen=True)
class Desk:
    """A project's folder with a place for settings and one for what is temporary, all of them searched."""

    project: Path
    home: Path
    temporary: Path

    @classmethod
    def at(cls, folder: Path, roster: str) -> Desk:
        """Below *folder*, made anew."""
        desk = cls(folder / "project", folder / "home", folder / "tmp")
        for one in (desk.project, desk.home, desk.temporary):
            one.mkdir(parents=True)
        desk.home.chmod(0o700)
        (desk.project / "characters.txt").write_text(roster, encoding="utf-8")
        return desk

    @property
    def folders(self) -> tuple[Path, ...]:
        """Everything that is searched."""
        return (self.project, self.home, self.temporary)

    @property
    def environ(self) -> dict[str, str]:
        """Of every command: nobody's variables but Python's own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CHARIMG_")}
        paths = {"TMPDIR": str(self.temporary), "HOME": str(self.home), "CHARIMG_CONFIG_HOME": str(self.home)}
        return {**kept, **paths, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100", "NO_PROXY": "127.0.0.1,localhost"}

    def drive(self, steps: Sequence[Step], prelude: str = "", seconds: float = 100) -> bytes:
        """Run the commands; standard output and standard error of all of them."""
        done = subprocess.run(
            [sys.executable, "-c", _DRIVER.format(prelude=prelude)],
            input=json.dumps([[dict(environ), list(arguments)] for environ, arguments in steps]).encode() + b"\n",
            cwd=self.project,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
        return done.stdout
