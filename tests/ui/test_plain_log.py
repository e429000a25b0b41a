"""The plain log: the origin's look, a heartbeat in silence, and nothing that hurts a terminal or the run."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace

import pytest

from charimg.model import Cost, Verdict
from charimg.ui.plain import PlainLog, TroubleLog
from tests.ui.story import (
    HOSTILE,
    JOBS,
    batch,
    batch_over,
    closed,
    cooldown,
    done,
    every_kind,
    facts,
    failed,
    fallback,
    finished,
    generating,
    job,
    play,
    possibly_charged,
    progress,
    quota_wait,
    rejected,
    retried,
    saved,
    started,
    uploaded,
    waiting,
)

pytestmark = pytest.mark.looptime


async def test_log_has_the_look_of_the_origin() -> None:
    """A run with a quota wait and a cooldown reads line for line as the origin's document shows it."""
    out = io.StringIO()
    one, two = JOBS[:2]

    await play(
        PlainLog(out),
        batch(1, JOBS[:5], total=15),
        generating(one),
        generating(two),
        saved(one),
        uploaded(one),
        done(one),
        waiting(two),
        quota_wait(),
        retried([two]),
        saved(two),
        done(two),
        failed(JOBS[2], "HTTP 500"),
        batch_over(succeeded=5),
        cooldown(),
    )

    assert out.getvalue().splitlines() == [
        "🎨 ========================================",
        "🎨 CHARACTER BATCH 1",
        "🎨 Generating 5 characters (1-5 of 15)",
        "🎨 ========================================",
        "✅ Gopal Bhar: Image saved",
        "✅ Gopal Bhar: Uploaded with ID abc123",
        "⏳ Quota limit hit! Waiting 15 seconds before retry 1/3...",
        "   (the service says: Resource has been exhausted (e.g. check quota).)",
        "🔄 Retrying batch...",
        "✅ গোপাল ভাঁড়: Image saved",
        "❌ 李白: Generation failed - HTTP 500",
        "✅ Batch complete: 5 succeeded, 0 failed",
        "⏸️  2 second cooldown before next batch...",
    ]


async def test_rarer_events_have_lines() -> None:
    """Rejections, lost answers, adopted pictures, quota leftovers and uploads by path or url are told apart."""
    out = io.StringIO()
    who = JOBS[0]

    await play(
        PlainLog(out),
        started(skipped=2),
        possibly_charged(who),
        saved(who, adopted=True),
        uploaded(who, "https://host/x.png", "url"),
        uploaded(who, "copies/x.png", "path"),
        failed(who, "disk full", stage="save"),
        failed(who, "HTTP 429", stage="upload", pending=True),
        rejected(who),
        batch(3, [who], first=7),
        batch_over(3, 0, failed=1, rejected=2, pending=3),
    )

    assert out.getvalue().splitlines() == [
        "🎨 7 characters in 2 batches, through whisk; 2 need nothing",
        "⚠️  Gopal Bhar: May have been charged without a picture - the answer was lost",
        "✅ Gopal Bhar: Image of an earlier run found and kept",
        "✅ Gopal Bhar: Uploaded to https://host/x.png",
        "✅ Gopal Bhar: Copied to copies/x.png",
        "❌ Gopal Bhar: Saving failed - disk full",
        "❌ Gopal Bhar: Upload failed - HTTP 429 (the next run takes it up again)",
        "🚫 Gopal Bhar: Rejected by the service - prominent person",
        "🎨 ========================================",
        "🎨 CHARACTER BATCH 3",
        "🎨 Generating 1 character (7 of 7)",
        "🎨 ========================================",
        "✅ Batch complete: 0 succeeded, 1 failed, 2 rejected, 3 pending",
    ]


@pytest.mark.parametrize(("skipped", "words"), [(1, "; 1 needs nothing"), (2, "; 2 need nothing"), (0, "whisk")])
async def test_who_needs_nothing_is_counted(skipped: int, words: str) -> None:
    """One is one."""
    out = io.StringIO()

    await play(PlainLog(out), started(skipped=skipped))

    assert out.getvalue().splitlines()[0].endswith(words)


async def test_batches_that_only_upload_say_so() -> None:
    """And a batch whose characters do not stand in a row names no span."""
    out = io.StringIO()
    scattered = replace(batch(2, [JOBS[1], JOBS[4], JOBS[6]], total=7), first=2, last=7)

    await play(
        PlainLog(out),
        started(uploads_only=tuple(one.key for one in JOBS[:2])),
        batch(1, JOBS[:2], total=7),
        scattered,
    )

    lines = out.getvalue().splitlines()
    assert lines[0] == "🎨 7 characters in 2 batches, through whisk; 2 to be uploaded only"
    assert [line for line in lines if "characters (" in line] == [
        "🎨 Uploading 2 characters (1-2 of 7)",
        "🎨 Generating 3 characters (of 7), 1 of them to be uploaded only",
    ]


