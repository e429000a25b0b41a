"""The reasons Google gives for a refusal, and what each means for the run.

The names are those of the public reason enum of Google's image service, without their prefix ``PUBLIC_ERROR_``, as
decoded from its web page on 2026-09-11. A reason is trusted before the HTTP status, and the status before any text:
the same 429 with the same sentence serves for a busy minute and for an empty day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from charimg.model import Verdict

PREFIX = "PUBLIC_ERROR_"

_REJECTED = """
    PROMINENT_PEOPLE_FILTER_FAILED PROMINENT_PEOPLE_UPLOAD PROMINENT_PEOPLE_INPUT_IMAGE
    UNSAFE_GENERATION UNSAFE_IMAGE_UPLOAD VIOLENCE_FILTER DANGER_FILTER SEXUAL MINOR_UPLOAD SEXUAL_UPLOAD
    PHOTOREAL_UPLOAD MINOR MINOR_HARM_UPLOAD PHOTOREAL_INPUT_IMAGE MINOR_INPUT_IMAGE AUDIO_FILTERED IP_INPUT_IMAGE
    IMAGE_OUTPUT_IP_FILTER UNSAFE_VIDEO_UPLOAD VERTEX_SAFETY_FILTER_TRIGGERED REPUTATIONAL UNSAFE_SEARCH
    QUALITY_FILTER_FAILED AESTHETIC_FILTER_FAILED
"""
_THROTTLED = """
    USER_REQUESTS_THROTTLED HIGH_TRAFFIC MODEL_DISABLED_DUE_TO_TRAFFIC GENERATION_ALREADY_IN_PROGRESS MODEL_OVERLOADED
    UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC CONCURRENT_LIMIT_REACHED VERTEX_SERVICE_UNAVAILABLE
"""
_EXHAUSTED = """
    USER_QUOTA_REACHED PER_MODEL_DAILY_QUOTA_REACHED PER_MODEL_DAILY_QUOTA_REACHED_UPGRADEABLE
    WORKSPACE_ACCOUNT_QUOTA_REACHED VERTEX_QUOTA_EXHAUSTED VERTEX_QUOTA_EXHAUSTED_ADMIN
"""
_FATAL = """
    MODEL_ACCESS_DENIED APP_UNAVAILABLE USER_REGION_DISALLOWED USER_MINOR UNUSUAL_ACTIVITY PROJECT_NOT_ALLOWLISTED
    USER_ROLE_NOT_GRANTED PROJECT_FLOW_ENTERPRISE_NOT_ENABLED
"""
_INVALID = """
    NON_ENGLISH_PROMPT UNKNOWN_IMAGE_FILE_FORMAT IMAGE_TOO_LARGE IMAGE_TOO_SMALL RESPONSE_TOO_LONG
    VERTEX_UNSUPPORTED_INPUT
"""
_FLAKY = "UNSPECIFIED SOMETHING_WENT_WRONG"

VERDICT_OF_REASON: dict[str, Verdict] = {
    name: verdict
    for verdict, names in (
        (Verdict.REJECTED, _REJECTED),
        (Verdict.THROTTLED, _THROTTLED),
        (Verdict.EXHAUSTED, _EXHAUSTED),
        (Verdict.FATAL, _FATAL),
        (Verdict.INVALID, _INVALID),
        (Verdict.FLAKY, _FLAKY),
    )
    for name in names.split()
}
"""What every known reason means, in the order in which one of several is believed."""

_ORDER = {name: place for place, name in enumerate(VERDICT_OF_REASON)}

_FAMILIES = (
    (Verdict.THROTTLED, re.compile("TRAFFIC|THROTTL|OVERLOAD|CONCURREN|IN_PROGRESS|UNAVAILABLE")),
    (Verdict.EXHAUSTED, re.compile("QUOTA|CREDIT|DAILY_LIMIT")),
    (
        Verdict.REJECTED,
        re.compile("UNSAFE|SAFETY|FILTER|MINOR|SEXUAL|VIOLENCE|PROMINENT|PHOTOREAL|HARM|HATE|(^|_)IP_INPUT"),
    ),
)
"""For reasons that appeared after the list was made; traffic is asked for before quota."""

_ADVICE = {
    "PROMINENT_PEOPLE": "it will not draw or take pictures of well-known people; describe somebody else",
    "MODEL_ACCESS_DENIED": "this account may not use the model; choose another with the setting 'model'",
    "PER_MODEL_DAILY_QUOTA": "this model's quota is used up until tomorrow; another model may still work",
    "WORKSPACE_ACCOUNT_QUOTA": "the workspace's quota is used up until tomorrow",
    "USER_QUOTA_REACHED": "the account's quota is used up",
    "USER_REGION_DISALLOWED": "the service is not offered in your region",
    "NON_ENGLISH_PROMPT": "it takes prompts in English only",
    "IMAGE_TOO_LARGE": "the picture is too large; make it smaller",
    "IMAGE_TOO_SMALL": "the picture is too small",
}
"""What some reasons mean in plain words, by the beginning of their names."""


def verdict_of(reason: str, status: int) -> Verdict | None:
    """What a reason means; ``None`` for one that says nothing, so that the status decides.

    :param reason: without its prefix.
    :param status: the HTTP status it came with: ``SOMETHING_WENT_WRONG`` as a 403 is a closed door, otherwise bad luck.
    """
    if reason == "SOMETHING_WENT_WRONG" and status == 403:
        return Verdict.FATAL
    known = VERDICT_OF_REASON.get(reason)
    if known is not None:
        return known
    return next((verdict for verdict, shape in _FAMILIES if shape.search(reason)), None)


def chosen(reasons: Iterable[str]) -> str | None:
    """The one of several reasons that decides: the first in the table's order, unknown ones last."""
    return min(reasons, key=lambda reason: _ORDER.get(reason, len(_ORDER)), default=None)


def advice_on(reason: str) -> str | None:
    """The reason in plain words, where there are better ones than its name."""
    return next((words for beginning, words in _ADVICE.items() if reason.startswith(beginning)), None)
