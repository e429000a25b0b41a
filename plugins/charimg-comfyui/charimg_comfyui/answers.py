"""What the server's answers mean: refusals, and the ends of jobs.

Source: ``server.py`` and ``execution.py`` of ComfyUI (the project's notes on ComfyUI, 2026-11-22). Codes come before
words, and words are never searched: an answer repeats what stands in the workflow, the user's own prompt too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from charimg.errors import FatalError, FlakyError, InvalidRequestError, ProviderError, ThrottledError
from charimg.verdicts import error_of, read_answer
from charimg.verdicts.answer import one_line

if TYPE_CHECKING:
    from charimg.http import Answer

LONGEST = 280
"""Characters of a message."""

_MEMORY = ("OutOfMemoryError", "Allocation on device")
"""How PyTorch and ComfyUI say that the graphics memory is full: type, and message of older versions."""

KINDS = ("images", "gifs")
"""Outputs that may hold a picture (animated ones stand under ``gifs``)."""


@dataclass(frozen=True)
class File:
    """A picture at the server."""

    name: str
    subfolder: str
    type: str
    """``output``, ``temp`` or ``input``."""


def refusal(answer: Answer, *, clean: Callable[[str], str], ceiling: float, login: str) -> ProviderError:
    """The error for an answer that is not 2xx.

    :param login: what to do where a login is asked for.
    :param clean: erases secrets, before the words are cut to length.
    :param ceiling: seconds; a proxy that asks for a longer wait means "not today".
    """
    data = _decoded(answer)
    if answer.status == 400 and ("node_errors" in data or _code(data)):
        return InvalidRequestError(one_line(clean(f"ComfyUI refuses the workflow: {_why(data)}"), LONGEST))
    if answer.status == 401:
        return FatalError(f"the server asks for a login: {login}")
    if answer.status in (404, 405):
        return FatalError(f"no ComfyUI answers at this address (HTTP {answer.status}); check the setting base_url")
    error = error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=ceiling))
    error.message = clean(error.message)
    error.args = (error.message,)
    return error


def with_start(error: ProviderError) -> ProviderError:
    """The same error; where nobody answers at the address, it says what to start there."""
    if error.unreachable and not error.possibly_charged:
        error.message += "; start ComfyUI, or set base_url"
        error.args = (error.message,)
    return error


def is_about(answer: Answer, code: str) -> bool:
    """Whether a refusal has this code."""
    return answer.status == 400 and _code(_decoded(answer)) == code


def _decoded(answer: Answer) -> dict[str, Any]:
    try:
        data = answer.json()
    except FlakyError:
        return {}
    return data if isinstance(data, dict) else {}


def _code(data: Mapping[str, Any]) -> str:
    error = data.get("error")
    return str(error.get("type") or "") if isinstance(error, dict) else ""


def _why(data: Mapping[str, Any]) -> str:
    """The first node's errors, or else the general one."""
    errors = data.get("node_errors")
    if isinstance(errors, dict):
        told = [_node_words(id_, one) for id_, one in errors.items() if isinstance(one, dict)]
        if told:
            return "; ".join(told)
    error = data.get("error")
    if not isinstance(error, dict):
        return str(error or "it does not say why")
    words = ": ".join(str(error[name]) for name in ("message", "details") if error.get(name))
    if _code(data) == "invalid_prompt" and "does not exist" in str(error.get("message")):
        words += "; install the custom nodes it needs at the server"
    return words or _code(data)


def _node_words(id_: str, told: Mapping[str, Any]) -> str:
    """One node's errors; a checkpoint that is not there gets its remedy."""
    listed = told.get("errors")
    errors = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    words = ", ".join(": ".join(str(one[name]) for name in ("message", "details") if one.get(name)) for one in errors)
    kind = str(told.get("class_type") or "")
    said = f"node {id_} ({kind}): {words}"
    if "Loader" in kind and any(one.get("type") == "value_not_in_list" for one in errors):
        said += "; see `charimg providers show comfyui --models`"
    return said


# -- the end of a job -----------------------------------------------------------------------------------------------


def failure(entry: Mapping[str, Any], *, clean: Callable[[str], str]) -> ProviderError | None:
    """Why a finished job has no pictures, by its entry in the history; ``None`` where it succeeded.

    :param clean: erases secrets, before the words are cut to length.
    """
    status = entry.get("status")
    status = status if isinstance(status, dict) else {}
    messages = status.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if not (isinstance(message, list) and len(message) == 2 and isinstance(message[1], dict)):
            continue
        event, told = message
        if event == "execution_interrupted":
            return ThrottledError("the job was interrupted at the server (somebody pressed Cancel there)")
        if event == "execution_error":
            return _execution_error(told, clean)
    if status.get("status_str") == "error":
        return InvalidRequestError("the workflow failed at the server, which does not say why; see its log")
    return None


def is_memory(told: Mapping[str, Any]) -> bool:
    """Whether an execution error means that the graphics memory is full."""
    kind, words = str(told.get("exception_type") or ""), str(told.get("exception_message") or "")
    return kind.rpartition(".")[2] == _MEMORY[0] or words.startswith(_MEMORY[1])


class OutOfMemoryError(FlakyError):
    """The graphics memory is full; freeing it may help the next try."""


def _execution_error(told: Mapping[str, Any], clean: Callable[[str], str]) -> ProviderError:
    words = clean(" ".join(str(told.get("exception_message") or told.get("exception_type") or "").split()))
    node = f"node {told.get('node_id')} ({told.get('node_type')})"
    if is_memory(told):
        return OutOfMemoryError(
            one_line(f"the graphics memory is full at {node}: {words}; try fewer pixels, as -o pixels=500000", LONGEST)
        )
    return InvalidRequestError(one_line(f"the workflow failed at {node}: {words}", LONGEST))


def pictures(entry: Mapping[str, Any], wanted: tuple[str, ...]) -> list[File]:
    """The pictures of a finished job, the most wanted first: those of the output slot, then saved ones, then previews.

    :param wanted: the nodes of the output slot; with one, others do not count.
    """
    outputs = entry.get("outputs")
    found = []
    for id_, output in outputs.items() if isinstance(outputs, dict) else ():
        if wanted and id_ not in wanted:
            continue
        for kind in KINDS:
            listed = output.get(kind) if isinstance(output, dict) else None
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, dict) and one.get("filename"):
                    place = str(one.get("type") or "output")
                    found.append(File(str(one["filename"]), str(one.get("subfolder") or ""), place))
    return sorted(found, key=lambda file: file.type != "output")
