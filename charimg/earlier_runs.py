"""What earlier runs left, put in order before a run plans anything: choices and attempts that were broken off, pictures
that the ledger does not know, a ledger that is damaged, and jobs that still stand at a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from charimg import rebuilding
from charimg.adoption import adopt_folder
from charimg.bench import Bench
from charimg.choosing import settle
from charimg.contracts import JobRecord, Price
from charimg.errors import DamagedLedgerError, StorageError
from charimg.events import Event, StandingJob, Warned
from charimg.model import Job, Roster
from charimg.picture_making import standing_attempts
from charimg.recovery import recover
from charimg.survey import Take


async def take_up(
    bench: Bench, roster: Roster, prices: Mapping[str, Price | None], damaged: list[str], found: list[Event]
) -> Mapping[str, JobRecord]:
    """What was there before this run, put in order: what earlier ones left half done, and pictures of characters
    that the ledger has none of. Returns all that the ledger knows then.

    :param damaged: where a damaged ledger is kept now, if there was one: the new one is filled from the pictures.
        One that is found to be damaged only now is added.
    :param prices: of one picture, by lane.
    :param roster: whose characters are to have pictures.
    :param found: is given what is to be told, as it is settled: whatever fails afterwards, it is found only once.
    """
    project, store, pictures = bench.project, bench.store, bench.pictures
    try:
        records: Mapping[str, JobRecord] = await store.jobs()
    except DamagedLedgerError:  # a large one is looked through only as it is read
        damaged.append(await store.set_aside())
        records = await store.jobs()
    # Nobody pays again for what a broken file knew; a rebuilding that was broken off is done, and told, once more.
    if damaged:
        await rebuilding.begin(store, bench.run, damaged)
    else:
        damaged = await rebuilding.unfinished(store)
    settled = await settle(project, store, pictures, records)
    if settled:
        records = await store.jobs()
    await recover(bench, records, prices, found.append)
    if found:
        records = await store.jobs()
        if await settle(project, store, pictures, records):  # of several candidates the last may have come first
            records = await store.jobs()
    take = Take.NAMED if damaged else Take.LACKING
    adopted = await adopt_folder(project, store, pictures, project.out, roster, bench.run, take=take, records=records)
    if adopted.taken:
        records = await store.jobs()
    told = [
        f"the ledger was damaged: it is kept as {place}, and a new one was begun from the pictures"
        f" ({adopted.summary}); what was in flight when it was damaged may have been charged"
        for place in damaged
    ]
    if adopted.taken and not damaged:
        told.append(f"the ledger did not know of pictures that are there and say whose they are: {adopted.summary}")
    found += [Warned(message=bench.redactor.line(words)) for words in (*told, *adopted.warnings)]
    return records


def owners_of(
    jobs: Sequence[Job], records: Mapping[str, JobRecord], lanes: Mapping[tuple[str, str], str], bench: Bench
) -> dict[str, str]:
    """The lane at whose service a job stands since an earlier run, by the job's key: only there it costs nothing more.

    A job at an account or server that this run does not have is nobody's: whoever takes it gives the attempt up.

    :param lanes: their names, by generator and account or server.
    """
    owners: dict[str, str] = {}
    for job in jobs:
        for attempt in standing_attempts(job, records.get(job.request.key)):
            if bench.standing.setdefault(attempt.id, job.key) != job.key:
                continue  # another candidate of the character asks for this one
            bench.ticketed.add(attempt.id)
            if (attempt.provider, attempt.place) in lanes:
                owners[job.key] = lanes[attempt.provider, attempt.place]
            if job.candidate:
                break
    return owners


async def still_standing(jobs: Sequence[Job], bench: Bench) -> tuple[StandingJob, ...]:
    """The jobs that a service has accepted and nobody has heard the end of, in roster order."""
    accepted = {bench.standing[attempt] for attempt in bench.ticketed}
    found: list[StandingJob] = []
    for job in jobs:
        if job.key not in accepted:
            continue
        try:
            attempts = standing_attempts(job, await bench.store.job(job.request.key))
        except StorageError:  # which has ended the run, or will be told when its end cannot be recorded
            return ()
        lanes = [attempt.lane for attempt in attempts if bench.standing.get(attempt.id) == job.key]
        found += [StandingJob(job.key, job.name, lanes[-1])] if lanes else []
    return tuple(found)
