"""What a refusal of Hugging Face's means, as one of the core's errors.

Errors are ``{"error": sentence}`` or ``{"error": [sentences]}``, the status decides. Source: ``protocols/hosted.md``,
section 5, and ``error_corpus.json`` (2026-11-22).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.errors import FatalError, InvalidRequestError, ProviderError
from charimg.model import Verdict
from charimg.verdicts import error_of, read_answer

if TYPE_CHECKING:
    from charimg.http import Answer

LONGEST = 240
"""Characters of the service's own words that are repeated."""

LIST = "`charimg providers show huggingface --models` lists what there is"


def error_from(
    answer: Answer, model: str, *, retirement: str | None, clean: Callable[[str], str], ceiling: float
) -> ProviderError:
    """The core's error for an answer without a picture.

    :param retirement: what is known of the model's end, if it has ended.
    :param clean: erases secrets from the service's words before they are cut to length.
    :param ceiling: seconds; a longer wait means "not today".
    """
    error = error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=ceiling))
    words = _one_line(clean(_words(answer) or error.message))
    if answer.status == 401:
        return FatalError(
            f"Hugging Face does not accept the token ({words}); set another with `charimg keys set huggingface`"
        )
    if error.verdict is Verdict.FATAL and answer.status == 403:
        return FatalError(
            f"Hugging Face refuses the token ({words}); it needs the permission to make calls to Inference Providers,"
            f" and some models ask you to accept their licence first: https://huggingface.co/{model}"
        )
    if answer.status in (404, 410):
        return InvalidRequestError(f"Hugging Face does not serve {model} ({words}); {retirement or LIST}")
    advice = ""
    if error.verdict is Verdict.INVALID and retirement is not None:
        advice = f"; {retirement}"
    elif error.verdict is Verdict.EXHAUSTED:
        advice = "; credits return with the month, or subscribe, or use another provider"
    error.message = f"Hugging Face: {words}{advice}"
    error.args = (error.message,)
    return error


def _words(answer: Answer) -> str:
    """The service's own sentences; empty where it sent none in its usual form."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    told = data.get("error") if isinstance(data, dict) else None
    listed = told if isinstance(told, list) else [told]
    return "; ".join(one for one in listed[:3] if isinstance(one, str))


def _one_line(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text[:4096]).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
