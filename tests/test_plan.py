"""Who needs a picture: from roster and ledger to the jobs of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.contracts import (
    Abilities,
    Attempt,
    Declaration,
    JobRecord,
    JobState,
    PictureRecord,
    Price,
    Trouble,
    Uploader,
)
from charimg.errors import InputError
from charimg.model import Character, ImageFacts, MediaReference, Reference, Roster, Verdict
from charimg.plan import Plan, Redo, is_stale, make_plan
from charimg.policy import Policy
from charimg.roster import request_for

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
GENERATOR = Declaration("gen", "For plans.", price=Price(0.5))
THROTTLED = Trouble(Verdict.THROTTLED, "too much", "generate")
FAILED = Trouble(Verdict.FLAKY, "no picture", "generate")
FACTS = ImageFacts("png", 16, 24, "0" * 64, 100)


class Shelf(Uploader):
    """Keeps references."""

    declaration = Declaration("shelf", "For plans.")


class Nowhere(Uploader):
    """Keeps none."""

    declaration = Declaration("none", "For plans.")
    keeps_references = False


def roster(*names: str) -> Roster:
    """Characters whose keys are their names in lower case."""
    characters = tuple(Character(name.lower(), name, f"{name} is tall") for name in names)
    return Roster(Path("characters.yaml"), characters)


def known(cast: Roster, name: str, **changes: object) -> JobRecord:
    """What the ledger knows of a character that is done, changed as told."""
    character = next(one for one in cast.characters if one.name == name)
    record = JobRecord(
        key=character.key,
        name=name,
        state=JobState.DONE,
        asked=request_for(cast, character).fingerprint,
        picture=PictureRecord(f"pictures/{character.key}.png", FACTS),
        uploader="shelf",
        media=MediaReference("id", lane="shelf"),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def plan(
    cast: Roster,
    *records: JobRecord,
    uploader: type[Uploader] = Shelf,
    generator: Declaration = GENERATOR,
    **wanted: object,
) -> Plan:
    """The plan of a run; every picture the ledger knows is on disk unless told otherwise."""
    given = {"file_exists": lambda _shown: True, "generators": [generator], "uploaders": [uploader], **wanted}
    return make_plan(
        cast,
        {record.key: record for record in records},
        accounts=["shelf"],
        policy=Policy(),
        now=NOW,
        **given,  # type: ignore[arg-type]
    )


MAKE, UPLOAD, SKIP = "make", "upload", "skip"
ACCEPTED = Attempt("a", "run", "anna", "Anna", "gen", "gen", "", "", None, NOW, ticket="t")
"""An attempt that the service has, and whose end nobody has heard of."""
OF_BEFORE = PictureRecord("pictures/anna.png", FACTS, asked="other")
"""A picture of what the roster said before."""

NEEDS: dict[str, tuple[dict[str, object] | None, type[Uploader], dict[str, object], str]] = {
    # what the ledger knows of Anna (None: nothing), the uploader, what the user asked for, what she needs
    "unknown": (None, Shelf, {}, MAKE),
    "done": ({}, Shelf, {}, SKIP),
    "done, forced": ({}, Shelf, {"force": True}, MAKE),
    "done, named": ({}, Shelf, {"only": ("anna",)}, SKIP),
    "saved, not uploaded": ({"state": JobState.SAVED, "uploader": None, "media": None}, Shelf, {}, UPLOAD),
    "saved, not recorded by 'none'": ({"state": JobState.SAVED, "uploader": None, "media": None}, Nowhere, {}, UPLOAD),
    "upload failed": ({"state": JobState.FAILED, "uploader": None, "media": None}, Shelf, {}, UPLOAD),
    "with another uploader": ({"uploader": "other"}, Shelf, {}, UPLOAD),
    "with another uploader, none wanted": ({"uploader": "other"}, Nowhere, {}, SKIP),
    "copy gone from its folder": (
        {"media": MediaReference("/gone/c1.png", "path")},
        Shelf,
        {"file_exists": lambda shown: "gone" not in shown},
        UPLOAD,
    ),
    "reference expired": ({"media": MediaReference("id", expires_at=NOW)}, Shelf, {}, UPLOAD),
    "reference of another account": ({"media": MediaReference("id", lane="shelf@work")}, Shelf, {}, UPLOAD),
    "reference valid everywhere": ({"media": MediaReference("id")}, Shelf, {}, SKIP),
    "reference still good": ({"media": MediaReference("id", expires_at=NOW + timedelta(hours=1))}, Shelf, {}, SKIP),
    "uploaded, keeps no reference": ({"media": None}, Shelf, {}, SKIP),
    "failed without a picture": ({"state": JobState.FAILED, "picture": None, "uploader": None}, Shelf, {}, MAKE),
    "given up to a quota": ({"state": JobState.PENDING, "picture": None, "uploader": None}, Shelf, {}, MAKE),
    "picture vanished": ({}, Shelf, {"file_exists": lambda _shown: False}, MAKE),
    "forced, given up to a quota": ({"state": JobState.PENDING, "trouble": THROTTLED}, Shelf, {}, MAKE),
    "forced, no picture came back": ({"state": JobState.FAILED, "trouble": FAILED}, Shelf, {}, MAKE),
    "forced, cannot be fulfilled": (
        {"state": JobState.FAILED, "trouble": replace(FAILED, verdict=Verdict.INVALID)},
        Shelf,
        {},
        SKIP,
    ),
    "a later upload failed, the reference stands": (
        {"state": JobState.FAILED, "trouble": replace(FAILED, stage="upload")},
        Shelf,
        {},
        SKIP,
    ),
    "rejected": ({"state": JobState.REJECTED, "picture": None}, Shelf, {}, SKIP),
    "rejected, named": ({"state": JobState.REJECTED, "picture": None}, Shelf, {"only": ("Anna",)}, MAKE),
    "rejected, forced": ({"state": JobState.REJECTED, "picture": None}, Shelf, {"force": True}, MAKE),
    "rejected, described anew": ({"state": JobState.REJECTED, "picture": None, "asked": "other"}, Shelf, {}, MAKE),
    "rejected by the uploader, described anew": (
        {"state": JobState.REJECTED, "asked": "other", "uploader": None},
        Shelf,
        {},
        MAKE,
    ),
    "done, described anew": ({"asked": "other"}, Shelf, {}, SKIP),
    "done, described anew, stale wanted": ({"asked": "other"}, Shelf, {"stale": True}, MAKE),
    "done as described, stale wanted": ({}, Shelf, {"stale": True}, SKIP),
    "picked one of before, stale wanted": ({"picture": OF_BEFORE}, Shelf, {"stale": True}, MAKE),
    "asked anew in vain, one of before stands, stale wanted": (
        {"picture": OF_BEFORE, "state": JobState.FAILED, "trouble": replace(FAILED, verdict=Verdict.INVALID)},
        Shelf,
        {"stale": True},
        MAKE,
    ),
    "stale and not uploaded, stale wanted": (
        {"picture": OF_BEFORE, "uploader": None, "media": None},
        Shelf,
        {"stale": True},
        MAKE,
    ),
    "stale and not uploaded": ({"picture": OF_BEFORE, "uploader": None, "media": None}, Shelf, {}, UPLOAD),
    "still at the service": ({"state": JobState.OPEN, "open_attempts": (ACCEPTED,)}, Shelf, {}, MAKE),
    "still at the service, another picked meanwhile": ({"open_attempts": (ACCEPTED,)}, Shelf, {}, MAKE),
    "a candidate still at the service": (
        {"open_attempts": (replace(ACCEPTED, candidate=True),)},
        Shelf,
        {},
        SKIP,
    ),
    "done, made again": ({}, Shelf, {"redo": Redo()}, MAKE),
    "rejected, made again": ({"state": JobState.REJECTED, "picture": None}, Shelf, {"redo": Redo()}, MAKE),
}


@pytest.mark.parametrize("row", NEEDS.values(), ids=NEEDS.keys())
def test_what_a_character_needs(
    row: tuple[dict[str, object] | None, type[Uploader], dict[str, object], str],
) -> None:
    """A row of the table: what is known of Anna, and whether she is made, uploaded or skipped."""
    changes, uploader, wanted, needs = row
    cast = roster("Anna")
    records = [] if changes is None else [known(cast, "Anna", **changes)]
    made = plan(cast, *records, uploader=uploader, **wanted)

    found = SKIP if made.skipped else UPLOAD if made.uploads_only else MAKE
    assert (found, len(made.jobs) + len(made.skipped)) == (needs, 1)


def test_a_picture_rejected_by_the_uploader_is_made_again_not_reused() -> None:
    """The job says so, for the pipeline would else take the picture that is there."""
    cast = roster("Anna")
    record = known(cast, "Anna", state=JobState.REJECTED, asked="other", uploader=None)

    assert [job.again for job in plan(cast, record).jobs] == [True]


def test_what_a_quota_kept_from_a_forced_run_is_made_anew() -> None:
    """The old picture is not mistaken for the one that was asked for."""
    cast = roster("Anna")
    record = known(cast, "Anna", state=JobState.PENDING, trouble=THROTTLED)

    assert [job.again for job in plan(cast, record).jobs] == [True]


def test_a_description_changed_since_its_picture_is_told() -> None:
    """Nobody edits a roster to hear only that there is nothing to do; the picture stays until it is forced."""
    cast = roster("Anna", "Bela")
    made = plan(cast, known(cast, "Anna", asked="other"), known(cast, "Bela"))

    assert made.warnings == ("the roster has changed since this picture: Anna; charimg run --stale makes it again",)
    assert [one.why for one in made.skipped] == [
        "has a picture of what the roster said before; --stale makes it again",
        "has its picture; --force makes it again",
    ]


def test_jobs_stand_in_roster_order_with_positions_without_gaps() -> None:
    """Skipped characters leave no hole in "1-5 of 15"."""
    cast = roster("Anna", "Bela", "Carl", "Dora")
    made = plan(cast, known(cast, "Bela"))

    assert [(job.position, job.key) for job in made.jobs] == [(1, "anna"), (2, "carl"), (3, "dora")]


@pytest.mark.parametrize("word", ["Bela", "bela", "  BELA ", "ＢＥＬＡ"])
def test_only_finds_a_character_however_it_is_written(word: str) -> None:
    """Name or key, capitals, spaces and wide letters aside; everybody else is not even skipped."""
    made = plan(roster("Anna", "Bela"), only=(word,))

    assert ([job.key for job in made.jobs], made.skipped) == (["bela"], ())


def test_only_with_a_name_nobody_has_is_refused_with_the_nearest() -> None:
    """A typing mistake costs nothing and is told with the remedy."""
    with pytest.raises(InputError, match=r"there is no 'Bella' in characters\.yaml; did you mean 'Bela'"):
        plan(roster("Anna", "Bela"), only=("Bella",))


def test_the_plan_says_how_many_batches_how_long_and_what_it_costs() -> None:
    """Uploads alone cost no picture, but they take their place in a batch."""
    cast = roster(*(f"C{number}" for number in range(1, 13)))
    made = plan(cast, known(cast, "C1", uploader=None))

    assert (made.batches, made.least_seconds, made.pictures, made.cost(Price(0.5)), made.cost(None)) == (
        3,
        4.0,
        11,
        5.5,
        None,
    )


def test_more_references_than_a_generator_takes_are_told_before_the_run() -> None:
    """Names are given, and no more than three of them."""
    cast = roster("Anna", "Bela", "Carl", "Dora")
    look = (Reference(Path("/look.png")),)
    cast = replace(cast, characters=tuple(replace(one, references=look) for one in cast.characters))

    assert plan(cast).warnings == ("gen takes no reference pictures: Anna, Bela, Carl and 1 more",)


def test_what_a_generator_leaves_out_is_noted() -> None:
    """Only wishes the roster has and the generator lacks, and only for those who get a picture."""
    cast = roster("Anna", "Bela")
    wishing = replace(cast.characters[0], negative="hats", seed=7, aspect_ratio="4:1")
    cast = replace(cast, characters=(wishing, cast.characters[1]))
    able = Abilities(negative=True, seed=True)
    limited = replace(GENERATOR, abilities=Abilities(aspect_ratios=("1:1", "9:16")))

    told = " ".join(plan(cast, generator=limited).notes)
    assert all(word in told for word in ("'negative' is not sent", "takes no seed", "1:1, 9:16"))
    assert "Bela" not in told
    assert plan(cast, generator=replace(GENERATOR, abilities=able)).notes == ()


states = st.sampled_from(list(JobState))


@given(
    st.lists(st.tuples(states, st.booleans(), st.booleans(), st.booleans()), max_size=12),
    st.booleans(),
    st.sampled_from([Shelf, Nowhere]),
)
def test_every_character_is_either_a_job_or_skipped(
    drawn: list[tuple[JobState, bool, bool, bool]], force: bool, uploader: type[Uploader]
) -> None:
    """Whatever the ledger says, nobody is lost, nobody is planned twice, and only those with a picture are skipped."""
    cast = roster(*(f"C{number}" for number in range(len(drawn))))
    records = []
    on_disk = set()
    for character, (state, in_ledger, has_picture, uploaded) in zip(cast.characters, drawn, strict=True):
        picture = PictureRecord(character.key, FACTS) if has_picture else None
        changes = {"state": state, "picture": picture, "uploader": "shelf" if uploaded else None}
        if in_ledger:
            records.append(known(cast, character.name, **changes))
            on_disk |= {character.key} if has_picture else set()
    exists: Callable[[str], bool] = on_disk.__contains__
    made = plan(cast, *records, force=force, uploader=uploader, file_exists=exists)

    planned = [job.key for job in made.jobs] + [one.character.key for one in made.skipped]
    assert sorted(planned) == sorted(one.key for one in cast.characters)
    assert made.uploads_only <= on_disk
    rejected = {record.key for record in records if record.state is JobState.REJECTED}
    assert {one.character.key for one in made.skipped} <= (set() if force else on_disk | rejected)
    assert [job.position for job in made.jobs] == list(range(1, len(made.jobs) + 1))


def test_pictures_the_ledger_does_not_know_are_told() -> None:
    """After a lost ledger nobody should pay for the whole cast again without a word."""
    told = plan(roster("Anna", "Bo"), picture_there=lambda key: key == "bo").warnings

    assert [("Bo" in line, "Anna" in line) for line in told if "does not know" in line] == [(True, False)]


def test_candidates_are_jobs_of_their_own() -> None:
    """Each with its place in the run and a key of its own, and none of them in place of the picture that is there."""
    cast = roster("Anna", "Bela")
    made = plan(cast, known(cast, "Anna"), redo=Redo(2), only=("anna", "bela"))

    assert [(job.position, job.key, job.request.key, job.candidate, job.again) for job in made.jobs] == [
        (1, "anna~1", "anna", 1, True),
        (2, "anna~2", "anna", 2, True),
        (3, "bela~1", "bela", 1, True),
        (4, "bela~2", "bela", 2, True),
    ]
    assert (made.pictures, made.cost(Price(0.5)), made.skipped) == (4, 2.0, ())


@given(
    st.integers(1, 100), st.one_of(st.none(), st.integers(0, 2**62)), st.one_of(st.none(), st.integers(0, 2**63 - 1))
)
def test_candidates_differ_by_their_seeds_and_none_is_stale(count: int, seed: int | None, own: int | None) -> None:
    """With a seed asked for they have it and the next ones; else a roster's seed is not asked for once more."""
    cast = roster("Anna")
    cast = replace(cast, characters=(replace(cast.characters[0], seed=own),))
    jobs = plan(cast, known(cast, "Anna"), redo=Redo(count, seed), only=("anna",)).jobs
    seeds = [job.request.seed for job in jobs]
    record = known(cast, "Anna")

    assert all(
        not is_stale(replace(record, asked=job.request.fingerprint), request_for(cast, cast.characters[0]))
        for job in jobs
    )
    assert len(jobs) == count
    if seed is not None:
        assert seeds == list(range(seed, seed + count))
    elif own is not None:
        assert (len(set(seeds)), own in seeds) == (count, count == 1)
        assert all(one is not None and 0 <= one < 2**63 for one in seeds)


