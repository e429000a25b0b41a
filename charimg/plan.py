"""Who needs a picture: pure functions from roster and ledger to the jobs of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from charimg.contracts import Declaration, JobRecord, JobState, Price, Uploader
from charimg.errors import InputError
from charimg.model import Character, ImageRequest, Job, Roster, Verdict
from charimg.policy import Policy
from charimg.roster import keys_asked_for, request_for
from charimg.roster.fields import MAX_SEED
from charimg.seeds import LARGEST, drawn_seed

MOST_CANDIDATES = 100
"""Pictures of one character that one order may ask for: a typing mistake must not cost a thousand."""


@dataclass(frozen=True)
class Redo:
    """Pictures that are there are to be made again.

    :raises InputError: more than :data:`MOST_CANDIDATES`, or a seed that no roster could have.
    """

    count: int = 1
    """How many of each character: one takes the place of the picture that is there, several stand beside it as
    candidates."""
    seed: int | None = None
    """The seed of the first; each further candidate has the next. ``None`` for the roster's, or a fresh one where the
    service takes any."""
    beside: bool = False
    """A single one stands beside the picture that is there, too."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_CANDIDATES:
            raise InputError(f"--count {self.count}: between 1 and {MOST_CANDIDATES} pictures of each can be asked for")
        last = 0 if self.seed is None else self.seed + self.count - 1
        if not 0 <= last <= MAX_SEED or (self.seed or 0) < 0:
            seeds = "the seed" if self.count == 1 else f"the last of {self.count} seeds"
            raise InputError(f"--seed {self.seed}: {seeds} must be between 0 and {MAX_SEED}")


@dataclass(frozen=True)
class Skipped:
    """A character that gets nothing in this run."""

    character: Character
    why: str


@dataclass(frozen=True)
class Plan:
    """What a run will do."""

    # None of these is in the repr: asyncio makes one of what a finished task returned, of however many characters.
    jobs: tuple[Job, ...] = field(repr=False)
    skipped: tuple[Skipped, ...] = field(repr=False)
    uploads_only: frozenset[str] = field(repr=False)
    """Keys of jobs whose picture is there and only their upload is missing."""
    warnings: tuple[str, ...]
    """Worth telling before every run, one line each."""
    notes: tuple[str, ...]
    """What the generator leaves out of the roster's wishes; of interest to those who ask for the plan."""
    policy: Policy

    @property
    def pictures(self) -> int:
        """How many pictures are to be made."""
        return len(self.jobs) - len(self.uploads_only)

    @property
    def batches(self) -> int:
        """How many batches one lane needs."""
        return self.policy.batches(len(self.jobs))

    @property
    def least_seconds(self) -> float:
        """How long it takes at least: the cooldowns, without the service's own time."""
        return self.policy.least_seconds(len(self.jobs))

    def cost(self, price: Price | None) -> float | None:
        """What the pictures cost at this price of one; ``None`` if it is unknown."""
        return None if price is None else price.amount * self.pictures


