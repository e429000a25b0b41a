"""Events as lines of the plain log, in the look of the app charimg grew out of."""

from __future__ import annotations

from collections.abc import Collection

from charimg.events import (
    BatchFinished,
    BatchRetried,
    BatchStarted,
    Cooldown,
    Event,
    FallbackOpened,
    JobFailed,
    JobPossiblyCharged,
    JobRejected,
    JobSaved,
    JobUploaded,
    LaneClosed,
    QuotaWait,
    RunFinished,
    RunStarted,
    Stopping,
    Warned,
)
from charimg.ui.board import Board
from charimg.ui.summary_text import RULE, Again, closed_line, summary_lines
from charimg.ui.wording import clean, clean_name, count, duration, money, noun, plain_number

_FAILED_AT = {"generate": "Generation failed", "save": "Saving failed", "upload": "Upload failed"}


def log_lines(
    event: Event,
    *,
    several_lanes: bool = False,
    uploads_only: Collection[str] = (),
    free_lanes: Collection[str] = (),
    again: Again = "charimg run",
    forced: str | None = None,
) -> list[str]:
    """The lines the log shows for an event; none for those that only the live view needs.

    :param several_lanes: the run has more than one lane, so that lines must say which they mean.
    :param uploads_only: keys of the jobs whose picture is there.
    :param free_lanes: those where nothing is charged.
    :param again: the command that continues the run, for the summary; likewise *forced*, see there.
    """
    where = f" [{clean_name(event.lane)}]" if several_lanes and event.lane else ""
    if isinstance(event, JobSaved):
        what = "Image of an earlier run found and kept" if event.adopted else "Image saved"
        return [f"✅ {clean_name(event.name)}: {what}{where}"]
    if isinstance(event, JobUploaded):
        words = {"url": "Uploaded to", "path": "Copied to"}.get(event.kind, "Uploaded with ID")
        return [f"✅ {clean_name(event.name)}: {words} {clean(event.media_id)}{where}"]
    if isinstance(event, JobFailed):
        what = _FAILED_AT.get(event.stage, "Failed")
        later = " (the next run takes it up again)" if event.pending else ""
        return [f"❌ {clean_name(event.name)}: {what}{where} - {clean(event.message)}{later}"]
    if isinstance(event, JobRejected):
        return [f"🚫 {clean_name(event.name)}: Rejected by the service{where} - {clean(event.message)}"]
    if isinstance(event, JobPossiblyCharged):
        lost = "Begun, and left no picture" if event.lane in free_lanes else "May have been charged without a picture"
        words = f"{lost}{where}"
        return [f"⚠️  {clean_name(event.name)}: {words} - {clean(event.message)}"]
    if isinstance(event, BatchStarted):
        return [
            f"🎨 {RULE}",
            f"🎨 CHARACTER BATCH {event.batch}{where}",
            f"🎨 {batch_words(event, uploads_only)}",
            f"🎨 {RULE}",
        ]
    if isinstance(event, QuotaWait):
        seconds = plain_number(event.wait)
        retry = f"retry {event.retry}/{event.retries}"
        unit = "second" if seconds == "1" else "seconds"
        words = clean(event.message)
        what, who = ("No connection!", "") if event.unreachable else ("Quota limit hit!", "the service says: ")
        return [
            f"⏳ {what}{where} Waiting {seconds} {unit} before {retry}...",
            *([f"   ({who}{words})"] if words and event.retry == 1 else []),
        ]
    if isinstance(event, BatchRetried):
        return [f"🔄 Retrying batch...{where}"]
    if isinstance(event, Cooldown):
        return [f"⏸️  {plain_number(event.wait)} second cooldown before next batch...{where}"]
    if isinstance(event, BatchFinished):
        return [f"✅ Batch complete:{where} {outcome(event)}"]
    if isinstance(event, FallbackOpened):
        return [fallback_line(event)]
    if isinstance(event, LaneClosed):
        return [closed_line(event)]
    if isinstance(event, Warned):
        whom = f"{clean_name(event.name)}: " if event.name else ""
        return [f"⚠️  {whom}{clean(event.message)}"]
    if isinstance(event, Stopping):
        return [stopping_line(event)]
    if isinstance(event, RunStarted):
        return plan_lines(event)
    if isinstance(event, RunFinished):
        return ["", *summary_lines(event, again=again, forced=forced)]
    return []


