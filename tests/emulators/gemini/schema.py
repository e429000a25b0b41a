"""Proto-JSON as strictly as Google reads it: both spellings of a name, and no name or type it does not know."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from .replies import RPC, Refused, error

ANY = "any"
STRING, INTEGER, NUMBER, BOOLEAN, BYTES = "TYPE_STRING", "TYPE_INT32", "TYPE_FLOAT", "TYPE_BOOL", "TYPE_BYTES"
Message = Mapping[str, Any]
"""Fields by their camelCase name: a scalar's name, a nested mapping, or a one-element list of either."""

IMAGE_CONFIG: Message = {"aspectRatio": STRING, "imageSize": STRING}  # personGeneration belongs to Vertex
GENERATION_CONFIG: Message = {
    "responseModalities": [STRING],
    "imageConfig": IMAGE_CONFIG,
    "stopSequences": [STRING],
    "responseMimeType": STRING,
    "responseSchema": ANY,
    "responseJsonSchema": ANY,
    "candidateCount": INTEGER,
    "maxOutputTokens": INTEGER,
    "temperature": NUMBER,
    "topP": NUMBER,
    "topK": NUMBER,
    "seed": INTEGER,
    "presencePenalty": NUMBER,
    "frequencyPenalty": NUMBER,
    "responseLogprobs": BOOLEAN,
    "logprobs": INTEGER,
    "enableEnhancedCivicAnswers": BOOLEAN,
    "speechConfig": ANY,
    "thinkingConfig": ANY,
    "mediaResolution": STRING,
}
PART: Message = {
    "text": STRING,
    "inlineData": {"mimeType": STRING, "data": BYTES},
    "fileData": {"mimeType": STRING, "fileUri": STRING},
    "thought": BOOLEAN,
    "thoughtSignature": BYTES,
    "functionCall": ANY,
    "functionResponse": ANY,
    "executableCode": ANY,
    "codeExecutionResult": ANY,
    "videoMetadata": ANY,
    "mediaResolution": ANY,
}
CONTENT: Message = {"role": STRING, "parts": [PART]}
GENERATE: Message = {
    "model": STRING,
    "contents": [CONTENT],
    "systemInstruction": CONTENT,
    "generationConfig": GENERATION_CONFIG,
    "safetySettings": [{"category": STRING, "threshold": STRING}],
    "tools": ANY,
    "toolConfig": ANY,
    "cachedContent": STRING,
    "store": BOOLEAN,
    "serviceTier": STRING,
}
CREATE_FILE: Message = {
    "file": {"name": STRING, "displayName": STRING, "mimeType": STRING, "sizeBytes": INTEGER},
}


def snake(name: str) -> str:
    """The other spelling of a camelCase name."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def invalid(message: str, field: str = "") -> Refused:
    """The 400 for a request that does not fit its schema."""
    detail = {"@type": f"{RPC}BadRequest", "fieldViolations": [{"field": field, "description": message}]}
    return Refused(error(400, message, None, detail), message)


def read(value: Any, schema: Any, path: str = "") -> Any:
    """*value* with camelCase names and decoded bytes; raises :class:`~.replies.Refused` where it does not fit."""
    if schema == ANY or value is None:
        return value
    if isinstance(schema, list):
        if not isinstance(value, list):
            value = [value]  # proto-JSON reads one as a list of one; the SDK relies on it nowhere
        return [read(one, schema[0], f"{path}[{number}]") for number, one in enumerate(value)]
    if isinstance(schema, Mapping):
        return _message(value, schema, path)
    return _scalar(value, schema, path)


def _message(value: Any, schema: Message, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"Invalid value at '{path}' (TYPE_MESSAGE), {_shown(value)}", path)
    names = {**{name: name for name in schema}, **{snake(name): name for name in schema}}
    found: dict[str, Any] = {}
    for given, inner in value.items():
        name = names.get(given)
        if name is None:
            where = f" at '{path}'" if path else ""
            raise invalid(f'Invalid JSON payload received. Unknown name "{given}"{where}: Cannot find field.', path)
        if name in found:
            raise invalid(f"Invalid value at '{path}' (oneof), oneof field '{given}' is already set.", path)
        if inner is not None:
            found[name] = read(inner, schema[name], f"{path}.{snake(name)}" if path else snake(name))
    return found


def _scalar(value: Any, kind: str, path: str) -> Any:
    if kind == BYTES:
        return _bytes(value, path)
    if kind == INTEGER and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    fits = {
        STRING: isinstance(value, str),
        BOOLEAN: isinstance(value, bool),
        INTEGER: isinstance(value, int) and not isinstance(value, bool),
        NUMBER: isinstance(value, (int, float)) and not isinstance(value, bool),
    }[kind]
    if not fits:
        raise invalid(f"Invalid value at '{path}' ({kind}), {_shown(value)}", path)
    return value


def _bytes(value: Any, path: str) -> bytes:
    """Base64 in either alphabet, as the official client sends the URL-safe one."""
    if not isinstance(value, str):
        raise invalid(f"Invalid value at '{path}' ({BYTES}), {_shown(value)}", path)
    text = value.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(
            f"Invalid value at '{path}' ({BYTES}), Base64 decoding failed for {_shown(value[:40])}", path
        ) from None


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