def make_plan(
    roster: Roster,
    records: Mapping[str, JobRecord],
    *,
    generators: Sequence[Declaration],
    uploaders: Sequence[type[Uploader]],
    accounts: Sequence[str],
    policy: Policy,
    now: datetime,
    file_exists: Callable[[str], bool],
    picture_there: Callable[[str], bool] = lambda _key: False,
    only: Sequence[str] = (),
    force: bool = False,
    stale: bool = False,
    redo: Redo | None = None,
) -> Plan:
    """Filter the characters that need something.

    :param records: what the ledger knows, by key.
    :param generators: of the lanes of the run; likewise the uploaders.
    :param accounts: those the lanes upload to: a reference that is valid for another is of no use.
    :param file_exists: whether a picture of the ledger is still on disk.
    :param picture_there: whether a file with this key's name is in the folder of pictures, known or not.
    :param only: names or keys the user asked for; all others are left out.
    :param force: make pictures again that are there.
    :param stale: make pictures again that were made of something else than the roster asks for now.
    :param redo: make pictures again that are there, in this number and with these seeds.
    :raises InputError: *only* names nobody.
    """
    asked = keys_asked_for(only, roster.characters, roster.path.name) if only else None
    jobs: list[Job] = []
    skipped: list[Skipped] = []
    uploads: set[str] = set()
    changed: list[str] = []
    remade: list[str] = []
    draws = any(generator.abilities.seed for generator in generators)
    for character in roster.characters:
        if asked is not None and character.key not in asked:
            continue
        request = request_for(roster, character)
        record = records.get(character.key)
        has_picture = record is not None and record.picture is not None and file_exists(record.picture.path)
        job = Job(len(jobs) + 1, request, again=force)
        if redo is not None:
            jobs += _made_again(redo, request, len(jobs) + 1, record, draws)
        elif force or record is None:
            jobs.append(job)
        elif record.state is JobState.REJECTED and asked is None and record.asked == request.fingerprint:
            skipped.append(Skipped(character, "rejected before; change its description, or name it with --only"))
        elif record.state is JobState.REJECTED and record.asked != request.fingerprint:
            jobs.append(replace(job, again=True))  # a picture that is there is the one that was rejected
        elif not has_picture:
            jobs.append(job)
        elif _stopped_on_the_way_to_another(record):
            jobs.append(replace(job, again=True))
        elif stale and is_stale(record, request):
            jobs.append(replace(job, again=True))
            remade.append(character.name)
        else:
            outdated = is_stale(record, request)
            if outdated:
                changed.append(character.name)
            if _needs_upload(record, uploaders, accounts, now, file_exists):
                jobs.append(job)
                uploads.add(character.key)
            else:
                why = (
                    "has a picture of what the roster said before; --stale makes it again"
                    if outdated
                    else "has its picture; --force makes it again"
                )
                skipped.append(Skipped(character, why))
    strangers = [
        job.name for job in jobs if not force and redo is None and job.key not in records and picture_there(job.key)
    ]
    warnings = (
        *roster.warnings,
        *(line for generator in generators for line in _unseen_references(jobs, generator)),
        *_outdated(changed),
        *_unknown_pictures(strangers),
        *(line for generator in generators for line in _unheard_seed(redo, generator)),
        *_same_seed(redo, jobs, records),
    )
    notes = (*_remade(remade), *(line for generator in generators for line in _left_out(jobs, generator)))
    return Plan(tuple(jobs), tuple(skipped), frozenset(uploads), warnings, notes, policy)


def is_stale(record: JobRecord, request: ImageRequest) -> bool:
    """Whether the current picture was made of something else than the roster asks for.

    :param request: what the roster asks for.
    """
    if record.picture is None:
        return False
    made_from = record.picture.asked or record.asked  # not what a later attempt asked for that left no picture
    return made_from not in (None, request.fingerprint)


def _made_again(redo: Redo, request: ImageRequest, position: int, record: JobRecord | None, draws: bool) -> list[Job]:
    """The jobs of one character.

    :param draws: a lane takes a seed: without one of the user's, some services would give the same picture again.
    """
    first = redo.seed
    if first is None and request.seed is not None and (redo.count > 1 or redo.beside):
        # With the roster's own seed they would all be one picture, and that is there.
        first = request.seed + 1 if request.seed < MAX_SEED - redo.count else request.seed - redo.count
    elif first is None and request.seed is None and draws:
        first = drawn_seed(request.key, 0 if record is None else record.attempts, LARGEST - redo.count)
    if redo.count == 1 and not redo.beside:
        return [Job(position, _seeded(request, first), again=True)]
    return [
        Job(
            position + number,
            _seeded(request, None if first is None else first + number),
            again=True,
            candidate=number + 1,
        )
        for number in range(redo.count)
    ]


def _seeded(request: ImageRequest, seed: int | None) -> ImageRequest:
    if seed is None or seed == request.seed:
        return request
    return replace(request, seed=seed, asked=request.fingerprint)


