"""``charimg run``: what the command line makes of the user's words; the run itself has tests of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from charimg.model import GeneratedImage, ImageRequest
from charimg.providers.echo import EchoGenerator
from tests.cli.command_line import Install, Run

BUSY = """
    import charimg

    class Busy(charimg.ImageGenerator):
        declaration = charimg.Declaration(name="busy", summary="Has no time.", price=charimg.Price(0.003))

        async def generate(self, request):
            raise charimg.ThrottledError("come back later")

    @charimg.hookimpl
    def register_generators(register):
        register(Busy)
"""


@pytest.fixture
def cast(project: Path) -> Path:
    """A roster of three."""
    roster = project / "cast.txt"
    roster.write_text("Ana: a tall baker with flour on her nose\nBo: a small fox\nCy: an old owl\n", encoding="utf-8")
    return roster


@pytest.fixture
def busy(install: Install) -> str:
    """The generator ``busy`` is installed."""
    return install("charimg-busy", BUSY, generators="busy")


@pytest.mark.usefixtures("cast", "busy")
def test_the_command_that_continues_pays_for_nobody_else(charimg: Run) -> None:
    """What the summary says to type names the roster, the flags and the characters of this run, without --force."""
    words = ("cast.txt", "--provider", "busy", "--max-retries", "0", "--only", "Ana", "--only", "bo")
    told = charimg("run", *words, "--force")

    assert told.code == 3
    assert f"👉 Later: charimg run {' '.join(words[:5])} --only Ana --only bo  (continues" in told.out


@pytest.mark.usefixtures("cast")
def test_the_plan_refuses_what_the_run_would(project: Path, charimg: Run) -> None:
    """A secret or a wrong value in the settings of a chosen provider is told by --dry-run, not only by the run."""
    (project / "charimg.yaml").write_text("providers:\n  folder:\n    pth: published\n", encoding="utf-8")
    told = charimg("run", "cast.txt", "--provider", "echo", "--uploader", "folder", "--dry-run")

    assert (told.code, told.out) == (2, "")
    assert "charimg.yaml:3: providers.folder.pth" in told.err


STRICT = """
    import charimg

    class Strict(charimg.ImageGenerator):
        declaration = charimg.Declaration(name="strict", summary="Lets nobody in.")

        async def generate(self, request):
            raise charimg.FatalError("closed; see `charimg keys`")

    @charimg.hookimpl
    def register_generators(register):
        register(Strict)
"""


@pytest.mark.usefixtures("cast")
def test_a_forced_run_that_ends_early_names_who_is_left(charimg: Run, install: Install) -> None:
    """The command that continues it asks for the new pictures by name, for a plain run is content with the old."""
    install("charimg-strict", STRICT, generators="strict")
    assert charimg("run", "cast.txt", "--provider", "echo", "--quiet").code == 0
    told = charimg("run", "cast.txt", "--provider", "strict", "--force")

    assert told.code == 4
    left = "--only ana --only bo --only cy"
    assert f"👉 Then: charimg run cast.txt --provider strict --force {left}  continues with the 3" in told.out


@pytest.mark.usefixtures("cast", "busy")
def test_the_plan_tells_small_prices(charimg: Run) -> None:
    """Three pictures at a third of a cent are not free of charge."""
    told = charimg("run", "cast.txt", "--provider", "busy", "--dry-run")

    assert "  Cost: about 0.009 USD" in told.out.splitlines()


@pytest.mark.usefixtures("cast", "busy")
def test_every_number_of_the_policy_has_its_flag(charimg: Run) -> None:
    """The plan's policy is the one the flags describe; a number that makes no sense is refused by its flag's name."""
    told = charimg("run", "cast.txt", "--provider", "busy", "--wait-ceiling", "-1", "--dry-run")

    assert (told.code, told.err) == (2, "charimg: --wait-ceiling: expected a number from 0 up, found '-1'\n")


def test_what_a_plugin_prints_stands_not_between_the_json_lines(
    charimg: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program reads standard output; a plugin's stray print goes where messages go."""
    (project / "characters.txt").write_text("Ana: a tall woman in a red coat\n", encoding="utf-8")
    generate = EchoGenerator.generate

    async def chatty(self: EchoGenerator, request: ImageRequest) -> GeneratedImage:
        print("asked for", request.name)
        return await generate(self, request)

    monkeypatch.setattr(EchoGenerator, "generate", chatty)
    told = charimg("run", "--provider", "echo", "--json")

    assert json.loads(told.out.splitlines()[-1])["event"] == "run_finished"
    assert all(json.loads(line) for line in told.out.splitlines())
    assert "asked for Ana" in told.err
