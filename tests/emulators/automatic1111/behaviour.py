"""The emulator's knobs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

CHECKPOINTS = ("sd_xl_base_1.0.safetensors [31e35c80fc]", "dreamshaper_8.safetensors [879db523c3]")
"""Titles as the server lists them: the file and its short hash."""

SAMPLERS = ("DPM++ 2M", "DPM++ SDE", "Euler a", "Euler", "DDIM", "UniPC")

SCHEDULERS = ("automatic", "uniform", "karras", "exponential")


@dataclass
class Fault:
    """One scripted trouble, for the next request of its endpoint (the pictures', unless said otherwise)."""

    then: str | int
    """A status, with *body* and *headers* verbatim; or one of ``drop`` (the connection ends before anything is
    drawn), ``drop-after`` (the picture is drawn and its answer lost), ``truncate`` (the answer breaks off),
    ``no-pictures``, ``bad-base64``, ``black`` (an NSFW extension's), ``grid`` (a grid comes first), ``garbled-info``,
    ``object-info``, ``hang``."""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    endpoint: str = "pictures"
    """``pictures``, ``progress``, ``sd-models`` or ``options``."""
    times: int = 1

    @property
    def data(self) -> bytes:
        """The body's bytes: JSON unless it is bytes already."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Behaviour:
    """How the emulated server behaves. Every knob may be turned while it runs."""

    api: bool = True
    """``False``: started without ``--api``; the web page is there and every ``/sdapi`` path is a 404."""
    auth: tuple[str, str] | None = None
    """User and password of ``--api-auth``."""
    checkpoints: tuple[str, ...] = CHECKPOINTS
    samplers: tuple[str, ...] = SAMPLERS
    schedulers: tuple[str, ...] = SCHEDULERS
    unknown_checkpoint: str = "refuse"
    """``refuse`` with 404 «Model not found»; ``ignore``: draw with the loaded one, as some versions do."""
    forge: bool = False
    """Forge's manners: errors in FastAPI's own form, «Sampler not found» with 400, a bare 500 for an unknown checkpoint
    and for a text request without ``override_settings`` (its source, read 2026-11-22)."""
    step_seconds: float = 0.0
    """Seconds that one sampling step takes."""
    faults: list[Fault] = field(default_factory=list)

    def fault_for(self, endpoint: str) -> Fault | None:
        """The next scripted trouble of *endpoint*, which is used up by asking."""
        for fault in self.faults:
            if fault.endpoint == endpoint:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None
