"""The knobs of the emulator, and the troubles that can be scripted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

GIGABYTE = 1024**3


@dataclass(frozen=True)
class Reply:
    """An answer given word for word."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(status: int, document: Any, **headers: str) -> Reply:
    """An answer of JSON."""
    return Reply(status, json.dumps(document).encode(), headers=headers)


def html_reply(status: int, words: str) -> Reply:
    """What a reverse proxy says for itself."""
    page = f"<html><head><title>{status} {words}</title></head><body><h1>{status} {words}</h1></body></html>"
    return Reply(status, page.encode(), "text/html")


@dataclass
class Fault:
    """One scripted trouble.

    At an endpoint (``prompt``, ``history``, ``queue``, ``view``, ``upload``, ``stats``, ``object_info``, ``free``,
    ``ws``): a :class:`Reply`, ``"drop"`` (the connection ends without an answer) or ``"drop-after"`` (the same, but
    the request was carried out). At ``run``: ``"oom"``, ``"error"``, ``"interrupt"``, ``"empty"`` (it ends without
    pictures), ``"lose"`` (the file is gone) or ``"garbage"`` (the file is no picture).
    """

    at: str
    then: Reply | str
    times: int = 1
    """How often it strikes."""
    after: int = 0
    """How many requests it lets pass first."""

    def strikes(self, at: str) -> bool:
        """Whether it meets this request; counts it."""
        if at != self.at or self.times <= 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Behaviour:
    """What the server is like. Every knob may be turned while it runs."""

    checkpoints: tuple[str, ...] = ("dreamshaper_8.safetensors", "sd_xl_base_1.0.safetensors")
    step_seconds: float = 0.0
    """Real seconds a sampling step takes."""
    previews: bool = True
    """Every step sends a binary preview."""
    progress: str = "both"
    """``"progress"`` (older servers), ``"progress_state"``, or ``"both"``."""
    takes_prompt_ids: str = "uuid"
    """``"uuid"`` (recent: others are refused), ``"any"``, or ``"none"`` (older: it gives its own)."""
    history_survives: bool = False
    """A restart keeps what is finished."""
    queue_limit: int | None = None
    """A proxy in front refuses a prompt with 503 when so many wait or run."""
    oom_pixels: int | None = None
    """Larger pictures do not fit into the graphics memory."""
    websocket: str = "open"
    """``"open"``, ``"refused"`` (403, as proxies without upgrade do) or ``"dropping"`` (after three messages)."""
    prefix: str = ""
    """The path under which a reverse proxy shows the server, as ``/comfy``."""
    login: tuple[str, str] | None = None
    """User and password that a reverse proxy asks for."""
    token: str | None = None
    """Bearer token that a reverse proxy asks for."""
    combos: str = "classic"
    """How ``/object_info`` writes choices: ``"classic"`` or ``"combo"``."""
    version: str = "0.3.64"
    gpu: str = "cuda:0 NVIDIA GeForce RTX 4070 : cudaMallocAsync"
    vram: tuple[int, int] = (12 * GIGABYTE, 9 * GIGABYTE)
    """Bytes: total, free."""
    faults: list[Fault] = field(default_factory=list)
