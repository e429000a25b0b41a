"""What an author says of a service: its routes, and what good answers look like.

::

    Service(Route("POST", "/v1/images", lambda asked: {"data": [{"b64_json": asked.picture.base64}]}))

The first route is the one that costs money (or stores the upload); what follows is free: a login, a poll, a result.
Everything hostile is the kit's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from charimg.testing.pictures import Picture


@dataclass(frozen=True)
class Reply:
    """One whole HTTP answer, where the body alone does not say enough."""

    status: int = 200
    body: Any = b""
    """Bytes and text are sent as they are, anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def wire(self) -> tuple[bytes, str]:
        """The body's bytes and its content type."""
        if isinstance(self.body, bytes):
            return self.body, "image/png" if self.body.startswith(b"\x89PNG") else "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


class Fault(Enum):
    """What may happen to a connection, where no answer describes it."""

    RESET_BEFORE = "reset before the request was read"
    RESET_AFTER = "reset after the request was read"
    SILENT = "no answer at all"
    TRUNCATED = "the good answer, cut off in the middle"
    ENDLESS = "a body without a length that does not end"
    NOT_HTTP = "something that is not HTTP"


@dataclass
class Asked:
    """One request that the played service got, and what a good answer to it is made of."""

    method: str
    path: str
    """Below the service's address, decoded as sent, without the query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    """The service's own address, for answers that name further ones."""
    picture: Picture = field(default_factory=lambda: Picture(b""))
    """The picture to answer with: of the job that this request makes or asks for."""
    ticket: str = ""
    """A text that names the job, new for every paid request. Later requests that contain it belong to the job."""
    number: int = 0
    """The same as a number, for services that count."""
    picture_id: str = ""
    """A text that names the picture this request uploads: the same for the same bytes."""
    polls: int = 0
    """How many requests of this job came before on this route: answer "at work" while it is 0, say."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """What stood in the places ``{like_this}`` of the route's path."""

    @cached_property
    def json(self) -> Any:
        """The body as JSON data; ``None`` if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def raw(self) -> bytes:
        """All that was sent, in one."""
        head = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.method} {self.path}?{query}\n{head}\n\n".encode("utf-8", "replace") + self.body


Answer = Reply | Fault | bytes | str | dict[str, Any] | list[Any] | None
"""What a route may answer; ``None`` is JSON's null."""


@dataclass(frozen=True)
class Route:
    """One thing that can be asked of the service, and its good answer."""

    method: str
    path: str
    """Below the address the provider was given, as ``/v1/jobs/{id}``; ``{rest...}`` takes slashes too."""
    answer: Answer | Callable[[Asked], Answer] = field(default_factory=dict)
    """A value, or a function of what was asked."""

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The parts of the path, or ``None`` if this is another route."""
        if method.upper() != self.method.upper():
            return None
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pieces = re.split(r"(\{\w+(?:\.\.\.)?\})", self.path)
        return re.compile("".join(_piece(piece) for piece in pieces))

    def good(self, asked: Asked) -> Answer:
        """The good answer to this request."""
        return self.answer(asked) if callable(self.answer) else self.answer


def _piece(piece: str) -> str:
    if not piece.startswith("{"):
        return re.escape(piece)
    name = piece.strip("{}")
    return f"(?P<{name[:-3]}>.+)" if name.endswith("...") else f"(?P<{name}>[^/]+)"


class Service:
    """The routes of a service; the first is the one that costs money (or stores the upload)."""

    def __init__(self, paid: Route, *free: Route) -> None:
        self.paid = paid
        self.free = free

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route of a request, and the parts of its path."""
        for route in (self.paid, *self.free):
            parts = route.match(method, path)
            if parts is not None:
                return route, parts
        return None


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """Path and query of a request's target."""
    path, _, query = target.partition("?")
    return path, dict(parse_qsl(query, keep_blank_values=True))
