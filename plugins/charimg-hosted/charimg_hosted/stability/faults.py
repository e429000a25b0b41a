"""What a refusal of Stability's means, as one of the core's errors.

Its errors are ``{"id", "name", "errors": [sentences]}``: the name decides, the first sentence is for people. Source:
``protocols/hosted.md``, section 4, and ``error_corpus.json`` (2026-11-22).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.errors import FatalError, InvalidRequestError, ProviderError, RejectedError
from charimg.model import Verdict
from charimg.verdicts import error_of, read_answer

if TYPE_CHECKING:
    from charimg.http import Answer

LONGEST = 240
"""Characters of the service's own words that are repeated."""

_ADVICE = {
    Verdict.REJECTED: "change the description of this character",
    Verdict.EXHAUSTED: "buy credits, or use another provider",
}


def error_from(answer: Answer, *, retirement: str | None, clean: Callable[[str], str], ceiling: float) -> ProviderError:
    """The core's error for an answer that is not 2xx.

    :param retirement: what is known of the chosen model's end, if it has ended.
    :param clean: erases secrets from the service's words before they are cut to length.
    :param ceiling: seconds; a longer wait means "not today".
    """
    error = error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=ceiling))
    words = _one_line(clean(_words(answer) or error.message))
    if answer.status == 401:
        return FatalError(f"Stability does not accept the key ({words}); set another with `charimg keys set stability`")
    if answer.status == 404:
        gone = retirement or "check -o model=... and -o base_url=..."
        return InvalidRequestError(f"Stability has nothing at this address ({words}); {gone}")
    advice = _ADVICE.get(error.verdict)
    if error.verdict is Verdict.INVALID and retirement is not None:
        advice = retirement
    error.message = f"Stability: {words}" + (f"; {advice}" if advice else "")
    error.args = (error.message,)
    return error


def refused() -> ProviderError:
    """The error of a picture that was drawn and filtered."""
    return RejectedError(
        f"Stability filtered the picture it drew (finish_reason is not SUCCESS); {_ADVICE[Verdict.REJECTED]}"
    )


def _words(answer: Answer) -> str:
    """The service's own sentences; empty where it sent none in its usual form."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    errors = data.get("errors") if isinstance(data, dict) else None
    return "; ".join(one for one in errors[:3] if isinstance(one, str)) if isinstance(errors, list) else ""


def _one_line(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text[:4096]).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
