"""The kit's contract suites: a hostile service, and everything a provider promises."""

from __future__ import annotations

from typing import Any, ClassVar

from charimg_openai.generator import OpenAIGenerator
from charimg_openai.uploader import OpenAIUploader

from charimg.testing import Asked, GeneratorContract, Route, Service, UploaderContract

LIST = Route("GET", "/v1/models", {"object": "list", "data": [{"id": "gpt-image-2", "object": "model"}]})
AT_ONCE = "the picture comes with the answer: there is no job to ask for"


def as_base64(asked: Asked) -> dict[str, Any]:
    """What most servers answer."""
    return {"created": 1, "data": [{"b64_json": asked.picture.base64}]}


def as_address(asked: Asked) -> dict[str, Any]:
    """What servers with a store of their own answer."""
    return {"created": 1, "data": [{"url": f"{asked.address}/pictures/{asked.ticket}.png"}]}


class TestPicturesAtOnce(GeneratorContract):
    """The picture stands in the answer."""

    provider = OpenAIGenerator
    service = Service(
        Route("POST", "/v1/images/generations", as_base64),
        Route("POST", "/v1/images/edits", as_base64),  # with references
        LIST,
    )
    settings: ClassVar = {"base_url": "{address}/v1"}
    skipped: ClassVar = {
        "test_ticket_is_told_as_soon_as_the_job_is_accepted": AT_ONCE,
        "test_resumed_job_is_not_submitted_again": AT_ONCE,
        "test_trouble_of_a_poll_does_not_submit_again": AT_ONCE,
        "test_broken_off_while_polling_it_can_be_resumed": AT_ONCE,
        "test_lost_job_does_not_stand_for_ever": AT_ONCE,
    }


class TestPicturesByAddress(GeneratorContract):
    """The answer names an address, which is asked for again rather than paid again."""

    provider = OpenAIGenerator
    service = Service(
        Route("POST", "/v1/images/generations", as_address),
        Route("POST", "/v1/images/edits", as_base64),  # with references
        Route("GET", "/pictures/{name}", lambda asked: asked.picture.data),
        LIST,
    )
    settings: ClassVar = {"base_url": "{address}/v1"}


class TestFiles(UploaderContract):
    """The Files API."""

    provider = OpenAIUploader
    service = Service(Route("POST", "/v1/files", lambda asked: {"id": f"file-{asked.ticket}", "object": "file"}), LIST)
    settings: ClassVar = {"base_url": "{address}/v1"}
