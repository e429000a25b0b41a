"""What a store must remember, in a few dictionaries: the model that stores are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from charimg.contracts import Attempt, JobRecord, JobState, PictureRecord, Trouble
from charimg.model import Cost, MediaReference


@dataclass
class _Begun:
    attempt: Attempt
    is_open: bool = True
    charged: bool = False


@dataclass
class Model:
    """The facts of a ledger, without time and without disk. Every method is the store's of the same name."""

    attempts: dict[str, _Begun] = field(default_factory=dict)
    records: dict[str, JobRecord] = field(default_factory=dict)
    pictures: dict[str, list[PictureRecord]] = field(default_factory=dict)
    """All of a job's pictures, oldest first; the last is the current one."""
    plan: dict[str, object] | None = None

    def begin_run(self, plan: dict[str, object]) -> None:
        """The newest plan is the last one begun."""
        self.plan = plan

    def record_intent(self, attempt: Attempt) -> None:
        """The job is open; what was known of its picture stays."""
        self.attempts[attempt.id] = _Begun(attempt)
        record = self.records.get(attempt.key, JobRecord(attempt.key, attempt.name))
        self.records[attempt.key] = replace(
            record,
            name=attempt.name,
            state=JobState.OPEN,
            provider=attempt.provider,
            lane=attempt.lane,
            asked=attempt.asked,
            prompt=attempt.prompt,
            trouble=None,
        )

    def record_ticket(self, attempt: str, ticket: str) -> None:
        """The newest ticket of an attempt counts."""
        begun = self.attempts[attempt]
        begun.attempt = replace(begun.attempt, ticket=ticket)

    def record_saved(self, attempt: str, picture: PictureRecord, kept_as: str | None) -> None:
        """The picture is the current one; earlier records of the same path follow the file that was kept."""
        key = self._end(attempt)
        earlier = self.pictures.get(key, [])
        if kept_as is not None:
            earlier = [replace(one, path=kept_as) if one.path == picture.path else one for one in earlier]
        self.pictures[key] = [*earlier, picture]
        self._set(key, state=JobState.SAVED, media=None, uploader=None, trouble=None)

    def record_trouble(self, attempt: str, trouble: Trouble, state: JobState) -> None:
        """The attempt is over, and remembered as lost where it may have been charged."""
        key = self._end(attempt)
        self.attempts[attempt].charged = trouble.possibly_charged
        self._set(key, trouble=trouble, state=state)

    def record_lost(self, attempt: str) -> None:
        """The attempt is over; the job is where it was before it."""
        key = self._end(attempt)
        self.attempts[attempt].charged = True
        if self.records[key].state is JobState.OPEN:
            state = JobState.DONE if self.records[key].uploader is not None else JobState.SAVED
            self._set(key, state=state if self.pictures.get(key) else JobState.PENDING)

    def record_upload(self, key: str, uploader: str, reference: MediaReference | None) -> None:
        """The job is done, and earlier trouble is over."""
        self._set(key, state=JobState.DONE, uploader=uploader, media=reference, trouble=None)

    def record_setback(self, key: str, trouble: Trouble, state: JobState) -> None:
        """Nothing but the trouble and the state."""
        self._set(key, trouble=trouble, state=state)

    def jobs(self) -> dict[str, JobRecord]:
        """All jobs, as :meth:`charimg.Store.jobs` tells them but for the moment of their last change."""
        return {key: self._whole(record) for key, record in self.records.items()}

    def lost_attempts(self) -> tuple[Attempt, ...]:
        """Oldest first."""
        return tuple(begun.attempt for begun in self.attempts.values() if begun.charged)

    def open_ids(self) -> list[str]:
        """Attempts that no end was recorded of, oldest first."""
        return [name for name, begun in self.attempts.items() if begun.is_open]

    def _whole(self, record: JobRecord) -> JobRecord:
        pictures = self.pictures.get(record.key, [])
        own = [begun for begun in self.attempts.values() if begun.attempt.key == record.key]
        spent: dict[tuple[str, str], float] = {}
        for picture in pictures:
            if picture.cost is not None:
                kind = (picture.cost.currency, picture.cost.source)
                spent[kind] = spent.get(kind, 0.0) + picture.cost.amount
        return replace(
            record,
            picture=pictures[-1] if pictures else None,
            other_pictures=tuple(pictures[:-1]),
            attempts=len(own),
            open_attempts=tuple(begun.attempt for begun in own if begun.is_open),
            spent=tuple(Cost(amount, currency, source) for (currency, source), amount in spent.items()),
        )

    def _end(self, attempt: str) -> str:
        begun = self.attempts[attempt]
        begun.is_open = False
        return begun.attempt.key

    def _set(self, key: str, **changes: Any) -> None:
        self.records[key] = replace(self.records[key], **changes)
