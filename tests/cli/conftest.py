"""The command line in one process, with a project, a configuration folder and plugins of the test's own."""

from __future__ import annotations

import io
import itertools
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from charimg.cli import main
from tests.cli.command_line import EASEL, Install, Result, Run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration folder, not yet made."""
    folder = tmp_path / "home"
    monkeypatch.setenv("CHARIMG_CONFIG_HOME", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def charimg(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``charimg`` with these arguments, as the console script does."""

    def run(*arguments: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        told = capsys.readouterr()
        return Result(int(ended.value.code or 0), told.out, told.err)

    return run


_numbers = itertools.count()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution with one module: ``install(name, code, generators="whisk")``."""
    modules: list[str] = []

    def add(distribution: str, code: str, **groups: Any) -> str:
        module = f"plugin_of_a_test_{next(_numbers)}"
        site = tmp_path / "site" / module
        info = site / f"{distribution.replace('-', '_')}-1.5.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n", encoding="utf-8")
        lines = [f"[charimg.{group}]\n{name} = {module}\n" for group, name in groups.items()]
        (info / "entry_points.txt").write_text("".join(lines), encoding="utf-8")
        monkeypatch.syspath_prepend(str(site))
        modules.append(module)
        return module

    yield add
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def easel(install: Install) -> str:
    """The generator ``easel`` is installed."""
    return install("charimg-easel", EASEL, generators="easel")
