"""Cards: roster and ledger put together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from charimg.contracts import Attempt, JobRecord, JobState, PictureRecord, Trouble
from charimg.gallery.cards import MISSING, cards_of, counted, during_a_run, former_cards, money, total_spent
from charimg.model import Character, Cost, ImageFacts, MediaReference, Roster, Style, Verdict, utc_now
from charimg.project import Project
from charimg.roster import request_for

ANA = Character("ana", "Ana", "a tall queen", seed=5, tags=("court",))
ROSTER = Roster(Path("characters.yaml"), (ANA,), style=Style(suffix="ink drawing"))
ASKED = request_for(ROSTER, ANA).fingerprint
PICTURE = PictureRecord("pictures/ana.png", ImageFacts("png", 9, 16, "00", 1), seed=7, model="m")
DONE = JobRecord("ana", "Ana", JobState.DONE, asked=ASKED, prompt="as sent", picture=PICTURE)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which Ana's picture lies."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "ana.png").write_bytes(b"picture")
    return Project.at(tmp_path)


def test_a_character_nobody_attempted_is_pending_with_its_prompt_to_be(project: Project) -> None:
    """Before any run the card shows what would be sent."""
    card = cards_of(ROSTER, {}, project)[0]

    assert (card.state, card.prompt, card.seed, card.tags, card.picture) == (
        "pending",
        "a tall queen, ink drawing",
        5,
        ("court",),
        None,
    )


def test_a_done_character_shows_what_was_sent_and_used(project: Project) -> None:
    """Prompt, seed and model are those of the picture, not those of the roster."""
    card = cards_of(ROSTER, {"ana": DONE}, project)[0]

    assert (card.state, card.prompt, card.seed, card.model, card.picture, card.changed) == (
        "done",
        "as sent",
        7,
        "m",
        project.folder / "pictures" / "ana.png",
        False,
    )


@pytest.mark.parametrize(
    ("state", "shown"), [(JobState.DONE, MISSING), (JobState.SAVED, MISSING), (JobState.FAILED, "failed")]
)
def test_a_vanished_file_is_missing_where_a_picture_should_be(project: Project, state: JobState, shown: str) -> None:
    """Only a character that counts as having a picture can miss it."""
    (project.folder / "pictures" / "ana.png").unlink()
    card = cards_of(ROSTER, {"ana": replace(DONE, state=state)}, project)[0]

    assert (card.state, card.picture, card.path) == (shown, None, "pictures/ana.png")


def test_a_picture_older_than_its_words_is_marked(project: Project) -> None:
    """A changed request makes the picture outdated; a ledger that does not know what was asked says nothing."""
    changed = [
        cards_of(ROSTER, {"ana": replace(DONE, asked=asked)}, project)[0].changed for asked in (ASKED, "other", None)
    ]

    assert changed == [False, True, False]


def test_the_uploaders_reference_goes_before_the_generators(project: Project) -> None:
    """A picture that was uploaded shows that id; else the id that came with it."""
    came = replace(DONE, picture=replace(PICTURE, media=MediaReference("came")))
    found = [
        cards_of(ROSTER, {"ana": one}, project)[0].media for one in (came, replace(came, media=MediaReference("up")))
    ]

    assert [media.id if media else None for media in found] == ["came", "up"]


def test_trouble_is_a_reason_until_the_picture_is_there(project: Project) -> None:
    """What went wrong on the way to a finished picture is no reason any more."""
    trouble = Trouble(Verdict.REJECTED, "refused", "generate")
    reasons = [
        cards_of(ROSTER, {"ana": replace(DONE, state=state, trouble=trouble)}, project)[0].reason
        for state in (JobState.REJECTED, JobState.SAVED, JobState.DONE)
    ]

    assert reasons == ["refused", "refused", ""]


def test_doubtful_attempts_are_the_lost_and_the_open_ones(project: Project) -> None:
    """Both may have been charged without a picture."""
    attempt = Attempt("a", "r", "ana", "Ana", "l", "p", "", "", None, utc_now())
    record = JobRecord("ana", "Ana", JobState.OPEN, open_attempts=(attempt,))

    assert cards_of(ROSTER, {"ana": record}, project, {"ana": 2})[0].maybe_charged == 3


@pytest.mark.parametrize(
    ("ticket", "asked", "doubtful", "lane"),
    [("t", ASKED, 0, "attic"), (None, ASKED, 1, None), ("t", "what the roster said before", 1, None)],
)
def test_what_a_service_has_accepted_is_fetched(
    project: Path, ticket: str | None, asked: str, doubtful: int, lane: str | None
) -> None:
    """Under its ticket the next run asks for the result, unless the roster asks for another picture by now."""
    attempt = Attempt("a", "r", "ana", "Ana", "attic", "p", asked, "", None, utc_now(), ticket=ticket)
    record = JobRecord("ana", "Ana", JobState.OPEN, open_attempts=(attempt,))
    (card,) = cards_of(ROSTER, {"ana": record}, project)
    (former,) = former_cards(replace(ROSTER, characters=()), {"ana": record}, project)

    assert (card.maybe_charged, card.standing_at, "still under way at attic" in card.reason) == (
        doubtful,
        lane,
        lane is not None,
    )
    assert (former.maybe_charged, former.standing_at) == (1, None)


def test_where_nothing_is_charged_nothing_is_in_doubt(project: Path) -> None:
    """A server of one's own that was interrupted has cost nothing."""
    attempt = Attempt("a", "r", "ana", "Ana", "attic", "p", ASKED, "", None, utc_now())
    record = JobRecord("ana", "Ana", JobState.OPEN, open_attempts=(attempt,))
    (card,) = cards_of(ROSTER, {"ana": record}, project, free={"attic"})
    (former,) = former_cards(replace(ROSTER, characters=()), {"ana": record}, project, free={"attic"})

    assert (card.maybe_charged, card.reason, former.maybe_charged) == (0, "a run was interrupted here", 0)


