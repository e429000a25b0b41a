"""The example of the kit's own docstring is a whole test module that runs with pytest alone."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import charimg.testing


def test_example_runs_with_pytest_alone(tmp_path: Path) -> None:
    """The docstring's listing, as an author's module: no plugin is loaded, and everything passes."""
    text = str(charimg.testing.__doc__)
    listing = textwrap.dedent(text[text.index("    import charimg\n") : text.index("What is special")])
    (tmp_path / "test_sketch.py").write_text(listing, encoding="utf-8")
    blocked = "import sys; sys.modules.update(dict.fromkeys(('looptime', 'hypothesis', 'pytest_asyncio')))"
    run = f"{blocked}; import pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_sketch.py']))"
    ended = subprocess.run(
        [sys.executable, "-c", run],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    last = ended.stdout.strip().splitlines()[-1]

    assert (ended.returncode, "passed" in last, int(last.split()[0]) > 70) == (0, True, True), ended.stdout[-3000:]
