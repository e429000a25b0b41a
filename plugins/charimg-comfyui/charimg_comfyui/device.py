"""A server's description of itself, in a few words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from charimg.verdicts.answer import as_number, one_line

GIGABYTE = 1024**3


def words_of(stats: Mapping[str, Any]) -> str:
    """``ComfyUI 0.3.64 on NVIDIA GeForce RTX 4070, 9.0 of 12.0 GB free``, from ``/system_stats``."""
    system, devices = stats.get("system"), stats.get("devices")
    version = system.get("comfyui_version") if isinstance(system, dict) else None
    name = " ".join(str(part) for part in ("ComfyUI", version) if part)
    listed = [one for one in devices if isinstance(one, dict)] if isinstance(devices, list) else []
    told = ", ".join(_device(one) for one in listed)
    return one_line(f"{name} on {told}" if told else name)


def _device(device: Mapping[str, Any]) -> str:
    """One device: the name without PyTorch's number and allocator, and its memory."""
    name = re.sub(r"^\w+:\d+ ", "", str(device.get("name") or "")).partition(" : ")[0] or str(device.get("type") or "?")
    total, free = as_number(device.get("vram_total")), as_number(device.get("vram_free"))
    if device.get("type") == "cpu":
        return "the processor (no graphics card)"
    if total is None or free is None or total <= 0:
        return name
    return f"{name}, {free / GIGABYTE:.1f} of {total / GIGABYTE:.1f} GB free"
