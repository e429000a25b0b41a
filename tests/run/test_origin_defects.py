"""The defects of the first app's batch code, one test each; every one would fail on what that code did."""

from __future__ import annotations

from pathlib import Path

import pytest

from charimg.contracts import JobState
from charimg.errors import InputError, ThrottledError
from charimg.events import BatchRetried, Cooldown, JobFailed, JobGenerating, JobSaved, JobUploaded, QuotaWait
from charimg.model import MediaReference, Verdict
from tests.run.workshop import Workshop, hang, paint


def busy() -> ThrottledError:
    return ThrottledError("HTTP 429: too many requests")


def test_a_429_reaches_the_batch_and_waits_and_nothing_saved_is_made_again(workshop: Workshop) -> None:
    """Defects 1 and 2: one 429, then success: five pictures, six requests, one wait of 15 seconds."""
    workshop.generator.will(c2=[busy()])
    told = workshop.run()

    assert (told.counts, dict(workshop.generator.asked), [event.wait for event in told.of(QuotaWait)]) == (
        (5, 0, 0, 0, 0),
        {"c1": 1, "c2": 2, "c3": 1, "c4": 1, "c5": 1},
        [15.0],
    )


def test_two_of_five_throttled_to_the_end_count_as_two(workshop: Workshop) -> None:
    """Defect 3: three succeeded and two failed are told as that, not as five failed."""
    workshop.generator.will(c2=[busy()] * 4, c4=[busy()] * 4)
    told = workshop.run()

    states = {key: record.state for key, record in workshop.ledger().items()}
    assert told.counts == (3, 2, 0, 0, 3)
    assert states == {key: JobState.PENDING if key in ("c2", "c4") else JobState.DONE for key in states}


def test_three_retries_are_four_attempts_and_the_notice_reads_up_to_3_of_3(workshop: Workshop) -> None:
    """Defect 4: ``retry 3/3`` is told, and a fourth request is sent after it."""
    workshop.generator.will(c1=[busy()] * 3)
    told = workshop.run()

    notices = [f"{event.retry}/{event.retries}" for event in told.of(QuotaWait)]
    attempts = [event.key for event in told.of(JobGenerating)].count("c1")
    assert (notices, attempts, workshop.ledger()["c1"].attempts, told.counts[0]) == (["1/3", "2/3", "3/3"], 4, 4, 5)


def test_the_id_of_an_upload_is_kept(workshop: Workshop) -> None:
    """Defect 5: the reference an uploader gave stands in the ledger, with the uploader that gave it."""
    workshop.uploader.will(c1=[MediaReference("CAMa-1", caption="a king", lane="scripted")])
    workshop.run()

    record = workshop.ledger()["c1"]
    assert (record.uploader, record.media and record.media.id, record.media and record.media.caption) == (
        "scripted",
        "CAMa-1",
        "a king",
    )


def test_an_upload_that_meets_a_quota_is_retried_without_a_new_picture(workshop: Workshop) -> None:
    """Defects 2 and 5: the picture is saved, so only its upload is tried again."""
    workshop.uploader.will(c3=[busy()])
    told = workshop.run()

    retried = [[job.key for job in event.jobs] for event in told.of(BatchRetried)]
    assert (workshop.generator.asked["c3"], workshop.uploader.asked["c3"], retried, told.counts[0]) == (
        1,
        2,
        [["c3"]],
        5,
    )


def test_an_upload_throttled_to_the_end_is_told_as_an_upload_and_goes_on_next_time(workshop: Workshop) -> None:
    """Defect 6: the failure names its stage, and the next run uploads without making the picture again."""
    workshop.uploader.will(c3=[busy()] * 4)
    first = workshop.run()
    second = workshop.run()

    failed = [(event.key, event.stage, event.pending) for event in first.of(JobFailed)]
    assert (failed, first.counts, second.counts, second.seconds, workshop.generator.asked["c3"]) == (
        [("c3", "upload", True)],
        (4, 1, 0, 0, 3),
        (1, 0, 0, 0, 0),
        1.0,
        1,
    )


def test_an_upload_that_fails_is_a_failure_not_a_success_without_id(workshop: Workshop) -> None:
    """Defect 6: an uploader that gives nothing back where a reference belongs fails its job visibly."""
    workshop.uploader.will(c1=[ValueError("no media id in the answer")])
    told = workshop.run()

    failed = [(event.key, event.stage, event.verdict) for event in told.of(JobFailed)]
    assert (failed, told.counts, workshop.ledger()["c1"].state) == (
        [("c1", "upload", Verdict.INVALID)],
        (4, 1, 0, 0, 1),
        JobState.FAILED,
    )