def test_during_a_run_what_a_service_has_accepted_is_no_doubt_less(project: Path) -> None:
    """It was not counted as doubtful before, and takes nobody else's doubt away."""
    attempt = Attempt("a", "r", "ana", "Ana", "attic", "p", ASKED, "", None, utc_now(), ticket="t")
    record = JobRecord("ana", "Ana", JobState.OPEN, open_attempts=(attempt,))
    (card,) = during_a_run(cards_of(ROSTER, {"ana": record}, project, {"ana": 1}))

    assert (card.maybe_charged, card.reason) == (1, "a run is making it now")


def test_who_left_the_roster_is_former(project: Project) -> None:
    """The ledger's others are kept apart, by name."""
    jobs = {key: JobRecord(key, name) for key, name in (("z", "Zoe"), ("ana", "Ana"), ("b", "Bo"))}

    assert [card.name for card in former_cards(ROSTER, jobs, project)] == ["Bo", "Zoe"]


def test_states_are_counted_in_the_order_a_job_moves(project: Project) -> None:
    """States nobody has are left out."""
    roster = replace(ROSTER, characters=(ANA, replace(ANA, key="bo"), replace(ANA, key="cem")))
    cards = cards_of(roster, {"ana": DONE}, project)

    assert list(counted(cards).items()) == [("pending", 2), ("done", 1)]


def test_costs_add_up_by_currency_and_source(project: Project) -> None:
    """Dollars and credits, and what was told and what was declared, are never mixed."""
    spent = (Cost(0.04, source="reported"), Cost(1, "credits"))
    roster = replace(ROSTER, characters=(ANA, replace(ANA, key="bo")))
    jobs = {key: replace(DONE, key=key, spent=spent) for key in ("ana", "bo")}

    assert money(total_spent(cards_of(roster, jobs, project))) == "0.08 USD + about 2 credits"


@pytest.mark.parametrize(
    ("amount", "text"), [(0.04, "0.04 USD"), (0.1, "0.10 USD"), (3, "3.00 USD"), (0.0325, "0.0325 USD"), (0, "")]
)
def test_money_is_written_as_people_write_it(amount: float, text: str) -> None:
    """A currency has two decimals at least, and more where they matter; nothing spent is nothing said."""
    assert money([Cost(amount, source="reported")]) == text
