"""A small project whose pictures are saved and recorded as a run does it, without the run."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

from PIL import Image

from charimg.contracts import Attempt, JobRecord, PictureRecord, ProviderContext
from charimg.images import inspect
from charimg.metadata import PictureMetadata
from charimg.model import Cost, Roster
from charimg.picture_folder import PictureFolder
from charimg.project import Project
from charimg.providers.sqlite import SqliteStore
from charimg.roster import read_roster, request_for

T = TypeVar("T")

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)

ROSTER = """\
style: {prefix: ink drawing, negative: text}
characters:
  - {name: Ana, description: a tall queen with a crown, seed: 7}
  - {name: Gopal Bhar, description: a short jester with a round belly}
  - {name: গোপাল ভাঁড়, key: gopal, description: a barber with a sharp tongue, aspect_ratio: '1:1'}
"""


def painted(number: int, kind: str = "PNG") -> bytes:
    """A small picture, another for every number."""
    out = io.BytesIO()
    Image.new("RGB", (16, 24), (number % 256, number // 256, 9)).save(out, kind)
    return out.getvalue()


class KeptProject:
    """The project in a folder; its roster has three characters."""

    def __init__(self, folder: Path, metadata: str = "embed", roster: str = ROSTER) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "characters.yaml").write_text(roster, encoding="utf-8")
        self.roster: Roster = read_roster(folder / "characters.yaml")
        self.project = Project.at(folder)
        self.pictures = PictureFolder(self.project.out, metadata=metadata)
        self.count = 0

    def store(self) -> SqliteStore:
        """The project's store, not yet open."""
        return SqliteStore(ProviderContext(folder=self.folder, out=self.project.out))

    def with_store(self, work: Callable[[SqliteStore], Awaitable[T]]) -> T:
        """Do something with the store."""

        async def play() -> T:
            store = self.store()
            await store.open()
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(play())

    def save(self, key: str, *, candidate: bool = False, kind: str = "PNG", data: bytes | None = None) -> Path:
        """A further picture of a character, made, saved and recorded."""
        self.count += 1
        moment = NOON + timedelta(minutes=self.count)
        request = next(request_for(self.roster, one) for one in self.roster.characters if one.key == key)
        attempt = f"attempt-{self.count}"
        data = painted(self.count, kind) if data is None else data
        said = PictureMetadata(
            key=key,
            made=moment,
            name=request.name,
            description=request.description,
            prompt=request.prompt,
            provider="easel",
            lane="easel/work",
            model="brush-2",
            seed=request.seed if request.seed is not None else 1000 + self.count,
            attempt=attempt,
            asked=request.fingerprint,
            aspect_ratio=request.aspect_ratio,
            negative=request.negative,
            request_id=f"request-{self.count}",
            cost=Cost(0.25, "USD", "reported"),
            original=hashlib.sha256(data).hexdigest(),
            candidate=candidate,
            place="easel.example/work",
        )

        async def record(store: SqliteStore) -> Path:
            await store.record_intent(
                Attempt(
                    id=attempt,
                    run=f"run-{self.count}",
                    key=key,
                    name=request.name,
                    lane=said.lane,
                    provider=said.provider,
                    asked=said.asked,
                    prompt=said.prompt,
                    seed=said.seed,
                    started=moment,
                    place=said.place,
                    candidate=candidate,
                )
            )
            saved = self.pictures.save(key, attempt, data, inspect(data), said, beside=candidate)
            kept = None if saved.kept_as is None else self.project.shown(saved.kept_as)
            picture = PictureRecord(
                self.project.shown(saved.path),
                saved.facts,
                seed=said.seed,
                model=said.model,
                request_id=said.request_id,
                cost=said.cost,
                original=said.original,
                saved=moment,
            )
            await store.record_saved(attempt, picture, kept)
            await store.record_upload(key, "none", None)
            return saved.path

        return self.with_store(record)

    def save_all(self) -> None:
        """A picture of each character."""
        for one in self.roster.characters:
            self.save(one.key)

    def lose_ledger(self, *, roster: bool = False) -> None:
        """The ledger is gone, and perhaps the roster."""
        for path in sorted((self.folder / ".charimg").iterdir()):
            path.unlink()
        if roster:
            (self.folder / "characters.yaml").unlink()

    def jobs(self) -> dict[str, JobRecord]:
        """What the ledger knows."""
        return self.with_store(lambda store: store.jobs())

    def names(self) -> list[str]:
        """What is in the folder of pictures."""
        return sorted(path.name for path in self.project.out.iterdir())

    def digests(self) -> Counter[str]:
        """The bytes of every picture file, by digest."""
        files = (
            path for path in self.project.out.iterdir() if not path.name.startswith(".") and path.suffix != ".json"
        )
        return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
