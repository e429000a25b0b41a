"""Every row of the verdict table, through a whole run: what happens, the exit code, and what the ledger keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest

from charimg.contracts import JobState
from charimg.errors import (
    CharimgError,
    ExhaustedError,
    ExitCode,
    FatalError,
    FlakyError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
    ThrottledError,
)
from charimg.events import (
    BatchStarted,
    Cooldown,
    JobFailed,
    JobGenerating,
    JobRejected,
    JobSaved,
    LaneClosed,
    QuotaWait,
    Warned,
)
from charimg.model import Cost, GeneratedImage, Verdict, utc_now
from tests.run.workshop import Workshop, paint


@dataclass(frozen=True)
class Row:
    """One row: what the generator raises for ``c1`` every time, and what becomes of it."""

    error: BaseException
    attempts: int
    counts: tuple[int, int, int, int, int]
    state: JobState
    closes: Verdict | None = None
    waits: int = 0


ROWS = {
    "throttled": Row(ThrottledError("busy"), 4, (6, 1, 0, 0, ExitCode.QUOTA), JobState.PENDING, waits=3),
    "a text of quota": Row(RuntimeError("Quota exceeded"), 4, (6, 1, 0, 0, ExitCode.QUOTA), JobState.PENDING, waits=3),
    "a lost connection": Row(ConnectionResetError("reset"), 4, (6, 1, 0, 0, ExitCode.QUOTA), JobState.PENDING, waits=3),
    "exhausted": Row(
        ExhaustedError("daily quota"), 1, (4, 0, 0, 3, ExitCode.QUOTA), JobState.PENDING, Verdict.EXHAUSTED
    ),
    "beyond the ceiling": Row(
        ThrottledError("wait an hour", wait=3600), 1, (4, 0, 0, 3, ExitCode.QUOTA), JobState.PENDING, Verdict.EXHAUSTED
    ),
    "rejected": Row(RejectedError("content policy"), 1, (6, 0, 1, 0, ExitCode.FAILED), JobState.REJECTED),
    "flaky": Row(FlakyError("no picture"), 3, (6, 1, 0, 0, ExitCode.FAILED), JobState.FAILED),
    "invalid": Row(InvalidRequestError("bad size"), 1, (6, 1, 0, 0, ExitCode.FAILED), JobState.FAILED),
    "an unknown error": Row(KeyError("image"), 1, (6, 1, 0, 0, ExitCode.FAILED), JobState.FAILED),
    "fatal": Row(FatalError("wrong key"), 1, (4, 0, 0, 3, ExitCode.LOGIN), JobState.PENDING, Verdict.FATAL),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_row_of_the_table(workshop: Workshop, row: Row) -> None:
    """Seven characters, the first always answered with the row's error: the others get what the row leaves them."""
    workshop.cast(*(f"C{number}" for number in range(1, 8)))
    workshop.generator.will(c1=[row.error] * 9)
    told = workshop.run()

    closed = [event.verdict for event in told.of(LaneClosed)]
    assert told.counts == row.counts
    assert (workshop.generator.asked["c1"], workshop.ledger()["c1"].state) == (row.attempts, row.state)
    assert workshop.ledger()["c1"].attempts == row.attempts, "each attempt stands in the ledger"
    assert (closed, len(told.of(QuotaWait))) == ([row.closes] if row.closes else [], row.waits)


def test_a_flaky_answer_is_tried_again_within_seconds_and_then_kept(workshop: Workshop) -> None:
    """Two answers without a picture, then one with: the job succeeds without a quota wait."""
    workshop.generator.will(c1=[FlakyError("HTTP 500"), b"<html>bad gateway</html>"])
    told = workshop.run()

    assert (told.counts[0], workshop.ledger()["c1"].attempts, told.of(QuotaWait)) == (5, 3, [])
    assert told.seconds <= 3 * 3 + 1 + 2 + 1


def test_a_flaky_upload_is_tried_again_without_a_new_picture(workshop: Workshop) -> None:
    """The quick retry repeats the stage that failed and no other."""
    workshop.uploader.will(c1=[FlakyError("HTTP 500")])
    workshop.run()

    assert (workshop.generator.asked["c1"], workshop.uploader.asked["c1"]) == (1, 2)


@pytest.mark.parametrize("stage", ["generate", "upload"])
def test_a_rejection_is_told_with_its_stage_and_reason(workshop: Workshop, stage: str) -> None:
    """The user learns who was rejected, where and why."""
    service = workshop.generator if stage == "generate" else workshop.uploader
    service.will(c1=[RejectedError("shows a minor")])
    told = workshop.run()

    rejected = [(event.key, event.stage, event.message) for event in told.of(JobRejected)]
    assert (rejected, told.counts) == ([("c1", stage, "shows a minor")], (4, 0, 1, 0, ExitCode.FAILED))


