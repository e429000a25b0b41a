"""The jobs of a run that wait for a lane, and the lanes that wait for a job."""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from charimg.model import Job

_NOBODY: frozenset[str] = frozenset()


class JobQueue:
    """The jobs that wait for a lane, in roster order.

    :param refused: keys of the jobs that a lane must not have, by its name.
    """

    def __init__(self, jobs: Sequence[Job], refused: Mapping[str, Collection[str]] | None = None) -> None:
        self._refused_by: dict[str, frozenset[str]] = {}
        """The lanes that have given a job up or must not have it, by the job's key, whether it waits or not."""
        for lane, keys in (refused or {}).items():
            self._refuse(lane, keys)
        self._waiting: defaultdict[frozenset[str], list[tuple[int, Job]]] = defaultdict(list)
        """The jobs that wait, by who refuses them: however many a lane has given up, it never looks through them."""
        for job in jobs:
            self._waiting[self._refusing(job)].append((job.position, job))
        for group in self._waiting.values():
            heapq.heapify(group)
        self._taken = 0
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def has(self, lane: str) -> bool:
        """Whether a job waits that the lane may take."""
        return bool(self._open_to(lane))

    async def has_jobs(self, lane: str) -> bool:
        """Whether there are jobs for the lane, or will be: waits while other lanes may still hand some back."""
        while not self.has(lane) and self._taken:
            await self.changed()
        return self.has(lane)

    async def drained(self, lane: str) -> None:
        """Wait until there are no jobs for the lane and no other lane can hand any back."""
        while self.has(lane) or self._taken:
            await self.changed()

    async def changed(self) -> None:
        """Wait until jobs were taken or handed back, or a lane closed or began to wait."""
        self._changed.clear()
        await self._changed.wait()

    def tell(self) -> None:
        """Something changed that others may wait for."""
        self._changed.set()

    def take(self, lane: str, most: int) -> list[Job]:
        """The next jobs that the lane has not given up, at most so many; perhaps none."""
        batch: list[Job] = []
        while len(batch) < most and (groups := self._open_to(lane)):
            batch.append(heapq.heappop(min(groups, key=lambda group: group[0][0]))[1])
        self._taken += bool(batch)
        self.tell()
        return batch

    def done_with_batch(self, lane: str, unfinished: Sequence[Job], refused: Collection[str] = ()) -> None:
        """A lane is through with the batch it took, and hands back what it did not finish.

        :param refused: keys of those it does not want to see again.
        """
        self._refuse(lane, refused)
        for job in unfinished:
            heapq.heappush(self._waiting[self._refusing(job)], (job.position, job))
        self._taken -= 1
        self.tell()

    def has_refused(self, lane: str, job: Job) -> bool:
        """Whether the lane has given the job up, or must not have it."""
        return lane in self._refusing(job)

    def left(self) -> list[Job]:
        """The jobs that wait, in roster order."""
        waiting = (entry for group in self._waiting.values() for entry in group)
        return [job for _, job in sorted(waiting, key=lambda entry: entry[0])]

    def _open_to(self, lane: str) -> list[list[tuple[int, Job]]]:
        return [group for refusing, group in self._waiting.items() if group and lane not in refusing]

    def _refusing(self, job: Job) -> frozenset[str]:
        return self._refused_by.get(job.key, _NOBODY)

    def _refuse(self, lane: str, keys: Collection[str]) -> None:
        for key in keys:
            self._refused_by[key] = self._refused_by.get(key, _NOBODY) | {lane}