@pytest.mark.parametrize("kind", [PlainLog, TroubleLog])
async def test_no_alarm_about_money_where_nothing_is_charged(kind: type[PlainLog] | type[TroubleLog]) -> None:
    """A server of one's own that gives no answer costs time and no money."""
    out = io.StringIO()

    await play(kind(out), started(lane_facts=(facts("whisk", free=True),)), possibly_charged(JOBS[0]))

    assert out.getvalue().splitlines()[-1] == "⚠️  Gopal Bhar: Begun, and left no picture - the answer was lost"


async def test_lines_name_the_lane_where_there_are_several() -> None:
    """With two lanes a wait says which of them waits."""
    out = io.StringIO()

    await play(PlainLog(out), started(lanes=("a", "b")), quota_wait(lane="b"))

    assert "⏳ Quota limit hit! [b] Waiting 15 seconds before retry 1/3..." in out.getvalue().splitlines()


async def test_long_wait_is_counted_down_every_thirty_seconds() -> None:
    """A wait of 75 s is told again at 30 s and at 60 s, with the seconds that are left."""
    out = io.StringIO()

    log = PlainLog(out)
    await play(log, batch(1, JOBS[:1]), quota_wait(75, retry=2), 74.5)
    log.close()

    assert out.getvalue().splitlines()[5:] == [
        "⏳ Still waiting: 45 s until retry 2/3...",
        "⏳ Still waiting: 15 s until retry 2/3...",
    ]


async def test_long_generation_has_a_heartbeat_until_something_happens() -> None:
    """Silence while pictures are made is broken every 30 s; a line in between begins the 30 s anew."""
    out = io.StringIO()

    log = PlainLog(out)
    await play(
        log, batch(1, JOBS[:3]), *map(generating, JOBS[:3]), 61, saved(JOBS[0]), done(JOBS[0]), 29, done(JOBS[1]), 2
    )
    log.close()

    assert out.getvalue().splitlines()[4:] == [
        "⏳ Still at work: 3 pictures under way, the longest for 30 s...",
        "⏳ Still at work: 3 pictures under way, the longest for 1 min...",
        "✅ Gopal Bhar: Image saved",
        "⏳ Still at work: 1 picture under way, for 1 min 31 s...",
    ]


@pytest.mark.parametrize("end", ["run finished", "closed"])
async def test_heartbeat_ends_with_the_run(end: str) -> None:
    """After the last event, or after close, nothing more is written."""
    out = io.StringIO()
    log = PlainLog(out)
    await play(log, batch(1, JOBS[:1]), generating(JOBS[0]))
    if end == "closed":
        log.close()
    else:
        log.hear(finished())
    before = out.getvalue()

    await play(log, 100)

    assert out.getvalue() == before


