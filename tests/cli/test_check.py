"""``charimg check``: ledger against disk, and the mending of what differs."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charimg.cli import Desk, cli
from charimg.contracts import Attempt
from charimg.images import inspect
from charimg.metadata import PictureMetadata, sidecar_of
from charimg.model import utc_now
from charimg.project import Project
from charimg.providers.sqlite import SqliteStore
from tests.kept_project import NOON, KeptProject, painted

Run = Callable[..., Any]
"""Runs the command line; see conftest."""


@pytest.fixture
def kept(project: Path) -> KeptProject:
    """A project of three characters with a picture each, in the current folder."""
    kept = KeptProject(project)
    kept.save_all()
    return kept


def checked(charimg: Run, *arguments: str) -> tuple[int, list[str], list[str]]:
    """Exit code, the kinds of what is amiss and of what is noted."""
    result = charimg("check", "--json", *arguments)
    data = json.loads(result.out)
    return result.code, [one["kind"] for one in data["findings"]], [one["kind"] for one in data["notes"]]


def test_a_sound_project_is_told_so(kept: KeptProject, charimg: Run) -> None:
    """Candidates, earlier versions and sidecars are all as they should be; nothing is created."""
    kept.save("ana")
    kept.save("gopal", candidate=True)
    before = sorted(str(path) for path in kept.folder.rglob("*"))
    result = charimg("check")

    assert (result.code, result.out) == (0, "5 pictures checked: all is sound\n")
    assert sorted(str(path) for path in kept.folder.rglob("*")) == before


def test_each_line_says_who_what_and_what_to_do(kept: KeptProject, charimg: Run) -> None:
    """The character, the file and the remedy; the exit code tells scripts."""
    out = kept.project.out
    (out / "ana.png").unlink()
    (out / "gopal.png").write_bytes(painted(900))
    (out / "gopal-bhar.png").write_bytes(b"GIF89a")
    (out / "who.png").write_bytes(painted(901))
    result = charimg("check")

    assert result.code == 1
    assert result.out.splitlines() == [
        "Amiss: Ana: pictures/ana.png is gone; put it back from a backup, or charimg run makes it again",
        "Amiss: গোপাল ভাঁড়: pictures/gopal.png is not the picture that was recorded there; charimg check --repair keeps it"
        " as a further version, edited by hand",
        'Amiss: Gopal Bhar: pictures/gopal-bhar.png is damaged: 6 bytes beginning "GIF8" instead of a picture; put it'
        " back from a backup, or make another: charimg redo 'Gopal Bhar'",
        "Amiss: pictures/who.png is not in the ledger and says nothing of its making; name it after a character and"
        " adopt it, or keep it elsewhere",
        "3 pictures checked: 4 amiss; charimg check --repair mends 1",
    ]


def test_a_renamed_picture_is_noted_in_the_ledger(kept: KeptProject, charimg: Run) -> None:
    """It keeps the user's name, and nothing is made again."""
    (kept.project.out / "ana.png").rename(kept.project.out / "queen.png")
    found = checked(charimg)
    mended = charimg("check", "--repair")
    picture = kept.jobs()["ana"].picture

    assert found == (1, ["moved"], [])
    assert (mended.code, picture and picture.path) == (0, "pictures/queen.png")
    assert json.loads(charimg("run", "--dry-run", "--json").out)["total"] == 0


def test_an_edited_picture_becomes_a_further_version(kept: KeptProject, charimg: Run) -> None:
    """The user's work is kept and current; the ledger still knows what was paid for."""
    (kept.project.out / "ana.png").write_bytes(painted(900))
    found = checked(charimg)
    mended = charimg("check", "--repair")
    record = kept.jobs()["ana"]

    assert (found, mended.code) == ((1, ["altered"], []), 0)
    assert (kept.project.out / "ana.png").read_bytes() == painted(900)
    assert (record.provider, record.picture and record.picture.version) == ("edited by hand", 2)
    assert [one.version for one in record.other_pictures] == [1]
    assert checked(charimg) == (0, [], ["gone"])
    assert json.loads(charimg("status", "--json").out)[0]["roster_changed"] is False


def test_an_edited_picture_is_known_without_the_ledger(kept: KeptProject, charimg: Run) -> None:
    """What is known of it stands beside it; ledger and roster come back from the pictures, and nobody is made again."""
    (kept.project.out / "gopal.png").write_bytes(painted(900))
    charimg("check", "--repair")
    kept.lose_ledger(roster=True)
    charimg("adopt", "pictures")
    status = json.loads(charimg("status", "--json").out)

    assert (kept.project.out / "gopal.png").read_bytes() == painted(900)
    assert [(one["key"], one["provider"], one["roster_changed"]) for one in status] == [
        ("ana", "easel", False),
        ("gopal-bhar", "easel", False),
        ("gopal", "edited by hand", False),
    ]
    assert json.loads(charimg("run", "--dry-run", "--json").out)["total"] == 0