def batch_words(event: BatchStarted, uploads_only: Collection[str] = ()) -> str:
    """What a batch is about to do, and to whom: ``Generating 5 characters (1-5 of 15)``."""
    jobs = len(event.jobs)
    if jobs == 1:
        span = f"{event.first} of {event.total}"
    elif event.last - event.first + 1 == jobs:
        span = f"{event.first}-{event.last} of {event.total}"
    else:  # others took some from between them
        span = f"of {event.total}"
    uploads = sum(job.key in uploads_only for job in event.jobs)
    if uploads == jobs:
        return f"Uploading {count(jobs, noun(event.jobs))} ({span})"
    others = f", {uploads} of them to be uploaded only" if uploads else ""
    return f"Generating {count(jobs, noun(event.jobs))} ({span}){others}"


def plan_lines(plan: RunStarted) -> list[str]:
    """What the run is about to do, in one line; nothing when there is nothing to do (the summary says so)."""
    if not plan.total:
        return []
    batches = f" in {count(plan.batches, 'batch', 'batches')}" if plan.batches else ""
    done = f"; {plan.skipped} need{'s' if plan.skipped == 1 else ''} nothing" if plan.skipped else ""
    if len(plan.lanes) > 1:
        batches = ""  # how many there are depends on who takes what
    through = ", ".join(clean_name(name) for name in plan.lanes) or clean_name(plan.generator)
    lanes = f"{len(plan.lanes)} lanes: " if len(plan.lanes) > 1 else ""
    fallbacks = ", ".join(clean_name(lane.name) for lane in plan.lane_facts if lane.fallback)
    standby = f" (then {fallbacks})" if fallbacks else ""
    uploads = len(plan.uploads_only)
    only = f"; {'all' if uploads == plan.total else uploads} to be uploaded only" if uploads else ""
    lines = [f"🎨 {count(plan.total, noun(plan.jobs))}{batches}, through {lanes}{through}{standby}{only}{done}"]
    if plan.budget is not None:
        lines.append(f"💰 Budget: {money(plan.budget)}; nothing is started that would exceed it")
    return lines


def fallback_line(event: FallbackOpened) -> str:
    """Who takes over what is left."""
    return f"👉 {clean_name(event.lane or '')} takes over: {count(event.jobs, 'character')} left"


def outcome(event: BatchFinished) -> str:
    """A batch's counts: ``5 succeeded, 0 failed``, and the others where there are any."""
    parts = [f"{event.succeeded} succeeded", f"{event.failed} failed"]
    parts += [f"{event.rejected} rejected"] if event.rejected else []
    parts += [f"{event.pending} pending"] if event.pending else []
    return ", ".join(parts)


def stopping_line(event: Stopping) -> str:
    """What Ctrl-C did, and what a second one would do."""
    if not event.in_flight:
        return "🛑 Stopping: nothing new is started."
    pictures = count(event.in_flight, "picture")
    return f"🛑 Stopping: {pictures} under way will be finished and kept. Ctrl-C again leaves now."


def heartbeat_lines(board: Board, now: float) -> list[str]:
    """What a log that has been silent for a while says: what is waited for, and how long."""
    lines: list[str] = []
    for lane in board.lanes.values():
        where = f" [{clean_name(lane.name)}]" if board.several_lanes and lane.name else ""
        left = lane.pause.left(now) if lane.pause else 0.0
        if lane.pause and left >= 1:
            to_what = f"retry {lane.pause.retry}/{lane.pause.retries}" if lane.pause.retry else "the next batch"
            lines.append(f"⏳ Still waiting:{where} {duration(left)} until {to_what}...")
            continue
        rows = lane.under_way()
        if rows:
            longest = max(row.running(now) or 0.0 for row in rows)
            since = f"for {duration(longest)}" if len(rows) == 1 else f"the longest for {duration(longest)}"
            lines.append(f"⏳ Still at work:{where} {count(len(rows), 'picture')} under way, {since}...")
    return lines