def test_a_rejected_character_is_left_alone_until_its_description_changes(workshop: Workshop) -> None:
    """It is never retried by itself, neither in the run nor in the next; a new description is a new request."""
    workshop.generator.will(c1=[RejectedError("content policy")])
    workshop.run()
    unchanged = workshop.run()
    workshop.cast(*workshop.names, C1="a short person with a red beard and a blue hat, standing")
    changed = workshop.run()

    assert (unchanged.counts, changed.counts, workshop.generator.asked["c1"]) == ((0, 0, 0, 0, 0), (1, 0, 0, 0, 0), 2)


def test_a_picture_rejected_by_the_uploader_is_made_anew_once_its_description_changed(workshop: Workshop) -> None:
    """Uploading the very same picture again could only be rejected again."""
    workshop.uploader.will(c1=[RejectedError("shows a minor")])
    workshop.run()
    workshop.cast(*workshop.names, C1="an old person with a white beard and a blue hat, standing")
    told = workshop.run()

    assert (told.counts, workshop.generator.asked["c1"], "c1.1.png" in workshop.pictures()) == (
        (1, 0, 0, 0, 0),
        2,
        True,
    )


def test_an_exhausted_lane_says_when_the_quota_returns(workshop: Workshop) -> None:
    """The service's moment is told with the closing of the lane."""
    moment = datetime(2026, 12, 1, tzinfo=timezone.utc)
    workshop.generator.will(c1=[ExhaustedError("daily quota", retry_at=moment)])

    assert [event.until for event in workshop.run().of(LaneClosed)] == [moment]


def test_a_wait_beyond_the_ceiling_says_when_the_quota_returns(workshop: Workshop) -> None:
    """An hour that is too long to sit out is told as the moment it ends."""
    workshop.generator.will(c1=[ThrottledError("wait an hour", wait=3600)])
    until = workshop.run().of(LaneClosed)[0].until

    assert until is not None
    assert abs(until - utc_now() - timedelta(hours=1)) < timedelta(minutes=1)


def test_a_higher_ceiling_waits_for_what_a_stranger_asks(workshop: Workshop) -> None:
    """The ceiling the user set holds for a plugin's plain exceptions too."""
    workshop.generator.will(c1=[RuntimeError("rate limit exceeded, try again in 1000 seconds")])
    told = workshop.run(flags={"wait_ceiling": "2000"})

    assert ([event.wait for event in told.of(QuotaWait)], told.counts[0]) == ([1001.0], 5)


def test_one_bad_character_does_not_close_a_lane_that_works_one_by_one(workshop: Workshop) -> None:
    """ "A whole first batch of invalid" says nothing of the service when the batch is one job."""
    workshop.generator.will(c1=[InvalidRequestError("bad size")])
    told = workshop.run(flags={"batch_size": "1"})

    assert told.counts == (4, 1, 0, 0, ExitCode.FAILED)


def test_a_service_that_cannot_be_reached_is_told_as_such(workshop: Workshop) -> None:
    """The policy waits as for a quota; what the user is told is the truth: there is no connection."""
    workshop.cast("C1")
    workshop.generator.will(c1=[ThrottledError("host cannot be reached", unreachable=True)] * 4)
    told = workshop.run()

    waits = {event.unreachable for event in told.of(QuotaWait)}
    assert (waits, [event.unreachable for event in told.of(JobFailed)], told.counts[-1]) == ({True}, [True], 3)
    assert [problem.unreachable for problem in told.finished.problems] == [True]  # type: ignore[union-attr]


def test_one_quota_answer_among_lost_connections_is_a_quota(workshop: Workshop) -> None:
    """Somebody answered: the service is there and said "too much"."""
    workshop.generator.will(
        c1=[ThrottledError("host cannot be reached", unreachable=True)], c2=[ThrottledError("quota")]
    )

    assert [event.unreachable for event in workshop.run().of(QuotaWait)] == [False]


