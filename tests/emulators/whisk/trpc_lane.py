"""The lane of cookies: ``/fx/api/trpc/…`` of ``labs.google``. Handlers return the bare payload."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from .answers import panels, whole
from .checks import (
    CATEGORIES,
    a_context,
    a_count,
    a_picture,
    a_seed,
    a_text,
    an_object,
    one_of,
    refuse,
)
from .google_lane import model_and_aspect
from .library import WHISK
from .replies import NOT_FOUND
from .service import Call, Order, Service


def _input(call: Call) -> dict[str, Any]:
    """What a procedure is called with: the ``json`` of the superjson envelope."""
    envelope = an_object(call.document, "the body")
    meta = envelope.get("meta")
    if meta is not None:
        an_object(an_object(meta, "meta").get("values"), "meta.values")
    return an_object(envelope.get("json"), "json")


async def workflow(service: Service, call: Call) -> Any:
    """``media.createOrUpdateWorkflow``: a new project, or a new name for one."""
    given = _input(call)
    a_context(given, required=False, workflow=False)
    name = a_text(an_object(given.get("workflowMetadata"), "workflowMetadata"), "workflowName")
    known = given.get("workflowId")
    if known is None:
        known = str(uuid.uuid4())
        service.bill.note(workflow=known)
    elif service.library.workflows.get(known, ("", ""))[0] != call.account.name:
        raise refuse(f"no workflow {known!r}", NOT_FOUND)
    service.library.workflows[known] = (call.account.name, name)
    return {"workflowId": known}


async def upload(service: Service, call: Call) -> Any:
    """``backbone.uploadImage``: a picture of the user's own, with category and caption."""
    given = _input(call)
    context = a_context(given)
    media = an_object(given.get("uploadMediaInput"), "uploadMediaInput")
    category = one_of(media, "mediaCategory", CATEGORIES)
    caption = a_text(media, "caption", empty=True, optional=True)
    picture = a_picture(media, "rawBytes", data_uri=True)
    medium = service.store(
        call,
        picture,
        category=category,
        caption=caption,
        workflow=context["workflowId"],
        declared=picture.declared,
        aspect=None,
    )
    return {"uploadMediaGenerationId": medium.id}


async def caption(service: Service, call: Call) -> Any:
    """``backbone.captionImage``: one to eight descriptions of a picture.

    The answer's ids name media that were never stored; nobody was seen to use them.
    """
    given = _input(call)
    context = a_context(given, required=False, workflow=False)
    wanted = an_object(given.get("captionInput"), "captionInput")
    count = a_count(wanted, "candidatesCount", 8)
    media = an_object(wanted.get("mediaInput"), "mediaInput")
    category = one_of(media, "mediaCategory", CATEGORIES)
    picture = a_picture(media, "rawBytes", data_uri=True)
    kind = category.removeprefix("MEDIA_CATEGORY_").lower()
    candidates = []
    for number in range(1, count + 1):
        media_id, _, _ = service.library.next_id(WHISK, context.get("workflowId") or "")
        text = f"A {kind} of {picture.width} by {picture.height} pixels, {picture.sha256[:8]}, view {number}"
        candidates.append({"output": text, "mediaGenerationId": media_id})
    service.bill.note(caption=count)
    return {"candidates": candidates}


async def edit(service: Service, call: Call) -> Any:
    """``backbone.editImage``: a new picture from an old one and an instruction."""
    given = _input(call)
    context = a_context(given)
    model, aspect = model_and_aspect(given, frozenset({"GEM_PIX"}))
    wanted = an_object(given.get("editInput"), "editInput")
    a_text(wanted, "caption", empty=True, optional=True)
    instruction = a_text(wanted, "userInstruction")
    original = a_text(wanted, "originalMediaGenerationId")
    media_input = an_object(wanted.get("mediaInput"), "mediaInput")
    category = one_of(media_input, "mediaCategory", CATEGORIES)
    a_picture(media_input, "rawBytes", data_uri=True)
    if service.library.find(original, call.account.name, WHISK) is None:
        raise refuse(f"no medium {original} in this lane", NOT_FOUND)
    order = Order(
        instruction,
        model,
        aspect,
        a_seed(wanted),
        context["workflowId"],
        inputs=((original, category),),
        previous=original,
        category=category,
    )
    media = await service.make(call, order)
    return panels(order, media, service.behaviour.id_mode, endpoint=call.endpoint)


async def fetch_media(service: Service, call: Call) -> Any:
    """``media.fetchMedia``: a stored medium by its id or key."""
    key = a_text(_input(call), "mediaKey")
    medium = service.library.find(key, call.account.name, WHISK)
    if medium is None:
        raise refuse(f"no medium {key}", NOT_FOUND)
    return whole(medium)


async def delete(service: Service, call: Call) -> Any:
    """``media.deleteMedia``: media by id, or whole projects with ``parent``."""
    given = _input(call)
    names = given.get("names")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise refuse("names must be a list of texts")
    projects = given.get("parent") is not None
    if projects and given["parent"] != "userProject/":
        raise refuse(f"parent cannot be {given['parent']!r}")
    for name in names:
        if projects:
            found = service.library.workflows.get(name, ("", ""))[0] == call.account.name
        else:
            found = service.library.find(name, call.account.name, WHISK) is not None
        if not found:
            raise refuse(f"nothing named {name!r} to delete", NOT_FOUND)
    for name in names:
        if projects:
            del service.library.workflows[name]
        else:
            service.library.forget(name)
        service.bill.note(deleted=name)
    return {}


async def acknowledgement(service: Service, call: Call) -> Any:
    """``general.fetchUserAcknowledgement``: whether the terms of uploading were accepted."""
    version = a_text(_input(call), "acknowledgementVersion")
    return {"acknowledgementVersion": version, "acknowledged": True}


async def preferences(service: Service, call: Call) -> Any:
    """``general.fetchUserPreferences``: a cheap test of the login."""
    return {}


Procedure = Callable[[Service, Call], Awaitable[Any]]

TRPC: dict[str, tuple[str, str, Procedure]] = {
    "media.createOrUpdateWorkflow": ("workflow", "POST", workflow),
    "backbone.uploadImage": ("upload", "POST", upload),
    "backbone.captionImage": ("caption", "POST", caption),
    "backbone.editImage": ("edit", "POST", edit),
    "media.fetchMedia": ("fetch-media", "GET", fetch_media),
    "media.deleteMedia": ("delete", "POST", delete),
    "general.fetchUserAcknowledgement": ("acknowledgement", "GET", acknowledgement),
    "general.fetchUserPreferences": ("preferences", "GET", preferences),
}
"""Procedure to short name, method and handler."""
