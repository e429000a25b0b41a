"""How the servers differ that speak OpenAI's Images API: as data.

Facts: read in the servers' code or captured, as of 2026-11-22 (Azure 2025-04-01-preview and v1, LiteLLM 1.109, LocalAI
2026-08, vLLM-Omni 0.30, SGLang 0.5.23, Together 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Dialect:
    """What one server wants otherwise."""

    name: str
    """The value of the setting ``server``."""
    title: str
    """How messages call it; empty for the address's host."""
    path: str = "/v1"
    """What an address without a path is taken to mean."""
    auth: str = "bearer"
    """``"bearer"``, or ``"api-key"``: Azure's header."""
    needs_key: bool = False
    """Without a key nothing can succeed."""
    response_format: str = "auto"
    """``none``, ``b64_json``, ``base64``; ``auto``: by the model, for OpenAI's own refuse the field."""
    references: str = "multipart"
    """How reference pictures travel where the user says nothing: ``multipart`` or ``fields``."""
    one_field: str = "ref_images"
    """The field of a generation that takes one reference, for ``fields``."""
    many_field: str = "ref_images"
    """The field that takes a list of them."""
    as_data_uri: bool = False
    """References in fields are data URIs rather than bare base64."""
    size: str = "size"
    """``size`` (``"1024x1536"``), or ``width_height``: two numbers."""
    only_openai: bool = False
    """Every model there is one of OpenAI's, whatever it is called (an Azure deployment has a name of its own)."""
    serves_one_model: bool = False
    """It refuses any other model name, so the default is not sent."""
    free: bool = False
    """It runs on the user's own machine: a picture costs nothing."""
    files: bool = True
    """It has a Files API, as far as is known: a server that turns out to have none says so at the first upload."""
    negative_mark: str | None = None
    """What parts the prompt from what must not be in the picture, where it can be told."""


COMPATIBLE = Dialect("compatible", "")

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        one.name: one
        for one in (
            Dialect("openai", "OpenAI", needs_key=True, response_format="none", only_openai=True),
            Dialect(
                "azure",
                "Azure",
                path="/openai/v1",
                auth="api-key",
                needs_key=True,
                response_format="none",
                only_openai=True,
            ),
            Dialect("litellm", "the LiteLLM proxy"),
            # Without b64_json it answers with an address; a size of "auto" would become 512x512.
            Dialect(
                "localai", "LocalAI", response_format="b64_json", references="fields", free=True, negative_mark="|"
            ),
            Dialect("vllm", "vLLM", response_format="b64_json", serves_one_model=True, free=True, files=False),
            # Its own default, url, is refused without cloud storage.
            Dialect("sglang", "SGLang", response_format="b64_json", serves_one_model=True, free=True, files=False),
            Dialect(
                "together",
                "Together",
                needs_key=True,
                response_format="base64",
                references="fields",
                one_field="image_url",
                many_field="reference_images",
                as_data_uri=True,
                size="width_height",
                files=False,
            ),
            COMPATIBLE,
        )
    }
)
"""By the value of the setting ``server``."""

AUTOMATIC = "auto"

_HOSTS = (
    (re.compile(r"(?:.+\.)?openai\.com"), "openai"),
    (re.compile(r".+\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)"), "azure"),
    (re.compile(r"(?:.+\.)?together\.(?:xyz|ai)"), "together"),
)


def dialect_of(server: str, base_url: str) -> Dialect:
    """The dialect the user named, or that of the address: its host tells OpenAI, Azure and Together apart; any other is
    a compatible server."""
    if server != AUTOMATIC:
        return DIALECTS[server]
    try:
        host = (urlsplit(base_url).hostname or "").lower()
    except ValueError:  # such as http://[::1; whoever sends something there tells it
        host = ""
    return next((DIALECTS[name] for pattern, name in _HOSTS if pattern.fullmatch(host)), COMPATIBLE)
