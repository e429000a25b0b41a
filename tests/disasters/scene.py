"""A project, a service, and the installed command between them; and what is true of them at any moment."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charimg.contracts import Attempt, JobRecord, PictureRecord
from charimg.errors import FlakyError
from charimg.images import inspect
from charimg.workplace import Workplace
from tests.disasters.slow_services import SERVICES, Service
from tests.end_to_end.conftest import COMMAND

PICTURE_ENDINGS = {".png", ".jpg", ".webp", ".gif"}

FAST = ("--cooldown", "0.02", "--quota-wait", "0.3")
"""The policy with its waits cut short, where their length does not matter."""


def roster_of(count: int) -> str:
    """A roster of *count* characters: ``Hero 000`` and so on, whose keys stand in their prompts as numbers."""
    lines = [
        f"  - name: Hero {number:03}\n    description: a cheerful villager, number {number:03} of the village"
        for number in range(count)
    ]
    return "\n".join(["characters:", *lines, ""])


@dataclass(frozen=True)
class Books:
    """What the ledger says, read from a copy, so that looking changes nothing."""

    jobs: Mapping[str, JobRecord]
    lost: tuple[Attempt, ...]
    """Attempts that are listed as possibly charged."""
    fault: str | None
    """What SQLite finds wrong with the file."""

    @property
    def open(self) -> dict[str, Attempt]:
        """The attempts whose end is not recorded, by id."""
        return {attempt.id: attempt for job in self.jobs.values() for attempt in job.open_attempts}

    def pictures(self, key: str) -> list[PictureRecord]:
        """Every picture that is recorded for a character."""
        job = self.jobs.get(key)
        return [] if job is None else [*job.other_pictures, *([job.picture] if job.picture else [])]

    @property
    def digests(self) -> dict[str, str]:
        """Of every recorded picture, with the character's key."""
        return {picture.facts.sha256: key for key in self.jobs for picture in self.pictures(key)}


