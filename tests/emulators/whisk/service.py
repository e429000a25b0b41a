"""What both lanes share: the books, the limits, and the making of pictures."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..pictures import draw
from .accounts import Account, Accounts
from .behaviour import Behaviour
from .bill import Bill, Generation, LoggedRequest, Upload
from .checks import ReceivedPicture
from .library import ASSETS, WHISK, Library, Medium
from .limits import Ask, admit
from .pictures import SIZES, picture_format
from .replies import Refused, reason_reply


@dataclass
class Call:
    """One request on its way through the service."""

    endpoint: str
    record: LoggedRequest
    account: Account
    document: Any
    """The parsed body, or the parsed ``input`` of a query; ``None`` where there is none."""
    tail: str = ""
    """What of the path is an argument."""
    headers: dict[str, str] = field(default_factory=dict)
    """Header names in lower case."""


@dataclass(frozen=True)
class Order:
    """A picture to be made."""

    prompt: str
    model: str
    aspect: str
    seed: int
    """As asked for; 0 leaves it to the service."""
    workflow: str
    count: int = 1
    inputs: tuple[tuple[str, str], ...] = ()
    """Id and category of each reference."""
    previous: str | None = None
    category: str | None = None


def id_field(media_id: str, mode: str) -> dict[str, Any]:
    """The field(s) that carry a media id, in the given mode of :data:`~.behaviour.ID_MODES`."""
    forms: dict[str, dict[str, Any]] = {
        "string": {"mediaGenerationId": media_id},
        "object": {"mediaGenerationId": {"mediaGenerationId": media_id}},
        "media-id": {"mediaId": media_id},
        "media-name": {"media": {"name": media_id}},
        "missing": {},
    }
    return forms[mode]


class Service:
    """One emulated Whisk without its network side."""

    def __init__(
        self,
        behaviour: Behaviour,
        bill: Bill,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.behaviour = behaviour
        self.bill = bill
        self.clock = clock
        self.sleep = sleep
        self.accounts = Accounts(behaviour, bill, clock)
        self.library = Library(behaviour, clock)
        self._made: dict[str, int] = {}

    @contextmanager
    def admitted(self, call: Call, *, model: str | None = None, pictures: int = 1) -> Iterator[None]:
        """Pass the limits, and hold the request's place in them; raises :class:`Refused` when one denies."""
        limits = self.behaviour.limits
        ask = Ask(call.account.name, call.endpoint, model, pictures, self.clock())
        denial = admit(limits, ask)
        if denial is not None:
            reply = reason_reply(denial.reason)
            wanted = self.behaviour.retry_after
            if isinstance(wanted, str):
                reply = reply.with_headers(Retry_After=wanted)
            elif wanted and denial.wait is not None:
                reply = reply.with_headers(Retry_After=str(math.ceil(denial.wait)))
            raise Refused(reply, f"limit: {denial.reason}")
        try:
            yield
        finally:
            for limit in limits:
                limit.give_back(ask)

    async def make(self, call: Call, order: Order) -> list[Medium]:
        """Make, charge and keep the pictures of *order*; they are paid for before the wait begins."""
        with self.admitted(call, model=order.model, pictures=order.count):
            media = [self._paint(call, order, number) for number in range(order.count)]
            latency = self.behaviour.latency
            await self.sleep(latency(order.prompt) if callable(latency) else latency)
        return media

    def _paint(self, call: Call, order: Order, number: int) -> Medium:
        # A captured answer had the request's seed plus one.
        seed = order.seed + 1 + number
        if order.seed == 0:
            count = self._made[order.prompt] = self._made.get(order.prompt, 0) + 1
            seed = int.from_bytes(hashlib.sha256(f"{count}|{order.prompt}".encode()).digest()[:4], "big") >> 1
        data = draw(order.prompt, seed, SIZES[order.aspect], picture_format(order.model))
        media_id, key, step = self.library.next_id(WHISK, order.workflow)
        rewrite = self.behaviour.rewrite_prompt
        medium = Medium(
            media_id,
            key,
            call.account.name,
            WHISK,
            data,
            order.aspect,
            self.library.ends(uploaded=False),
            order.workflow,
            step,
            category=order.category,
            seed=seed,
            prompt=rewrite(order.prompt) if rewrite else order.prompt,
            model=order.model,
            inputs=order.inputs,
            previous=order.previous,
            fingerprint=hashlib.sha256(media_id.encode()).hexdigest()[:8] + "0" * 24,
        )
        self.library.keep(medium)
        self.bill.add(
            Generation(
                call.endpoint,
                call.account.name,
                order.prompt,
                order.model,
                order.aspect,
                seed,
                tuple(reference for reference, _ in order.inputs),
                media_id,
                hashlib.sha256(data).hexdigest(),
                order.workflow,
                self.clock(),
            )
        )
        return medium

    def store(
        self,
        call: Call,
        picture: ReceivedPicture,
        *,
        category: str | None,
        caption: str,
        workflow: str | None,
        declared: str | None,
        aspect: str | None,
    ) -> Medium:
        """Keep an upload and charge for it."""
        with self.admitted(call):
            space = ASSETS if call.endpoint == "upload-asset" else WHISK
            media_id, key, step = self.library.next_id(space, workflow or "")
            medium = Medium(
                media_id,
                key,
                call.account.name,
                space,
                picture.data,
                aspect or picture.aspect,
                self.library.ends(uploaded=True),
                workflow or "",
                step,
                category=category,
                caption=caption,
                uploaded=True,
            )
            self.library.keep(medium)
            self.bill.add(
                Upload(
                    call.endpoint,
                    call.account.name,
                    picture.sha256,
                    picture.format,
                    declared,
                    aspect,
                    category,
                    caption,
                    media_id,
                    workflow,
                    self.clock(),
                )
            )
        return medium
