"""One lane at one of the polled services, as the tests of this folder use them: emulator, generator, what was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from charimg_hosted.aihorde.generator import AiHordeGenerator
from charimg_hosted.bfl.generator import BflGenerator
from charimg_hosted.fal.generator import FalGenerator
from charimg_hosted.replicate.generator import ReplicateGenerator
from PIL import Image

from charimg.contracts import Provider, ProviderContext
from charimg.http import HttpSession
from charimg.images import inspect
from charimg.model import ImageRequest, Reference, SavedImage
from charimg.polling import PolledGenerator
from charimg.redaction import Secret
from tests.emulators import aihorde, bfl, fal, replicate
from tests.emulators.polled import PolledEmulator


@dataclass(frozen=True)
class Service:
    """What is different between the services, for tests that are the same."""

    name: str
    generator: type[PolledGenerator]
    emulator: Callable[..., PolledEmulator]
    key: str
    poll: str
    """The endpoint that is asked how a job is."""
    lost: str
    """A ticket that the service does not know."""


SERVICES = {
    one.name: one
    for one in (
        Service("replicate", ReplicateGenerator, replicate.ReplicateEmulator, replicate.TEST_TOKEN, "poll", "nobody"),
        Service(
            "fal",
            FalGenerator,
            fal.FalEmulator,
            fal.TEST_KEY,
            "poll",
            '{"status": "https://queue.fal.run/fal-ai/flux/requests/nobody/status",'
            ' "response": "https://queue.fal.run/fal-ai/flux/requests/nobody"}',
        ),
        Service("bfl", BflGenerator, bfl.BflEmulator, bfl.TEST_KEY, "poll", '{"id": "nobody", "at": 1700000000}'),
        Service("aihorde", AiHordeGenerator, aihorde.AiHordeEmulator, aihorde.OWN_KEY, "check", "nobody"),
    )
}


@dataclass
class Lane:
    """A generator (or uploader) with a context that remembers what it was told."""

    service: Service
    emulator: Any
    folder: Path
    told: list[tuple[float | None, str]] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    sessions: list[HttpSession] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """The environment variables that credentials came from."""

    def context(self, kind: type[Provider], key: str | None = None, **settings: Any) -> ProviderContext:
        """A context as a run makes it: every setting, and the service's key."""
        http = HttpSession()
        self.sessions.append(http)
        values = {one.name: one.default for one in kind.declaration.settings}
        key = self.service.key if key is None else key
        return ProviderContext(
            folder=self.folder,
            out=self.folder,
            settings={**values, "base_url": self.emulator.url, **settings},
            credentials={"api_key": Secret(key)} if key else {},
            account=self.service.name,
            lane=self.service.name,
            http=http,
            variables=self.variables,
            progress=lambda _request, fraction, words: self.told.append((fraction, words)),
            accepted=self._accepted,
        )

    async def _accepted(self, _request: ImageRequest, ticket: str) -> None:
        self.tickets.append(ticket)

    def generator(self, key: str | None = None, **settings: Any) -> PolledGenerator:
        """The service's generator with these settings."""
        return self.service.generator(self.context(self.service.generator, key, **settings))

    def request(self, prompt: str = "a jester in a red cap", **more: Any) -> ImageRequest:
        """One picture to ask for."""
        return ImageRequest(key="gopal", name="Gopal", prompt=prompt, **{"attempt": "a1", **more})

    def again(self, request: ImageRequest) -> ImageRequest:
        """The next try of a request whose job was accepted."""
        return replace(request, ticket=self.tickets[-1])

    def reference(self, colour: str = "red", size: tuple[int, int] = (48, 64)) -> Reference:
        """A reference picture in a file."""
        path = self.folder / f"{colour}-{size[0]}.png"
        Image.effect_noise(size, 90).convert("RGB").save(path)
        return Reference(path)

    def saved(self, colour: str = "red") -> SavedImage:
        """A picture that was saved."""
        path = self.folder / f"{colour}.png"
        Image.new("RGB", (48, 64), colour).save(path)
        return SavedImage("gopal", "Gopal", path, inspect(path.read_bytes()))
