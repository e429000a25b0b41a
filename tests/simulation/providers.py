"""The clients of the simulated services: real generators and uploaders, found through real entry points."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any, ClassVar

import charimg
from charimg.contracts import Abilities, Declaration, ImageGenerator, Price, Uploader
from charimg.errors import RejectedError
from charimg.model import Cost, GeneratedImage, ImageRequest, MediaReference, SavedImage, utc_now
from charimg.polling import LostTicketError, PolledGenerator
from charimg.verdicts import error_of, read_answer
from tests.simulation.disk import PowerCut
from tests.simulation.history import Call
from tests.simulation.ledger import SimulatedLedger
from tests.simulation.service import LOST, ROWS, SPOILT, Account, Charge, Reply, picture_of, spoilt, unreachable

PRICE = 0.25
"""What a picture costs, by declaration."""

REPORTED = 0.2
"""What the polled service reports."""

TRAVEL = 0.05
"""Seconds from here to there."""


class Wire:
    """Between the clients of one process and the services of the world."""

    accounts: dict[str, Account]
    references_last: float | None

    def begin(self, kind: str, account: str, key: str, attempt: str) -> Call:
        """A call is made."""
        raise NotImplementedError

    def end(self, call: Call, *, hint: float | None = None, cancelled: bool = False) -> None:
        """It has its end."""
        raise NotImplementedError


@dataclass
class _Plugged:
    """The wire of the process that runs now."""

    wire: Wire = field(default_factory=Wire)


PLUG = _Plugged()


async def _travel(send: Callable[[], Reply], account: Account, call: Call) -> Reply:
    """The request's way there. One that is broken off on its way may arrive all the same."""
    try:
        await asyncio.sleep(TRAVEL)
    except BaseException:
        if account.chance.happens(0.5, "arrives", call.order):
            send()
        raise
    return send()


async def exchange(account: Account, kind: str, key: str, attempt: str, send: Callable[[Call], Reply]) -> Any:
    """One request and its answer."""
    wire = PLUG.wire
    call = wire.begin(kind, account.name, key, attempt)
    cancelled = True
    hint = None
    try:
        reply = await _travel(lambda: send(call), account, call)
        if reply.never:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(reply.after)
        cancelled, hint = False, reply.hint
        if reply.error is not None:
            raise reply.error
        return reply.answer
    except PowerCut:
        cancelled = False
        raise
    finally:
        wire.end(call, hint=hint, cancelled=cancelled)


class Swift(ImageGenerator):
    """Answers at once."""

    declaration = Declaration("swift", "Answers at once.", price=Price(PRICE))

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """See :class:`charimg.ImageGenerator`."""
        account = PLUG.wire.accounts[self.context.account]
        made: list[Charge] = []

        def send(call: Call) -> Reply:
            nth, fault = account.next_fault("make", request.key)
            if fault == "unreachable":
                return Reply(1.0, error=unreachable())
            takes = account.seconds(request.key, nth) * (20 if fault == "slow" else 1)
            away = account.turned_away(takes)
            if away is not None:
                return away
            if fault is not None and fault.startswith("row:"):
                return account.row(fault[4:])
            if fault in LOST:
                return account.broken(fault, request.attempt, request.key, takes)
            if fault == "bug":
                return Reply(takes, error=KeyError("images"))
            picture = picture_of(fault, request.attempt)
            charge = account.charge(request.attempt, request.key, account.clock.now + takes, picture=picture)
            if fault in SPOILT:
                return Reply(takes, GeneratedImage(spoilt(fault, picture)))
            made.append(charge)
            return Reply(takes, GeneratedImage(picture, model="swift-1"))

        answer = await exchange(account, "make", request.key, request.attempt, send)
        for charge in made:
            charge.heard = True
        assert isinstance(answer, GeneratedImage)
        return answer


class SwiftAlone(Swift):
    """The same with one graphics card and a pace."""

    declaration = Declaration(
        "alone", "One at a time.", price=Price(PRICE), abilities=Abilities(parallel=1, pace=0.5, seed=True)
    )


class Gratis(Swift):
    """The same for nothing."""

    declaration = Declaration("gratis", "Costs nothing.", price=Price(0.0), abilities=Abilities(parallel=2))


