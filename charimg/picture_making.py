"""One attempt at a picture: money, intent, request, check, disk, ledger; and what plugins make of the picture.

The intent is in the ledger before money is spent. A job that the service accepted under a ticket, in this run or in an
earlier one, is asked for again rather than paid for a second time.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from charimg.bench import STATES_AFTER, Bench, Terms
from charimg.contracts import Attempt, ImageGenerator, JobRecord, JobState, PictureRecord
from charimg.errors import ExhaustedError, FlakyError, PluginError, ProviderError, StorageError, ThrottledError
from charimg.events import JobGenerating, JobSaved
from charimg.images import inspect
from charimg.metadata import PictureMetadata
from charimg.model import Cost, GeneratedImage, ImageFacts, ImageRequest, Job, utc_now
from charimg.provider_call import SilenceError, checked, guarded, in_own_thread
from charimg.work_reports import WorkReports

T = TypeVar("T")

OLDEST_TICKET = timedelta(days=1)
"""After this an accepted job that cannot be asked for is given up; services keep results for minutes to a day."""


class PictureMaking:
    """One lane's way of getting a picture.

    :param reports: what the generator says while it works.
    """

    def __init__(self, bench: Bench, reports: WorkReports, generator: ImageGenerator, terms: Terms) -> None:
        self._bench = bench
        self._lane = reports.lane
        self._generator = generator
        self._terms = terms
        price = terms.price
        self._declared = None if price is None else price.cost
        self._price = 0.0 if price is None else price.amount
        """What is reserved for a picture: the declared price, or the most that the service has reported."""
        self._counted: dict[str, float] = {}
        """What the budget has counted for each job that stands at the service."""
        self._reserved: dict[str, float] = {}
        """What is set aside for each job that was let in."""
        self._reports = reports

    async def admit(self, job: Job) -> bool:
        """Set aside what the job may cost, before it is begun; ``False`` if there is no room for it just now.

        :raises ExhaustedError: the budget will never have room for it.
        :raises StorageError: the ledger cannot be read.
        """
        record = await self._bench.store.job(job.request.key)
        free = self._bench.usable_picture(job, record) is not None or self._standing_of(job, record) is not None
        amount = 0.0 if free else self._price
        if not self._bench.budget.has_room(amount):
            return False
        self._bench.budget.reserve(amount)
        self._reserved[job.key] = amount
        return True

    def release(self, job: Job) -> None:
        """The job is not begun after all, or is at its end."""
        self._bench.budget.settle(self._reserved.pop(job.key, 0.0), 0.0)

    async def _guarded(self, call: Coroutine[Any, Any, T]) -> T:
        return await guarded(call, ceiling=self._bench.wait_ceiling)

    def out_of_money(self) -> bool:
        """Whether the budget has no room for one more try just now."""
        try:
            return not self._bench.budget.has_room(self._price)
        except ExhaustedError:
            return True

    async def make(self, job: Job) -> PictureRecord:
        """One attempt: from the money it needs to the picture on disk, and what plugins make of it.

        :raises ProviderError: there is none; the ledger has it.
        :raises StorageError: the disk or the ledger failed.
        """
        began = asyncio.get_running_loop().time()
        standing = await self._standing_attempt(job)
        budget = self._bench.budget
        if standing is None:
            reserved = self._reserved.pop(job.key, 0.0)
            if not reserved:  # a quick retry, or a picture whose file is gone since
                reserved = self._price
                budget.reserve(reserved)
        else:  # the service has accepted it: what this run counted for it then is not counted twice
            reserved = self._counted.pop(job.key, 0.0)
            budget.reopen(reserved)
        cost: Cost | float = 0.0
        try:
            attempt, picture = await self._attempt(job, standing)
            cost = picture.cost or 0.0
            if isinstance(cost, Cost) and cost.currency == budget.currency:
                self._price = max(self._price, cost.amount)
        except ProviderError as error:
            cost = reserved if error.possibly_charged or error.standing else 0.0
            if error.standing:
                self._counted[job.key] = cost
            raise
        except (asyncio.CancelledError, StorageError):  # what was under way may have been charged
            cost = reserved
            raise
        finally:
            budget.settle(reserved, cost)
        seconds = round(asyncio.get_running_loop().time() - began, 3)
        paid, saved = picture.cost, picture
        try:
            saved = await self._finish(job, attempt, picture)
        finally:  # it is there and paid for, also where its finishing is broken off or the disk is full
            self._bench.emit(picture_saved(self._lane, job.key, job.name, saved, cost=paid, seconds=seconds))
        return saved

    async def _attempt(self, job: Job, standing: Attempt | None) -> tuple[str, PictureRecord]:
        """From the intent in the ledger to the picture on disk; returns the attempt's id too."""
        bench, lane = self._bench, self._lane
        request = self._prepare(job, standing)
        name = self._generator.declaration.name
        bench.emit(JobGenerating(lane=lane, key=job.key, name=job.name, attempt=request.attempt))
        if standing is None:
            await bench.store.record_intent(
                Attempt(
                    id=request.attempt,
                    run=bench.run,
                    key=job.request.key,
                    name=job.request.name,
                    lane=lane,
                    provider=name,
                    asked=job.request.fingerprint,
                    prompt=request.prompt,
                    seed=request.seed,
                    started=utc_now(),
                    place=self._terms.place,
                    candidate=bool(job.candidate),
                )
            )
            bench.standing[request.attempt] = job.key
        self._reports.working[request.attempt] = job
        try:
            given = await self._guarded(self._generator.generate(request))
            generated, facts, odd = checked(given, name, bench.redactor)
        except StorageError:  # the ticket could not be recorded: nobody can ask for the job
            bench.possibly_charged(self._lane, job, request.attempt, "it was accepted, and that could not be recorded")
            raise
        except SilenceError as silence:
            error = _standing_still(silence) if request.attempt in self._reports.ticketed else silence
            await self._record_attempt_trouble(job, request.attempt, error)
            raise error from silence
        except ProviderError as error:
            earlier = standing is not None and standing.run != bench.run  # whatever a clock that was set says
            if standing is not None and earlier and utc_now() - standing.started > OLDEST_TICKET:
                error.possibly_charged = error.possibly_charged or error.standing
                error.standing = False  # asked for once more, and given up: no service keeps a job for so long
            await self._record_attempt_trouble(job, request.attempt, error)
            raise
        except asyncio.CancelledError:
            if request.attempt not in self._reports.ticketed:  # else the next run asks for the result
                await bench.store.record_lost(request.attempt)
                self._bench.possibly_charged(
                    self._lane, job, request.attempt, "the run was broken off while the service was at work"
                )
            raise
        finally:
            self._reports.working.pop(request.attempt, None)
        for words in odd:
            self._bench.warn(self._lane, job, words)
        picture = await self._save(job, request, generated, facts)
        bench.made.add(job.key)
        return request.attempt, picture

    async def _standing_attempt(self, job: Job) -> Attempt | None:
        """An earlier attempt whose job the service still has, if it is this lane's and asks for the same picture.

        Any other attempt at the character's own picture that is open is given up here: another is about to be paid for.
        """
        record = await self._bench.store.job(job.request.key)
        mine = self._standing_of(job, record)
        if mine is not None:
            self._reports.ticketed.add(mine.id)
        for attempt in record.open_attempts if record and not job.candidate else ():
            if attempt is not mine and not attempt.candidate:
                await self._bench.store.record_lost(attempt.id)
                self._bench.possibly_charged(
                    self._lane, job, attempt.id, f"{attempt.lane} had accepted it and was not asked again"
                )
        return mine

    def _standing_of(self, job: Job, record: JobRecord | None) -> Attempt | None:
        here = (self._generator.declaration.name, self._terms.place)
        for attempt in standing_attempts(job, record):
            if (attempt.provider, attempt.place) == here and self._bench.standing.get(attempt.id, job.key) == job.key:
                self._bench.standing[attempt.id] = job.key
                return attempt
        return None

    def _prepare(self, job: Job, standing: Attempt | None) -> ImageRequest:
        attempt, ticket = (uuid.uuid4().hex, None) if standing is None else (standing.id, standing.ticket)
        asked = replace(job.request, attempt=attempt, ticket=ticket)
        request, warnings = self._bench.plugins.prepare_request(asked)
        for warning in warnings:
            self._bench.warn(self._lane, job, warning)
        return request

    async def _save(
        self, job: Job, request: ImageRequest, generated: GeneratedImage, facts: ImageFacts
    ) -> PictureRecord:
        bench, original = self._bench, facts.sha256
        metadata = self._metadata_of(job, request, generated, original)
        beside = bool(job.candidate) and await bench.has_picture(job.request.key)
        try:
            saved = bench.pictures.save(
                job.request.key, request.attempt, generated.data, facts, metadata, beside=beside
            )
        except StorageError:
            bench.possibly_charged(self._lane, job, request.attempt, "its picture came, and could not be saved")
            raise
        picture = PictureRecord(
            path=bench.project.shown(saved.path),
            facts=saved.facts,
            seed=metadata.seed,
            model=generated.model,
            prompt=generated.prompt,
            request_id=generated.request_id,
            cost=metadata.cost,
            media=generated.media,
            original=original,
        )
        await bench.record_saved(job.request.key, request.attempt, picture, saved)
        twin = bench.originals.setdefault(original, job.request.key)
        if twin != job.request.key:
            self._bench.warn(
                self._lane,
                job,
                f"the picture is the very same as that of {twin}, byte for byte: perhaps a placeholder of the service;"
                " look at both, and make one again with charimg redo",
            )
        return picture

    def _metadata_of(
        self, job: Job, request: ImageRequest, generated: GeneratedImage, original: str
    ) -> PictureMetadata:
        """What the picture is to say of itself; it may be shown to anybody."""
        erased = self._bench.redactor.erased
        return PictureMetadata(
            key=request.key,
            name=request.name,
            description=erased(request.description),
            prompt=erased(request.prompt),
            negative=None if request.negative is None else erased(request.negative),
            provider=self._generator.declaration.name,
            lane=self._lane,
            model=generated.model,
            seed=request.seed if generated.seed is None else generated.seed,
            attempt=request.attempt,
            made=utc_now(),
            asked=job.request.fingerprint,
            aspect_ratio=request.aspect_ratio,
            request_id=generated.request_id,
            cost=generated.cost or self._declared,
            original=original,
            candidate=bool(job.candidate),
        )

    async def _finish(self, job: Job, attempt: str, picture: PictureRecord) -> PictureRecord:
        """Let the plugins work on the saved picture; whatever goes wrong there, the original stands."""
        for finish in self._bench.plugins.finishing():
            path = self._bench.project.found(picture.path)
            try:
                data = await in_own_thread(finish, self._bench.as_saved(job, picture), self._bench.pictures.read(path))
                facts = None if data is None else inspect(data)
            except PluginError as error:
                self._bench.warn(self._lane, job, f"{error}; the picture stays as it came")
                continue
            except FlakyError as error:
                given = error.message.removeprefix("the service sent ")
                self._bench.warn(
                    self._lane, job, f"a plugin's finish_picture gave {given}; the picture stays as it came"
                )
                continue
            except OSError as error:
                self._bench.warn(
                    self._lane, job, f"{picture.path} cannot be read for finish_picture: {error.strerror or error}"
                )
                continue
            if data is None or facts is None:
                continue
            metadata = self._bench.pictures.metadata_of(path)
            # In the place of the one it was made of, or beside it.
            beside = path.stem != job.request.key
            saved = self._bench.pictures.save(job.request.key, attempt, data, facts, metadata, beside=beside)
            # A reference that came with the generation shows the original, not this picture.
            shown = self._bench.project.shown(saved.path)
            picture = replace(picture, path=shown, facts=saved.facts, media=None, cost=None)
            await self._bench.record_saved(job.request.key, attempt, picture, saved)
        return picture

    async def _record_attempt_trouble(self, job: Job, attempt: str, error: ProviderError) -> None:
        if error.standing and attempt not in self._reports.ticketed:
            error.standing, error.possibly_charged = False, True  # without a ticket nobody can ask for it
        trouble = self._bench.trouble("generate", error)
        if error.standing:
            if not job.candidate:
                await self._bench.store.record_setback(job.request.key, trouble, JobState.OPEN)
            return
        await self._bench.store.record_trouble(attempt, trouble, STATES_AFTER.get(error.verdict, JobState.PENDING))
        if trouble.possibly_charged:
            self._bench.possibly_charged(self._lane, job, attempt, trouble.message)


def _standing_still(silence: SilenceError) -> ProviderError:
    """The service has accepted the job, and may be asked for it again: nothing is lost with the call."""
    return ThrottledError(silence.message, standing=True)


def standing_attempts(job: Job, record: JobRecord | None) -> list[Attempt]:
    """The attempts at this very picture that a service has accepted and nobody has heard the end of."""
    return [
        attempt
        for attempt in (record.open_attempts if record else ())
        if attempt.ticket and attempt.asked == job.request.fingerprint and attempt.candidate == bool(job.candidate)
    ]


def picture_saved(
    lane: str, key: str, name: str, picture: PictureRecord, *, cost: Cost | None, seconds: float
) -> JobSaved:
    """The event that tells a recorded picture.

    :param cost: what it cost; not the record's where a plugin's later work, which is free, replaced the paid original.
    """
    return JobSaved(
        lane=lane,
        key=key,
        name=name,
        image=picture.path,
        format=picture.facts.format,
        width=picture.facts.width,
        height=picture.facts.height,
        seconds=seconds,
        seed=picture.seed,
        model=picture.model,
        cost=cost,
        adopted=picture.adopted,
    )
