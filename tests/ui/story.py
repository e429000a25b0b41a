"""Scripted events, as a run would emit them, for the tests of those who show them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timezone
from typing import Any

from charimg.contracts import Observer
from charimg.events import (
    BatchFinished,
    BatchRetried,
    BatchStarted,
    Cooldown,
    Event,
    FallbackOpened,
    JobDone,
    JobFailed,
    JobGenerating,
    JobName,
    JobPossiblyCharged,
    JobProgress,
    JobRejected,
    JobSaved,
    JobUploaded,
    JobUploading,
    JobWaiting,
    LaneClosed,
    LaneFacts,
    LaneSummary,
    Problem,
    QuotaWait,
    RunFinished,
    RunStarted,
    Stopping,
    Warned,
)
from charimg.model import Cost, Verdict

LANE = "whisk"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
QUOTA_WORDS = "Resource has been exhausted (e.g. check quota)."
HOSTILE = "Evil\x1b[2J\x1b]0;owned\x07\r\n\u202ename\x9b31m\ud800 [bold red]x[/] :smile:"
NAMES = ("Gopal Bhar", "গোপাল ভাঁড়", "李白", "👩‍🚀 Astro 🇮🇳", "Mantri", "Baker", "Potter")


def job(name: str) -> JobName:
    return JobName(f"key-{name[:8].lower()}", name)


JOBS = tuple(job(name) for name in NAMES)


def started(jobs: Sequence[JobName] = JOBS, **changes: Any) -> RunStarted:
    facts: dict[str, Any] = {
        "run": "r1",
        "total": len(jobs),
        "skipped": 0,
        "jobs": tuple(jobs),
        "lanes": (LANE,),
        "generator": "whisk",
        "uploader": "whisk",
        "store": "sqlite",
        "out": "pictures",
        "batch_size": 5,
        "quota_wait": 15.0,
        "max_retries": 3,
        "cooldown": 2.0,
        "batches": -(-len(jobs) // 5),
    }
    return RunStarted(**{**facts, **changes})


def batch(number: int, jobs: Sequence[JobName], *, first: int = 1, total: int = 7, lane: str = LANE) -> BatchStarted:
    return BatchStarted(lane=lane, batch=number, first=first, last=first + len(jobs) - 1, total=total, jobs=tuple(jobs))


def generating(who: JobName, lane: str = LANE) -> JobGenerating:
    return JobGenerating(lane=lane, key=who.key, name=who.name, attempt="a1")


def facts(name: str, **changes: Any) -> LaneFacts:
    """A lane as it was asked for."""
    provider = name.partition("@")[0]
    return LaneFacts(
        **{"name": name, "generator": provider, "account": name, "uploader": "none", "batch_size": 5, **changes}
    )


def progress(who: JobName, fraction: float | None, words: str, lane: str = LANE) -> JobProgress:
    return JobProgress(lane=lane, key=who.key, name=who.name, message=words, fraction=fraction)


def fallback(lane: str, jobs: int) -> FallbackOpened:
    return FallbackOpened(lane=lane, jobs=jobs)


def saved(who: JobName, **changes: Any) -> JobSaved:
    facts: dict[str, Any] = {"image": f"pictures/{who.key}.png", "format": "png", "width": 9, "height": 16}
    return JobSaved(**{"lane": LANE, "key": who.key, "name": who.name, "seconds": 4.0, **facts, **changes})


def uploading(who: JobName, lane: str = LANE) -> JobUploading:
    return JobUploading(lane=lane, key=who.key, name=who.name)


def uploaded(who: JobName, media_id: str = "abc123", kind: str = "id") -> JobUploaded:
    return JobUploaded(lane=LANE, key=who.key, name=who.name, media_id=media_id, kind=kind, uploader="whisk")


def done(who: JobName, lane: str = LANE) -> JobDone:
    return JobDone(lane=lane, key=who.key, name=who.name)


def waiting(who: JobName, lane: str = LANE) -> JobWaiting:
    return JobWaiting(lane=lane, key=who.key, name=who.name, verdict=Verdict.THROTTLED, message=QUOTA_WORDS)


def failed(who: JobName, message: str = "HTTP 500", stage: str = "generate", pending: bool = False) -> JobFailed:
    verdict = Verdict.THROTTLED if pending else Verdict.FLAKY
    return JobFailed(
        lane=LANE, key=who.key, name=who.name, verdict=verdict, message=message, stage=stage, pending=pending
    )


def rejected(who: JobName, message: str = "prominent person") -> JobRejected:
    return JobRejected(
        lane=LANE, key=who.key, name=who.name, verdict=Verdict.REJECTED, message=message, stage="generate"
    )


def possibly_charged(who: JobName) -> JobPossiblyCharged:
    return JobPossiblyCharged(lane=LANE, key=who.key, name=who.name, attempt="a1", message="the answer was lost")


def quota_wait(wait: float = 15.0, retry: int = 1, lane: str = LANE) -> QuotaWait:
    return QuotaWait(
        lane=lane,
        wait=wait,
        retry=retry,
        retries=3,
        batch=1,
        unfinished=1,
        verdict=Verdict.THROTTLED,
        message=QUOTA_WORDS,
    )


def retried(jobs: Sequence[JobName], retry: int = 1) -> BatchRetried:
    return BatchRetried(lane=LANE, batch=1, retry=retry, retries=3, jobs=tuple(jobs))


def cooldown(wait: float = 2.0, lane: str = LANE) -> Cooldown:
    return Cooldown(lane=lane, wait=wait)


def batch_over(
    number: int = 1, succeeded: int = 5, failed: int = 0, rejected: int = 0, pending: int = 0, lane: str = LANE
) -> BatchFinished:
    return BatchFinished(
        lane=lane, batch=number, succeeded=succeeded, failed=failed, rejected=rejected, pending=pending
    )


def closed(verdict: Verdict, message: str, until: datetime | None = None, lane: str = LANE) -> LaneClosed:
    return LaneClosed(lane=lane, time=NOW, verdict=verdict, message=message, until=until)


def warned(message: str) -> Warned:
    return Warned(message=message)


def stopping(in_flight: int) -> Stopping:
    return Stopping(in_flight=in_flight)


def problem(name: str, verdict: Verdict, message: str = "its words", stage: str = "generate") -> Problem:
    return Problem(job(name).key, name, verdict, message, stage)


def finished(**changes: Any) -> RunFinished:
    facts: dict[str, Any] = {
        "run": "r1",
        "time": NOW,
        "total": 15,
        "succeeded": 15,
        "failed": 0,
        "rejected": 0,
        "pending": 0,
        "skipped": 0,
        "seconds": 62.0,
        "exit_code": 0,
        "out": "pictures",
    }
    return RunFinished(**{**facts, **changes})


def every_kind(who: JobName = JOBS[0], words: str = "words") -> list[Event]:
    """One event of every kind, with the given name and words wherever a roster or a server has a say."""
    return [
        started([who], generator=words, lanes=(LANE, words), lane_facts=(facts(LANE), facts(words, fallback=True))),
        possibly_charged(who),
        batch(1, [who]),
        generating(who),
        progress(who, 0.5, words),
        waiting(who),
        quota_wait(),
        retried([who]),
        saved(who, image=f"pictures/{words}.png"),
        uploading(who),
        uploaded(who, words),
        done(who),
        failed(who, words),
        rejected(who, words),
        warned(words),
        batch_over(),
        cooldown(),
        stopping(2),
        LaneClosed(lane=words, verdict=Verdict.EXHAUSTED, message=words),
        fallback(words, 1),
        finished(
            lanes=(LaneSummary(LANE, spent=(Cost(1, words),)), LaneSummary(words, 1, 1, 1, 1)),
            problems=tuple(problem(who.name, verdict, words) for verdict in Verdict if verdict is not Verdict.OK),
            possibly_charged=(who,),
            closed=(LaneClosed(lane=words, verdict=Verdict.EXHAUSTED, message=words),),
            out=words,
            exit_code=1,
        ),
    ]


async def play(observer: Observer, *scenes: Event | float | Callable[[], Awaitable[None]]) -> None:
    """Let the observer hear the events in order; a number is a pause in seconds."""
    for scene in scenes:
        if isinstance(scene, Event):
            observer.hear(scene)
        elif isinstance(scene, (int, float)):
            await asyncio.sleep(scene)
        else:
            await scene()
