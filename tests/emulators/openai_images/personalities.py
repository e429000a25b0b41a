"""The servers that speak OpenAI's Images API, and in what they differ: as data.

Facts from the project's notes on the protocol as of 2026-11-22, where each is marked as read in code, captured or
documented. A server's personality says what it takes; the code that serves all of them is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GPT_IMAGE_MODELS = (
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-sunburst-2026-09-08",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-flare-2026-09-08",
    "gpt-image-2",
    "gpt-image-2-2026-04-21",
    "gpt-image-1.5",
    "gpt-image-1-mini",
    "chatgpt-image-latest",
)
"""OpenAI's image models of that day."""

RETIRED = {"dall-e-2": "2026-05-12", "dall-e-3": "2026-05-12", "gpt-image-1": "2026-10-23"}
"""What OpenAI has shut down, and when."""

OTHER_MODELS = ("gpt-5.4-mini", "text-embedding-3-large", "whisper-1")
"""Some of the many models beside them in OpenAI's list, which draw nothing."""


@dataclass(frozen=True)
class Personality:
    """How one server differs from the others."""

    name: str
    auth: str = "bearer"
    """``"bearer"``, ``"api-key"`` (Azure's header) or ``"none"``."""
    prefixes: tuple[str, ...] = ("/v1",)
    """What stands before ``/images/generations``; ``{deployment}`` is a name."""
    list_prefixes: tuple[str, ...] = ()
    """What else may stand before ``/models``, and before nothing besides."""
    needs_api_version: bool = False
    """The prefix with a deployment wants ``?api-version=``."""
    response_formats: tuple[str, ...] = ()
    """Allowed values; none where the field itself is refused."""
    default_format: str = "b64_json"
    """What an answer holds when nothing is asked for: ``b64_json``, ``url``, ``relative-url`` or ``data``."""
    refused_formats: Mapping[str, str] = field(default_factory=dict)
    """Values that are understood and refused, each with the server's words."""
    strict: bool = True
    """A field it does not know is refused rather than ignored."""
    edits: frozenset[str] = frozenset({"multipart"})
    """The forms of ``/images/edits`` it takes: ``multipart``, ``json``; none for no such route."""
    edit_parts: frozenset[str] = frozenset({"image", "image[]"})
    """Names of the parts that hold reference pictures."""
    reference_fields: tuple[str, ...] = ()
    """Fields of a generation's JSON that take references, as base64, data URI or address."""
    size: str = "openai"
    """``"openai"`` (its rules by model), ``"x"`` (any ``WxH``; what has no x is drawn at 512), ``"width_height"``."""
    models: tuple[str, ...] = GPT_IMAGE_MODELS
    served_only: bool = False
    """``model`` must be absent or the served one."""
    errors: str = "openai"
    """The shape of errors: ``openai``, ``azure``, ``fastapi`` or ``localai``."""
    files: bool = False
    usage: bool = False
    rate_headers: bool = False
    bare_list: bool = False
    """``/models`` answers a bare list whose entries have a ``type``."""
    item: Mapping[str, object] = field(default_factory=dict)
    """What stands in every data item beside the picture."""
    picture_format: str = "PNG"


OPENAI = Personality(
    "openai",
    edits=frozenset({"multipart", "json"}),
    models=(*GPT_IMAGE_MODELS, *OTHER_MODELS),
    files=True,
    usage=True,
    rate_headers=True,
)

AZURE = Personality(
    "azure",
    auth="api-key",
    prefixes=("/openai/v1", "/openai/deployments/{deployment}"),
    list_prefixes=("/openai",),
    needs_api_version=True,
    errors="azure",
    usage=True,
    edits=frozenset({"multipart", "json"}),
)

LITELLM = Personality("litellm", models=("gpt-image-2", "openai/gpt-image-2", "gpt-image-1-mini"), usage=True)
"""It passes everything through, OpenAI's refusal of ``response_format`` too."""

LOCALAI = Personality(
    "localai",
    auth="none",
    prefixes=("/v1", ""),
    response_formats=("url", "b64_json"),
    default_format="url",
    strict=False,
    edits=frozenset(),
    reference_fields=("file", "files", "ref_images"),
    size="x",
    models=("stablediffusion", "flux.1-dev"),
    errors="localai",
    files=True,
)

VLLM = Personality(
    "vllm",
    auth="none",
    response_formats=("b64_json", "file"),
    refused_formats={"url": "response_format 'url' is not supported"},
    strict=False,
    size="x",
    models=("Qwen/Qwen-Image",),
    served_only=True,
    errors="fastapi",
)

SGLANG = Personality(
    "sglang",
    auth="none",
    response_formats=("b64_json", "url"),
    default_format="url",
    refused_formats={"url": "response_format='url' requires cloud storage to be configured"},
    strict=False,
    edit_parts=frozenset({"image", "image[]", "url", "url[]"}),
    size="x",
    models=("black-forest-labs/FLUX.1-dev",),
    errors="fastapi",
    item={"revised_prompt": None, "file_path": "outputs/0001.png"},
)

TOGETHER = Personality(
    "together",
    response_formats=("base64", "url"),
    default_format="url",
    strict=True,
    edits=frozenset(),
    reference_fields=("image_url", "reference_images"),
    size="width_height",
    models=("black-forest-labs/FLUX.1-kontext-dev", "black-forest-labs/FLUX.1-schnell"),
    bare_list=True,
    item={"index": 0, "type": "b64_json"},
    picture_format="JPEG",
)

RELAY = Personality("relay", strict=False, response_formats=("b64_json", "url"), default_format="data", size="x")
"""A reseller's relay as many people have one: any model, a ``data:`` address for an answer."""

PERSONALITIES = {one.name: one for one in (OPENAI, AZURE, LITELLM, LOCALAI, VLLM, SGLANG, TOGETHER, RELAY)}
