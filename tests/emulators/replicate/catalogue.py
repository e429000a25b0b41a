"""The models of the emulated Replicate, with the schemas of their inputs."""

from __future__ import annotations

from typing import Any

RATIOS = ["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"]
VERSION = "5599ed30703defd1d160a25a63321b4dec97101d98b4674bcc56e41f62f35637"
"""The one version that community predictions know here."""

_TEXT = {"type": "string", "title": "Prompt"}
_SEED = {"type": "integer", "title": "Seed"}
_RATIO = {"allOf": [{"$ref": "#/components/schemas/aspect_ratio"}], "default": "1:1"}
_FORMAT = {"allOf": [{"$ref": "#/components/schemas/output_format"}], "default": "webp"}
_PICTURE = {"type": "string", "format": "uri"}

INPUTS: dict[str, dict[str, Any]] = {
    "black-forest-labs/flux-schnell": {
        "prompt": _TEXT,
        "aspect_ratio": _RATIO,
        "seed": _SEED,
        "num_outputs": {"type": "integer"},
        "output_format": _FORMAT,
    },
    "black-forest-labs/flux-kontext-pro": {
        "prompt": _TEXT,
        "aspect_ratio": {"type": "string", "enum": ["match_input_image", *RATIOS]},
        "seed": _SEED,
        "input_image": _PICTURE,
    },
    "black-forest-labs/flux-2-pro": {
        "prompt": _TEXT,
        "aspect_ratio": {"type": "string", "enum": ["match_input_image", *RATIOS]},
        "seed": _SEED,
        "input_images": {"type": "array", "items": _PICTURE},
    },
    "a-stranger/sdxl": {
        "prompt": _TEXT,
        "negative_prompt": {"type": "string"},
        "width": {"type": "integer"},
        "height": {"type": "integer"},
        "seed": _SEED,
    },
}
"""The properties of each model's input."""

OFFICIAL = tuple(name for name in INPUTS if name.startswith("black-forest-labs/"))
"""Models that predictions may name without a version."""

KINDS: dict[str, type] = {"string": str, "integer": int, "array": list}


def schema(name: str) -> dict[str, Any]:
    """The OpenAPI schema of a model's version."""
    return {
        "openapi": "3.0.2",
        "components": {
            "schemas": {
                "Input": {"type": "object", "title": "Input", "required": ["prompt"], "properties": INPUTS[name]},
                "aspect_ratio": {"type": "string", "enum": RATIOS},
                "output_format": {"type": "string", "enum": ["webp", "jpg", "png"]},
            }
        },
    }


def model(name: str, *, brief: bool = False) -> dict[str, Any]:
    """A model as ``GET /v1/models/{owner}/{name}`` and the collections tell it."""
    owner, _, short = name.partition("/")
    version = {
        "id": VERSION,
        "created_at": "2026-01-01T00:00:00Z",
        "cog_version": "0.9.0",
        "openapi_schema": schema(name),
    }
    return {
        "url": f"https://replicate.com/{name}",
        "owner": owner,
        "name": short,
        "description": f"What {short} does",
        "visibility": "public",
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "run_count": 1,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": None if brief else version,
    }


def faults_of(name: str, asked: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with an input, as field and words; empty when it fits."""
    properties = INPUTS[name]
    found = [] if "prompt" in asked else [("input", "prompt is required")]
    for field, value in asked.items():
        if field not in properties:
            found.append((f"input.{field}", f"Additional property {field} is not allowed"))
            continue
        wanted = properties[field]
        kind = KINDS[str(wanted.get("type", "string"))]
        if not isinstance(value, kind) or isinstance(value, bool):
            found.append((f"input.{field}", f"Invalid type. Expected: {wanted.get('type')}"))
        elif field == "aspect_ratio" and value not in wanted.get("enum", RATIOS):
            found.append((f"input.{field}", f"{field} must be one of the following: {', '.join(RATIOS)}"))
    return found
