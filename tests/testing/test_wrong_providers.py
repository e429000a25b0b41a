"""A contract is worth what it refuses: every deliberately wrong provider fails its own test, for its own reason."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

from tests.testing import (
    wrong_asking,
    wrong_generators,
    wrong_polled,
    wrong_reading,
    wrong_stores,
    wrong_uploaders,
)

MODULES = (wrong_generators, wrong_reading, wrong_asking, wrong_polled, wrong_uploaders, wrong_stores)
ROOT = Path(__file__).parents[2]

Failures = dict[str, dict[str, list[str]]]
"""What failed, by class and standard test: the messages."""


def failures_of(file: Path, report: Path) -> Failures:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line"]
    command += ["-o", "addopts=", f"--junitxml={report}", str(file)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stdout[-2000:] + ended.stderr[-2000:]
    found: Failures = defaultdict(lambda: defaultdict(list))
    for case in ET.parse(report).getroot().iter("testcase"):
        told = found[str(case.get("classname")).rpartition(".")[2]]
        for problem in (*case.iter("failure"), *case.iter("error")):
            told[str(case.get("name")).partition("[")[0]].append(str(problem.get("message")))
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition("_")[2])
def test_every_wrong_provider_fails_its_own_test(tmp_path: Path, module: ModuleType) -> None:
    """Each fails the one test that names its fault, with words that tell it, and no other; the right one fails none."""
    told = failures_of(Path(str(module.__file__)), tmp_path / "report.xml")
    contracts = {name: kind for name, kind in vars(module).items() if name.startswith("Test")}
    odd = {}
    for name, kind in contracts.items():
        messages = told[name].get(kind.BREAKS, [])
        fits = not kind.BREAKS or any(re.search(kind.SAYS, message, re.DOTALL) for message in messages)
        if list(told[name]) != [kind.BREAKS][: bool(kind.BREAKS)] or not fits:
            odd[name] = dict(told[name])

    assert (set(told) - set(contracts), odd) == (set(), {})
