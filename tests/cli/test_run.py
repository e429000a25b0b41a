"""``charimg run``: what the command line makes of the user's words; the run itself has tests of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from charimg.cli import cli
from charimg.model import GeneratedImage, ImageRequest
from charimg.providers.echo import EchoGenerator
from tests.cli.command_line import EASEL, Install, Run

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
    """The command that continues it asks for new pictures, for a plain run is content with the old; of everybody, as
    nobody's was made."""
    install("charimg-strict", STRICT, generators="strict")
    assert charimg("run", "cast.txt", "--provider", "echo", "--quiet").code == 0
    told = charimg("run", "cast.txt", "--provider", "strict", "--force")

    assert told.code == 4
    assert "👉 Then: charimg run cast.txt --provider strict --force  continues with the 3" in told.out


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


# -- lanes ---------------------------------------------------------------------------------------------------------

LANES = """
lanes:
  - {provider: easel, name: quick, weight: 2, server: 'http://attic:81'}
  - {provider: easel@work, batch_size: 3, price: 0.5, uploader: folder}
  - {provider: echo, fallback: yes}
"""


@pytest.fixture
def lanes(project: Path, cast: Path, install: Install, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two lanes of the easel, and one that stands by."""
    install("charimg-easel", EASEL, generators="easel")
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    (project / "charimg.yaml").write_text(LANES)
    return cast


@pytest.mark.usefixtures("lanes")
def test_the_plan_shows_the_lanes(charimg: Run) -> None:
    """Who works on it, on what terms, who stands by, and between what the cost will be."""
    told = charimg("run", "cast.txt", "--dry-run", "--budget", "2")

    lines = told.out.splitlines()
    assert lines[:4] == [
        "Plan: 3 of 3 characters, through 2 lanes",
        "  Lane quick (easel), 5 at once, weight 2, about 0.04 USD a picture",
        "  Lane easel@work, uploaded to folder, 3 at once, about 0.50 USD a picture",
        "  Fallback echo, 5 at once, free",
    ]
    assert "  Cost: 0.12 USD to 1.50 USD, by which lane makes how many" in lines
    assert "  Budget: 2.00 USD; the run stops before it would cost more" in lines
    assert "  Pictures to make: 3; each lane takes a batch whenever it is free" in lines


@pytest.mark.usefixtures("lanes")
def test_the_plan_of_several_lanes_as_data(charimg: Run) -> None:
    """Each lane with its account, its terms and its price; the cost is the most it can be."""
    plan = json.loads(charimg("run", "cast.txt", "--dry-run", "--json").out)

    quick, work, spare = plan["lanes"]
    assert (plan["provider"], plan["uploader"], plan["cost"], plan["currency"]) == ("easel", "none, folder", 1.5, "USD")
    assert (quick["name"], quick["account"], quick["weight"], quick["batch_size"]) == ("quick", "easel", 2.0, 5)
    assert (work["account"], work["uploader"], work["batch_size"], work["price"]) == ("easel@work", "folder", 3, 0.5)
    assert [lane["fallback"] for lane in (quick, work, spare)] == [False, False, True]


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--lane", "quick"), ["quick"]),
        (("--lane", "quick", "--lane", "echo"), ["quick", "echo"]),
        (("--provider", "easel@home,echo"), ["easel@home", "echo"]),
        (("--provider", "echo", "--fallback", "quick,easel@work"), ["echo", "quick", "easel@work"]),
    ],
)
def test_lanes_are_chosen_on_the_command_line(charimg: Run, words: tuple[str, ...], names: list[str]) -> None:
    """By the names of the file, or by provider and account."""
    plan = json.loads(charimg("run", "cast.txt", "--dry-run", "--json", *words).out)

    assert [lane["name"] for lane in plan["lanes"]] == names


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--lane", "quik"), "--lane quik: no lane of this name; did you mean 'quick'?"),
        (
            ("--provider", "echo,echo"),
            "the lane 'echo' is asked for twice: one account is one lane; a second account is written echo@LABEL"
            " (charimg keys set stores its key)",
        ),
        (("--provider", "echo", "--budget", "-1"), "--budget: expected a number from 0 up, found '-1'"),
        (("--lane", "quick", "-o", "brush=65"), "-o brush: expected a whole number from 1 to 64, found '65'"),
    ],
)
def test_what_makes_no_sense_is_one_line(charimg: Run, words: tuple[str, ...], line: str) -> None:
    """Before anything is read of the ledger."""
    told = charimg("run", "cast.txt", "--dry-run", *words)

    assert (told.code, told.out, told.err) == (2, "", f"charimg: {line}\n")


@pytest.mark.usefixtures("lanes")
def test_the_command_that_continues_names_the_lanes(charimg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the fallback and the budget, or it would be another run."""
    words = ("cast.txt", "--fallback", "easel@home", "--budget", "1", "--lane", "quick")
    monkeypatch.setenv("CHARIMG_EASEL_HOME_KEY", "good-secret")
    told = charimg("run", *words)

    assert told.code == 4
    assert f"charimg run {' '.join(words)}" in told.out


@pytest.mark.usefixtures("lanes")
def test_the_names_of_lanes_are_completed(project: Path) -> None:
    """From the settings file; a broken one completes nothing."""
    offered = ShellComplete(cli, {}, "charimg", "_CHARIMG_COMPLETE").get_completions(["run", "--lane"], "")
    begun = ShellComplete(cli, {}, "charimg", "_CHARIMG_COMPLETE").get_completions(["run", "--lane"], "ea")
    (project / "charimg.yaml").write_text("lanes: wrong")
    broken = ShellComplete(cli, {}, "charimg", "_CHARIMG_COMPLETE").get_completions(["run", "--lane"], "")

    assert [one.value for one in offered] == ["quick", "easel@work", "echo"]
    assert ([one.value for one in begun], broken) == (["easel@work"], [])