def test_two_kinds_of_trouble_report_the_graver_exit_code(workshop: Workshop) -> None:
    """A quota beside a failure is "run again later"."""
    workshop.generator.will(c1=[InvalidRequestError("bad size")], c2=[ThrottledError("busy")] * 4)

    assert workshop.run().counts == (3, 2, 0, 0, ExitCode.QUOTA)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict, "returned dict where"),
        (lambda: GeneratedImage("text"), "returned GeneratedImage where"),  # type: ignore[arg-type]
        (lambda: ProviderError("no verdict of its own"), "no verdict of its own"),
        (lambda: ThrottledError("busy", wait="soon"), "busy"),  # type: ignore[arg-type]
    ],
    ids=["no picture", "no bytes", "no verdict", "no number"],
)
def test_a_strangers_mistake_fails_one_job_and_not_the_run(workshop: Workshop, given: object, words: str) -> None:
    """What a generator gives back against its contract costs that character its picture and nobody else's."""
    workshop.generator.will(c1=[given] * 4)
    told = workshop.run()

    failed = [(event.key, words in event.message) for event in told.of(JobFailed)]
    assert (told.error, told.counts[:4], failed) == (None, (4, 1, 0, 0), [("c1", True)])


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"cost": 0.04}, "float as cost"),
        ({"cost": Cost("0.04")}, "str as cost"),
        ({"media": "CAMa-1"}, "str as media"),
        ({"seed": "7"}, "str as seed"),
        ({"model": 3}, "int as model"),
    ],
)
def test_nonsense_beside_a_picture_does_not_cost_the_picture(
    workshop: Workshop, beside: dict[str, object], words: str
) -> None:
    """The bytes are a picture and paid for: they are kept, and the rest is left out with a warning."""
    workshop.generator.will(c1=[lambda: GeneratedImage(paint(), **beside)])  # type: ignore[arg-type]
    told = workshop.run()

    assert (told.error, told.counts) == (None, (5, 0, 0, 0, 0))
    assert any(words in event.message for event in told.of(Warned))


def test_bytes_that_are_no_picture_may_have_been_charged(workshop: Workshop) -> None:
    """The service answered and perhaps took its money: the summary says so."""
    workshop.generator.will(c1=[b"not a picture"] * 3)
    told = workshop.run()

    assert [job.key for job in told.finished.possibly_charged] == ["c1"]  # type: ignore[union-attr]


def test_a_generator_that_takes_one_at_a_time_gets_one_at_a_time(workshop: Workshop) -> None:
    """Its declaration bounds the batch, whatever the policy allows."""
    workshop.abilities(parallel=1)
    told = workshop.run()

    assert (workshop.generator.most_in_flight, len(told.of(BatchStarted)), told.of(Cooldown)) == (1, 1, [])


def test_the_rest_of_a_batch_is_not_sent_to_a_service_that_turned_the_first_away(workshop: Workshop) -> None:
    """One at a time, and the first meets a quota: the others wait with it, unsent."""
    workshop.abilities(parallel=1)
    workshop.generator.will(c1=[ThrottledError("slow down")])
    told = workshop.run()

    assert [event.unfinished for event in told.of(QuotaWait)] == [5]
    assert (workshop.generator.asked["c1"], workshop.generator.asked.total(), told.counts[0]) == (2, 6, 5)


def test_an_uploaders_mistake_fails_one_job_and_not_the_run(workshop: Workshop) -> None:
    """A bare id where a reference belongs is told with the uploader's name."""
    workshop.uploader.will(c1=["CAMa-1"])
    told = workshop.run()

    assert (told.counts[:4], [event.stage for event in told.of(JobFailed)]) == ((4, 1, 0, 0), ["upload"])


def test_a_provider_that_cancels_itself_fails_one_job(workshop: Workshop) -> None:
    """A cancellation from inside a provider is no Ctrl-C; the picture may have been charged, and that is told."""
    import asyncio

    workshop.generator.will(c1=[asyncio.CancelledError()])
    told = workshop.run()

    assert (told.counts[:4], [job.key for job in told.finished.possibly_charged]) == ((4, 1, 0, 0), ["c1"])  # type: ignore[union-attr]


def test_what_was_spent_is_added_up(workshop: Workshop) -> None:
    """The service's own price where it tells one, else the declared one."""
    workshop.cast("C1", "C2")
    workshop.generator.will(c1=[GeneratedImage(paint(), cost=Cost(0.5, source="reported"))])
    told = workshop.run()

    assert told.finished is not None
    assert {(cost.amount, cost.source) for cost in told.finished.spent} == {(0.5, "reported"), (0.25, "declared")}


def test_each_attempt_has_an_id_of_its_own(workshop: Workshop) -> None:
    """The request carries it as its idempotency key."""
    workshop.generator.will(c1=[ThrottledError("busy")])
    told = workshop.run()

    told_ids = [event.attempt for event in told.of(JobGenerating)]
    assert len(set(told_ids)) == 6
    assert sorted(request.attempt for request in workshop.generator.seen) == sorted(told_ids)


def test_a_known_error_is_one_for_people(workshop: Workshop) -> None:
    """Every message is one line, without control characters, and bounded."""
    workshop.generator.will(c1=[InvalidRequestError("bad\n\tsize " + "x" * 5000)])
    message = workshop.run().of(JobFailed)[0].message

    assert (message.startswith("bad size x"), "\n" in message, len(message) <= 500) == (True, False, True)
    assert issubclass(InvalidRequestError, CharimgError)


def test_the_picture_is_on_disk_when_it_is_told(workshop: Workshop) -> None:
    """Whoever hears of a saved picture can open it."""
    told = workshop.run()

    assert all((workshop.folder / event.image).is_file() for event in told.of(JobSaved))
