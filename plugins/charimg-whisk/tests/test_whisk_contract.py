"""The kit's contract suites: a hostile service, and everything a provider promises."""

from __future__ import annotations

from typing import Any, ClassVar

from charimg_whisk.generator import WhiskGenerator
from charimg_whisk.uploader import WhiskUploader

from charimg.testing import Asked, GeneratorContract, Route, Service, UploaderContract

COOKIE = "__Secure-next-auth.session-token={secret}"
ADDRESSES = {"labs_url": "{address}", "sandbox_url": "{address}"}

LOGIN = Route(
    "GET",
    "/fx/api/auth/session",
    {"access_token": "ya29.a-token-of-the-played-site", "expires": "2099-01-01T00:00:00.000Z", "user": {"name": "Ann"}},
)
PREFERENCES = Route("GET", "/fx/api/trpc/general.fetchUserPreferences", {"result": {"data": {"json": {"result": {}}}}})


def enveloped(result: dict[str, Any]) -> dict[str, Any]:
    """As the site wraps what its procedures answer."""
    return {"result": {"data": {"json": {"result": result, "status": 200}}}}


PROJECT = Route("POST", "/fx/api/trpc/media.createOrUpdateWorkflow", enveloped({"workflowId": "workflow-1"}))
CAPTION = Route(
    "POST", "/fx/api/trpc/backbone.captionImage", enveloped({"candidates": [{"output": "a tall ferryman"}]})
)


UPLOAD = Route(
    "POST",
    "/fx/api/trpc/backbone.uploadImage",
    lambda asked: enveloped({"uploadMediaGenerationId": asked.ticket}),
)


def panel(asked: Asked) -> dict[str, Any]:
    """One picture with its id."""
    image = {
        "encodedImage": asked.picture.base64,
        "seed": 42,
        "mediaGenerationId": asked.ticket,
        "imageModel": "IMAGEN_3_5",
    }
    return {"imagePanels": [{"prompt": "a tall ferryman", "generatedImages": [image]}], "workflowId": "workflow-1"}


class TestWhiskGenerator(GeneratorContract):
    """Login and project are free; the picture is what costs."""

    provider = WhiskGenerator
    service = Service(
        Route("POST", "/v1/whisk:generateImage", panel),
        Route("POST", "/v1/whisk:runImageRecipe", panel),  # with references
        UPLOAD,
        CAPTION,
        LOGIN,
        PREFERENCES,
        PROJECT,
    )
    settings: ClassVar = ADDRESSES
    credentials: ClassVar = {"cookie": COOKIE}


class TestWhiskUploader(UploaderContract):
    """The upload is what stores something; its caption is free."""

    provider = WhiskUploader
    service = Service(
        UPLOAD,
        LOGIN,
        PREFERENCES,
        PROJECT,
        CAPTION,
    )
    settings: ClassVar = ADDRESSES
    credentials: ClassVar = {"cookie": COOKIE}
