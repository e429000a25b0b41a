"""A project with scripted providers, found through real entry points, for tests of whole runs.

The services keep their books in files beside the project, so that what they were asked for outlives a run that dies.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import itertools
import json
import os
import sys
import textwrap
import types
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import charimg
from charimg.contracts import (
    Abilities,
    Credential,
    Declaration,
    ImageGenerator,
    JobRecord,
    Observer,
    Price,
    ProviderContext,
    Uploader,
)
from charimg.credentials import Credentials
from charimg.events import Event, RunFinished
from charimg.lane_choice import choose_lanes
from charimg.model import GeneratedImage, ImageRequest, MediaReference, SavedImage
from charimg.plugins import Plugins
from charimg.project import Project
from charimg.roster import read_roster
from charimg.run import Order, Run, plan_only
from charimg.settings import Settings
from charimg.workplace import Workplace
from tests.scripted import on_virtual_clock

T = TypeVar("T")

SECRET = "correct-horse-battery-staple-4711"
_NUMBERS = itertools.count(1)


def paint(kind: str = "PNG", number: int | None = None) -> bytes:
    """A small picture unlike every other one (or the same for the same number)."""
    from PIL import Image

    number = next(_NUMBERS) if number is None else number
    out = io.BytesIO()
    Image.new("RGB", (16, 24), (number % 256, number // 256 % 256, 7)).resize((16, 24)).save(out, kind)
    return out.getvalue()


def pixels(data: bytes) -> bytes:
    """What a picture shows, whatever is written beside it in the file."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGBA").tobytes()


def hang() -> float:
    """A service that never answers."""
    return float("inf")


@dataclass
class Service:
    """What one scripted provider answers, per job's key, and what it was asked for."""

    ledger: Path
    """One line a request that was accepted: the service's bill."""
    script: dict[str, deque[Any]] = field(default_factory=dict)
    usual: Callable[[], Any] = lambda: None
    seconds: float = 3.0
    """How long an answer takes; ``inf`` for never."""
    opening: Any = None
    """An exception that :meth:`open` raises, the seconds it takes, or something it does."""
    making: BaseException | None = None
    closing: Any = None
    seen: list[Any] = field(default_factory=list)
    contexts: list[ProviderContext] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    accounts: dict[str, Service] = field(default_factory=dict)
    """Accounts with books of their own, by what a provider's context calls its lane."""

    def account(self, name: str) -> Service:
        """The books of one account, or server: it is asked and answers for itself from now on."""
        if name not in self.accounts:
            bill = self.ledger.with_name(f"{self.ledger.stem} {name.replace('/', ' ')}.txt")
            self.accounts[name] = Service(bill, usual=self.usual, seconds=self.seconds)
        return self.accounts[name]

    def will(self, **answers: Iterable[Any]) -> None:
        """Set the next answers of some jobs: an exception is raised, anything else is returned."""
        self.script.update({key: deque(given) for key, given in answers.items()})

    async def answer(self, key: str) -> Any:
        """One request."""
        with self.ledger.open("a", encoding="utf-8") as bill:
            bill.write(f"{key}\n")
        queue = self.script.get(key)
        answer = queue.popleft() if queue else self.usual()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.seconds == float("inf"):
                await asyncio.Event().wait()
            await asyncio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        if callable(answer):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def asked(self) -> Counter[str]:
        """How many requests each job cost, over all runs."""
        return Counter(self.ledger.read_text(encoding="utf-8").split() if self.ledger.exists() else [])

    @property
    def asked_in_all(self) -> Counter[str]:
        """The same with all the accounts' books."""
        return sum((one.asked for one in self.accounts.values()), self.asked)

    async def open(self) -> None:
        """What the provider does before the first job."""
        await self._do(self.opening)

    async def close(self) -> None:
        """What the provider does at the end."""
        await self._do(self.closing)

    @staticmethod
    async def _do(what: Any) -> None:
        if isinstance(what, BaseException):
            raise what
        if callable(what):
            what()
        elif what:
            await asyncio.sleep(what)


