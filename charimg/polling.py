"""Services that take a job and are asked for it until it is done: submit, poll, fetch the result.

A provider describes the three calls; the waiting between them, the ledger's ticket and the resumption of a job that an
earlier try has already paid for are here, once for all.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any, ClassVar

from charimg.contracts.generator import ImageGenerator
from charimg.errors import FlakyError, InvalidRequestError, ProviderError, ThrottledError
from charimg.model import GeneratedImage, ImageRequest, Verdict
from charimg.verdicts import error_of, read_answer

TROUBLES = 5
"""Polls in a row that may fail before the lane is told; the job stands at the service meanwhile."""

LONGEST_PAUSE = 60.0
"""Seconds a poll is put off at most within one call; who asks for more is the lane's business."""


class LostTicketError(FlakyError):
    """The service no longer knows the job of a ticket, which may have been charged; raised by
    :meth:`PolledGenerator.ask` or ``read``. The next try submits anew."""

    def __init__(self, message: str) -> None:
        super().__init__(message, possibly_charged=True)


class PolledGenerator(ImageGenerator):
    """A generator whose service answers "accepted" first and with the picture later.

    Whatever happens after :meth:`submit`, the job is not submitted again while the service still has it: the next try
    comes with the ticket and polls on.
    """

    poll_every: ClassVar[float] = 1.0
    """Seconds between two polls."""
    patience: ClassVar[float] = 900.0
    """Seconds after which a job that is still not done is left to stand for a later try. Below 1800, when the core
    breaks a call off."""

    @abstractmethod
    async def submit(self, request: ImageRequest) -> str | GeneratedImage:
        """Hand the job in.

        :returns: the ticket: all that is needed to ask for the job, without secrets, at most 2000 characters (a whole
            number becomes text); or the picture, if the service was done at once. Anything else fails the job, which
            may have been charged.
        """

    @abstractmethod
    async def ask(self, request: ImageRequest, ticket: str) -> Any:
        """Ask once how the job is, and return what the service said.

        Trouble raised here is the poll's and not the job's: it is asked again, after the wait the service wants.

        :raises LostTicketError: the service does not know the job.
        """

    @abstractmethod
    async def read(self, request: ImageRequest, ticket: str, answer: Any) -> GeneratedImage | None:
        """The picture, or ``None`` while the service is at work. Raises, in the core's words, if the job failed.

        :raises LostTicketError: the service does not know the job.
        """

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Submit, unless an earlier try did, and ask until the picture is there."""
        if request.ticket is not None:
            return await self._await_result(request, request.ticket)
        submitted = await self.submit(request)
        if isinstance(submitted, GeneratedImage):
            return submitted
        ticket = _ticket(submitted)
        await self.context.accepted(request, ticket)
        return await self._await_result(request, ticket)

    async def fetch(self, url: str, *, trusted_host: str | None = None) -> bytes:
        """Download a result from an address the service named, as :meth:`charimg.http.HttpSession.download` does.

        :raises ProviderError: it cannot be had; the job stands, unless the address is gone for good.
        """
        try:
            answer = await self.context.http.download(url, trusted_host=trusted_host)
            if not answer.ok:
                reading = read_answer(answer.status, answer.headers, answer.body, ceiling=self.context.wait_ceiling)
                raise error_of(reading)
        except ProviderError as error:
            error.standing = error.verdict in (Verdict.THROTTLED, Verdict.FLAKY)
            error.possibly_charged = True
            raise
        return answer.body

    async def _await_result(self, request: ImageRequest, ticket: str) -> GeneratedImage:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.patience
        troubles = 0
        while True:
            pause, asked_for = self.poll_every, None
            try:
                answer = await self.ask(request, ticket)
            except LostTicketError:
                raise
            except ProviderError as error:
                troubles += 1
                passing = error.verdict in (Verdict.THROTTLED, Verdict.FLAKY)
                if not passing or troubles >= TROUBLES or (error.wait or 0.0) > LONGEST_PAUSE:
                    raise _standing(error) from error
                asked_for = error.wait
                pause = max(self.poll_every * 2**troubles, asked_for or 0.0)
            else:
                troubles = 0
                picture = await self.read(request, ticket, answer)
                if picture is not None:
                    return picture
            if clock() + pause > deadline:
                words = f"not done after {self.patience:g} seconds; it is asked for again"
                raise ThrottledError(words, wait=asked_for, standing=True)
            await asyncio.sleep(pause)


def _ticket(submitted: object) -> str:
    """What :meth:`PolledGenerator.submit` gave, as a ticket; services that count name their jobs by a number.

    :raises InvalidRequestError: it is none; the job may have been accepted all the same.
    """
    if isinstance(submitted, int) and not isinstance(submitted, bool):
        return str(submitted)
    if not isinstance(submitted, str):
        given = type(submitted).__name__
    elif not submitted.strip():
        given = "an empty text"
    else:
        return submitted
    words = f"submit returned {given} where a ticket (text) or a picture belongs"
    raise InvalidRequestError(words, possibly_charged=True)


def _standing(error: ProviderError) -> ProviderError:
    """The trouble of a poll: what the service thinks of the job is not known, and the job stands.

    A flaky one becomes "throttled": quick tries were had, and the lane's wait is what is left. A service that will not
    hear of the job any more has accepted it all the same, and may have charged for it.
    """
    if error.verdict is not Verdict.FLAKY:
        error.standing = error.verdict not in (Verdict.INVALID, Verdict.REJECTED)
        error.possibly_charged = error.possibly_charged or not error.standing
        return error
    return ThrottledError(error.message, wait=error.wait, unreachable=error.unreachable, standing=True)