def _stopped_on_the_way_to_another(record: JobRecord) -> bool:
    """A picture is there, another was asked for with ``--force``, and what kept it away may be gone by now.

    That run said so and sent the user to the next one, which must then not call the job done. What the service cannot
    fulfil at all is different: there the old picture stands.
    """
    if any(attempt.ticket and not attempt.candidate for attempt in record.open_attempts):
        return True  # the service has accepted it, and the run asks for the result, whatever was picked meanwhile
    if record.trouble is None or record.trouble.stage == "upload":
        return False
    return record.state is JobState.PENDING or (
        record.state is JobState.FAILED and record.trouble.verdict is Verdict.FLAKY
    )


def _outdated(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    whose = "this picture" if len(names) == 1 else "these pictures"
    again = "makes it again" if len(names) == 1 else "makes them again"
    return (f"the roster has changed since {whose}: {_listed(names)}; charimg run --stale {again}",)


def _remade(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    whose = "this picture; it is made again" if len(names) == 1 else "these pictures; they are made again"
    return (f"the roster has changed since {whose}: {_listed(names, 12)}",)


def _unheard_seed(redo: Redo | None, generator: Declaration) -> tuple[str, ...]:
    if redo is None or redo.seed is None or generator.abilities.seed:
        return ()
    return (f"{generator.name} takes no seed; --seed is not sent",)


def _same_seed(redo: Redo | None, jobs: Sequence[Job], records: Mapping[str, JobRecord]) -> tuple[str, ...]:
    """The roster's seed asks many a service for the very picture that is there already."""
    if redo is None or redo.count > 1 or redo.seed is not None:
        return ()
    same = [
        job.name
        for job in jobs
        if job.request.seed is not None
        and (record := records.get(job.key)) is not None
        and record.picture is not None
        and record.picture.seed == job.request.seed
        and not is_stale(record, job.request)
    ]
    if not same:
        return ()
    return (f"the roster names a seed, which may give the same picture again: {_listed(same)}; --seed N gives another",)


def _needs_upload(
    record: JobRecord,
    uploaders: Sequence[type[Uploader]],
    accounts: Sequence[str],
    now: datetime,
    file_exists: Callable[[str], bool],
) -> bool:
    if record.uploader is None:  # not the state: a later attempt at another picture may have failed
        return True
    if not any(uploader.keeps_references for uploader in uploaders):
        return False
    if record.uploader not in [uploader.declaration.name for uploader in uploaders]:
        return True
    media = record.media
    if media is None:
        return False
    if media.kind == "path" and not file_exists(media.id):
        return True
    return media.expired(now) or (bool(media.lane) and media.lane not in accounts)


def _unknown_pictures(names: Sequence[str]) -> tuple[str, ...]:
    """Pictures of a ledger that is gone, or of the user's own: making them again may cost money."""
    if not names:
        return ()
    return (
        f"there is a picture on disk that the ledger does not know: {_listed(names)}; it will be made anew and the old"
        " one kept beside it",
    )


def _unseen_references(jobs: Sequence[Job], generator: Declaration) -> tuple[str, ...]:
    most = generator.abilities.references
    too_many = _names(job for job in jobs if len(job.request.references) > most)
    if not too_many:
        return ()
    limit = f"takes at most {most} reference pictures" if most else "takes no reference pictures"
    return (f"{generator.name} {limit}: {_listed(too_many)}",)


def _left_out(jobs: Sequence[Job], generator: Declaration) -> tuple[str, ...]:
    can, name = generator.abilities, generator.name
    notes = []
    if not can.negative and (negative := _names(job for job in jobs if job.request.negative)):
        notes.append(f"{name} cannot be told what to leave out ('negative' is not sent): {_listed(negative)}")
    if not can.seed and (seeded := _names(job for job in jobs if job.request.seed is not None)):
        notes.append(f"{name} takes no seed: {_listed(seeded)}")
    ratios = can.aspect_ratios
    if ratios and (odd := _names(job for job in jobs if job.request.aspect_ratio not in ratios)):
        notes.append(f"{name} knows the aspect ratios {', '.join(ratios)}; the nearest is used for {_listed(odd)}")
    return tuple(notes)


def _names(jobs: Iterable[Job]) -> list[str]:
    """The characters, each once however many candidates it gets."""
    return list({job.request.key: job.request.name for job in jobs}.values())


def _listed(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
