"""Deliberately wrong generators of the submit-and-poll shape; see sample_generator.py."""

from __future__ import annotations

from typing import Any, ClassVar

from charimg.addresses import host_and_port, join
from charimg.contracts import Declaration
from charimg.errors import FlakyError, InvalidRequestError, ProviderError
from charimg.http import Answer
from charimg.model import GeneratedImage, ImageRequest
from charimg.polling import LostTicketError, PolledGenerator
from charimg.testing import Asked, GeneratorContract, Route, Service, Trouble
from charimg.verdicts import error_of, read_answer
from tests.testing.sample_generator import BASE_URL, KEY


class Queue(PolledGenerator):
    """Right in everything."""

    declaration = Declaration("queue", "Draws when it is its turn.", settings=(BASE_URL,), credentials=(KEY,))
    poll_every = 2.0

    async def submit(self, request: ImageRequest) -> str | GeneratedImage:
        data = self.data(await self.call("POST", "/v1/jobs", {"prompt": request.prompt}))
        if not isinstance(data.get("id"), str):
            raise FlakyError("the service named no job")
        return str(data["id"])

    async def ask(self, request: ImageRequest, ticket: str) -> Any:
        answer = await self.call("GET", f"/v1/jobs/{ticket}")
        if answer.status == 404:
            raise LostTicketError("the service does not know the job")
        return self.data(answer)

    async def read(self, request: ImageRequest, ticket: str, answer: Any) -> GeneratedImage | None:
        if answer.get("state") != "done":
            return None
        trusted = host_and_port(str(self.context.settings["base_url"]))
        return GeneratedImage(await self.fetch(str(answer["url"]), trusted_host=trusted))

    async def call(self, method: str, path: str, body: Any = None) -> Answer:
        url = join(str(self.context.settings["base_url"]), path)
        headers = {"Authorization": f"Bearer {self.context.credentials['api_key'].reveal()}"}
        return await self.context.http.request(method, url, headers=headers, json=body)

    def data(self, answer: Answer) -> dict[str, Any]:
        if not answer.ok:
            raise error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=self.context.wait_ceiling))
        data = answer.json()
        if not isinstance(data, dict):
            raise FlakyError("the service sent no object")
        return data


def _state(asked: Asked) -> dict[str, Any]:
    return {"state": "done", "url": asked.picture.url} if asked.polls else {"state": "drawing"}


SERVICE = Service(Route("POST", "/v1/jobs", lambda asked: {"id": asked.ticket}), Route("GET", "/v1/jobs/{id}", _state))


class Wrong(GeneratorContract):
    """A contract that its provider breaks."""

    service = SERVICE
    BREAKS: ClassVar[str]
    SAYS: ClassVar[str]

    @classmethod
    def standard_troubles(cls) -> tuple[Trouble, ...]:
        """Some of them."""
        some = ("401-wrong-key", "429-seconds", "429-silent", "503-overloaded", "500")
        return tuple(one for one in super().standard_troubles() if one.id in some)


class TestRightQueue(Wrong):
    provider = Queue
    BREAKS = ""
    SAYS = ""


class PaysTwice(Queue):
    """Hands in what has been handed in."""

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        if request.ticket is not None:
            await self.submit(request)
        return await super().generate(request)


class TestPaysTwice(Wrong):
    provider = PaysTwice
    BREAKS, SAYS = "test_resumed_job_is_not_submitted_again", r"submitted again \(1 paid requests\)"
    skipped: ClassVar[dict[str, str]] = {"test_broken_off_while_polling_it_can_be_resumed": "it sees the same fault"}


class KeepsItsTickets(Queue):
    """Knows its jobs by heart only: a new process knows none."""

    tickets: dict[str, str]

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        self.tickets = getattr(self, "tickets", {})
        if request.ticket is not None and request.ticket not in self.tickets:
            raise InvalidRequestError("this job is not known")
        return await super().generate(request)

    async def submit(self, request: ImageRequest) -> str | GeneratedImage:
        ticket = await super().submit(request)
        self.tickets[str(ticket)] = request.key
        return ticket


class TestKeepsItsTickets(Wrong):
    provider = KeepsItsTickets
    BREAKS, SAYS = "test_resumed_job_is_not_submitted_again", "a job with a ticket: a good answer gives no picture"


class TellsNoTicket(Queue):
    """Does the submitting and polling itself, and tells nobody."""

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        ticket = request.ticket or str(await self.submit(request))
        return await self._await_result(request, ticket)


class TestTellsNoTicket(Wrong):
    provider = TellsNoTicket
    BREAKS, SAYS = "test_ticket_is_told_as_soon_as_the_job_is_accepted", "was told 0 tickets"
    skipped: ClassVar[dict[str, str]] = {
        "test_resumed_job_is_not_submitted_again": "without a ticket nothing can be resumed",
        "test_broken_off_while_polling_it_can_be_resumed": "likewise",
        "test_lost_job_does_not_stand_for_ever": "likewise",
    }


class KeepsALostJob(Queue):
    """Takes the service's "there is no such job" for a moment's trouble."""

    async def ask(self, request: ImageRequest, ticket: str) -> Any:
        answer = await self.call("GET", f"/v1/jobs/{ticket}")
        if answer.status == 404:
            raise FlakyError("the service does not know the job")
        return self.data(answer)


class TestKeepsALostJob(Wrong):
    provider = KeepsALostJob
    BREAKS, SAYS = "test_lost_job_does_not_stand_for_ever", "asked for in every run and never made; raise LostTicket"


class SubmitsAgain(Queue):
    """Starts from the beginning where a poll fails."""

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        try:
            return await super().generate(request)
        except ProviderError as error:
            if error.standing and request.ticket is None:
                await self.submit(request)
            raise


class TestSubmitsAgain(Wrong):
    provider = SubmitsAgain
    BREAKS, SAYS = "test_trouble_of_a_poll_does_not_submit_again", "the job was submitted 2 times"
    skipped: ClassVar[dict[str, str]] = {"test_broken_off_while_polling_it_can_be_resumed": "it sees the same fault"}


class SleepsBetweenPolls(Queue):
    """Waits once more by itself."""

    async def read(self, request: ImageRequest, ticket: str, answer: Any) -> GeneratedImage | None:
        import asyncio

        await asyncio.sleep(0.5)
        return await super().read(request, ticket, answer)


class TestSleepsBetweenPolls(Wrong):
    provider = SleepsBetweenPolls
    BREAKS, SAYS = "test_never_sleeps", "it waits 0.5 seconds in wrong_polled.py"


class TicketOpensTheDoor(Queue):
    """Puts all it needs to ask again into its ticket, the key too."""

    async def submit(self, request: ImageRequest) -> str | GeneratedImage:
        return f"{await super().submit(request)}?key={self.context.credentials['api_key'].reveal()}"

    async def ask(self, request: ImageRequest, ticket: str) -> Any:
        return await super().ask(request, ticket.partition("?")[0])


class TestTicketOpensTheDoor(Wrong):
    provider = TicketOpensTheDoor
    BREAKS, SAYS = "test_secrets_stay_secret", "a ticket shows a secret"
