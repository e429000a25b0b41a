"""What an answer of status 2xx hides: soft errors, refusals, and the errors of jobs that were accepted and failed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from charimg.model import Verdict
from charimg.verdicts import families
from charimg.verdicts.answer import Answer, as_dict, as_list, as_text


def inner_status(answer: Answer) -> int | None:
    """The HTTP status that an error inside a 2xx states: a task's error, a problem document, a batched call."""
    top = answer.top
    error = as_dict(top.get("error"))
    trpc = as_dict(as_dict(error.get("json")).get("data"))
    for value in (trpc.get("httpStatus"), error.get("code"), top.get("status")):
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    return None


def lost_session(answer: Answer) -> bool:
    """Whether SwarmUI wants a new session, after which the same request works at once."""
    return "invalid_session_id" in answer.codes


def not_taken(answer: Answer) -> bool:
    """Whether the job was not, or not wholly, put into the queue, or nobody there can take it."""
    top = answer.top
    enqueued, requested = top.get("enqueued"), top.get("requested")
    if isinstance(enqueued, int) and isinstance(requested, int) and enqueued < requested:  # InvokeAI
        return True
    return top.get("is_possible") is False and not top.get("faulted") and not top.get("done")  # AI Horde


def _refusals(top: dict[Any, Any]) -> Iterable[bool]:
    """Every place where a service says in a 2xx that it refused, as whether it did."""
    feedback = as_dict(top.get("promptFeedback", top.get("prompt_feedback")))  # Gemini
    reason = as_text(feedback.get("blockReason", feedback.get("block_reason")))
    yield bool(reason) and "UNSPECIFIED" not in reason.upper()
    for candidate in map(as_dict, as_list(top.get("candidates"))):
        finish = as_text(candidate.get("finishReason", candidate.get("finish_reason")))
        yield bool(families.BLOCKED_FINISH.search(families.words_of(finish)))
    finish = as_text(top.get("finish_reason"))  # Stability; its older form lists artifacts
    yield bool(finish) and finish.upper() not in {"SUCCESS", "STOP", "NULL"}
    for artifact in map(as_dict, as_list(top.get("artifacts"))):
        yield as_text(artifact.get("finishReason")).upper() == "CONTENT_FILTERED"
    yield as_text(top.get("status")).lower().endswith("moderated")  # BFL
    yield any(value is True for value in as_list(top.get("has_nsfw_concepts")))  # fal
    for generation in map(as_dict, as_list(top.get("generations"))):  # AI Horde
        yield generation.get("censored") is True
    for item in map(as_dict, as_list(top.get("data"))):  # Ideogram
        yield item.get("is_image_safe") is False
    for prediction in map(as_dict, as_list(top.get("predictions"))):  # Vertex
        yield bool(as_text(prediction.get("raiFilteredReason")))


def refused(answer: Answer) -> bool:
    """Whether the answer names a reason of content for having no picture, or one that must not be used."""
    return any(_refusals(answer.top))


def comfy_failure(answer: Answer) -> Verdict | None:
    """The verdict of a ComfyUI history entry that ended in an error, bare or under its prompt id."""
    for entry in (answer.top, *islice(answer.top.values(), 8)):
        for message in as_list(as_dict(as_dict(entry).get("status")).get("messages")):
            if not (isinstance(message, list) and len(message) > 1 and message[0] == "execution_error"):
                continue
            told = as_dict(message[1])
            words = f"{as_text(told.get('exception_type'))} {as_text(told.get('exception_message'))}"
            return Verdict.FLAKY if families.MEMORY_TEXT.search(words) else Verdict.INVALID
    return None


def sentence(answer: Answer) -> Verdict:
    """The verdict of a 2xx by its error's words alone; ``flaky`` where it states no reason."""
    text = families.QUOTED.sub(" ", answer.text)
    if "error" not in answer.top or not text or families.MEMORY_TEXT.search(answer.text):
        return Verdict.FLAKY
    for pattern, verdict in (
        (families.CONTENT_TEXT, Verdict.REJECTED),
        (families.MONEY_TEXT, Verdict.EXHAUSTED),
        (families.THROTTLE_TEXT, Verdict.THROTTLED),
    ):
        if pattern.search(text):
            return verdict
    # SwarmUI answers every error with a 200 that holds nothing else.
    alone = isinstance(answer.top.get("error"), str) and answer.top.keys() <= {"error", "error_id"}
    return Verdict.INVALID if alone else Verdict.FLAKY
