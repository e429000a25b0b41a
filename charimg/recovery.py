"""What an earlier run left open: adopt its pictures, or say that they may have been charged."""

from __future__ import annotations

from collections.abc import Mapping

from charimg.contracts import Attempt, JobRecord, PictureRecord, Price
from charimg.errors import StorageError
from charimg.events import Event, JobPossiblyCharged
from charimg.model import ImageFacts
from charimg.picture_folder import Saved
from charimg.pipeline import Bench, picture_saved


async def recover(bench: Bench, prices: Mapping[str, Price | None]) -> list[Event]:
    """Settle every attempt whose end was never recorded, and tell what was found.

    An attempt whose job the service accepted under a ticket stays open: the lane that has it asks for the result.

    :param prices: of one picture, by lane: what a picture that is taken up cost, where its lane is among them.

    :raises StorageError: a picture cannot be taken up, or the ledger failed.
    """
    told: list[Event] = []
    for record in (await bench.store.jobs()).values():
        pictures = [*record.other_pictures, *([record.picture] if record.picture else [])]
        known = frozenset(picture.facts.sha256 for picture in pictures)
        for attempt in record.open_attempts:
            adopted = _adopted(bench, record, attempt, known)
            if adopted is None and attempt.ticket:
                continue
            if adopted is None:
                await bench.store.record_lost(attempt.id)
                told.append(_lost(record, attempt))
                continue
            saved, facts = adopted
            picture = PictureRecord(
                path=bench.project.shown(saved.path),
                facts=facts,
                seed=attempt.seed,
                cost=None if (price := prices.get(attempt.lane)) is None else price.cost,
                adopted=True,
            )
            await bench.record_saved(attempt.id, picture, saved)
            known |= {facts.sha256}
            bench.made.add(record.key)  # paid for and not seen by anybody yet: --force is content with it
            told.append(picture_saved(attempt.lane, record.key, record.name, picture, cost=picture.cost, seconds=0.0))
    return told


def _adopted(
    bench: Bench, record: JobRecord, attempt: Attempt, known: frozenset[str]
) -> tuple[Saved, ImageFacts] | None:
    try:
        return bench.pictures.adopt(record.key, attempt.id, known, attempt.started.timestamp())
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
