"""One entry-point module a service: a name imports its own service and nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

SERVICES = {"aihorde", "bfl", "fal", "huggingface", "replicate", "stability"}
SCRIPT = """
import sys
from charimg.plugins import Kind, Plugins
Plugins().load(Kind(sys.argv[1]), sys.argv[2])
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize(
    ("kind", "name"),
    [*(("generator", name) for name in sorted(SERVICES)), ("uploader", "fal"), ("uploader", "replicate")],
)
def test_a_name_imports_its_own_service(kind: str, name: str) -> None:
    """Neither the other services nor the network: listing providers stays quick, and a broken one stops nobody."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind, name], capture_output=True, text=True, timeout=60, check=True
    )

    modules = set(ran.stdout.split())
    assert {other for other in SERVICES if f"charimg_hosted.{other}" in modules} == {name}
    assert "aiohttp" not in modules