def provider_class(base: type[T], service: Service, declaration: Declaration, **attributes: Any) -> type[T]:
    """A provider that asks the service."""

    class Scripted(base):  # type: ignore[misc, valid-type]
        def __init__(self, context: ProviderContext) -> None:
            super().__init__(context)
            self.service = service.accounts.get(context.lane, service)
            self.service.contexts.append(context)
            if self.service.making is not None:
                raise self.service.making

        async def open(self) -> None:
            await self.service.open()

        async def close(self) -> None:
            await self.service.close()

    async def generate(self: Any, request: ImageRequest) -> GeneratedImage:
        self.service.seen.append(request)
        answer = await self.service.answer(request.key)
        if answer is None:
            answer = paint()
        return GeneratedImage(answer) if isinstance(answer, bytes) else answer

    async def upload(self: Any, picture: SavedImage) -> MediaReference | None:
        self.service.seen.append(picture)
        answer = await self.service.answer(picture.key)
        return MediaReference(f"media-{picture.key}", lane=self.context.lane) if answer is None else answer

    made = {"declaration": declaration, **attributes}
    made["generate" if issubclass(base, ImageGenerator) else "upload"] = (
        generate if issubclass(base, ImageGenerator) else upload
    )
    return type("Scripted", (Scripted,), made)


class Listener(Observer):
    """Keeps what it hears, with the moment."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, Event]] = []
        self.closed = 0

    def hear(self, event: Event) -> None:
        self.heard.append((asyncio.get_running_loop().time(), event))

    def close(self) -> None:
        self.closed += 1


@dataclass
class Told:
    """What came of one run."""

    listener: Listener
    finished: RunFinished | None
    error: BaseException | None
    seconds: float

    @property
    def events(self) -> list[Event]:
        return [event for _, event in self.listener.heard]

    def of(self, kind: type[T]) -> list[T]:
        """The events of a kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """Succeeded, failed, rejected, pending, exit code."""
        end = self.finished or self.of(RunFinished)[0]
        return end.succeeded, end.failed, end.rejected, end.pending, end.exit_code

    def as_json(self) -> str:
        """Everything that was told, as JSON lines."""
        return "\n".join(json.dumps(event.to_dict(), ensure_ascii=False) for event in self.events)