def test_a_roster_that_names_the_same_seed_again_is_told() -> None:
    """Many services give the very same picture for it; a seed of the user's, or a changed description, is another."""
    cast = roster("Anna")
    cast = replace(cast, characters=(replace(cast.characters[0], seed=7),))
    record = known(cast, "Anna", picture=PictureRecord("pictures/anna.png", FACTS, seed=7))
    told = [
        plan(
            cast, record, redo=redo, only=("anna",), generator=replace(GENERATOR, abilities=Abilities(seed=True))
        ).warnings
        for redo in (Redo(), Redo(seed=8), Redo(2))
    ]

    assert told == [
        ("the roster names a seed, which may give the same picture again: Anna; --seed N gives another",),
        (),
        (),
    ]


@pytest.mark.parametrize(("count", "seed"), [(0, None), (101, None), (1, -1), (2, 2**63 - 1)])
def test_a_redo_of_nobody_or_of_too_many_is_refused(count: int, seed: int | None) -> None:
    """A typing mistake must not cost a thousand pictures."""
    with pytest.raises(InputError, match=r"--(count|seed) "):
        Redo(count, seed)


def test_those_made_again_because_they_are_stale_are_listed() -> None:
    """For --dry-run, apart from those that have no picture yet; they are no longer warned of."""
    cast = roster("Anna", "Bela", "Carl")
    made = plan(cast, known(cast, "Anna", asked="other"), known(cast, "Bela"), stale=True)

    assert [job.key for job in made.jobs] == ["anna", "carl"]
    assert [job.again for job in made.jobs] == [True, False]
    assert made.notes == ("the roster has changed since this picture; it is made again: Anna",)
    assert made.warnings == ()