@pytest.mark.parametrize("metadata", ["embed", "none"])
def test_a_picture_that_a_run_could_not_record_is_its_attempts(project: Path, charimg: Run, metadata: str) -> None:
    """The run died after the new picture was in place: it is no edit, and the old one stands beside it."""
    kept = KeptProject(project, metadata)
    kept.save("ana")

    async def save_only(store: SqliteStore) -> None:
        await store.record_intent(Attempt("new", "r", "ana", "Ana", "lane", "easel", "", "", None, NOON))
        data = painted(700)
        said = PictureMetadata(key="ana", made=NOON, attempt="new")
        kept.pictures.save("ana", "new", data, inspect(data), said)

    kept.with_store(save_only)
    mended = charimg("check", "--repair")
    record = kept.jobs()["ana"]

    assert (mended.code, record.open_attempts) == (0, ())
    assert [(one.attempt, one.path) for one in (record.picture, *record.other_pictures) if one] == [
        ("new", "pictures/ana.png"),
        ("attempt-1", "pictures/ana.1.png"),
    ]


def test_two_that_changed_places_get_their_own_again(kept: KeptProject, charimg: Run) -> None:
    """Without a double left behind."""
    out = kept.project.out
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for source, target in (("ana.png", "x"), ("gopal.png", "ana.png"), ("x", "gopal.png")):
        (out / source).rename(out / target)
    mended = charimg("check", "--repair")

    assert mended.code == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_versions_of_one_character_that_changed_places_are_told_apart(kept: KeptProject, charimg: Run) -> None:
    """The ledger follows both, and the current one stands in place again."""
    kept.save("ana")
    out = kept.project.out
    current = (out / "ana.png").read_bytes()
    for source, target in (("ana.png", "x"), ("ana.1.png", "ana.png"), ("x", "ana.1.png")):
        (out / source).rename(out / target)
    mended = charimg("check", "--repair")

    assert mended.code == 0
    assert (out / "ana.png").read_bytes() == current
    assert checked(charimg) == (0, [], [])


def test_an_unknown_picture_that_says_whose_it_is_is_adopted(kept: KeptProject, tmp_path: Path, charimg: Run) -> None:
    """It stands beside the current one."""
    other = KeptProject(tmp_path / "other")
    other.count = 50
    shutil.copy(other.save("ana"), kept.project.out / "ana.5.png")
    found = checked(charimg)
    mended = charimg("check", "--repair")
    record = kept.jobs()["ana"]

    assert (found, mended.code) == ((1, ["orphaned"], []), 0)
    assert record.picture is not None
    assert (record.picture.path, [one.path for one in record.other_pictures]) == (
        "pictures/ana.png",
        ["pictures/ana.5.png"],
    )


def test_a_strangers_picture_in_place_of_ones_own_is_adopted_for_whom_it_says(
    kept: KeptProject, tmp_path: Path, charimg: Run
) -> None:
    """It is kept for its own character; the one whose place it took is told as missing."""
    other = KeptProject(tmp_path / "other")
    other.count = 50
    shutil.copy(other.save("gopal"), kept.project.out / "ana.png")
    mended = charimg("check", "--repair")
    gopal = kept.jobs()["gopal"]

    assert (mended.code, checked(charimg)) == (1, (1, ["missing"], ["copy"]))
    assert [one.path for one in gopal.other_pictures] == ["pictures/ana.1.png"]


def test_a_placeholder_for_several_is_told_and_never_deleted(kept: KeptProject, charimg: Run) -> None:
    """Found by what the service sent, since what each picture says of itself differs."""
    kept.save("ana", data=painted(77))
    kept.save("gopal", data=painted(77))
    result = charimg("check", "--repair")

    assert result.code == 1
    assert result.out.splitlines()[0] == (
        "Left: Ana and গোপাল ভাঁড় have the very same picture (pictures/ana.png), perhaps a placeholder of the service;"
        " look at it, and make them again: charimg redo Ana 'গোপাল ভাঁড়'"
    )
    assert (kept.project.out / "gopal.png").is_file()


def test_leftovers_are_finished_or_removed(kept: KeptProject, charimg: Run) -> None:
    """A whole picture without a name gets one and is adopted; half of one goes, and a record nobody needs."""
    out = kept.project.out
    whole = (out / "ana.png").read_bytes()
    kept.lose_ledger()
    (out / "ana.png").rename(out / ".ana.0123456789ab.part")
    (out / ".gopal.0123456789ab.part").write_bytes(whole[:100])
    found = checked(charimg)
    mended = charimg("check", "--repair")

    assert found[1].count("unfinished") == 2
    assert (mended.code, kept.names()) == (0, ["ana.png", "gopal-bhar.png", "gopal.png"])
    assert (out / "ana.png").read_bytes() == whole


