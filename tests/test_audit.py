"""What differs between ledger and disk, as a table: each thing that can happen to a file, and what is found."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from charimg.audit import Cast, FileOnDisk, Kind, OnDisk, Part, audit
from charimg.contracts import Attempt, JobRecord, PictureRecord
from charimg.metadata import PictureMetadata
from charimg.model import ImageFacts

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def version(key: str, number: int, path: str | None = None, digest: str | None = None) -> PictureRecord:
    digest = digest or f"{key}-{number}"
    facts = ImageFacts("png", 16, 24, digest, 100)
    return PictureRecord(path or f"pictures/{key}.png", facts, version=number, attempt=f"attempt-{key}-{number}")


def record(key: str, *others: PictureRecord, current: PictureRecord | None = None, prompt: str = "") -> JobRecord:
    return JobRecord(
        key, key.title(), picture=current or version(key, 9), other_pictures=others, prompt=prompt or f"a {key}"
    )


def says(key: str, attempt: str = "") -> PictureMetadata:
    return PictureMetadata(key=key, made=NOON, attempt=attempt)


def found(records: list[JobRecord], files: dict[str, FileOnDisk | str], **more: object) -> list[tuple[str, str, str]]:
    """Kind, file and where it is now, of everything found; files are told by their digests."""
    there = {f"pictures/{name}": FileOnDisk(one) if isinstance(one, str) else one for name, one in files.items()}
    cast = more.pop("cast", None)
    assert cast is None or isinstance(cast, Cast)
    disk = OnDisk(there, "pictures", **more)  # type: ignore[arg-type] # sidecars and parts, as they are named
    return [(one.kind.value, one.path, one.found_at) for one in audit({one.key: one for one in records}, disk, cast)]


def test_all_is_sound() -> None:
    """Every recorded picture is where it is recorded, and nothing else is there."""
    ana = record("ana", version("ana", 1, "pictures/ana.1.png"))

    assert found([ana], {"ana.png": "ana-9", "ana.1.png": "ana-1"}) == []


def test_the_current_picture_is_gone() -> None:
    """It is told as missing; an older version that is gone is a note."""
    ana = record("ana", version("ana", 1, "pictures/ana.1.png"))

    assert found([ana], {}) == [("missing", "pictures/ana.png", ""), ("gone", "pictures/ana.1.png", "")]


def test_a_missing_picture_may_be_replaced_by_another_version() -> None:
    """What is on disk already costs nothing: it is named first."""
    ana = record("ana", version("ana", 1, "pictures/ana.1.png"), version("ana", 2, "pictures/ana.2.png"))
    disk = OnDisk({"pictures/ana.1.png": FileOnDisk("ana-1")}, "pictures")

    assert audit({"ana": ana}, disk)[0].remedy == (
        "put it back from a backup, take another (charimg pick Ana 1), or charimg run makes it again"
    )


def test_a_renamed_picture_is_known_by_its_bytes() -> None:
    """Wherever it went in the folder."""
    assert found([record("ana")], {"hero.png": "ana-9"}) == [("moved", "pictures/ana.png", "pictures/hero.png")]


def test_two_that_changed_places_are_both_known() -> None:
    """Neither is taken for an edit of the other."""
    assert found([record("ana"), record("bo")], {"ana.png": "bo-9", "bo.png": "ana-9"}) == [
        ("moved", "pictures/ana.png", "pictures/bo.png"),
        ("moved", "pictures/bo.png", "pictures/ana.png"),
    ]


def test_one_file_is_not_taken_for_two() -> None:
    """Of two lost pictures with the same bytes one is found and the other is missing."""
    ana = record("ana", current=version("ana", 1, digest="same"), prompt="twins")
    bo = record("bo", current=version("bo", 1, digest="same"), prompt="twins")

    assert found([ana, bo], {"hero.png": "same"}) == [
        ("missing", "pictures/bo.png", ""),
        ("moved", "pictures/ana.png", "pictures/hero.png"),
    ]


@pytest.mark.parametrize("said", [None, says("ana"), says("ana", "attempt-ana-9")])
def test_an_edited_picture_is_told(said: PictureMetadata | None) -> None:
    """Whether or not the editor kept what it said of itself."""
    assert found([record("ana")], {"ana.png": FileOnDisk("new", metadata=said)}) == [
        ("altered", "pictures/ana.png", "")
    ]


def test_a_picture_put_in_place_of_one_that_was_moved_away_is_an_edit() -> None:
    """What stands in place is meant; where the recorded one went is told."""
    assert found([record("ana")], {"ana.png": "new", "old.png": "ana-9"}) == [
        ("altered", "pictures/ana.png", "pictures/old.png")
    ]


def test_another_characters_picture_in_place_is_no_edit() -> None:
    """It says whose it is: this character's is missing, and the other's is to be adopted."""
    files = {"ana.png": FileOnDisk("new", metadata=says("bo", "attempt-bo-3"))}

    assert found([record("ana"), record("bo")], {**files, "bo.png": "bo-9"}) == [
        ("missing", "pictures/ana.png", ""),
        ("orphaned", "pictures/ana.png", ""),
    ]


def test_a_copy_of_another_characters_picture_is_no_edit() -> None:
    """Nobody meant it to be this character's."""
    assert found([record("ana"), record("bo")], {"ana.png": "bo-9", "bo.png": "bo-9"}) == [
        ("missing", "pictures/ana.png", ""),
        ("copy", "pictures/ana.png", ""),
    ]