class Patient(PolledGenerator):
    """Takes a job and is asked for it."""

    declaration = Declaration("patient", "Is asked until it is done.", price=Price(PRICE))
    poll_every: ClassVar[float] = 5.0
    patience: ClassVar[float] = 120.0

    async def submit(self, request: ImageRequest) -> str | GeneratedImage:
        """See :class:`charimg.polling.PolledGenerator`."""
        account = PLUG.wire.accounts[self.context.account]
        made: list[Charge] = []

        def send(call: Call) -> Reply:
            nth, fault = account.next_fault("make", request.key)
            if fault == "unreachable":
                return Reply(1.0, error=unreachable())
            takes = account.seconds(request.key, nth) * (60 if fault == "slow" else 1)
            away = account.turned_away(takes, polled=True)
            if away is not None:
                return away
            if fault is not None and fault.startswith("row:"):
                return account.row(fault[4:])
            if fault in LOST:
                return account.broken(fault, request.attempt, request.key, takes)
            if fault == "bug":
                return Reply(0.3, error=KeyError("id"))
            picture = picture_of(fault, request.attempt)
            charge = account.charge(request.attempt, request.key, account.clock.now + takes, picture=picture)
            charge.asked = request.description
            if fault in SPOILT:
                charge.picture = spoilt(fault, picture)
            made.append(charge)
            return Reply(0.3, f"job-{request.attempt}")

        ticket = await exchange(account, "make", request.key, request.attempt, send)
        for charge in made:
            charge.accepted = True
        return str(ticket)

    async def ask(self, request: ImageRequest, ticket: str) -> Any:
        """See :class:`charimg.polling.PolledGenerator`."""
        account = PLUG.wire.accounts[self.context.account]

        def send(call: Call) -> Reply:
            _, fault = account.next_fault("ask", request.key)
            if fault in ("unreachable", "timeout"):
                return Reply(1.0, error=unreachable(charged=fault == "timeout"))
            now = account.clock.now
            job = next((one for one in account.bill if f"job-{one.attempt}" == ticket), None)
            if fault is not None and fault.startswith("row:"):
                if job is not None:
                    wanted = ROWS[fault[4:]]["want"]
                    job.void = wanted == "rejected"  # its word on the job, which costs nothing
                    job.gone = wanted == "invalid"
                return account.row(fault[4:])
            if job is None or fault == "forgotten" or (now > job.ready + account.plan.keeps and not account.healthy):
                account.used["tickets forgotten"] += 1
                if job is not None:
                    job.gone = True
                return Reply(0.1, error=LostTicketError("no such job"))
            job.void = job.void and not account.healthy
            if now < job.ready and not account.healthy:
                return Reply(0.1, ("working", None))
            if fault == "failed" or job.void:
                job.void = True
                return Reply(0.1, ("failed", None))
            job.heard = True
            return Reply(0.1, ("done", job.picture))

        return await exchange(account, "ask", request.key, request.attempt, send)

    async def read(self, request: ImageRequest, ticket: str, answer: Any) -> GeneratedImage | None:
        """See :class:`charimg.polling.PolledGenerator`."""
        state, picture = answer
        if state == "failed":
            raise RejectedError("the job failed: the content was refused")
        return None if picture is None else GeneratedImage(picture, cost=Cost(REPORTED, source="reported"))


class PatientPair(Patient):
    """The same with two at once."""

    declaration = Declaration("pair", "Two at once.", price=Price(PRICE), abilities=Abilities(parallel=2))


class Album(Uploader):
    """Keeps pictures for later work."""

    declaration = Declaration("album", "Keeps pictures.")

    async def upload(self, picture: SavedImage) -> MediaReference | None:
        """See :class:`charimg.Uploader`."""
        wire = PLUG.wire
        account = wire.accounts["album"]

        def send(call: Call) -> Reply:
            nth, fault = account.next_fault("upload", picture.key)
            if fault in ("unreachable", "reset", "timeout"):
                return Reply(1.0, error=unreachable())
            takes = account.seconds(picture.key, nth) * (20 if fault == "slow" else 1)
            away = account.turned_away(takes)
            if away is not None:
                return away
            if fault is not None and fault.startswith("row:"):
                return account.row(fault[4:])
            if fault == "bug":
                return Reply(takes, error=TypeError("'NoneType' object is not subscriptable"))
            return Reply(takes, f"media-{picture.key}-{nth}", never=fault == "silence")

        media = await exchange(account, "upload", picture.key, "", send)
        last = wire.references_last
        expires = None if last is None or account.healthy else utc_now() + timedelta(seconds=last)
        return MediaReference(str(media), lane=self.context.lane, expires_at=expires)


GENERATORS: dict[str, type[ImageGenerator]] = {
    kind.declaration.name: kind for kind in (Swift, SwiftAlone, Gratis, Patient, PatientPair)
}
POLLED = ("patient", "pair")


def entry_points() -> list[EntryPoint]:
    """How the core finds them."""
    module = ModuleType("simulated_plugin")
    sys.modules[module.__name__] = module

    @charimg.hookimpl
    def register_generators(register: Callable[[Any], None]) -> None:
        for kind in GENERATORS.values():
            register(kind)

    @charimg.hookimpl
    def register_uploaders(register: Callable[[Any], None]) -> None:
        register(Album)

    @charimg.hookimpl
    def register_stores(register: Callable[[Any], None]) -> None:
        register(SimulatedLedger)

    for hook in (register_generators, register_uploaders, register_stores):
        setattr(module, hook.__name__, hook)
    return [
        *(EntryPoint(name, module.__name__, "charimg.generators") for name in GENERATORS),
        EntryPoint("album", module.__name__, "charimg.uploaders"),
        EntryPoint("none", "charimg.providers.none", "charimg.uploaders"),
        EntryPoint("sqlite", module.__name__, "charimg.stores"),
    ]


__all__ = ["GENERATORS", "PLUG", "POLLED", "ROWS", "Wire", "entry_points", "error_of", "read_answer"]
