"""The summary: the origin's banner, then what to do about each failure, and what to type next."""

from __future__ import annotations

import shlex
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from charimg.events import LaneClosed, LaneSummary, Problem, StandingJob
from charimg.model import Cost, Verdict
from charimg.ui import summary_lines
from tests.ui.story import NOW, closed, finished, job, problem


def test_banner_is_the_origins() -> None:
    """Success, failed and total stand as in the origin; rejected and pending only where there are any."""
    lines = summary_lines(finished(succeeded=13, failed=2, exit_code=1))

    assert lines[:6] == [
        "🎨 ========================================",
        "🎨 CHARACTER GENERATION COMPLETE",
        "✅ Success: 13",
        "❌ Failed: 2",
        "📊 Total: 15",
        "🎨 ========================================",
    ]


def test_rejected_and_pending_are_counted() -> None:
    """All four kinds of end are in the banner, and the title says that the run stopped early."""
    lines = summary_lines(finished(succeeded=8, failed=2, rejected=1, pending=4, exit_code=3))

    assert lines[1:7] == [
        "🎨 CHARACTER GENERATION STOPPED EARLY",
        "✅ Success: 8",
        "❌ Failed: 2",
        "🚫 Rejected: 1",
        "⏸️  Pending: 4",
        "📊 Total: 15",
    ]


def test_interrupted_run_says_so_and_how_to_go_on() -> None:
    """After Ctrl-C the title says so and the command to continue is named."""
    lines = summary_lines(finished(succeeded=8, pending=7, interrupted=True, exit_code=130), again="charimg run a.csv")

    assert lines[1] == "🎨 CHARACTER GENERATION INTERRUPTED"
    assert "👉 charimg run a.csv  continues with the 7 characters still pending" in lines


def test_an_interrupted_forced_run_names_those_who_are_left() -> None:
    """They have their old pictures, so a plain run would leave them; the ones just made are not paid for again."""
    end = finished(succeeded=13, pending=2, left=(job("Mantri"), job("গোপাল")), interrupted=True, exit_code=130)
    lines = summary_lines(end, again="charimg run a.csv", forced="charimg run a.csv --force")

    named = " ".join(f"--only {shlex.quote(job(name).key)}" for name in ("Mantri", "গোপাল"))
    assert f"👉 charimg run a.csv --force {named}  continues with the 2 characters still pending" in lines


def test_a_forced_run_that_left_everybody_is_simply_typed_again() -> None:
    """Fifteen names would say the same; those the run was limited to stand in the command already."""
    left = tuple(job(f"N{number}") for number in range(12))
    lost = tuple(problem(f"F{number}", Verdict.THROTTLED) for number in range(3))
    end = finished(
        succeeded=0, failed=3, pending=12, left=left, problems=lost, closed=(closed(Verdict.THROTTLED, "x"),)
    )
    lines = summary_lines(end, again="charimg run --only a", forced="charimg run --force")

    whom = "the 12 characters still pending and the 3 that failed"
    assert f"👉 Later: charimg run --only a --force  continues with {whom}" in lines