@dataclass(frozen=True)
class Ended:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The whole JSON lines on standard output; a line that a kill tore is none."""
        whole = self.out[: self.out.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last event of a run that came to its end."""
        last = self.events[-1]
        assert last["event"] == "run_finished", f"the run ended without a summary: {self.err}"
        return last

    def told(self, event: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return [one for one in self.events if one["event"] == event]


@dataclass
class Scene:
    """One project with one service."""

    folder: Path
    service: Service
    emulator: Any
    environ: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    """What the command is started by, such as a user's name or a limit."""
    words: tuple[str, ...] = FAST
    """What every run is told beside its provider."""
    _running: list[Running] = field(default_factory=list)
    _whole: dict[str, bool] = field(default_factory=dict)
    """Which bytes are a whole picture, by their digest: decoding takes its time."""

    @property
    def out(self) -> Path:
        """The folder of pictures."""
        return self.folder / "pictures"

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / ".charimg" / "state.sqlite"

    # -- the command ----------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> Running:
        """Start the command, in a process group of its own, and return at once."""
        streams = Path(tempfile.mkdtemp(prefix="charimg-streams-"))
        with (streams / "out").open("wb") as out, (streams / "err").open("wb") as err:
            process = subprocess.Popen(
                [*self.before, COMMAND, *arguments],
                cwd=self.folder,
                env={**os.environ, **self.service.environment(self.emulator.url), **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        running = Running(process, streams)
        self._running.append(running)
        return running

    def start_run(self, *words: str) -> Running:
        """Start a run through the scene's service, with its events as JSON."""
        provider = ("--provider", self.service.name, *self.service.words)
        return self.start("run", *provider, *self.words, "--json", *words)

    def run(self, *words: str) -> Ended:
        """Run to the end."""
        return self.start_run(*words).end()

    def command(self, *arguments: str) -> Ended:
        """Any command, to its end."""
        return self.start(*arguments).end()

    def status(self) -> list[dict[str, Any]]:
        """What ``charimg status --json`` says."""
        entries: list[dict[str, Any]] = json.loads(self.command("status", "--json").out)
        return entries

    def close(self) -> None:
        """End every process that is still there."""
        for running in self._running:
            _kill(running.process)
            shutil.rmtree(running.streams, ignore_errors=True)

    # -- what is true ---------------------------------------------------------------------------------------

    def books(self) -> Books:
        """The ledger as it stands; an empty one where there is none yet."""
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name)
            (copy / ".charimg").mkdir()
            for path in self.ledger.parent.glob("state.sqlite*"):
                shutil.copy(path, copy / ".charimg")
            return _read(copy)

    def files(self) -> list[Path]:
        """Everything in the folder of pictures, hidden files too."""
        return sorted(self.out.iterdir()) if self.out.is_dir() else []

    def whole_pictures(self) -> dict[str, Path]:
        """Every file that is a whole picture, hidden or not, by its digest."""
        found = {}
        for path in self.files():
            with suppress(OSError):
                data = path.read_bytes()
                digest = hashlib.sha256(data).hexdigest()
                if digest not in self._whole:
                    self._whole[digest] = _is_whole(data)
                if self._whole[digest]:
                    found[digest] = path
        return found

    def half_files(self) -> list[str]:
        """Pictures under a final name that are not whole."""
        whole = set(self.whole_pictures().values())
        final = [path for path in self.files() if path.suffix in PICTURE_ENDINGS and not path.name.startswith(".")]
        return [path.name for path in final if path not in whole]

    def leftovers(self) -> list[str]:
        """Hidden files among the pictures, which a run that came to its end does not leave."""
        return [path.name for path in self.files() if path.name.startswith(".")]


@dataclass
class Running:
    """A command under way."""

    process: subprocess.Popen[bytes]
    streams: Path

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def kill(self) -> Ended:
        """SIGKILL."""
        _kill(self.process)
        return self._ended()

    def end(self, timeout: float = 100.0) -> Ended:
        """Wait for its end.

        Raises:
            TimeoutExpired: it does not end; it is killed.
        """
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            _kill(self.process)
            raise
        return self._ended()

    def freeze(self) -> None:
        """Stop it, and wait until it stands still (or has ended)."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let it run on."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def err(self) -> str:
        """What it has said on standard error so far."""
        return (self.streams / "err").read_text("utf-8", "replace")

    def out(self) -> str:
        """What it has said on standard output so far."""
        return (self.streams / "out").read_text("utf-8", "replace")

    def _ended(self) -> Ended:
        ended = Ended(self.process.returncode, self.out(), self.err())
        shutil.rmtree(self.streams, ignore_errors=True)
        return ended


def _is_whole(data: bytes) -> bool:
    try:
        inspect(data)
    except FlakyError:
        return False
    return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(folder: Path) -> Books:
    ledger = folder / ".charimg" / "state.sqlite"
    fault = None
    if ledger.exists():
        with sqlite3.connect(ledger) as db:
            lines = [line for (line,) in db.execute("PRAGMA integrity_check")]
        db.close()
        fault = None if lines == ["ok"] else "; ".join(lines)

    async def read() -> Books:
        async with Workplace.at(folder, {}).open_store(read_only=True) as store:
            return Books(await store.jobs(), await store.lost_attempts(), fault)

    loop = asyncio.new_event_loop()  # asyncio.run would take away the one that other tests ask for
    try:
        return loop.run_until_complete(read())
    finally:
        loop.close()


@contextmanager
def scene_of(
    folder: Path, service: str, *, characters: int, latency: float = 0.05, words: Sequence[str] = FAST, **knobs: Any
) -> Iterator[Scene]:
    """A project of so many characters in *folder*, and a service that takes *latency* seconds to answer."""
    (folder / "characters.yaml").write_text(roster_of(characters), encoding="utf-8")
    kind = SERVICES[service]
    with kind.serve(latency, **knobs) as emulator:
        scene = Scene(folder, kind, emulator, words=tuple(words))
        try:
            yield scene
        finally:
            scene.close()