async def test_hostile_words_cannot_command_the_terminal() -> None:
    """Escape sequences, newlines, bidi overrides and lone surrogates of names and servers come out as harmless text."""
    out = io.StringIO()

    await play(PlainLog(out), *every_kind(job(HOSTILE), HOSTILE))

    text = out.getvalue()
    text.encode("utf-8")
    assert re.findall(r"[^\S \n]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text) == []
    assert [line for line in text.splitlines() if line.startswith("name")] == []


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1"])
async def test_narrow_encodings_get_words_for_symbols(encoding: str) -> None:
    """Where the encoding has no symbols every line is still written, with ASCII words in their place."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")

    await play(PlainLog(out), *every_kind(JOBS[1]))

    lines = raw.getvalue().decode(encoding).splitlines()
    assert "[charimg] CHARACTER BATCH 1 [whisk]" in lines
    assert "[pause]  2 second cooldown before next batch... [whisk]" in lines
    assert any(line.startswith("[ok] \\u0997\\u09cb") for line in lines)


async def test_reader_that_leaves_does_not_stop_the_run() -> None:
    """Writing to a pipe whose reader is gone raises nothing, and leaves nothing behind that fails at exit."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as out:
        await play(PlainLog(out), *every_kind(), *every_kind())
        out.write("still harmless")

    assert out.closed


async def test_closed_stream_does_not_stop_the_run() -> None:
    """A stream that was closed under the log's feet raises nothing."""
    out = io.StringIO()
    log = PlainLog(out)
    out.close()

    await play(log, *every_kind())


async def test_full_disk_loses_only_the_lines_it_had_no_room_for() -> None:
    """A write that fails once does not silence the log for good."""

    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(28, "No space left on device")
            return super().write(text)

    out = Full()
    log = PlainLog(out)
    log.hear(saved(JOBS[0]))
    out.full = False

    log.hear(saved(JOBS[1]))

    assert out.getvalue() == "✅ গোপাল ভাঁড়: Image saved\n"


def test_log_works_without_an_event_loop() -> None:
    """Heard outside a loop, events are written all the same; there is only no heartbeat."""
    out = io.StringIO()

    PlainLog(out).hear(saved(JOBS[0]))

    assert out.getvalue() == "✅ Gopal Bhar: Image saved\n"


async def test_quiet_says_nothing_when_all_is_well() -> None:
    """With --quiet a run without trouble writes nothing."""
    out = io.StringIO()

    await play(TroubleLog(out), started(), batch(1, JOBS[:1]), quota_wait(), saved(JOBS[0]), done(JOBS[0]), finished())

    assert out.getvalue() == ""


async def test_quiet_tells_of_money_that_may_be_lost() -> None:
    """A charge without a picture is told with --quiet, though the run ended well."""
    out = io.StringIO()

    await play(TroubleLog(out), started(), possibly_charged(JOBS[4]), saved(JOBS[4]), done(JOBS[4]), finished())

    assert out.getvalue() == "⚠️  Mantri: May have been charged without a picture - the answer was lost\n"


async def test_quiet_tells_trouble_and_the_summary() -> None:
    """With --quiet failures and rejections are told, and the summary of a run that did not end well."""
    out = io.StringIO()

    await play(
        TroubleLog(out),
        started(),
        saved(JOBS[0]),
        failed(JOBS[1], "HTTP 500"),
        rejected(JOBS[4]),
        finished(succeeded=13, failed=1, rejected=1, exit_code=1),
    )

    lines = out.getvalue().splitlines()
    assert lines[:2] == [
        "❌ গোপাল ভাঁড়: Generation failed - HTTP 500",
        "🚫 Mantri: Rejected by the service - prominent person",
    ]
    assert "📊 Total: 15" in lines


async def test_a_lost_connection_is_not_called_a_quota() -> None:
    """Nobody should look for a quota, or for words of a service, where the network is down."""
    out = io.StringIO()
    lost = replace(quota_wait(), unreachable=True, message="whisk.example cannot be reached: Connection refused")

    await play(PlainLog(out), lost)

    assert out.getvalue().splitlines() == [
        "⏳ No connection! Waiting 15 seconds before retry 1/3...",
        "   (whisk.example cannot be reached: Connection refused)",
    ]


async def test_several_lanes_are_named_in_their_lines() -> None:
    """The plan names them and who stands by; each line of a batch says whose it is, and who takes over is told."""
    out = io.StringIO()
    lanes = (facts("a"), facts("b"), facts("spare", fallback=True))

    await play(
        PlainLog(out),
        started(lanes=("a", "b"), lane_facts=lanes, budget=Cost(5, "USD", "reported")),
        batch(1, JOBS[:5], lane="a"),
        progress(JOBS[0], 0.5, "step 1 of 2", lane="a"),
        saved(JOBS[0], lane="a"),
        quota_wait(lane="b"),
        batch_over(succeeded=5, lane="a"),
        cooldown(lane="a"),
        closed(Verdict.EXHAUSTED, "no more today", lane="b"),
        fallback("spare", 2),
    )

    assert out.getvalue().splitlines() == [
        "🎨 7 characters, through 2 lanes: a, b (then spare)",
        "💰 Budget: 5.00 USD; nothing is started that would exceed it",
        "🎨 ========================================",
        "🎨 CHARACTER BATCH 1 [a]",
        "🎨 Generating 5 characters (1-5 of 7)",
        "🎨 ========================================",
        "✅ Gopal Bhar: Image saved [a]",
        "⏳ Quota limit hit! [b] Waiting 15 seconds before retry 1/3...",
        "   (the service says: Resource has been exhausted (e.g. check quota).)",
        "✅ Batch complete: [a] 5 succeeded, 0 failed",
        "⏸️  2 second cooldown before next batch... [a]",
        "🔒 b closed: no more today.",
        "👉 spare takes over: 2 characters left",
    ]


async def test_one_lane_with_a_fallback_is_named_before_anything_closed() -> None:
    """There are two from the beginning, though one only stands by."""
    out = io.StringIO()
    await play(
        PlainLog(out),
        started(JOBS[:1], lane_facts=(facts("whisk"), facts("spare", fallback=True))),
        saved(JOBS[0]),
    )

    assert out.getvalue().splitlines()[1:] == ["✅ Gopal Bhar: Image saved [whisk]"]
