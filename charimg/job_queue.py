"""The jobs of a run that wait for a lane, and the lanes that wait for a job."""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from charimg.model import Job


class JobQueue:
    """The jobs that wait for a lane, in roster order.

    :param refused: keys of the jobs that a lane must not have, by its name.
    """

    def __init__(self, jobs: Sequence[Job], refused: Mapping[str, Collection[str]] | None = None) -> None:
        self._jobs = [(job.position, job) for job in jobs]
        heapq.heapify(self._jobs)
        self._refused: defaultdict[str, set[str]] = defaultdict(set)
        """Keys of the jobs that each lane has given up or must not have, whether they wait or not."""
        for lane, keys in (refused or {}).items():
            self._refused[lane].update(keys)
        self._taken = 0
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def has(self, lane: str) -> bool:
        """Whether a job waits that the lane may take."""
        refused = self._refused[lane]
        return bool(self._jobs) if not refused else any(job.key not in refused for _, job in self._jobs)

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
        refused = self._refused[lane]
        batch: list[Job] = []
        others = []
        while self._jobs and len(batch) < most:
            entry = heapq.heappop(self._jobs)
            if entry[1].key in refused:
                others.append(entry)
            else:
                batch.append(entry[1])
        for entry in others:
            heapq.heappush(self._jobs, entry)
        self._taken += bool(batch)
        self.tell()
        return batch

    def done_with_batch(self, lane: str, unfinished: Sequence[Job], refused: Collection[str] = ()) -> None:
        """A lane is through with the batch it took, and hands back what it did not finish.

        :param refused: keys of those it does not want to see again.
        """
        for job in unfinished:
            heapq.heappush(self._jobs, (job.position, job))
        self._refused[lane].update(refused)
        self._taken -= 1
        self.tell()

    def has_refused(self, lane: str, job: Job) -> bool:
        """Whether the lane has given the job up, or must not have it."""
        return job.key in self._refused[lane]

    def left(self) -> list[Job]:
        """The jobs that wait, in roster order."""
        return [job for _, job in sorted(self._jobs, key=lambda entry: entry[0])]
