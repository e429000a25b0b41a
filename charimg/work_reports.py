"""What a generator reports while it works on a job: that the service has taken it, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from charimg.contracts import Store
from charimg.errors import InvalidRequestError
from charimg.events import Event, JobProgress, Warned
from charimg.model import ImageRequest, Job
from charimg.redaction import Redactor

TICKET_LENGTH = 2000
"""Characters a ticket may have."""

PAUSE = 0.5
"""Seconds between two words about the progress of one job: some services tell every step of a second's twenty."""

LENGTH = 80
"""Characters of such words that are shown."""


class WorkReports:
    """The reports of one lane; its methods are ``accepted`` and ``progress`` of the generator's context."""

    def __init__(
        self, lane: str, store: Store, emit: Callable[[Event], None], redactor: Redactor, ticketed: set[str]
    ) -> None:
        self.lane = lane
        self._store = store
        self._emit = emit
        self._redactor = redactor
        self._told: dict[str, float] = {}
        self.ticketed = ticketed
        """Attempts of all lanes whose job stands at the service, under a ticket that the ledger has."""
        self.working: dict[str, Job] = {}
        """The job of each attempt that the generator is at work on."""
        self._warned = False

    async def accepted(self, request: ImageRequest, ticket: str) -> None:
        """The service accepted the request's job; see :class:`charimg.contracts.ProviderContext`.

        A ticket with a credential in it is not kept, for the ledger is a file that people share: the job goes on, and
        is lost if it is broken off. The user is warned once.

        :raises InvalidRequestError: the ticket is no text of a ticket's length.
        :raises StorageError: it cannot be recorded.
        """
        if not _is_text(ticket) or not 0 < len(ticket) <= TICKET_LENGTH:
            words = f"the provider gave a ticket that is not text of 1 to {TICKET_LENGTH} characters"
            raise InvalidRequestError(words, possibly_charged=True)
        if self._redactor.clean(ticket) != ticket:
            self._warn_of_secret_ticket()
            return
        await self._store.record_ticket(request.attempt, ticket)
        self.ticketed.add(request.attempt)

    def _warn_of_secret_ticket(self) -> None:
        if self._warned:
            return
        self._warned = True
        words = (
            f"{self.lane}: the provider puts a credential into its tickets, which are therefore not recorded;"
            " a picture that is broken off will be paid for again"
        )
        self._emit(Warned(lane=self.lane, message=words))

    def progress(self, request: ImageRequest, fraction: float | None, words: str) -> None:
        """How far the service is; told at most twice a second for each job."""
        now = asyncio.get_running_loop().time()
        job = self.working.get(request.attempt)
        if job is None or now - self._told.get(job.key, float("-inf")) < PAUSE:
            return
        self._told[job.key] = now
        known = isinstance(fraction, (int, float)) and 0 <= fraction <= 1
        self._emit(
            JobProgress(
                lane=self.lane,
                key=job.key,
                name=job.name,
                message=self._redactor.line(str(words))[:LENGTH],
                fraction=round(float(fraction), 3) if known and fraction is not None else None,
            )
        )


def _is_text(given: object) -> bool:
    """A stranger's code may give anything, whatever its types promise."""
    return isinstance(given, str)
