"""Whatever a service sends, the readers take it apart without falling over."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

import pytest
from charimg_gemini.answers import file_of, finish_of, page_of, picture_of
from charimg_gemini.faults import error_from, no_picture
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import FlakyError, ProviderError
from charimg.http import Answer

NAMES = (
    *("candidates", "content", "parts", "inlineData", "inline_data", "data", "thought", "text", "finishReason"),
    *("promptFeedback", "blockReason", "finishMessage", "modelVersion", "responseId", "file", "name", "uri", "state"),
    *("expirationTime", "models", "supportedGenerationMethods", "nextPageToken", "error", "code", "message"),
    *("status", "details", "violations", "quotaId", "quotaDimensions", "quotaValue", "model", "retryDelay", "@type"),
)
TEXTS = ("STOP", "SAFETY", "limit: 0", "GenerateRequestsPerDayPerProjectPerModel", "aGk=", "files/x", "generateContent")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=24,
)
NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)


@given(values, st.sampled_from([200, 302, 400, 401, 403, 404, 429, 500, 503]))
def test_no_answer_makes_the_readers_fall_over(data: Any, status: int) -> None:
    """Any JSON, with the service's own names in any place, gives a value or one of the core's errors."""
    answer = Answer(status, {}, json.dumps(data).encode())
    with suppress(FlakyError):
        picture_of(data)
    finish_of(data)
    file_of(data)
    page_of(data)
    for error in (
        error_from(answer, now=NOW, ceiling=900.0, renewal="run: x", model="gemini-3-pro-image", where="host"),
        no_picture(answer, now=NOW, ceiling=900.0),
    ):
        assert isinstance(error, ProviderError)
        assert "\n" not in error.message
        assert len(error.message) < 900


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T00:00:00Z", datetime(2026, 11, 24, tzinfo=timezone.utc)),
        ("2026-11-24T00:00:00.123456789Z", datetime(2026, 11, 24, tzinfo=timezone.utc)),
        ("2026-13-24T00:00:00Z", None),
        ("tomorrow", None),
        (None, None),
    ],
)
def test_an_expiry_is_read_with_nanoseconds_too(text: str | None, moment: datetime | None) -> None:
    """Google writes nine digits of a second, which Python cannot read; nonsense counts as unknown."""
    found = file_of({"file": {"name": "files/x", "uri": "https://host/v1beta/files/x", "expirationTime": text}})

    assert found is not None
    assert found.expires_at == moment


@pytest.mark.parametrize("spelling", ["camel", "snake"])
def test_both_spellings_are_read(spelling: str) -> None:
    """Proto-JSON knows two, and gateways use either."""
    blob, model, answer = (
        ("inlineData", "modelVersion", "responseId")
        if spelling == "camel"
        else ("inline_data", "model_version", "response_id")
    )
    picture = picture_of({"candidates": [{"content": {"parts": [{blob: {"data": "aGk="}}]}}], model: "m", answer: "r"})

    assert picture is not None
    assert (picture.data, picture.model, picture.response_id) == (b"hi", "m", "r")