class Workshop:
    """A project's folder, its scripted services, and the button that starts a run."""

    names: ClassVar[tuple[str, ...]] = ("C1", "C2", "C3", "C4", "C5")

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.environ: dict[str, str] = {"CHARIMG_SCRIPTED_KEY": SECRET}
        self.generator = Service(folder.parent / "generated.txt")
        self.uploader = Service(folder.parent / "uploaded.txt", seconds=1.0)
        key = Credential("key", "From the script.", required=False)
        declared = Declaration("scripted", "Follows a script.", credentials=(key,), price=Price(0.25))
        again = Declaration("shelf", "Follows a script.", credentials=())
        self.module = types.ModuleType(f"scripted_plugin_{next(_NUMBERS)}")
        sys.modules[self.module.__name__] = self.module
        self.generators = generators = [provider_class(ImageGenerator, self.generator, declared)]
        self.others: list[EntryPoint] = []
        self._uploaders = uploaders = [
            provider_class(Uploader, self.uploader, declared),
            provider_class(Uploader, self.uploader, again),
        ]
        self.observers: list[type[Observer]] = []
        self.prepare: Callable[[ImageRequest], ImageRequest | None] = lambda _request: None
        self.finish: Callable[[SavedImage, bytes], bytes | None] = lambda _picture, _data: None

        @charimg.hookimpl
        def register_generators(register: Callable[[Any], None]) -> None:
            for kind in generators:
                register(kind)

        @charimg.hookimpl
        def register_uploaders(register: Callable[[Any], None]) -> None:
            for kind in uploaders:
                register(kind)

        @charimg.hookimpl
        def register_observers(register: Callable[[Any], None]) -> None:
            for kind in self.observers:
                register(kind)

        @charimg.hookimpl
        def prepare_request(request: ImageRequest) -> ImageRequest | None:
            return self.prepare(request)

        @charimg.hookimpl
        def finish_picture(picture: SavedImage, data: bytes) -> bytes | None:
            return self.finish(picture, data)

        hooks = (register_generators, register_uploaders, register_observers, prepare_request, finish_picture)
        for hook in hooks:
            setattr(self.module, hook.__name__, hook)
        self.cast(*self.names)

    def cast(self, *names: str, **descriptions: str) -> None:
        """Write the roster."""
        lines = [
            f"{name}: {descriptions.get(name, 'a tall person with a kind face and a long green coat')}"
            for name in names
        ]
        (self.folder / "characters.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def books(self, *accounts: str) -> list[Service]:
        """What each of the generator's accounts is asked for and answers, from now on for itself."""
        return [self.generator.account(name) for name in accounts]

    def write(self, settings: str) -> None:
        """Write the project's settings file."""
        (self.folder / "charimg.yaml").write_text(textwrap.dedent(settings).strip() + "\n", encoding="utf-8")

    def add_generator(self, name: str, **declared: Any) -> Service:
        """Install another generator; returns its service."""
        service = Service(self.folder.parent / f"generated by {name}.txt")
        self.generators.append(provider_class(ImageGenerator, service, Declaration(name, "Another.", **declared)))
        self.others.append(EntryPoint(name, self.module.__name__, "charimg.generators"))
        return service

    def add_uploader(self, name: str, **declared: Any) -> Service:
        """Install another uploader; returns its service."""
        service = Service(self.folder.parent / f"uploaded by {name}.txt", seconds=1.0)
        self._uploaders.append(provider_class(Uploader, service, Declaration(name, "Another.", **declared)))
        self.others.append(EntryPoint(name, self.module.__name__, "charimg.uploaders"))
        return service

    def abilities(self, **declared: Any) -> None:
        """Let the generator declare these abilities."""
        (kind,) = self.generators
        kind.declaration = replace(kind.declaration, abilities=Abilities(**declared))

    def order(
        self,
        *,
        flags: Mapping[str, object] | None = None,
        only: tuple[str, ...] = (),
        force: bool = False,
        lane: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
    ) -> Order:
        """What ``charimg run`` would make of the command line.

        :param flags: ``{"provider": None}`` leaves the provider to the settings file.
        """
        module = self.module.__name__
        found = [
            EntryPoint("scripted", module, "charimg.generators"),
            EntryPoint("scripted", module, "charimg.uploaders"),
            EntryPoint("shelf", module, "charimg.uploaders"),
            EntryPoint("none", "charimg.providers.none", "charimg.uploaders"),
            EntryPoint("sqlite", "charimg.providers.sqlite", "charimg.stores"),
            EntryPoint("part", module, "charimg.plugins"),
            *self.others,
        ]
        plugins = Plugins(found=found, environ=self.environ)
        settings = Settings.load(self.folder, self.environ, self.home)
        general = settings.general(
            {"provider": "scripted", **(flags or {})}, plugins.names(charimg.plugins.Kind.UPLOADER)
        )
        project = Project.at(self.folder, str(general["out"].value))
        place = Workplace(project, settings, Credentials.load(self.environ, self.home), plugins, general)
        lanes = choose_lanes(place, lane)
        given = place.options(options, lanes.declarations)
        return Order(place, read_roster(self.folder / "characters.txt"), lanes, given, only, force)

    def run(
        self,
        *,
        interrupts: Iterable[float] = (),
        observers: Iterable[Observer] = (),
        before: Callable[[Run], None] = lambda _run: None,
        **wanted: Any,
    ) -> Told:
        """One run on a virtual clock; what it raises is told, not raised.

        :param interrupts: the moments of a Ctrl-C, in seconds.
        """
        listener = Listener()

        async def play() -> Told:
            loop = asyncio.get_running_loop()
            run = Run(self.order(**wanted), [*observers, listener])
            before(run)
            for moment in interrupts:
                loop.call_later(moment, run.stop)
            finished, error = None, None
            try:
                finished = await run.execute()
            except Exception as raised:
                error = raised
            return Told(listener, finished, error, round(loop.time(), 3))

        return on_virtual_clock(play)

    def run_and_die(self, where: Callable[[], None], **wanted: Any) -> None:
        """One run in a process of its own that dies at the moment *where* arranged, as by a power cut."""
        child = os.fork()
        if not child:
            try:
                where()
                self.run(**wanted)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 9, "the run came to its end without passing the fatal moment"

    def plan(self, **wanted: Any) -> Any:
        """The plan of a run."""
        return on_virtual_clock(lambda: plan_only(self.order(**wanted)))

    def ledger(self) -> dict[str, JobRecord]:
        """What the ledger knows, read afresh."""

        async def read() -> dict[str, JobRecord]:
            async with self.order().workplace.open_store(read_only=True) as store:
                return await store.jobs()

        return on_virtual_clock(read)

    def pictures(self) -> list[str]:
        """The files in the folder of pictures, hidden ones too."""
        folder = self.folder / "pictures"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def die_at(owner: Any, name: str, when: str) -> Callable[[], None]:
    """Arrange that the process dies before or after the first call of a function."""

    def arrange() -> None:
        original = getattr(owner, name)

        def dying(*args: Any, **kwargs: Any) -> None:
            if when == "after":
                original(*args, **kwargs)
            os._exit(9)

        async def dying_later(*args: Any, **kwargs: Any) -> None:
            if when == "after":
                await original(*args, **kwargs)
            os._exit(9)

        setattr(owner, name, dying_later if inspect.iscoroutinefunction(original) else dying)

    return arrange
