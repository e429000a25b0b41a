"""Which package has which provider: what an error names, and what ``charimg install`` installs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

CORE = "charimg-cli"
"""The distribution of charimg itself."""
PREFIX = "charimg-"
"""How the distributions of plugins are called: the prefix and the provider's name."""
HOSTED = "charimg-hosted"
"""The distribution of the services that take a job and are asked for it until it is done."""

PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "automatic1111": "charimg-automatic1111",
        "avatar": "charimg-avatar",
        "comfyui": "charimg-comfyui",
        "gemini": "charimg-gemini",
        "openai": "charimg-openai",
        "whisk": "charimg-whisk",
        "aihorde": HOSTED,
        "bfl": HOSTED,
        "fal": HOSTED,
        "huggingface": HOSTED,
        "replicate": HOSTED,
        "stability": HOSTED,
    }
)
"""Every provider of this house that is not in the core, and its distribution."""


def canonical(distribution: str) -> str:
    """The name by which two spellings of a distribution are the same (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def where_to_get(name: str, installed: list[str]) -> str:
    """What to do about a provider nobody here has.

    :param name: what the user wrote.
    :param installed: the names there are.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - needed only for a typing mistake

    if name in PACKAGES and name not in installed:
        return f"it is in the package {PACKAGES[name]}: charimg install {name}"
    close = get_close_matches(name, [*installed, *PACKAGES], 1)
    if close and close[0] in installed:
        return f"did you mean '{close[0]}'?"
    if close:
        return f"did you mean '{close[0]}'? It is in the package {PACKAGES[close[0]]}: charimg install {close[0]}"
    return "charimg knows no package that has it; if you know one: charimg install PACKAGE"
