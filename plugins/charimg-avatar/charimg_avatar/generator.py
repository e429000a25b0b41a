"""The generator ``avatar``: draws offline, and can play a service with its troubles for rehearsals."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from fractions import Fraction

from charimg.contracts import Abilities, Declaration, ImageGenerator, Price, ProviderContext, Setting
from charimg.contracts.declaration import SettingValue
from charimg.errors import FlakyError, InputError, InvalidRequestError, RejectedError, ThrottledError
from charimg.model import GeneratedImage, ImageRequest

QUOTA_WINDOW = 60.0
"""Seconds in which the rehearsed quota is refilled once."""

_SIZES: Mapping[str, tuple[int, int]] = {
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "1:1": (1024, 1024),
}
"""Pixel sizes of the ratios that image services know, as those services make them."""


class RehearsedQuota:
    """So many pictures a minute, as the token bucket of most services has it: full at first, refilled evenly."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._left = float(per_minute)
        self._seen: float | None = None

    def take(self, now: float) -> None:
        """Count one request at *now*, seconds on any monotonic clock.

        Raises ThrottledError when nothing is left. A refused request does not count, and the wait is not
        told: most services do not tell it either, so the policy's own wait is what one gets to see.
        """
        if not self._per_minute:
            return
        passed = 0.0 if self._seen is None else now - self._seen
        self._left = min(self._per_minute, self._left + passed * self._per_minute / QUOTA_WINDOW)
        self._seen = now
        if self._left < 1:
            pictures = "picture" if self._per_minute == 1 else "pictures"
            raise ThrottledError(f"Rate limit reached: {self._per_minute} {pictures} per minute (rehearsal)")
        self._left -= 1


class AvatarGenerator(ImageGenerator):
    """Draws a portrait from the words of the description: no account, no network, no cost."""

    declaration = Declaration(
        name="avatar",
        summary="Draws a portrait from the words of the description, offline; rehearses quotas and failures.",
        settings=(
            Setting("latency", "Rehearsal: seconds one picture takes.", float, 0.0, minimum=0, maximum=600),
            Setting("quota", "Rehearsal: pictures a minute, 0 for no limit.", int, 0, minimum=0, maximum=100_000),
            Setting(
                "failure_rate",
                "Rehearsal: share of requests that fail, 0 to 1; the same requests fail every time.",
                float,
                0.0,
                minimum=0,
                maximum=1,
            ),
            Setting("reject", "Rehearsal: names, with commas between, refused as by a content policy.", str, ""),
        ),
        abilities=Abilities(seed=True, offline=True),
        price=Price(0),
        url="https://www.dicebear.com/styles/avataaars/",
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        settings = context.settings
        self._latency = _number(settings, "latency")
        self._failure_rate = _number(settings, "failure_rate")
        self._rejected = {_folded(name) for name in str(settings.get("reject") or "").split(",") if name.strip()}
        self._quota = RehearsedQuota(int(_number(settings, "quota")))
        self._tries: dict[str, int] = {}

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Draw the character; the same name, description and seed give the same bytes.

        Raises the troubles that the settings ask for (ThrottledError, RejectedError, FlakyError), and
        InvalidRequestError for a ratio beyond 1:8.
        """
        from charimg_avatar.portrait import draw  # noqa: PLC0415 - the drawing loads only when a picture is made

        width, height = size_of(request.aspect_ratio)
        self._quota.take(asyncio.get_running_loop().time())
        if self._latency:  # it plays the service: this is the service's time, not a wait of ours
            await asyncio.sleep(self._latency)
        if {_folded(request.name), _folded(request.key)} & self._rejected:
            raise RejectedError(f"{request.name} was refused by the content policy (rehearsal)")
        attempt = self._tries[request.key] = self._tries.get(request.key, 0) + 1
        if _lot(request.key, attempt) < self._failure_rate:
            raise FlakyError("The service answered 500 Internal Server Error (rehearsal)")
        # Drawn right here: the renderer holds the interpreter's lock, so that a thread would free nobody.
        data = draw(
            name=request.name,
            description=request.description or request.prompt,
            seed="" if request.seed is None else str(request.seed),
            width=width,
            height=height,
        )
        return GeneratedImage(data=data, seed=request.seed, model="avataaars", prompt=request.prompt)


def size_of(aspect_ratio: str) -> tuple[int, int]:
    """Width and height in pixels for a ratio ``"W:H"``: the sizes services use, else about one megapixel.

    Raises InvalidRequestError for what is no ratio or is more than eight times as long as wide.
    """
    if aspect_ratio in _SIZES:
        return _SIZES[aspect_ratio]
    across, _, down = aspect_ratio.partition(":")
    try:
        ratio = Fraction(across.strip()) / Fraction(down.strip())
    except (ValueError, ZeroDivisionError):
        ratio = Fraction(0)
    if not Fraction(1, 8) <= ratio <= 8:
        raise InvalidRequestError(f"aspect ratio {aspect_ratio!r} cannot be drawn; write W:H such as 9:16, up to 1:8")
    width = (1024 * 1024 * float(ratio)) ** 0.5
    return max(8, round(width / 8) * 8), max(8, round(width / float(ratio) / 8) * 8)


def _number(settings: Mapping[str, SettingValue | None], name: str) -> float:
    value = settings.get(name)
    try:
        return float(value or 0)
    except ValueError:
        raise InputError(f"avatar: {name} must be a number, not {value!r}") from None


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _lot(key: str, attempt: int) -> float:
    """A number from 0 up to 1 that belongs to this key and attempt for ever."""
    digest = hashlib.sha256(f"{key}\0{attempt}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
