"""No standard test disappears in silence, and what an author must say is said in one clear line."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HEAD = """
    from charimg.providers.echo import EchoGenerator
    from charimg.testing import GeneratorContract, UploaderContract, Route, Service, overrides
    from tests.testing.sample_generator import SERVICE, Sketch
    from tests.testing.wrong_uploaders import Shelf
"""


def collected(folder: Path, body: str, *options: str) -> tuple[int, str]:
    """What pytest says to a module of an author: exit code and output."""
    module = folder / "test_author.py"
    module.write_text(textwrap.dedent(HEAD) + textwrap.dedent(body), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", *options, str(module)]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout


REFUSED = {
    "redefined": (
        """
        class TestEcho(GeneratorContract):
            provider = EchoGenerator

            def test_never_sleeps(self):
                pass
        """,
        "TestEcho redefines the standard test test_never_sleeps: rename yours, mark it with",
    ),
    "mixed-in": (
        """
        class Helpers:
            def test_never_sleeps(self):
                pass

        class TestEcho(Helpers, GeneratorContract):
            provider = EchoGenerator
        """,
        "TestEcho redefines the standard test test_never_sleeps",
    ),
    "taken-out": (
        """
        class TestEcho(GeneratorContract):
            provider = EchoGenerator
            test_never_sleeps = None
        """,
        "TestEcho redefines the standard test test_never_sleeps",
    ),
    "inherited": (
        """
        class Base(GeneratorContract):
            provider = EchoGenerator

        class TestEcho(Base):
            def test_never_sleeps(self):
                pass
        """,
        "TestEcho redefines the standard test test_never_sleeps",
    ),
    "no-reason": (
        """
        class TestEcho(GeneratorContract):
            provider = EchoGenerator

            @overrides("")
            def test_never_sleeps(self):
                pass
        """,
        "TestEcho redefines the standard test test_never_sleeps",
    ),
    "skipped-without-reason": (
        """
        class TestEcho(GeneratorContract):
            provider = EchoGenerator
            skipped = {"test_never_sleeps": ""}
        """,
        "TestEcho.skipped gives no reason for test_never_sleeps",
    ),
    "skipped-unknown": (
        """
        class TestEcho(GeneratorContract):
            provider = EchoGenerator
            skipped = {"test_never_slepes": "a reason"}
        """,
        "TestEcho.skipped names test_never_slepes, which is no standard test",
    ),
    "unknown-setting": (
        """
        class TestEcho(GeneratorContract):
            provider = EchoGenerator
            settings = {"widht": 64}
        """,
        "TestEcho.settings names widht, which echo does not declare",
    ),
    "no-service": (
        """
        class TestSketch(GeneratorContract):
            provider = Sketch
        """,
        "TestSketch: give service = Service(...), or declare Abilities(offline=True)",
    ),
    "no-service-of-an-uploader": (
        """
        class TestShelf(UploaderContract):
            provider = Shelf
        """,
        "TestShelf: give service = Service(...), or service = None for an uploader without a network",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_refused_at_collection_with_one_line(tmp_path: Path, case: str) -> None:
    """The suite does not run, and the report says why in one line, without a traceback."""
    body, line = REFUSED[case]
    code, said = collected(tmp_path, body, "--collect-only")

    assert (code, line in said, "Traceback" in said, "guard.py" in said) == (2, True, False, False), said


def test_reasons_are_shown(tmp_path: Path) -> None:
    """A standard test is skipped, one case of another too, and a third replaced: the report has the reasons."""
    code, said = collected(
        tmp_path,
        """
        class TestSketch(GeneratorContract):
            provider = Sketch
            service = SERVICE
            skipped = {
                "test_never_sleeps": "it plays the service itself",
                "test_trouble_has_its_verdict[500]": "means something else here",
            }

            @overrides("tested elsewhere")
            def test_leaks_nothing(self):
                raise AssertionError("mine")
        """,
        "-rsf",
        "-k",
        "sleeps or its_verdict or leaks",
    )
    shown = ("it plays the service itself", "means something else here", "mine")

    assert (code, [one in said for one in shown], "1 failed, 18 passed, 2 skipped" in said) == (1, [True] * 3, True), (
        said
    )


def test_offline_generator_has_no_network_tests(tmp_path: Path) -> None:
    """What cannot apply is not collected, rather than skipped or passed."""
    code, said = collected(
        tmp_path,
        """
        class TestEcho(GeneratorContract):
            provider = EchoGenerator
        """,
        "--collect-only",
    )

    assert (code, "test_gives_the_picture" in said, "verdict" in said, "ticket" in said) == (0, True, False, False), (
        said
    )
