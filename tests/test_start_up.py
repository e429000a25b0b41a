"""What starting costs: ``--help`` and ``--version`` carry nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "PIL", "yaml", "pluggy", "rich", "asyncio", "backoff", "filelock", "pathvalidate", "sqlite3"}


@pytest.mark.parametrize("flag", ["--help", "--version", "-h"])
def test_help_and_version_load_nothing_heavy(flag: str) -> None:
    """No network, picture, YAML, plugin or terminal library, no provider and no command is loaded to say this."""
    code = (
        "import sys\n"
        "from charimg.cli import main\n"
        "try:\n"
        f"    main([{flag!r}])\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "sys.stderr.write('\\n'.join(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())

    assert "charimg" in done.stdout
    assert sorted(loaded & HEAVY) == []
    assert sorted(name for name in loaded if name.startswith("charimg")) == [
        "charimg",
        "charimg._version",
        "charimg.cli",
        "charimg.errors",
        "charimg.model",
    ]