def test_an_attempt_without_an_end_is_settled(kept: KeptProject, charimg: Run) -> None:
    """One left its picture, which is recorded; the other none, which is listed as possibly charged."""
    path = kept.save("gopal", candidate=True)

    async def reopen(store: SqliteStore) -> None:
        for number, key in enumerate(("ana", "gopal")):
            name = f"open-{number}"
            await store.record_intent(Attempt(name, "r", key, key, "lane", "easel", "", "", None, NOON))

    kept.with_store(reopen)
    found = checked(charimg)
    mended = charimg("check", "--repair")
    lost = kept.with_store(lambda store: store.lost_attempts())

    assert found == (1, ["open", "open"], [])
    assert (mended.code, sorted(one.id for one in lost)) == (0, ["open-0", "open-1"])
    assert path.is_file()


def test_a_job_that_a_service_still_has_is_left_to_the_run(kept: KeptProject, charimg: Run) -> None:
    """Only the run can fetch it."""

    async def accept(store: SqliteStore) -> None:
        await store.record_intent(Attempt("standing", "r", "ana", "Ana", "lane", "easel", "", "", None, utc_now()))
        await store.record_ticket("standing", "ticket-1")

    kept.with_store(accept)
    mended = charimg("check", "--repair")

    assert mended.code == 1
    assert mended.out.splitlines()[0] == "Left: Ana: an attempt is still under way at lane; charimg run fetches it"


def test_a_sidecar_without_its_picture_is_told(project: Path, charimg: Run) -> None:
    """It goes if the ledger knows all of it, and stays where it is the only thing that does."""
    kept = KeptProject(project, "both")
    kept.save_all()
    out = kept.project.out
    shutil.copy(sidecar_of(out / "ana.png"), out / "ana.8.png.json")
    kept.with_store(lambda store: store.record_moved("gopal", "pictures/gopal.png", "pictures/lost.png"))
    mended = charimg("check", "--repair")

    assert mended.code == 0
    assert [name for name in kept.names() if name.endswith(".json")] == [
        "ana.png.json",
        "gopal-bhar.png.json",
        "gopal.png.json",
    ]


@pytest.mark.parametrize("damage", [b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 9000])
def test_a_damaged_ledger_is_rebuilt_from_the_pictures(kept: KeptProject, charimg: Run, damage: bytes) -> None:
    """It is kept, under another name; without --repair it is only told."""
    file = kept.folder / ".charimg" / "state.sqlite"
    file.write_bytes(damage)
    told = charimg("check")
    untouched = file.read_bytes()
    mended = charimg("check", "--repair")

    assert (told.code, told.out.splitlines()[0].split(":")[0], untouched) == (1, "Amiss", damage)
    assert mended.code == 0
    assert mended.out.startswith("Mended: the ledger was damaged and is rebuilt from the pictures: 3 pictures adopted")
    assert [path.read_bytes() for path in file.parent.glob("state.sqlite.damaged-*")] == [damage]
    assert json.loads(charimg("run", "--dry-run", "--json").out)["total"] == 0


def test_a_rebuilt_ledger_knows_pictures_by_their_names(project: Path, charimg: Run) -> None:
    """Where nothing was to be written into them: they are the project's own, and paid for."""
    kept = KeptProject(project, "none")
    kept.save_all()
    (kept.folder / ".charimg" / "state.sqlite").write_bytes(b"\0" * 9000)
    mended = charimg("check", "--repair")

    assert (mended.code, len(kept.jobs())) == (0, 3)
    assert json.loads(charimg("run", "--dry-run", "--json").out)["total"] == 0


def test_a_quick_check_reads_no_picture_of_the_recorded_size(kept: KeptProject, charimg: Run) -> None:
    """It misses an edit that keeps the size, and finds what is gone or has another size."""
    out = kept.project.out
    data = (out / "ana.png").read_bytes()
    (out / "ana.png").write_bytes(data[:-20] + bytes(reversed(data[-20:])))
    (out / "gopal.png").write_bytes(painted(900))

    assert checked(charimg, "--quick")[1] == ["altered"]
    assert checked(charimg)[1] == ["altered", "unreadable"]


def test_a_check_waits_for_no_run(kept: KeptProject, charimg: Run) -> None:
    """During a run much is half done: it says so instead of guessing."""
    with Project.at(kept.folder).locked():
        results = [charimg("check").code, charimg("check", "--repair").code]

    assert results == [6, 6]


