"""What the service remembers: workflows, and media with their ids and ends."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from .behaviour import Behaviour
from .ids import asset_media_id, whisk_media_id

WHISK, ASSETS = "whisk", "assets"
"""The two id spaces: Whisk's own (generations and ``backbone.uploadImage``) and the asset lane's."""


@dataclass(frozen=True)
class Medium:
    """One stored picture."""

    id: str
    key: str
    account: str
    space: str
    data: bytes
    aspect: str
    ends: float | None
    """On the emulator's clock; ``None`` for never."""
    workflow: str = ""
    step: int = 0
    category: str | None = None
    caption: str = ""
    uploaded: bool = False
    seed: int = 0
    prompt: str = ""
    model: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    """Id and category of each medium it was made from."""
    previous: str | None = None
    fingerprint: str = ""
    created: str = field(default_factory=lambda: datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))


class Library:
    """Media and workflows of one emulator."""

    def __init__(self, behaviour: Behaviour, clock: Callable[[], float]) -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._media: dict[str, Medium] = {}
        self._steps: dict[str, int] = {}
        self.workflows: dict[str, tuple[str, str]] = {}
        """Workflow id to its account and name."""

    def next_id(self, space: str, workflow: str) -> tuple[str, str, int]:
        """A new id, its media key and its step in *workflow*."""
        key = str(uuid.uuid4())
        if space == ASSETS:
            return asset_media_id(key), key, 0
        step = self._steps[workflow] = self._steps.get(workflow, 0) + 1
        return whisk_media_id(workflow, step, key), key, step

    def ends(self, *, uploaded: bool) -> float | None:
        """When a medium stored now will be forgotten."""
        ttl = self._behaviour.upload_ttl if uploaded else self._behaviour.generated_ttl
        return None if ttl is None else self._clock() + ttl

    def keep(self, medium: Medium) -> None:
        """Store *medium*."""
        self._media[medium.id] = medium

    def find(self, media_id: str, account: str, *spaces: str) -> Medium | None:
        """The living medium of *account* with this id or media key, in one of *spaces*."""
        medium = self._media.get(media_id) or next((m for m in self._media.values() if m.key == media_id), None)
        if medium is None or medium.account != account or medium.space not in spaces:
            return None
        return None if medium.ends is not None and medium.ends <= self._clock() else medium

    def forget(self, media_id: str) -> None:
        """Delete a medium."""
        self._media.pop(media_id, None)