@pytest.mark.parametrize(
    ("shut", "changes", "first"),
    [
        (closed(Verdict.EXHAUSTED, "today's are gone", NOW + timedelta(hours=5)), {}, "After 2026-11-22 17:00"),
        (closed(Verdict.EXHAUSTED, "the credit is used up"), {}, "When the quota is back: charimg"),
        (closed(Verdict.THROTTLED, "2 batches in a row without one success"), {}, "Later: charimg"),
        (closed(Verdict.EXHAUSTED, "no room"), {"over_budget": True}, "With a higher --budget: charimg"),
        (closed(Verdict.EXHAUSTED, "today's are gone"), {"interrupted": True}, "charimg"),
    ],
)
def test_what_must_be_before_the_run_can_go_on(
    shut: LaneClosed, changes: dict[str, bool], first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that would end at once as this one did is not named without its condition; Ctrl-C has none."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    lines = summary_lines(finished(succeeded=5, pending=10, closed=(shut,), exit_code=3, **changes))

    (hint,) = [line for line in lines if "continues with the 10 characters still pending" in line]
    assert hint.startswith(f"👉 {first}")


@pytest.mark.parametrize(
    ("again", "total", "then"),
    [
        ("charimg run -o model=x --only mantri", 1, "run it again with --force --only key-mantri"),
        ("charimg run -o model=x", 3, "run it again with --force --only key-mantri"),
        ("charimg run -o model=x", 1, "run it again with --force"),
    ],
)
def test_what_force_was_refused_needs_force_again(again: str, total: int, then: str) -> None:
    """The earlier picture stands, so that a plain run would do nothing."""
    end = finished(
        total=total, succeeded=total - 1, failed=1, problems=(problem("mantri", Verdict.INVALID),), exit_code=1
    )
    lines = summary_lines(end, again=again, forced="charimg run -o model=x --force")

    assert f"   👉 The service's words say what to change, in the roster or the options; then {then}." in lines


@pytest.mark.parametrize(
    "words",
    [
        "plugins/sketch.py, line 7: KeyError: 'picture'",
        "sketch returned str where a GeneratedImage with bytes belongs",
        "the provider's code wanted to end charimg: sys.exit(1)",
    ],
)
def test_a_fault_of_a_plugin_is_not_mended_in_the_roster(words: str) -> None:
    """Its author is told apart from a service that refuses a request."""
    lines = summary_lines(finished(failed=1, problems=(problem("Mantri", Verdict.INVALID, words),), exit_code=1))

    remedies = [line for line in lines if "👉" in line and "Mantri" not in line and "gallery" not in line]
    assert remedies == ["   👉 The fault is in the plugin's code, which its author can mend: --debug shows where."]


def test_what_is_still_under_way_is_told_by_lane() -> None:
    """After a second Ctrl-C nobody should think that what a service has accepted is lost."""
    standing = tuple(
        StandingJob(job(name).key, name, lane) for name, lane in (("A", "attic"), ("B", "horde"), ("C", "attic"))
    )
    lines = summary_lines(finished(succeeded=12, pending=3, interrupted=True, standing=standing, exit_code=130))

    start = lines.index("⏳ Still under way at attic: A, C")
    assert lines[start + 1 : start + 3] == [
        "⏳ Still under way at horde: B",
        "   (accepted there; the next run fetches what is made)",
    ]


@pytest.mark.parametrize(
    ("uploads", "line"),
    [
        (0, "📁 15 pictures in pictures, made in 1 min 2 s"),
        (15, "📁 15 pictures of pictures, uploaded in 1 min 2 s"),
        (5, "📁 15 pictures in pictures, 10 of them made now, in 1 min 2 s"),
    ],
)
def test_what_was_only_uploaded_was_not_made(uploads: int, line: str) -> None:
    """A run that uploads what is there does not claim to have drawn it."""

    assert line in summary_lines(finished(uploads_only=uploads))


def test_pictures_of_unknown_price_are_told() -> None:
    """Seven paid pictures are not passed over in silence because nobody knows what they cost."""
    lanes = (LaneSummary("replicate", 7, unpriced=7), LaneSummary("attic", 8))

    assert "💰 replicate: 7 pictures, price not known" in summary_lines(finished(lanes=lanes))


def test_success_ends_with_the_folder_and_the_gallery() -> None:
    """A run without trouble tells where the pictures are, how long it took, and what to look at."""
    lines = summary_lines(finished())

    assert lines[6:] == [
        "",
        "📁 15 pictures in pictures, made in 1 min 2 s",
        "",
        "👉 charimg gallery  shows the whole cast on one page",
    ]


def test_nothing_to_do_is_said_in_one_line() -> None:
    """A run of no jobs has no table of zeros, and none of its lanes either."""
    lines = summary_lines(finished(total=0, succeeded=0, lanes=(LaneSummary("a"), LaneSummary("b"))))

    assert (lines[0], [line for line in lines if "succeeded" in line]) == (
        "✅ Nothing to do: every character has its picture.",
        [],
    )


@pytest.mark.parametrize(
    ("verdict", "remedy"),
    [
        (Verdict.REJECTED, 'Change its description in the roster, then: charimg run --only "Mantri"'),
        (Verdict.THROTTLED, "Later: charimg run  (continues where it stopped)"),
        (Verdict.EXHAUSTED, "When the quota is back: charimg run  (continues where it stopped)"),
        (Verdict.INVALID, "The service's words say what to change, in the roster or the options; then run it again."),
        (Verdict.FATAL, "charimg doctor  checks every login; a new one: charimg keys set PROVIDER"),
        (Verdict.FLAKY, "Often a second try helps: charimg run"),
    ],
)
def test_every_verdict_has_its_remedy(verdict: Verdict, remedy: str) -> None:
    """The problem is named with the service's words, and followed by what to do about it."""
    lines = summary_lines(finished(failed=1, problems=(problem("Mantri", verdict, "the words"),), exit_code=1))

    assert "   Mantri: the words" in lines
    assert lines[lines.index("   Mantri: the words") + 1] == f"   👉 {remedy}"


@pytest.mark.parametrize(
    ("again", "command"),
    [
        ("charimg run b.csv --provider whisk", 'charimg run b.csv --provider whisk --only "Mantri"'),
        ("charimg run --only Mantri --only Rani", "charimg run --only Mantri --only Rani"),
    ],
)
def test_rejected_are_tried_again_with_the_same_roster_and_provider(again: str, command: str) -> None:
    """The command that tries a changed description names what the run was called with, and each name once."""
    lines = summary_lines(
        finished(rejected=1, problems=(problem("Mantri", Verdict.REJECTED),), exit_code=1), again=again
    )

    assert f"   👉 Change its description in the roster, then: {command}" in lines


def test_exhausted_quota_says_until_when() -> None:
    """The moment the quota returns is told as a distance, in the remedy and with the closed lane."""
    until = NOW + timedelta(hours=5, minutes=12)
    lines = summary_lines(
        finished(
            failed=1,
            problems=(problem("Mantri", Verdict.EXHAUSTED),),
            closed=(closed(Verdict.EXHAUSTED, "daily quota used up", until),),
            exit_code=3,
        )
    )

    said = [line for line in lines if "(in 5 h 12 min)" in line]
    assert [line.split()[:2] for line in said] == [["👉", "After"], ["🔒", "whisk"]]


def test_closed_lane_without_problems_still_has_a_remedy() -> None:
    """A wrong key closes the lane before any job fails; the remedy comes all the same, once."""
    lines = summary_lines(
        finished(succeeded=0, pending=15, closed=(closed(Verdict.FATAL, "the login has expired"),), exit_code=4)
    )

    position = lines.index("🔒 whisk closed: the login has expired.")
    assert lines[position + 1] == "   👉 charimg doctor  checks every login; a new one: charimg keys set PROVIDER"


def test_a_closed_service_is_not_answered_with_a_new_login() -> None:
    """A provider that names another provider has no login to mend, and the same run would end the same."""
    gone = "Whisk is closed; use another service: `charimg providers`"
    lines = summary_lines(finished(succeeded=0, pending=15, closed=(closed(Verdict.FATAL, gone),), exit_code=4))

    assert f"🔒 whisk closed: {gone}." in lines
    assert not [line for line in lines if "👉" in line]


def test_the_run_goes_on_after_the_login_is_mended() -> None:
    """The command that continues comes second: typed at once it would end as this one did."""
    lines = summary_lines(
        finished(succeeded=0, pending=15, closed=(closed(Verdict.FATAL, "then run `charimg keys set whisk`"),))
    )

    assert [line.strip() for line in lines if "👉" in line] == [
        "👉 charimg doctor  checks every login",
        "👉 Then: charimg run  continues with the 15 characters still pending",
    ]


def test_failed_upload_says_that_the_picture_is_safe() -> None:
    """Nobody should think that a picture is lost because its upload was."""
    lines = summary_lines(finished(failed=1, problems=(problem("Mantri", Verdict.FLAKY, stage="upload"),), exit_code=1))

    assert "   The picture is saved; only its upload is missing." in lines


def test_many_problems_of_one_kind_are_cut_short() -> None:
    """Three hundred failures do not push the counts out of the window."""
    problems = tuple(problem(f"N{number}", Verdict.FLAKY) for number in range(300))
    lines = summary_lines(finished(total=300, succeeded=0, failed=300, problems=problems, exit_code=1))

    assert len(lines) < 30
    assert "   ... and 288 more: charimg status" in lines


def test_lost_answers_and_costs_are_told_plainly() -> None:
    """What may have been charged in vain is named; what was spent is added up by currency, guesses marked."""
    spent = (Cost(0.52), Cost(12, "credits", "reported"), Cost(0.0, "EUR"))
    lines = summary_lines(finished(possibly_charged=(job("Mantri"), job("Baker")), spent=spent))

    assert "⚠️  May have been charged without leaving a picture: Mantri, Baker" in lines
    assert "💰 Spent: about 0.52 USD (declared price) + 12 credits (as reported)" in lines


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Gopal's wife", '"Gopal\'s wife"'),
        ("গোপাল ভাঁড়", '"গোপাল ভাঁড়"'),
        ("$(rm -rf ~)", "'$(rm -rf ~)'"),
        ('a"; ls', "'a\"; ls'"),
        ("evil\x1b[2J", '"the-key"'),
    ],
)
def test_command_can_be_copied_safely(name: str, word: str) -> None:
    """A name in a command line is one word of the shell's, whatever it holds."""
    shown = Problem("the-key", name, Verdict.REJECTED, "its words", "generate")

    lines = summary_lines(finished(rejected=1, problems=(shown,), exit_code=1))

    assert any(line.endswith(f"charimg run --only {word}") for line in lines)