def test_many_findings_do_not_flood(kept: KeptProject, charimg: Run) -> None:
    """The first forty, and how many more."""
    for number in range(50):
        (kept.project.out / f"who{number}.png").write_bytes(b"no")
    short, long = charimg("check").out.splitlines(), charimg("check", "--verbose").out.splitlines()

    assert (len(short), len(long)) == (42, 51)
    assert short[40] == "... and 10 more (--verbose shows them all)"


def test_strange_names_steer_no_terminal(kept: KeptProject, charimg: Run) -> None:
    """File names are anybody's."""
    (kept.project.out / "a\x1b[2Jb.png").write_bytes(b"no")
    result = charimg("check")

    assert "\x1b" not in result.out


# -- any history of tampering -----------------------------------------------------------------------------------

NAMES = ("ana.png", "ana.1.png", "gopal.png", "gopal-bhar.png", "hero.png", "ana.2.png")
TAMPERINGS = st.one_of(
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("truncate"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("edit"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("swap"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("copy"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
)
SAVES = st.lists(st.tuples(st.sampled_from(("ana", "gopal", "gopal-bhar")), st.booleans()), min_size=1, max_size=5)


def tamper(out: Path, what: str, name: str, other: str, number: int) -> None:
    """Do something to the files, if there is anything to do it to."""
    path, target = out / name, out / other
    if not path.is_file():
        return
    if what == "delete":
        path.unlink()
    elif what == "truncate":
        half = path.read_bytes()[: path.stat().st_size // 2]
        path.unlink()  # a further name of the same file keeps its bytes
        path.write_bytes(half)
    elif what == "edit":
        path.unlink()
        path.write_bytes(painted(1000 + number))
    elif what == "swap" and target.is_file() and target != path:
        path.rename(out / "between")
        target.rename(path)
        (out / "between").rename(target)
    elif what == "rename" and not target.exists():
        path.rename(target)
    elif what == "copy" and not target.exists():
        target.write_bytes(path.read_bytes())


def check_alone(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """``charimg check`` in a folder."""
    result = CliRunner().invoke(cli, ["check", "--json", *arguments], obj=Desk(folder), standalone_mode=False)
    assert result.exception is None, result.output
    return int(result.return_value), json.loads(result.stdout)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(saves=SAVES, tamperings=st.lists(TAMPERINGS, max_size=5))
def test_whatever_happens_to_the_files_nothing_is_lost_by_mending(
    tmp_path_factory: pytest.TempPathFactory,
    home: Path,
    saves: list[tuple[str, bool]],
    tamperings: list[tuple[str, str, str]],
) -> None:
    """A repair mends all it says it can, a check after it agrees, and no picture's bytes leave the disk."""
    kept = KeptProject(tmp_path_factory.mktemp("kept"))
    for key, candidate in saves:
        kept.save(key, candidate=candidate)
    sound = check_alone(kept.folder)[1]
    for number, (what, name, other) in enumerate(tamperings):
        tamper(kept.project.out, what, name, other, number)
    before = kept.digests()
    recorded = {one.facts.sha256 for record in kept.jobs().values() for one in record.other_pictures}
    untouched = {record.picture.facts.sha256 for record in kept.jobs().values() if record.picture}
    check_alone(kept.folder, "--repair")
    code, after = check_alone(kept.folder)
    known = {
        one.facts.sha256
        for record in kept.jobs().values()
        for one in (*record.other_pictures, *([record.picture] if record.picture else []))
    }

    assert sound["sound"]
    assert [one for one in after["findings"] if one["mendable"]] == []
    assert code == (0 if after["sound"] else 1)
    assert Counter(before.keys()) - Counter(kept.digests().keys()) == Counter()
    assert recorded | untouched <= known


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(what=TAMPERINGS)
def test_one_tampering_is_found_for_what_it_is(
    tmp_path_factory: pytest.TempPathFactory,
    home: Path,
    what: tuple[str, str, str],
) -> None:
    """Exactly what was done, and nothing else."""
    kept = KeptProject(tmp_path_factory.mktemp("kept"))
    for key in ("ana", "gopal", "gopal-bhar", "ana"):
        kept.save(key)
    before = {path.name: path.read_bytes() for path in kept.project.out.iterdir()}
    tamper(kept.project.out, *what, 1)
    now = {path.name: path.read_bytes() for path in kept.project.out.iterdir()}
    _, data = check_alone(kept.folder)
    found = Counter(one["kind"] for one in (*data["findings"], *data["notes"]))
    done, name, _ = what
    expected = {
        "delete": {"gone" if name == "ana.1.png" else "missing": 1},
        "truncate": {"unreadable": 1},
        "edit": {"altered": 1},
        "swap": {"moved": 2},
        "rename": {"moved": 1},
        "copy": {"copy": 1},
    }[done]

    assert found == (Counter(expected) if now != before else Counter())
