"""Build every wheel, install them in an empty environment, and run the demo from another folder.

Run by ``make wheels``: what a user gets from the index is what is tried, not the checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Build, install, run; any failure ends with its output."""
    with tempfile.TemporaryDirectory(prefix="charimg-wheels-") as name:
        place = Path(name)
        wheels = place / "wheels"
        for source in (ROOT, *sorted((ROOT / "plugins").glob("charimg-*"))):
            # A copy, so that no build folder of an earlier version slips into the wheel.
            copy = place / "sources" / source.name
            ignore = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "demo", "node_modules", "plugins")
            shutil.copytree(source, copy, ignore=ignore)
            run(sys.executable, "-m", "build", "--wheel", "--outdir", str(wheels), str(copy))
        environment = place / "empty"
        venv.create(environment, with_pip=True)
        binaries = environment / ("Scripts" if os.name == "nt" else "bin")
        run(str(binaries / "python"), "-m", "pip", "install", "--quiet", *map(str, sorted(wheels.glob("*.whl"))))
        elsewhere = place / "elsewhere"
        elsewhere.mkdir()
        shutil.copy(ROOT / "docs/examples/gopal-bhar/characters.yaml", elsewhere)
        charimg = str(binaries / "charimg")
        print(run(charimg, "--version", cwd=elsewhere), end="")
        print(run(charimg, "run", "--cooldown", "0", cwd=elsewhere), end="")
        run(charimg, "gallery", cwd=elsewhere)
        run(charimg, "gallery", "--png", cwd=elsewhere)
        pictures = sorted((elsewhere / "pictures").glob("*.png"))
        if len(pictures) != 15:
            sys.exit(f"expected 15 pictures from the wheels, found {len(pictures)}")
        run(charimg, "plugin", "new", "sketch", cwd=elsewhere)  # its templates are data of the wheel
        if not (elsewhere / "charimg-sketch" / "setup.cfg").is_file():
            sys.exit("charimg plugin new wrote no distribution")
        print(f"wheels: {len(list(wheels.glob('*.whl')))} built and installed; {len(pictures)} pictures made with them")


def run(*command: str, cwd: Path | None = None) -> str:
    """Run a command and return what it printed; a failure ends everything with its output."""
    done = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    main()