def test_an_unreachable_service_is_told_with_its_own_remedy() -> None:
    """Waiting for a quota would help nobody."""
    lost = replace(problem("Mantri", Verdict.THROTTLED, "host cannot be reached"), unreachable=True)
    lines = summary_lines(finished(succeeded=14, failed=1, problems=(lost,), exit_code=3))

    assert "⏳ The service could not be reached:" in lines
    assert any("Check the connection" in line for line in lines)


def test_what_each_lane_did_is_told() -> None:
    """A line each, what it cost among them; one that had nothing to do too."""
    lanes = (
        LaneSummary("gemini@work", 9, failed=1, rejected=2, waits=1, spent=(Cost(0.351, "USD", "reported"),)),
        LaneSummary("comfyui@attic:8188", 3, waits=2, connection_waits=3, spent=(Cost(0.0),)),
        LaneSummary("spare", not_needed=True),
    )
    lines = summary_lines(finished(lanes=lanes))

    start = lines.index("🎨 Lanes:")
    assert lines[start + 1 : start + 4] == [
        "   gemini@work: 9 succeeded, 1 failed, 2 rejected, 1 quota wait, 0.351 USD",
        "   comfyui@attic:8188: 3 succeeded, 2 quota waits, 3 waits for a connection",
        "   spare: not needed",
    ]


def test_one_lane_is_not_told_apart_from_the_run() -> None:
    """What it did is what the banner says."""
    lines = summary_lines(finished(lanes=(LaneSummary("whisk", 15),)))

    assert not [line for line in lines if "Lanes" in line]
