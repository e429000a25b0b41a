"""What an answer without a picture means, as one of the core's errors.

Source: the exception handler in the servers' source (the project's notes on AUTOMATIC1111, 2026-11-22): ``error`` is
the exception's class, ``detail`` the words of an expected one, ``errors`` those of any other. FastAPI's own answers,
which are all of Forge's (its handler is switched off), hold ``detail`` alone, a list where a field was wrong; an
unexpected exception is a bare "Internal Server Error" there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from charimg.errors import FatalError, FlakyError, InvalidRequestError, ProviderError
from charimg.verdicts import error_of, read_answer
from charimg.verdicts.answer import one_line

if TYPE_CHECKING:
    from charimg.http import Answer

LONGEST = 240
"""Characters of the server's own words that are repeated."""

_OUT_OF_MEMORY = re.compile(r"(?:CUDA|HIP|XPU|MPS backend|DirectML)?[ :]{0,2}out of memory", re.IGNORECASE)
"""How the exceptions of the various back ends begin."""


def error_from(answer: Answer, where: str, *, clean: Callable[[str], str], ceiling: float, login: str) -> ProviderError:
    """The core's error for an answer that is not 2xx.

    :param where: host and port, for the message.
    :param login: what to do where the login is what it refuses.
    :param clean: erases secrets from the server's words before they are cut to length.
    :param ceiling: seconds; a proxy in front that asks for a longer wait means "not today".
    """
    data = _decoded(answer)
    words = one_line(clean(_words(data)), LONGEST)
    if answer.status == 401:
        return FatalError(f"{where} wants a login ({words or 'HTTP 401'}): {login}")
    if answer.status in (400, 404) and words == "Model not found":
        return InvalidRequestError(
            f"{where} has no such checkpoint ({words}); see `charimg providers show automatic1111 --models`"
        )
    if answer.status in (400, 404) and words == "Sampler not found":
        return InvalidRequestError(f"{where} has no such sampler ({words}); set -o sampler=..., or leave it unset")
    if answer.status in (404, 405) and words in ("", "Not Found", "Method Not Allowed"):
        return api_is_off(where)
    if answer.status >= 500 and _is_out_of_memory(data):
        return FlakyError(
            f"the GPU of {where} ran out of memory ({words}); a smaller -o pixels=... or fewer programs on it may help"
        )
    error = error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=ceiling))
    error.message = f"{where}: {words or one_line(clean(error.message), LONGEST)}"
    if answer.status == 500 and not words:
        error.message += "; the server's console says why"
    error.args = (error.message,)
    return error


def api_is_off(where: str) -> FatalError:
    """The server is there, and its API is not."""
    return FatalError(
        f"{where} answers, but not at /sdapi: start the server with --api (or check base_url, if it is no"
        " AUTOMATIC1111, Forge or SD.Next)"
    )


def with_start(error: ProviderError) -> ProviderError:
    """The same error; where nobody answers at the address, it says what to start there."""
    if error.unreachable and not error.possibly_charged:
        error.message += "; start AUTOMATIC1111 with --api, or set base_url"
        error.args = (error.message,)
    return error


def _decoded(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _words(data: Any) -> str:
    """The server's sentence; empty where it has none."""
    if not isinstance(data, dict):
        return ""
    detail = data.get("detail")
    if isinstance(detail, list):
        return "; ".join(_complaint(one) for one in detail[:3] if isinstance(one, dict))
    name, errors = data.get("error"), data.get("errors")
    if isinstance(detail, str) and detail:
        return detail
    if isinstance(errors, str) and errors:
        return f"{name}: {errors}" if isinstance(name, str) and name else errors
    return name if isinstance(name, str) else ""


def _complaint(entry: dict[str, Any]) -> str:
    """One of FastAPI's: the field and what it should be. What was sent is not repeated."""
    place = entry.get("loc")
    field = ".".join(str(part) for part in place[:5] if part != "body") if isinstance(place, list) else ""
    words = entry.get("msg")
    return f"{field}: {words}" if field and isinstance(words, str) else str(words or field)


def _is_out_of_memory(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    name, errors = data.get("error"), data.get("errors")
    return name == "OutOfMemoryError" or (isinstance(errors, str) and bool(_OUT_OF_MEMORY.match(errors)))
