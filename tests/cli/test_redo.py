"""``charimg redo``: pictures made again, and candidates to choose from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import Run

BY_ECHO = ("--provider", "echo", "--uploader", "folder", "-o", "folder.path=published")


@pytest.fixture
def made(project: Path, charimg: Run) -> Path:
    """A project of two with their pictures."""
    (project / "characters.txt").write_text(
        "Ana Bell: a tall baker with flour\nBo: a small fox in snow\n", encoding="utf-8"
    )
    assert charimg("run", *BY_ECHO).code == 0
    return project


def pictures(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "pictures").iterdir())


def test_one_picture_is_made_again_and_the_old_one_kept(made: Path, charimg: Run) -> None:
    """As run --only --force would, with the same summary and exit code."""
    told = charimg("redo", "ana bell", *BY_ECHO)

    assert (told.code, "✅ Success: 1" in told.out) == (0, True)
    assert pictures(made) == ["ana-bell.1.png", "ana-bell.png", "bo.png"]


def test_candidates_end_with_how_to_choose(made: Path, charimg: Run) -> None:
    """Each with its number, file and seed."""
    told = charimg("redo", "Ana Bell", "--count", "3", "--seed", "41", *BY_ECHO)
    lines = told.out.splitlines()

    assert (told.code, pictures(made)) == (
        0,
        ["ana-bell.1.png", "ana-bell.2.png", "ana-bell.3.png", "ana-bell.png", "bo.png"],
    )
    assert sorted(line[-2:] for line in lines if line.startswith("   ") and "seed" in line) == ["41", "42", "43"]
    assert lines[-1] == '   👉 charimg pick "Ana Bell" 4'


@pytest.mark.usefixtures("made")
def test_several_characters_are_made_again_at_once(charimg: Run) -> None:
    """Each is told with its own candidates."""
    told = charimg("redo", "Bo", "ana-bell", "--count", "2", *BY_ECHO)

    assert [line for line in told.out.splitlines() if "👉 charimg pick" in line] == [
        '   👉 charimg pick "Ana Bell" 3',
        '   👉 charimg pick "Bo" 3',
    ]


@pytest.mark.usefixtures("easel")
def test_a_dry_run_costs_nothing_and_tells_what_it_would(made: Path, charimg: Run) -> None:
    """The number of pictures, and the price of all."""
    before = pictures(made)
    words = ("redo", "Bo", "--count", "4", "--provider", "easel", "--dry-run")
    told, plan = charimg(*words), json.loads(charimg(*words, "--json").out)

    assert (told.code, pictures(made)) == (0, before)
    assert "Plan: 4 pictures of 1 character, through easel" in told.out
    assert (plan["pictures"], plan["cost"]) == (4, 0.16)


@pytest.mark.usefixtures("made")
def test_json_lines_stand_alone(charimg: Run) -> None:
    """Whoever reads them is told nothing else."""
    told = charimg("redo", "Bo", "--count", "2", "--json", *BY_ECHO)
    events = [json.loads(line) for line in told.out.splitlines()]

    assert (events[-1]["event"], events[-1]["succeeded"]) == ("run_finished", 2)


@pytest.mark.usefixtures("made")
def test_a_quiet_redo_says_nothing_when_all_is_well(charimg: Run) -> None:
    """As a quiet run does."""
    told = charimg("redo", "Bo", "--count", "2", "-q", *BY_ECHO)

    assert (told.code, told.out, told.err) == (0, "", "")


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("Bob",), "there is no 'Bob' in characters.txt; did you mean 'Bo'?"),
        (("Bo", "--count", "101"), "--count 101: between 1 and 100 pictures of each can be asked for"),
        (("Bo", "--count", "0"), "--count 0: between 1 and 100 pictures of each can be asked for"),
        (("Bo", "--seed", "-1"), f"--seed -1: the seed must be between 0 and {2**63 - 1}"),
        (
            ("Bo", "--seed", str(2**63 - 1), "--count", "2"),
            f"--seed {2**63 - 1}: the last of 2 seeds must be between 0 and {2**63 - 1}",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_told_in_one_line(charimg: Run, words: tuple[str, ...], error: str) -> None:
    """Before anything is made."""
    told = charimg("redo", *words, *BY_ECHO)

    assert (told.code, told.err) == (2, f"charimg: {error}\n")


@pytest.mark.usefixtures("made")
def test_a_stale_picture_is_listed_and_made_again(project: Path, charimg: Run) -> None:
    """A plain run names the remedy, --stale --dry-run lists whom it means, --stale does it."""
    (project / "characters.txt").write_text("Ana Bell: a small baker\nBo: a small fox in snow\n", encoding="utf-8")
    plain = charimg("run", *BY_ECHO)
    listed = charimg("run", "--stale", "--dry-run", *BY_ECHO)
    status = {row["key"]: row["stale"] for row in json.loads(charimg("status", "--json").out)}
    done = charimg("run", "--stale", *BY_ECHO)

    assert "the roster has changed since this picture: Ana Bell; charimg run --stale makes it again" in plain.out
    assert "Note: the roster has changed since this picture; it is made again: Ana Bell" in listed.out
    assert status == {"ana-bell": True, "bo": False}
    assert ("✅ Success: 1" in done.out, pictures(project)) == (True, ["ana-bell.1.png", "ana-bell.png", "bo.png"])
    assert [row["stale"] for row in json.loads(charimg("status", "--json").out)] == [False, False]


@pytest.mark.usefixtures("made")
def test_status_tells_candidates_until_one_is_picked(charimg: Run) -> None:
    """With the command that shows them."""
    charimg("redo", "Ana Bell", "--count", "2", *BY_ECHO)
    before = charimg("status").out
    charimg("pick", "ana-bell", "2")
    after = charimg("status").out

    assert ("2 candidates to choose from" in before, 'charimg log "Ana Bell"  shows' in before) == (True, True)
    assert "candidate" not in after


def test_what_is_left_of_candidates_is_all_that_is_asked_for_again(made: Path, charimg: Run) -> None:
    """The command that the summary names pays for those that are missing, and not for all once more."""
    told = charimg("redo", "Bo", "--count", "4", "--provider", "avatar", "-o", "quota=3", "--max-retries", "0")

    (again,) = {line.split("charimg ")[1] for line in told.out.splitlines() if "redo" in line and "charimg" in line}
    assert "candidates" in told.out
    assert again.split("  ")[0] == "redo bo --beside --provider avatar --max-retries 0 -o quota=3"


def test_one_candidate_beside_the_picture_that_is_there(made: Path, charimg: Run) -> None:
    """With --beside even a single one leaves the current picture where it is."""
    charimg("redo", "Bo", "--beside", *BY_ECHO)

    log = json.loads(charimg("log", "Bo", "--json").out)
    assert "pictures/bo.1.png" in json.dumps(log)
    assert sorted(path.name for path in (made / "pictures").glob("bo*.png")) == ["bo.1.png", "bo.png"]