def test_a_picture_without_its_reference_is_only_uploaded(workshop: Workshop) -> None:
    """Defect 5: made without an uploader, then run with one: uploads only, nothing is generated."""
    workshop.run(flags={"uploader": "none"})
    told = workshop.run()

    assert (len(told.of(JobUploaded)), told.of(JobGenerating), told.counts[0]) == (5, [], 5)


def test_a_jpeg_gets_a_jpegs_name(workshop: Workshop) -> None:
    """Defect 7: the bytes decide the extension, never habit."""
    workshop.generator.will(c1=[paint("JPEG")], c2=[paint("WEBP")])
    workshop.run()

    assert workshop.pictures() == ["c1.jpg", "c2.webp", "c3.png", "c4.png", "c5.png"]


def test_odd_and_equal_names_stay_in_the_folder_and_keep_a_picture_each(workshop: Workshop) -> None:
    """Defect 7: no name leaves the folder, none overwrites another."""
    workshop.cast("../../x", "CON", "a/b", "A B", "গোপাল", "👑", "Anna", "anna")
    told = workshop.run()

    pictures = workshop.pictures()
    outside = [path for path in Path(workshop.folder).parent.rglob("*.png") if path.parent.name != "pictures"]
    assert (told.counts[0], len(pictures), len({name.casefold() for name in pictures}), outside) == (8, 8, 8, [])


def test_quota_in_any_case_from_a_plain_exception_waits(workshop: Workshop) -> None:
    """Defect 10: a third party's ``RuntimeError("Quota exceeded")`` is a quota error."""
    workshop.generator.will(c1=[RuntimeError("Quota exceeded")], c2=[RuntimeError("RATE LIMIT reached")])
    told = workshop.run()

    assert (len(told.of(QuotaWait)), told.counts) == (1, (5, 0, 0, 0, 0))


def test_a_429_inside_another_word_does_not_wait(workshop: Workshop) -> None:
    """Defect 10: "generate 429px" speaks of pixels: that job fails, nobody waits."""
    workshop.generator.will(c1=[RuntimeError("cannot generate 429px wide pictures")])
    told = workshop.run()

    assert (told.of(QuotaWait), told.counts) == ([], (4, 1, 0, 0, 1))


def test_a_call_that_never_ends_does_not_hold_its_batch_for_ever(workshop: Workshop) -> None:
    """Defect 12: a service silent for half an hour fails the job, told as possibly charged, and is not paid again."""
    workshop.cast("C1")
    workshop.generator.seconds = hang()
    told = workshop.run()

    assert (told.seconds, told.counts, [event.message for event in told.of(JobFailed)]) == (
        1800.0,
        (0, 1, 0, 0, 1),
        ["no answer in 30 minutes"],
    )
    assert [job.key for job in told.finished.possibly_charged] == ["c1"]  # type: ignore[union-attr]


def test_a_run_again_keeps_pictures_and_ids(workshop: Workshop) -> None:
    """Defect 14: the roster written anew and run again changes nothing that is done."""
    workshop.run()
    before = workshop.ledger()
    workshop.cast("C0", *workshop.names)
    told = workshop.run()

    after = workshop.ledger()
    assert ({key: after[key] for key in before}, [event.key for event in told.of(JobSaved)]) == (before, ["c0"])


@pytest.mark.parametrize("size", ["0", "-1", "five"])
def test_a_batch_size_that_never_ends_is_refused(workshop: Workshop, size: str) -> None:
    """Defect 15: less than one at a time is bad input, found before anything is made."""
    with pytest.raises(InputError, match="batch-size"):
        workshop.run(flags={"batch_size": size}).error and workshop.order(flags={"batch_size": size})

    assert workshop.generator.asked == {}


def test_no_cooldown_after_the_last_batch(workshop: Workshop) -> None:
    """Ten characters: one cooldown between the two batches, and none at the end."""
    workshop.cast(*(f"C{number}" for number in range(1, 11)))
    told = workshop.run()

    assert ([event.wait for event in told.of(Cooldown)], told.seconds) == ([2.0], 4.0 + 2.0 + 4.0)
    assert told.events[-1].event == "run_finished"


def test_five_at_once_and_never_more(workshop: Workshop) -> None:
    """Twelve characters never have more than five requests in flight."""
    workshop.cast(*(f"C{number}" for number in range(1, 13)))
    workshop.run()

    assert workshop.generator.most_in_flight == 5
