"""The targets under atheris, whose coverage keeps every input that reaches something new."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

INSTRUMENTED = ["charimg", "charimg_whisk", "charimg_gemini", "charimg_openai", "charimg_comfyui", "charimg_hosted"]

RUN = """
import sys
import atheris
name, seconds, seed, corpus = sys.argv[1:5]
with atheris.instrument_imports(include={include!r}):
    from tests.fuzzing.targets import TARGETS
    target = TARGETS[name]
    for data in target.corpus():  # what is imported only on the way is instrumented, too
        target.feed(data)
atheris.Setup(
    [
        *(sys.argv[0], f"-max_total_time={{seconds}}", f"-seed={{seed}}", "-max_len=200000", "-timeout=20"),
        *("-rss_limit_mb=3000", f"-artifact_prefix={{sys.argv[5]}}/{{name}}-", "-print_final_stats=1", "-verbosity=0"),
        corpus,
    ],
    target.feed,
)
atheris.Fuzz()
"""


def is_there() -> bool:
    """Whether atheris can be imported."""
    return importlib.util.find_spec("atheris") is not None


def run(name: str, corpus: list[bytes], folder: Path, *, seconds: int, seed: int) -> tuple[int, str]:
    """Fuzz one target in a process of its own: atheris ends it.

    :param folder: grows a corpus under ``corpus/NAME``, and holds what was found.
    :returns: how many inputs there were, and the end of what was printed where something was found.
    """
    grown = folder / "corpus" / name
    grown.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(corpus):
        (grown / f"seed-{number}").write_bytes(data)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            RUN.format(include=INSTRUMENTED),
            name,
            str(seconds),
            str(seed),
            str(grown),
            str(folder),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = done.stdout + done.stderr
    counted = [line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line]
    return int(counted[-1]) if counted else 0, said[-6_000:] if done.returncode else ""
