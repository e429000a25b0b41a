"""The lane of bearers: ``/v1…`` of ``aisandbox-pa.googleapis.com``."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from .answers import panels, whole
from .checks import (
    ASPECTS,
    CATEGORIES,
    REFERENCE_CATEGORIES,
    a_context,
    a_count,
    a_picture,
    a_seed,
    a_text,
    an_object,
    one_of,
    refuse,
)
from .library import ASSETS, WHISK
from .replies import NOT_FOUND, REFERRER_BLOCKED, Reply, json_reply
from .service import Call, Order, Service, id_field

GENERATE_MODELS = frozenset({"IMAGEN_3_5", "GEM_PIX"})
RECIPE_MODELS = GENERATE_MODELS | {"R2I"}


def model_and_aspect(document: dict[str, Any], models: frozenset[str]) -> tuple[str, str]:
    """The ``imageModelSettings``; older clients say ``modelNameType`` for ``imageModel``."""
    settings = an_object(document.get("imageModelSettings"), "imageModelSettings")
    name = "modelNameType" if "imageModel" not in settings and "modelNameType" in settings else "imageModel"
    return one_of(settings, name, models), one_of(settings, "aspectRatio", ASPECTS)


async def generate(service: Service, call: Call) -> Reply:
    """``POST /v1/whisk:generateImage``: text to one picture."""
    document = an_object(call.document, "the body")
    context = a_context(document)
    model, aspect = model_and_aspect(document, GENERATE_MODELS)
    category = None
    if document.get("mediaCategory") is not None:
        category = one_of(document, "mediaCategory", CATEGORIES)
    order = Order(a_text(document, "prompt"), model, aspect, a_seed(document), context["workflowId"], category=category)
    media = await service.make(call, order)
    return json_reply(panels(order, media, service.behaviour.id_mode, endpoint=call.endpoint))


async def recipe(service: Service, call: Call) -> Reply:
    """``POST /v1/whisk:runImageRecipe``: text and references to one picture.

    An empty list of references passes: the public npm client sends one when nothing was attached.
    """
    document = an_object(call.document, "the body")
    context = a_context(document)
    model, aspect = model_and_aspect(document, RECIPE_MODELS)
    prompt, seed = a_text(document, "userInstruction"), a_seed(document)
    listed = document.get("recipeMediaInputs")
    if not isinstance(listed, list):
        raise refuse("recipeMediaInputs must be a list")
    inputs = []
    for entry in listed:
        item = an_object(entry, "an entry of recipeMediaInputs")
        a_text(item, "caption", empty=True, optional=True)
        medium = an_object(item.get("mediaInput"), "mediaInput")
        inputs.append((a_text(medium, "mediaGenerationId"), one_of(medium, "mediaCategory", REFERENCE_CATEGORIES)))
    for media_id, _ in inputs:
        if service.library.find(media_id, call.account.name, WHISK) is None:
            raise refuse(f"no medium {media_id} in this lane", NOT_FOUND)
    order = Order(prompt, model, aspect, seed, context["workflowId"], inputs=tuple(inputs))
    media = await service.make(call, order)
    return json_reply(panels(order, media, service.behaviour.id_mode, endpoint=call.endpoint))


async def imagefx(service: Service, call: Call) -> Reply:
    """``POST /v1:runImageFx``: text to one to eight pictures."""
    document = an_object(call.document, "the body")
    context = a_context(document, workflow=False)
    user = an_object(document.get("userInput"), "userInput")
    prompts = user.get("prompts")
    if not isinstance(prompts, list) or len(prompts) != 1:
        raise refuse("prompts must be a list of one text")
    order = Order(
        a_text({"prompts[0]": prompts[0]}, "prompts[0]"),
        one_of(an_object(document.get("modelInput"), "modelInput"), "modelNameType", {"IMAGEN_3_5"}),
        one_of(document, "aspectRatio", ASPECTS),
        a_seed(user),
        context.get("workflowId") or str(uuid.uuid4()),
        count=a_count(user, "candidatesCount", 8),
    )
    media = await service.make(call, order)
    return json_reply(panels(order, media, service.behaviour.id_mode, endpoint=call.endpoint))


async def upload_asset(service: Service, call: Call) -> Reply:
    """``POST /v1:uploadUserImage``: a picture of the user's own, into the asset lane's id space."""
    document = an_object(call.document, "the body")
    a_context(document, workflow=False)
    given = an_object(document.get("imageInput"), "imageInput")
    mime = one_of(given, "mimeType", ("image/png", "image/jpeg", "image/webp"))
    aspect = one_of(given, "aspectRatio", ASPECTS)
    if given.get("isUserUploaded") is not True:
        raise refuse("isUserUploaded must be true")
    picture = a_picture(given, "rawImageBytes", data_uri=False)
    if service.behaviour.strict_uploads and mime != f"image/{picture.format}":
        raise refuse(f"mimeType says {mime}, the picture is image/{picture.format}")
    if service.behaviour.strict_uploads and not picture.fits(aspect):
        raise refuse(f"aspectRatio says {aspect}, the picture is {picture.width}×{picture.height}")
    medium = service.store(call, picture, category=None, caption="", workflow=None, declared=mime, aspect=aspect)
    return json_reply(id_field(medium.id, service.behaviour.asset_id_mode))


async def media(service: Service, call: Call) -> Reply:
    """``GET /v1/media/{id}``: a stored medium with its bytes; the site's web key insists on the Referer."""
    if not call.headers.get("referer", "").startswith("https://labs.google"):
        raise refuse("no Referer of labs.google", REFERRER_BLOCKED)
    medium = service.library.find(call.tail, call.account.name, WHISK, ASSETS)
    if medium is None:
        raise refuse(f"no medium {call.tail}", NOT_FOUND)
    return json_reply(whole(medium))


Handler = Callable[[Service, Call], Awaitable[Reply]]

GOOGLE: dict[str, tuple[str, str, Handler]] = {
    "/v1/whisk:generateImage": ("generate", "POST", generate),
    "/v1/whisk:runImageRecipe": ("recipe", "POST", recipe),
    "/v1:runImageFx": ("imagefx", "POST", imagefx),
    "/v1:uploadUserImage": ("upload-asset", "POST", upload_asset),
    "/v1/media/": ("media", "GET", media),
}
"""Path (one that ends in a slash takes an argument) to short name, method and handler."""
