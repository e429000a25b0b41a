"""What an earlier run left open: adopt its pictures, or say that they may have been charged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from charimg.bench import Bench
from charimg.contracts import Attempt, JobRecord, PictureRecord, Price
from charimg.errors import StorageError
from charimg.events import Event, JobPossiblyCharged
from charimg.metadata import PictureMetadata
from charimg.model import utc_now
from charimg.picture_folder import Saved
from charimg.picture_making import OLDEST_TICKET, picture_saved


async def recover(
    bench: Bench,
    records: Mapping[str, JobRecord],
    prices: Mapping[str, Price | None],
    tell: Callable[[Event], object],
) -> None:
    """Settle every attempt whose end was never recorded, and tell what was found.

    An attempt whose job the service accepted under a ticket stays open: the lane that has it asks for the result.

    :param records: all that the ledger knows.
    :param prices: of one picture, by lane: what a picture that is taken up cost, where its lane is among them.
    :param tell: hears of each attempt as soon as it is settled: no later run finds it again.
    :raises StorageError: a picture cannot be taken up, or the ledger failed.
    """
    for record in records.values():
        pictures = [*record.other_pictures, *([record.picture] if record.picture else [])]
        known = frozenset(picture.facts.sha256 for picture in pictures)
        for picture in pictures:
            bench.originals.setdefault(picture.original or picture.facts.sha256, record.key)
        has_place = record.picture is not None  # the first of several candidates had it where there was none
        for attempt in record.open_attempts:
            adopted = _adopted(bench, record, attempt, known, beside=attempt.candidate and has_place)
            if adopted is None and attempt.ticket and not _is_forgotten(attempt):
                continue
            if adopted is None:
                await bench.store.record_lost(attempt.id)
                tell(_lost(record, attempt))
                continue
            bench.pictures.describe(adopted, _metadata_of(bench, record, attempt, adopted))
            picture = _record_of(bench, attempt, adopted, prices)
            await bench.record_saved(record.key, attempt.id, picture, adopted)
            known |= {adopted.facts.sha256}
            has_place = True
            if not attempt.candidate:
                bench.made.add(record.key)  # paid for and not seen by anybody yet: --force is content with it
            tell(picture_saved(attempt.lane, record.key, record.name, picture, cost=picture.cost, seconds=0.0))


def _is_forgotten(attempt: Attempt) -> bool:
    """A candidate that was accepted so long ago that no service has it any more: only the redo that began it, or one
    that is just like it, would ask for it."""
    return attempt.candidate and utc_now() - attempt.started > OLDEST_TICKET


def _metadata_of(bench: Bench, record: JobRecord, attempt: Attempt, saved: Saved) -> PictureMetadata:
    """What the ledger knows of a picture whose sidecar the power cut took."""
    return PictureMetadata(
        key=record.key,
        made=attempt.started,
        name=record.name,
        prompt=bench.redactor.erased(attempt.prompt),
        provider=attempt.provider,
        lane=attempt.lane,
        seed=attempt.seed,
        attempt=attempt.id,
        asked=attempt.asked,
        original=saved.facts.sha256,
        candidate=attempt.candidate,
    )


def _record_of(bench: Bench, attempt: Attempt, saved: Saved, prices: Mapping[str, Price | None]) -> PictureRecord:
    """The record of a picture that was taken up: what it says of itself, else what is known of its attempt."""
    told = bench.pictures.metadata_of(saved.path)
    path = bench.project.shown(saved.path)
    if told is None or told.attempt != attempt.id:
        cost = None if (price := prices.get(attempt.lane)) is None else price.cost
        return PictureRecord(path=path, facts=saved.facts, seed=attempt.seed, cost=cost, adopted=True)
    return PictureRecord(
        path=path,
        facts=saved.facts,
        seed=told.seed,
        model=told.model,
        request_id=told.request_id,
        cost=told.cost,
        original=told.original,
        adopted=True,
    )


def _adopted(bench: Bench, record: JobRecord, attempt: Attempt, known: frozenset[str], *, beside: bool) -> Saved | None:
    try:
        began = attempt.started.timestamp()
        return bench.pictures.adopt(record.key, attempt.id, known, began, beside=beside)
    except OSError as error:
        raise StorageError(
            f"cannot take up the picture of {record.name} in {bench.pictures.folder}:"
            f" {error.strerror or error}; check the folder's permissions and its space, then run again"
        ) from error


def _lost(record: JobRecord, attempt: Attempt) -> JobPossiblyCharged:
    return JobPossiblyCharged(
        lane=attempt.lane,
        key=record.key,
        name=record.name,
        attempt=attempt.id,
        message="an earlier run ended while the service was at work on it",
    )
