"""Ctrl-C: once lets what is in flight finish, twice leaves now; both are recorded."""

from __future__ import annotations

import asyncio

import pytest

from charimg.contracts import JobState
from charimg.errors import ExitCode, FlakyError, ThrottledError
from charimg.events import BatchStarted, JobGenerating, JobPossiblyCharged, JobSaved, JobUploaded, Stopping
from charimg.run import Run
from tests.run.workshop import Workshop, hang, paint


@pytest.fixture
def twelve(workshop: Workshop) -> Workshop:
    """A roster of twelve: three batches."""
    workshop.cast(*(f"C{number}" for number in range(1, 13)))
    return workshop


def test_once_lets_what_is_in_flight_finish(twelve: Workshop) -> None:
    """The batch under way is made, uploaded and recorded; no other begins; the exit code says so."""
    told = twelve.run(interrupts=[1.0])

    assert (told.seconds, len(told.of(BatchStarted)), told.counts, told.of(Stopping)[0].in_flight) == (
        4.0,
        1,
        (5, 0, 0, 7, ExitCode.INTERRUPTED),
        5,
    )
    assert {record.state for record in twelve.ledger().values()} == {JobState.DONE}


def test_the_next_run_goes_on_where_it_stopped(twelve: Workshop) -> None:
    """Nothing is made twice after an interruption."""
    twelve.run(interrupts=[1.0])
    told = twelve.run()

    assert (told.counts, set(twelve.generator.asked.values())) == ((7, 0, 0, 0, 0), {1})


def test_twice_leaves_now_and_says_what_may_have_been_charged(twelve: Workshop) -> None:
    """Five requests were out: each is recorded as possibly charged, none stays open, and the summary is told."""
    told = twelve.run(interrupts=[1.0, 1.5])

    charged = {event.key for event in told.of(JobPossiblyCharged)}
    assert (told.seconds, told.counts, charged) == (
        1.5,
        (0, 0, 0, 12, ExitCode.INTERRUPTED),
        {"c1", "c2", "c3", "c4", "c5"},
    )
    assert not any(record.open_attempts for record in twelve.ledger().values())


def test_twice_in_an_upload_leaves_the_picture_for_the_next_run(workshop: Workshop) -> None:
    """A picture whose upload was broken off is only uploaded next time."""
    workshop.run(interrupts=[3.2, 3.5])
    told = workshop.run()

    assert (told.of(JobGenerating), len(told.of(JobUploaded)), set(workshop.generator.asked.values())) == ([], 5, {1})


def test_once_in_a_quota_wait_ends_at_once(twelve: Workshop) -> None:
    """The wait is not sat out; the job it was for is pending."""
    twelve.generator.will(c1=[ThrottledError("busy")])
    told = twelve.run(interrupts=[10.0])

    assert (told.seconds, told.counts) == (10.0, (4, 0, 0, 8, ExitCode.INTERRUPTED))


def test_once_in_a_cooldown_ends_at_once(twelve: Workshop) -> None:
    """No further batch begins."""
    assert twelve.run(interrupts=[5.0]).seconds == 5.0


def test_once_while_the_provider_logs_in_ends_at_once(twelve: Workshop) -> None:
    """Opening spends nothing, so a login that hangs does not hold the user."""
    twelve.generator.opening = 600.0
    told = twelve.run(interrupts=[2.0])

    assert (told.seconds, told.counts, twelve.generator.asked) == (2.0, (0, 0, 0, 12, ExitCode.INTERRUPTED), {})


def test_at_the_very_end_of_the_login_it_is_not_forgotten(twelve: Workshop) -> None:
    """A Ctrl-C between the login and the first request sends nothing."""
    runs: list[Run] = []
    twelve.uploader.opening = lambda: asyncio.get_running_loop().call_soon(runs[0].stop)
    told = twelve.run(before=runs.append)

    assert (told.counts, twelve.generator.asked) == ((0, 0, 0, 12, ExitCode.INTERRUPTED), {})


def test_before_the_first_job_nothing_is_sent(twelve: Workshop) -> None:
    """A Ctrl-C that comes before the scheduler is there is not forgotten."""
    told = twelve.run(before=lambda run: run.stop())

    assert (told.counts, twelve.generator.asked) == ((0, 0, 0, 12, ExitCode.INTERRUPTED), {})


def test_after_the_last_picture_it_is_a_success(workshop: Workshop) -> None:
    """Everything done in spite of the Ctrl-C is exit code 0."""
    told = workshop.run(interrupts=[1.0])

    assert told.counts == (5, 0, 0, 0, ExitCode.OK)


def test_a_job_between_two_quick_retries_is_broken_off_by_the_second(workshop: Workshop) -> None:
    """Leaving does not wait for a service that hangs, whatever it was doing."""
    workshop.generator.seconds = hang()

    assert workshop.run(interrupts=[100.0, 101.0]).seconds == 101.0


def test_once_sends_no_quick_retry_either(workshop: Workshop) -> None:
    """A flaky answer that comes after Ctrl-C is not tried again: that would be a new request, and new money."""
    workshop.generator.will(c1=[FlakyError("HTTP 500")] * 9)
    told = workshop.run(interrupts=[1.0])

    assert (workshop.generator.asked["c1"], told.counts[:2]) == (1, (4, 1))


def test_once_in_the_pause_before_a_quick_retry_sends_none(workshop: Workshop) -> None:
    """The flaky answer came before Ctrl-C, and its retry was already on its way: it is not sent."""
    workshop.cast("C1")
    workshop.generator.will(c1=[FlakyError("HTTP 500"), FlakyError("HTTP 500"), paint()])
    workshop.run(interrupts=[3.0001])

    assert workshop.generator.asked["c1"] == 1


def test_pictures_saved_before_leaving_are_counted_as_saved(workshop: Workshop) -> None:
    """Who is uploaded already counts; who is not is pending, with its picture on disk."""
    workshop.uploader.will(c1=["never used"])
    told = workshop.run(interrupts=[3.2, 3.4])

    assert (len(told.of(JobSaved)), told.counts[3], len(workshop.pictures())) == (5, 5, 5)