def test_an_edit_that_was_recorded_is_only_noted() -> None:
    """The version that was written over is gone, and that is known."""
    ana = record("ana", version("ana", 1), current=version("ana", 2))

    assert found([ana], {"ana.png": "ana-2"}) == [("gone", "pictures/ana.png", "")]


def test_a_file_that_is_broken_is_told() -> None:
    """Recorded or not; a broken one that is found whole elsewhere is that."""
    broken = FileOnDisk("xx", fault="0 bytes")

    assert found([record("ana")], {"ana.png": broken, "zz.png": broken}) == [
        ("unreadable", "pictures/ana.png", ""),
        ("unreadable", "pictures/zz.png", ""),
    ]
    assert found([record("ana")], {"ana.png": broken, "ana.1.png": "ana-9"}) == [
        ("moved", "pictures/ana.png", "pictures/ana.1.png"),
        ("unreadable", "pictures/ana.png", ""),
    ]


def test_unknown_pictures_are_told() -> None:
    """Those that say whose they are, those that are named so, and strangers; a copy is only noted."""
    files = {
        "ana.png": "ana-9",
        "ana.7.png": FileOnDisk("new", metadata=says("ana", "attempt-x")),
        "bo.png": "other",
        "copy.png": "ana-9",
        "who.png": "third",
    }
    cast = Cast({"ana": "Ana", "bo": "Bo"}, {"pictures/bo.png": "bo"})

    assert found([record("ana")], files, cast=cast) == [
        ("orphaned", "pictures/ana.7.png", ""),
        ("orphaned", "pictures/bo.png", ""),
        ("orphaned", "pictures/who.png", ""),
        ("copy", "pictures/copy.png", ""),
    ]


def test_a_pick_that_was_interrupted_is_told() -> None:
    """The current picture is called as the others are."""
    ana = record("ana", version("ana", 1), current=version("ana", 2, "pictures/ana.1.png"))

    assert found([ana], {"ana.png": "ana-1", "ana.1.png": "ana-2"}) == [
        ("out of place", "pictures/ana.1.png", "ana.png")
    ]


def test_a_name_of_the_users_own_is_let_be() -> None:
    """As long as nothing else stands where the picture belongs, and nobody else is called so."""
    ana = record("ana", current=version("ana", 1, "pictures/hero.png"))
    elsewhere = record("bo", current=version("bo", 1, "old/bo.1.png"))
    files = {"hero.png": "ana-1"}
    disk = OnDisk({"pictures/hero.png": FileOnDisk("ana-1"), "old/bo.1.png": FileOnDisk("bo-1")}, "pictures")

    assert found([ana], files) == []
    assert audit({"bo": elsewhere, "ana": ana}, disk) == ()
    assert found([ana, record("hero")], {**files, "hero.1.png": "hero-9"})[-1][0] == "out of place"


def test_a_placeholder_is_told_by_what_the_service_sent() -> None:
    """Different files of the same original, for different prompts; the same prompt may give the same picture."""
    one = record("ana", current=PictureRecord("pictures/ana.png", ImageFacts("png", 1, 1, "d1", 1), original="same"))
    two = record("bo", current=PictureRecord("pictures/bo.png", ImageFacts("png", 1, 1, "d2", 1), original="same"))
    twin = record("bo", current=two.picture, prompt="a ana")
    files: dict[str, FileOnDisk | str] = {"ana.png": "d1", "bo.png": "d2"}
    disk = OnDisk({"pictures/ana.png": FileOnDisk("d1"), "pictures/bo.png": FileOnDisk("d2")}, "pictures")

    assert found([one, two], files) == [("duplicate", "pictures/ana.png", "")]
    assert found([one, twin], files) == []
    assert "charimg redo Ana Bo" in audit({"ana": one, "bo": two}, disk)[0].remedy


def test_what_a_run_left_in_the_middle_is_told() -> None:
    """Attempts without an end, leftovers of saving, and records without their picture."""
    attempt = Attempt("a1", "run", "ana", "Ana", "lane", "easel", "", "", None, NOON)
    ana = JobRecord("ana", "Ana", open_attempts=(attempt,))
    result = found(
        [ana],
        {},
        parts={"pictures/.ana.0123456789ab.part": Part("ana", whole=True, sha256="new")},
        sidecars={"pictures/ana.3.png.json": says("ana")},
    )

    assert [kind for kind, _, _ in result] == ["unfinished", "open", "sidecar"]


def test_former_characters_are_noted_in_one_line() -> None:
    """However many there are."""
    records = [record(f"k{number}") for number in range(9)]
    files: dict[str, FileOnDisk | str] = {f"{one.key}.png": f"{one.key}-9" for one in records}
    result = audit(
        {one.key: one for one in records},
        OnDisk({f"pictures/{name}": FileOnDisk(str(digest)) for name, digest in files.items()}, "pictures"),
        Cast({"k0": "K0"}),
    )

    assert [one.kind for one in result] == [Kind.FORMER]
    assert result[0].line == "K1, K2, K3, K4 and 4 more are no longer in the roster; their pictures are kept"


def test_the_ledgers_own_faults_come_first() -> None:
    """They may be the cause of all else."""
    result = audit({"ana": record("ana")}, OnDisk({}, "pictures"), faults=("a row belongs to nothing",))

    assert [one.kind for one in result] == [Kind.LEDGER, Kind.MISSING]
