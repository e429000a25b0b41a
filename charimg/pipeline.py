"""One job, from request to reference: generate -> check -> save -> upload -> record.

A job resumes at the stage where it stopped: a picture that is saved is never generated again because its upload met a
quota. Nothing here waits for a quota: what came of the job is returned as an :class:`~charimg.policy.Outcome`, and the
scheduler decides. Only a *flaky* answer is tried again at once, a few times, with exponential waits of seconds
(``backoff``); each try is an attempt of its own in the ledger (:mod:`charimg.picture_making`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from charimg.bench import STATES_AFTER, Bench, Terms
from charimg.contracts import ImageGenerator, JobState, PictureRecord, Uploader
from charimg.errors import ProviderError
from charimg.events import JobDone, JobFailed, JobRejected, JobUploaded, JobUploading, JobWaiting
from charimg.model import Job, Verdict, utc_now
from charimg.picture_making import PictureMaking
from charimg.policy import Outcome
from charimg.provider_call import checked_reference, guarded, with_quick_retries
from charimg.verdicts.waits import sane
from charimg.work_reports import WorkReports

T = TypeVar("T")


class Pipeline:
    """One lane's way of doing a job."""

    def __init__(
        self, bench: Bench, reports: WorkReports, generator: ImageGenerator, uploader: Uploader, terms: Terms
    ) -> None:
        self._bench = bench
        self._lane = reports.lane
        self._making = PictureMaking(bench, reports, generator, terms)
        self._uploader = uploader
        self._account = terms.uploader_place

    async def admit(self, job: Job) -> bool:
        """See :meth:`charimg.picture_making.PictureMaking.admit`."""
        return await self._making.admit(job)

    def release(self, job: Job) -> None:
        """See :meth:`charimg.picture_making.PictureMaking.release`."""
        self._making.release(job)

    async def work(self, job: Job) -> Outcome:
        """Do what is left of the job and say what came of it.

        :raises StorageError: the disk or the ledger failed; nothing more may be spent.
        """
        stage = "generate"
        try:
            record = await self._bench.store.job(job.request.key)
            picture = self._bench.usable_picture(job, record)
            if picture is None:
                picture = await self._quickly(lambda: self._making.make(job), unless=self._making.out_of_money)
            stage = "upload"
            if not job.candidate:  # which nobody refers to before it is picked
                await self._quickly(lambda: self._upload(job, picture))
        except ProviderError as error:
            return await self._troubled(job, stage, error)
        finally:
            self._making.release(job)
        self._bench.emit(JobDone(lane=self._lane, key=job.key, name=job.name))
        return Outcome(Verdict.OK)

    async def _quickly(self, stage: Callable[[], Awaitable[T]], unless: Callable[[], bool] = lambda: False) -> T:
        return await with_quick_retries(stage, give_up=lambda: self._bench.stopping() or unless())

    async def _upload(self, job: Job, picture: PictureRecord) -> None:
        bench, name = self._bench, self._uploader.declaration.name
        if self._uploader.keeps_references:
            bench.emit(JobUploading(lane=self._lane, key=job.key, name=job.name))
        account, clock, quotas = self._account, asyncio.get_running_loop().time, bench.quotas
        quotas.check(account, self._lane, clock())  # raises what another lane has just heard there
        try:
            reference = await guarded(self._uploader.upload(bench.as_saved(job, picture)), ceiling=bench.wait_ceiling)
        except ProviderError as error:
            quotas.note(account, self._lane, error, clock())
            raise
        if reference is not None:
            reference = checked_reference(reference, name, bench.redactor)
        await bench.store.record_upload(job.request.key, name, reference)
        if reference is not None:
            bench.emit(
                JobUploaded(
                    lane=self._lane,
                    key=job.key,
                    name=job.name,
                    media_id=reference.id,
                    kind=reference.kind,
                    uploader=name,
                    expires_at=reference.expires_at,
                )
            )

    async def _troubled(self, job: Job, stage: str, error: ProviderError) -> Outcome:
        trouble = self._bench.trouble(stage, error)
        if stage == "upload":
            await self._bench.store.record_setback(
                job.request.key, trouble, STATES_AFTER.get(error.verdict, JobState.SAVED)
            )
        emit, lane = self._bench.emit, self._lane
        verdict, message = error.verdict, trouble.message
        if verdict is Verdict.REJECTED:
            emit(JobRejected(lane=lane, key=job.key, name=job.name, verdict=verdict, message=message, stage=stage))
        elif verdict in (Verdict.FLAKY, Verdict.INVALID):
            emit(JobFailed(lane=lane, key=job.key, name=job.name, verdict=verdict, message=message, stage=stage))
        else:
            emit(JobWaiting(lane=lane, key=job.key, name=job.name, verdict=verdict, message=message, wait=trouble.wait))
        return Outcome(verdict, message, trouble.wait, _until(error), stage, error.unreachable, error.standing)


def _until(error: ProviderError) -> datetime | None:
    """When the quota returns: as the error says, or after the wait it asks for."""
    wait = sane(error.wait)
    return error.retry_at or (None if wait is None else utc_now() + timedelta(seconds=wait))
