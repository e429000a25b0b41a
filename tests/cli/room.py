"""An environment of a test's own, with a real pip and no network."""

from __future__ import annotations

import os
import site
import subprocess
import venv
from pathlib import Path

from tests.cli.command_line import Result


class Room:
    """An environment that sees this one's packages and takes its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.shelf = place / "shelf"
        self.project = place / "project"
        self.project.mkdir()
        venv.create(place / "venv", with_pip=False)
        self.python = place / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        asked = [str(self.python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        self.site = Path(subprocess.check_output(asked, text=True).strip())
        lines = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
        (self.site / "outer.pth").write_text("".join(lines))

    def __call__(self, *arguments: str, **environ: str) -> Result:
        """Run ``charimg`` in the project; nobody sits at the terminal."""
        return self.run("charimg", *arguments, folder=self.project, **environ)

    def run(self, module: str, *arguments: str, folder: Path, **environ: str) -> Result:
        """Run a module with the environment's Python, away from any index."""
        alone = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.shelf), "PIP_CONFIG_FILE": os.devnull}
        done = subprocess.run(
            [str(self.python), "-m", module, *arguments],
            cwd=folder,
            env={**os.environ, **alone, **environ},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def has(self, module: str) -> bool:
        """Whether a module was installed here."""
        return (self.site / f"{module}.py").exists()
