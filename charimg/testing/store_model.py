"""What a store must remember, in a few dictionaries: the model that stores are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from charimg.contracts import Attempt, AttemptRecord, AttemptState, JobRecord, JobState, PictureRecord, Trouble
from charimg.model import Cost, MediaReference


@dataclass
class Begun:
    """An attempt and what became of it."""

    attempt: Attempt
    state: AttemptState = "open"
    charged: bool = False
    trouble: Trouble | None = None


@dataclass
class Chosen:
    """A version that became the current one."""

    key: str
    version: int
    operation: str
    undone: bool = False


@dataclass
class Model:
    """The facts of a ledger, without time and without disk. Every method is the store's of the same name."""

    attempts: dict[str, Begun] = field(default_factory=dict)
    records: dict[str, JobRecord] = field(default_factory=dict)
    pictures: dict[str, list[PictureRecord]] = field(default_factory=dict)
    """All versions of a job, oldest first: the first of them is version 1."""
    current: dict[str, int] = field(default_factory=dict)
    """The current version of each job that has one."""
    chosen: list[Chosen] = field(default_factory=list)
    plan: dict[str, object] | None = None

    def begin_run(self, plan: dict[str, object]) -> None:
        """The newest plan is the last one begun."""
        self.plan = plan

    def record_intent(self, attempt: Attempt) -> None:
        """The job is open; what was known of its picture stays. A candidate's makes a job known, and no more."""
        self.attempts[attempt.id] = Begun(attempt)
        known = self.records.get(attempt.key)
        if attempt.candidate and known is not None:
            return
        self.records[attempt.key] = replace(
            known or JobRecord(attempt.key, attempt.name),
            name=attempt.name,
            state=JobState.PENDING if attempt.candidate else JobState.OPEN,
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
        """The picture is the next version; earlier records of the same path follow the file that was kept."""
        begun = self._end(attempt, "saved")
        begun.charged = False
        key, own = begun.attempt.key, not begun.attempt.candidate
        versions, before = self.pictures.setdefault(key, []), self._current_of(key)
        in_its_place = before is None or before.path == picture.path
        if kept_as is not None:
            self._move(key, picture.path, kept_as)
        number = len(versions) + 1
        versions.append(
            replace(picture, version=number, attempt=attempt, asked=begun.attempt.asked, uploader=None, reference=None)
        )
        if own or in_its_place:
            if own or self.records[key].state is not JobState.OPEN:
                self._set(key, state=JobState.SAVED, trouble=None)
            self._make_current(key, number)
            self.chosen.append(Chosen(key, number, begun.attempt.run))

    def record_trouble(self, attempt: str, trouble: Trouble, state: JobState) -> None:
        """The attempt is over, and remembered as lost where it may have been charged."""
        begun = self._end(attempt, "troubled")
        begun.charged, begun.trouble = trouble.possibly_charged, trouble
        if not begun.attempt.candidate:
            self._set(begun.attempt.key, trouble=trouble, state=state)

    def record_lost(self, attempt: str) -> None:
        """The attempt is over; the job is where it was before it."""
        begun = self._end(attempt, "lost")
        begun.charged = True
        key = begun.attempt.key
        if not begun.attempt.candidate and self.records[key].state is JobState.OPEN:
            state = JobState.DONE if self.records[key].uploader is not None else JobState.SAVED
            self._set(key, state=state if key in self.current else JobState.PENDING)

    def record_upload(self, key: str, uploader: str, reference: MediaReference | None) -> None:
        """The job is done, and earlier trouble is over; the current version knows who has it."""
        self._set(key, state=JobState.DONE, uploader=uploader, media=reference, trouble=None)
        if key in self.current:
            place = self.current[key] - 1
            versions = self.pictures[key]
            versions[place] = replace(versions[place], uploader=uploader, reference=reference)

    def record_setback(self, key: str, trouble: Trouble, state: JobState) -> None:
        """Nothing but the trouble and the state."""
        self._set(key, trouble=trouble, state=state)

    def record_pick(self, key: str, version: int, operation: str, *, undoes: bool) -> None:
        """The version is the current one, with all that is its own."""
        if undoes:
            self.undoable(key)[-1].undone = True
        elif self.current.get(key) != version:
            self.chosen.append(Chosen(key, version, operation))
        self._make_current(key, version)
        state = JobState.SAVED if self.pictures[key][version - 1].uploader is None else JobState.DONE
        self._set(key, state=state, trouble=None)

    def record_moved(self, key: str, path: str, now_at: str) -> None:
        """What stood there stands here."""
        self._move(key, path, now_at)

    def jobs(self) -> dict[str, JobRecord]:
        """All jobs, as :meth:`charimg.Store.jobs` tells them but for the moment of their last change."""
        return {key: self._whole(record) for key, record in self.records.items()}

    def history(self, key: str) -> tuple[AttemptRecord, ...]:
        """As :meth:`charimg.Store.history` tells it but for when each attempt ended."""
        return tuple(
            AttemptRecord(
                attempt=begun.attempt,
                state=begun.state,
                trouble=begun.trouble if begun.state == "troubled" else None,
                pictures=tuple(one for one in self.pictures.get(key, ()) if one.attempt == name),
            )
            for name, begun in self.attempts.items()
            if begun.attempt.key == key
        )

    def choices(self, key: str | None = None) -> list[tuple[str, int, str]]:
        """Key, version and operation of each choice that is not undone, oldest first."""
        return [
            (one.key, one.version, one.operation) for one in self.chosen if key in (None, one.key) and not one.undone
        ]

    def undoable(self, key: str) -> list[Chosen]:
        """The choices of a job that are not undone, oldest first."""
        return [one for one in self.chosen if one.key == key and not one.undone]

    def lost_attempts(self) -> tuple[Attempt, ...]:
        """Oldest first."""
        return tuple(begun.attempt for begun in self.attempts.values() if begun.charged)

    def open_ids(self) -> list[str]:
        """Attempts that no end was recorded of, oldest first."""
        return [name for name, begun in self.attempts.items() if begun.state == "open"]

    def _current_of(self, key: str) -> PictureRecord | None:
        number = self.current.get(key)
        return None if number is None else self.pictures[key][number - 1]

    def _make_current(self, key: str, number: int) -> None:
        self.current[key] = number
        picture = self.pictures[key][number - 1]
        attempt = self.attempts[picture.attempt].attempt
        self._set(
            key,
            uploader=picture.uploader,
            media=picture.reference,
            provider=attempt.provider,
            lane=attempt.lane,
            asked=attempt.asked,
            prompt=attempt.prompt,
        )

    def _move(self, key: str, path: str, now_at: str) -> None:
        versions = self.pictures.get(key, [])
        versions[:] = [replace(one, path=now_at) if one.path == path else one for one in versions]

    def _whole(self, record: JobRecord) -> JobRecord:
        versions, current = self.pictures.get(record.key, []), self._current_of(record.key)
        own = [begun for begun in self.attempts.values() if begun.attempt.key == record.key]
        spent: dict[tuple[str, str], float] = {}
        for picture in versions:
            if picture.cost is not None:
                kind = (picture.cost.currency, picture.cost.source)
                spent[kind] = spent.get(kind, 0.0) + picture.cost.amount
        return replace(
            record,
            picture=current,
            other_pictures=tuple(one for one in versions if one is not current),
            attempts=len(own),
            open_attempts=tuple(begun.attempt for begun in own if begun.state == "open"),
            spent=tuple(Cost(amount, currency, source) for (currency, source), amount in spent.items()),
        )

    def _end(self, attempt: str, state: AttemptState) -> Begun:
        begun = self.attempts[attempt]
        begun.state = state
        return begun

    def _set(self, key: str, **changes: Any) -> None:
        self.records[key] = replace(self.records[key], **changes)
