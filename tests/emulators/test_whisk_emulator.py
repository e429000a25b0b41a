"""The local Whisk itself: what it serves, what it refuses, what it remembers, how it fails."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from .whisk import (
    CATALOGUE,
    REASONS,
    TEST_COOKIE,
    TEST_COOKIE_HEADER,
    UPLOADS,
    Bill,
    Concurrency,
    HandClock,
    WhiskEmulator,
    Window,
    daily_cap,
    serve_whisk,
)
from .whisk.ids import whisk_media_id
from .whisk.limits import Ask

PORTRAIT = "IMAGE_ASPECT_RATIO_PORTRAIT"
SUBJECT = "MEDIA_CATEGORY_SUBJECT"
GENERATE = "/v1/whisk:generateImage"
RECIPE = "/v1/whisk:runImageRecipe"
ASSET = "/v1:uploadUserImage"
TRPC = "/fx/api/trpc/"


def body(prompt: Any = "a jester", **changes: Any) -> dict[str, Any]:
    """A generation as the site sends it."""
    return {
        "clientContext": {"workflowId": "w-1", "tool": "BACKBONE", "sessionId": ";1762837691506"},
        "imageModelSettings": {"imageModel": "IMAGEN_3_5", "aspectRatio": PORTRAIT},
        "seed": 2389,
        "prompt": prompt,
        "mediaCategory": "MEDIA_CATEGORY_BOARD",
        **changes,
    }


def picture(format_: str = "PNG", size: tuple[int, int] = (30, 40)) -> str:
    """A small picture of the user's own, in base64."""
    out = io.BytesIO()
    Image.new("RGB", size, (90, 30, 60)).save(out, format_)
    return base64.b64encode(out.getvalue()).decode()


def upload_body(raw: str | None = None, **changes: Any) -> dict[str, Any]:
    """An upload on the cookie lane."""
    given = {"mediaCategory": SUBJECT, "rawBytes": raw or picture(), "caption": "a man", **changes}
    return {"json": {"clientContext": {"workflowId": "w-1"}, "uploadMediaInput": given}}


def asset_body(raw: str | None = None, **changes: Any) -> dict[str, Any]:
    """An upload on the bearer lane."""
    given = {"mimeType": "image/png", "isUserUploaded": True, "aspectRatio": PORTRAIT, **changes}
    return {
        "imageInput": {"rawImageBytes": raw or picture(), **given},
        "clientContext": {"sessionId": ";1", "tool": "ASSET_MANAGER"},
    }


def recipe_body(*ids: str) -> dict[str, Any]:
    """A generation that refers to *ids*."""
    inputs = [{"caption": "x", "mediaInput": {"mediaCategory": SUBJECT, "mediaGenerationId": i}} for i in ids]
    return {
        "clientContext": {"workflowId": "w-1", "tool": "BACKBONE"},
        "seed": 7,
        "imageModelSettings": {"imageModel": "GEM_PIX", "aspectRatio": "IMAGE_ASPECT_RATIO_LANDSCAPE"},
        "userInstruction": "by the sea",
        "recipeMediaInputs": inputs,
    }


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def image(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["imagePanels"][0]["generatedImages"][0]
        return found

    @property
    def payload(self) -> Any:
        return self.json["result"]["data"]["json"]["result"]


class Visitor:
    """A plain client with a login."""

    def __init__(self, whisk: WhiskEmulator, http: aiohttp.ClientSession) -> None:
        self.whisk, self.http, self.bearer = whisk, http, ""
        self.cookie = TEST_COOKIE_HEADER

    async def ask(self, method: str, path: str, json_: Any = None, **headers: str) -> Answer:
        headers.setdefault("Content-Type", "text/plain;charset=UTF-8")
        sent = json_ if isinstance(json_, (bytes, type(None))) else json.dumps(json_).encode()
        async with self.http.request(
            method, self.whisk.url + path, data=sent, headers=headers, allow_redirects=False
        ) as answer:
            return Answer(answer.status, await answer.text(), answer.headers)

    async def session(self) -> Answer:
        answer = await self.ask("GET", "/fx/api/auth/session", Cookie=self.cookie)
        if answer.text.startswith("{"):
            self.bearer = answer.json.get("access_token", self.bearer)
        return answer

    async def google(self, path: str, document: Any, **headers: str) -> Answer:
        return await self.ask("POST", path, document, Authorization=f"Bearer {self.bearer}", **headers)

    async def trpc(self, procedure: str, document: Any, **headers: str) -> Answer:
        return await self.ask("POST", TRPC + procedure, document, Cookie=self.cookie, **headers)

    async def media(self, media_id: str, referer: str = "https://labs.google/") -> Answer:
        headers = {"Authorization": f"Bearer {self.bearer}"} | ({"Referer": referer} if referer else {})
        return await self.ask("GET", f"/v1/media/{media_id}?key=web", **headers)

    async def uploaded(self) -> str:
        answer = await self.trpc("backbone.uploadImage", upload_body())
        media_id: str = answer.payload["uploadMediaGenerationId"]
        return media_id


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def visitor(clock: HandClock) -> AsyncIterator[Visitor]:
    """Somebody logged in at an emulator whose clock is turned by hand."""
    async with WhiskEmulator(clock=clock) as whisk, aiohttp.ClientSession() as http:
        somebody = Visitor(whisk, http)
        await somebody.session()
        yield somebody


# What it serves.


def test_a_media_id_is_the_captured_one() -> None:
    """Ids are built as the service built the one that was captured."""
    actual = whisk_media_id("2976e5e0-b286-4431-8b0d-c7db934d5f88", 5, "6040d1af-ca3d-4505-a95d-2f1013ad5c47")

    assert actual == (
        "CAMaJDI5NzZlNWUwLWIyODYtNDQzMS04YjBkLWM3ZGI5MzRkNWY4OCIDQ0FVKiQ2MDQwZDFhZi1jYTNkLTQ1MDUtYTk1ZC0y"
        "ZjEwMTNhZDVjNDc"
    )


async def test_a_generation_answers_in_the_captured_shape(visitor: Visitor) -> None:
    """One panel, one image, the seed one higher, the id of the workflow's first step, a JPEG of true size."""
    answer = await visitor.google(GENERATE, body())
    image = answer.image
    data = base64.b64decode(image.pop("encodedImage"), validate=True)
    with Image.open(io.BytesIO(data)) as decoded:
        decoded.load()
        assert (decoded.format, decoded.size) == ("JPEG", (768, 1344))
    assert len(image.pop("fingerprintLogRecordId")) == 32
    assert image.pop("mediaGenerationId").startswith("CAMa")
    assert answer.json["workflowId"] == "w-1"

    assert image == {
        "seed": 2390,
        "prompt": "a jester",
        "imageModel": "IMAGEN_3_5",
        "workflowId": "w-1",
        "aspectRatio": PORTRAIT,
    }


async def test_pictures_are_the_same_for_the_same_request_and_only_then(visitor: Visitor) -> None:
    """Equal prompt, seed and size give equal bytes; any other prompt or seed gives others."""
    wanted = [body(), body(), body("another"), body(seed=5)]
    encoded = [(await visitor.google(GENERATE, one)).image["encodedImage"] for one in wanted]

    assert [encoded.index(one) for one in encoded] == [0, 0, 2, 3]


async def test_nano_banana_paints_png(visitor: Visitor) -> None:
    """GEM_PIX answers with PNG, whatever the habit."""
    settings = {"imageModel": "GEM_PIX", "aspectRatio": "IMAGE_ASPECT_RATIO_SQUARE"}
    answer = await visitor.google(GENERATE, body(imageModelSettings=settings))
    with Image.open(io.BytesIO(base64.b64decode(answer.image["encodedImage"]))) as decoded:
        assert (decoded.format, decoded.size) == ("PNG", (1024, 1024))


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [("string", str), ("object", dict), ("missing", type(None))],
)
async def test_ids_come_in_every_form_seen(visitor: Visitor, mode: str, wanted: type) -> None:
    """The media id is a text, an object, or not there."""
    visitor.whisk.behaviour.id_mode = mode
    answer = await visitor.google(GENERATE, body())

    assert type(answer.image.get("mediaGenerationId")) is wanted


async def test_a_project_is_made_named_and_deleted_once(visitor: Visitor) -> None:
    """A workflow's id serves to rename and to delete it, and then no more."""
    made = await visitor.trpc("media.createOrUpdateWorkflow", {"json": {"workflowMetadata": {"workflowName": "A"}}})
    known = made.payload["workflowId"]
    renamed = await visitor.trpc(
        "media.createOrUpdateWorkflow",
        {"json": {"workflowId": known, "workflowMetadata": {"workflowName": "B"}}},
    )
    gone = {"json": {"parent": "userProject/", "names": [known]}}
    first, second = [(await visitor.trpc("media.deleteMedia", gone)).status for _ in range(2)]

    assert (renamed.payload["workflowId"], first, second) == (known, 200, 404)


async def test_a_stored_medium_is_read_on_both_lanes(visitor: Visitor) -> None:
    """The media GET needs a Referer and gives the picture, as does the cookie lane's query."""
    image = (await visitor.google(GENERATE, body())).image
    media_id = image["mediaGenerationId"]
    read = await visitor.media(media_id)
    query = f"{TRPC}media.fetchMedia?input=" + json.dumps({"json": {"mediaKey": media_id}})
    fetched = await visitor.ask("GET", query, Cookie=visitor.cookie)
    blocked = await visitor.media(media_id, referer="")

    assert read.json["image"]["encodedImage"] == image["encodedImage"]
    assert fetched.payload == read.json
    assert blocked.status == 403


async def test_questions_of_the_site_are_answered(visitor: Visitor) -> None:
    """Terms and preferences, which the site asks before an upload."""
    terms = json.dumps({"json": {"acknowledgementVersion": "WHISK_IMAGE_UPLOAD_TOS"}})
    paths = (f"general.fetchUserAcknowledgement?input={terms}", "general.fetchUserPreferences")
    answers = [await visitor.ask("GET", TRPC + path, Cookie=visitor.cookie) for path in paths]

    assert [answer.status for answer in answers] == [200, 200]


# Verbatim errors.

CAPTURED = {
    "unauthenticated": (
        401,
        '{"error":{"code":401,"message":"Request had invalid authentication credentials. Expected OAuth 2 '
        "access token, login cookie or other valid authentication credential. See "
        'https://developers.google.com/identity/sign-in/web/devconsole-project.","status":"UNAUTHENTICATED"}}',
    ),
    "trpc-unauthorized": (
        401,
        '{"error":{"json":{"message":"Unauthorized","code":-32001,"data":{"code":"UNAUTHORIZED",'
        '"httpStatus":401,"path":"project.createProject"}}}}',
    ),
    "user-quota": (
        429,
        '{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).",'
        '"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",'
        '"reason":"PUBLIC_ERROR_USER_QUOTA_REACHED"}]}}',
    ),
    "too-much-traffic": (
        429,
        '{"error":{"code":429,"message":"reCAPTCHA evaluation failed","status":"RESOURCE_EXHAUSTED","details":'
        '[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",'
        '"reason":"PUBLIC_ERROR_UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC"}]}}',
    ),
    "recaptcha": (
        403,
        '{"error":{"code":403,"message":"reCAPTCHA evaluation failed","status":"PERMISSION_DENIED","details":'
        '[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"PUBLIC_ERROR_SOMETHING_WENT_WRONG"}]}}',
    ),
    "unsafe": (
        400,
        '{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT",'
        '"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",'
        '"reason":"PUBLIC_ERROR_UNSAFE_GENERATION"}]}}',
    ),
    "not-found": (
        404,
        '{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}',
    ),
}


@pytest.mark.parametrize("name", CATALOGUE)
async def test_every_error_row_is_served_verbatim(visitor: Visitor, name: str) -> None:
    """A scripted answer arrives as it was captured, once, and nothing is charged for it."""
    visitor.whisk.add_fault(name, endpoint="generate", calls=[1])
    first = await visitor.google(GENERATE, body())
    second = await visitor.google(GENERATE, body())
    wanted = CATALOGUE[name]
    assert (first.status, first.text) == CAPTURED.get(name, (wanted.status, wanted.body.decode()))
    assert first.headers["Content-Type"] == wanted.content_type

    assert (second.status, len(visitor.whisk.bill.generations)) == (200, 1)


@pytest.mark.parametrize("name", [reason for names in REASONS.values() for reason in names])
async def test_every_public_reason_can_be_met(visitor: Visitor, name: str) -> None:
    """A fault may be named by any public reason, which is found in the details with its prefix."""
    visitor.whisk.add_fault(name, prompt="jest")
    answer = await visitor.google(GENERATE, body())
    error = answer.json["error"]

    assert (error["code"], error["details"][0]["reason"]) == (answer.status, f"PUBLIC_ERROR_{name}")


async def test_the_cookie_lane_words_errors_its_own_way(visitor: Visitor) -> None:
    """A quota answer on the tRPC lane comes in the tRPC envelope, or as Google's when told so."""
    fault = visitor.whisk.add_fault("user-quota", endpoint="upload", retry_after="7")
    worded = await visitor.trpc("backbone.uploadImage", upload_body())
    visitor.whisk.behaviour.upstream_errors = "google"
    passed = await visitor.trpc("backbone.uploadImage", upload_body())
    assert (fault.used, worded.headers["Retry-After"]) == (2, "7")
    assert passed.text == CAPTURED["user-quota"][1]

    assert worded.json["error"]["json"] == {
        "message": "PUBLIC_ERROR_USER_QUOTA_REACHED",
        "code": -32029,
        "data": {"code": "TOO_MANY_REQUESTS", "httpStatus": 429, "path": "backbone.uploadImage"},
    }


# Trouble with answers and connections.


@pytest.mark.parametrize("name", ["drop", "drop-after-accept", "drop-mid-body"])
async def test_connections_are_dropped(visitor: Visitor, name: str) -> None:
    """A dropped connection gives no answer; what was accepted before is on the bill."""
    visitor.whisk.add_fault(name, endpoint="generate", times=1)
    with pytest.raises(aiohttp.ClientError):
        await visitor.google(GENERATE, body())
    after = await visitor.google(GENERATE, body("next"))
    paid = [g.prompt for g in visitor.whisk.bill.generations]

    assert (after.status, paid) == (200, ["next"] if name == "drop" else ["a jester", "next"])


@pytest.mark.parametrize(("name", "paid"), [("hang", 0), ("hang-after-accept", 1)])
async def test_a_hanging_call_never_answers(visitor: Visitor, name: str, paid: int) -> None:
    """A hang lasts until the client leaves, and the emulator can still be stopped."""
    visitor.whisk.add_fault(name, endpoint="generate")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(visitor.google(GENERATE, body()), 0.2)

    assert len(visitor.whisk.bill.generations) == paid


async def test_answers_are_spoilt(visitor: Visitor) -> None:
    """Half a JSON, half a base64, half a picture, no picture, no panel, the wrong label."""
    names = ("truncated-json", "truncated-base64", "truncated-picture", "no-image", "empty-panels")
    for call, name in enumerate((*names, "wrong-content-type"), 1):
        visitor.whisk.add_fault(name, endpoint="generate", calls=[call])
    broken, undecodable, half, without, empty, mislabelled = [await visitor.google(GENERATE, body()) for _ in range(6)]
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        _ = broken.json
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode(undecodable.image["encodedImage"], validate=True)
    with (
        pytest.raises(OSError, match="truncated"),
        Image.open(io.BytesIO(base64.b64decode(half.image["encodedImage"], validate=True))) as image,
    ):
        image.load()
    assert "encodedImage" not in without.image
    assert empty.json["imagePanels"] == []
    assert mislabelled.headers["Content-Type"].startswith("text/html")

    assert len(visitor.whisk.bill.generations) == 4


async def test_a_fault_with_a_probability_is_the_same_in_every_run() -> None:
    """Chance is drawn from dice that always fall alike."""
    runs = []
    for _ in range(2):
        async with WhiskEmulator() as whisk, aiohttp.ClientSession() as http:
            whisk.add_fault("internal", endpoint="session", probability=0.5)
            somebody = Visitor(whisk, http)
            runs.append([(await somebody.session()).status for _ in range(20)])
    assert set(runs[0]) == {200, 500}

    assert runs[0] == runs[1]


def test_a_fault_that_nobody_knows_is_refused() -> None:
    """A misspelt fault fails where it is written, not silently in the run."""
    with pytest.raises(KeyError):
        WhiskEmulator().add_fault("to-much-traffic")


# Logins and bearers.


@pytest.mark.parametrize(
    ("mode", "status", "document"),
    [
        ("empty", 200, {}),
        ("null-user", 200, {"user": None}),
        ("401", 401, {}),
        ("403", 403, {}),
        ("redirect-302", 302, None),
        ("redirect-308", 308, None),
        ("html", 200, None),
        ("blank", 200, None),
    ],
)
async def test_sessions_that_give_nothing(visitor: Visitor, mode: str, status: int, document: Any) -> None:
    """The session endpoint has many ways not to give a bearer, most of them with status 200."""
    visitor.whisk.behaviour.session_mode = mode
    answer = await visitor.session()
    assert answer.status == status
    assert "access_token" not in answer.text

    if document is not None:
        assert answer.json == document


async def test_a_dead_login_still_shows_a_bearer_that_works_nowhere(visitor: Visitor) -> None:
    """With ACCESS_TOKEN_REFRESH_NEEDED the access token must not be used."""
    visitor.whisk.behaviour.session_mode = "refresh-needed"
    answer = await visitor.session()
    used = await visitor.google(GENERATE, body())

    assert (answer.json["error"], used.status) == ("ACCESS_TOKEN_REFRESH_NEEDED", 401)


async def test_an_unknown_login_gets_an_empty_200(visitor: Visitor) -> None:
    """A wrong cookie is no error at the session endpoint, and an error everywhere else."""
    visitor.cookie = "__Secure-next-auth.session-token=eyJsomebodyelse; other=1"
    session = await visitor.session()
    trpc = await visitor.trpc("general.fetchUserPreferences", {"json": {}})

    assert (session.status, session.text, trpc.json["error"]["json"]["data"]["code"]) == (
        200,
        "{}",
        "UNAUTHORIZED",
    )


@pytest.mark.parametrize("retire", [False, True])
async def test_a_rotated_login_works_from_then_on(visitor: Visitor, retire: bool) -> None:
    """A session may hand out a new cookie; the old one lives on unless it is retired."""
    visitor.whisk.behaviour.session_mode = "rotated"
    visitor.whisk.behaviour.retire_rotated = retire
    old = visitor.cookie
    for _ in range(2):
        (new,) = (await visitor.session()).json["cookies"]
        old, visitor.cookie = visitor.cookie, f"{new['name']}={new['value']}"
        assert (await visitor.trpc("media.deleteMedia", {"json": {"names": ["?"]}})).status == 404
    visitor.cookie = old
    answer = await visitor.trpc("media.deleteMedia", {"json": {"names": ["?"]}})

    assert answer.status == (401 if retire else 404)


async def test_a_bearer_dies_and_a_new_session_gives_another(visitor: Visitor, clock: HandClock) -> None:
    """A bearer lives its hour; the same one is given while it has five minutes left."""
    first = visitor.bearer
    clock.advance(3000)
    await visitor.session()
    assert visitor.bearer == first
    clock.advance(600)
    dead = await visitor.google(GENERATE, body())
    await visitor.session()
    alive = await visitor.google(GENERATE, body())
    assert dead.text == CAPTURED["unauthenticated"][1]

    assert (dead.status, alive.status, visitor.whisk.bill.tokens_issued) == (401, 200, 2)


async def test_bearers_can_be_revoked(visitor: Visitor) -> None:
    """A revoked bearer is refused at once and the session gives a fresh one."""
    visitor.whisk.revoke_bearers()
    refused = await visitor.google(GENERATE, body())
    await visitor.session()

    assert (refused.status, (await visitor.google(GENERATE, body())).status) == (401, 200)


async def test_each_lane_wants_its_own_credential(visitor: Visitor) -> None:
    """A cookie is nothing to the Google lane nor a bearer to the other, and the leak is logged."""
    google = await visitor.ask("POST", GENERATE, body(), Cookie=visitor.cookie)
    trpc = await visitor.ask(
        "POST", TRPC + "backbone.uploadImage", upload_body(), Authorization=f"Bearer {visitor.bearer}"
    )
    bare = await visitor.ask("POST", GENERATE, body(), Authorization=f"OAuth {visitor.bearer}")
    assert (google.status, trpc.status, bare.status) == (401, 401, 401)

    assert [r.stray for r in visitor.whisk.bill.stray_credentials] == ["cookie", "bearer"]


async def test_accounts_have_bearers_quotas_and_media_of_their_own() -> None:
    """Two logins are two accounts."""
    limits = (Window(1, 3600),)
    async with (
        WhiskEmulator(cookies=("eyJone", "eyJtwo"), limits=limits) as whisk,
        aiohttp.ClientSession() as http,
    ):
        statuses, ids = [], []
        for login in ("eyJone", "eyJtwo"):
            somebody = Visitor(whisk, http)
            somebody.cookie = f"__Secure-next-auth.session-token={login}"
            await somebody.session()
            statuses += [(await somebody.google(GENERATE, body())).status for _ in range(2)]
            ids.append(await somebody.uploaded())
            statuses.append((await somebody.media(ids[0])).status)
    assert [g.account for g in whisk.bill.generations] == ["account-1", "account-2"]

    assert statuses == [200, 429, 200, 200, 429, 404]


# Uploads and their ids.


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
async def test_uploads_of_either_lane_are_on_the_bill(visitor: Visitor, format_: str) -> None:
    """An upload is recorded by the hash of its bytes, with or without a data URI."""
    raw, kind = picture(format_), format_.lower()
    await visitor.trpc("backbone.uploadImage", upload_body(f"data:image/{kind};base64,{raw}"))
    await visitor.trpc("backbone.uploadImage", upload_body(raw, caption=""))
    asset = await visitor.google(ASSET, asset_body(raw, mimeType=f"image/{kind}"))
    assert asset.json["mediaGenerationId"]["mediaGenerationId"].startswith("CAMS")
    assert [u.format for u in visitor.whisk.bill.uploads] == [kind] * 3

    digest = hashlib.sha256(base64.b64decode(raw)).hexdigest()
    assert visitor.whisk.bill.uploads_by_picture() == {digest: 3}


async def test_an_uploaded_picture_is_forgotten_after_an_hour(visitor: Visitor, clock: HandClock) -> None:
    """A reference serves while it lives; then the service knows it no more."""
    media_id = await visitor.uploaded()
    clock.advance(3599)
    await visitor.session()
    fresh = await visitor.google(RECIPE, recipe_body(media_id))
    clock.advance(1)
    stale = await visitor.google(RECIPE, recipe_body(media_id))
    assert (fresh.status, stale.status) == (200, 404)

    assert stale.text == CAPTURED["not-found"][1]


async def test_ids_of_the_asset_lane_are_unknown_to_recipes(visitor: Visitor) -> None:
    """A recipe takes generated and uploaded media of its own lane only."""
    asset = (await visitor.google(ASSET, asset_body())).json["mediaGenerationId"]["mediaGenerationId"]
    generated = (await visitor.google(GENERATE, body())).image["mediaGenerationId"]
    ids = (asset, generated, await visitor.uploaded(), "CAMaUnknown")
    statuses = [(await visitor.google(RECIPE, recipe_body(i))).status for i in ids]

    assert statuses == [404, 200, 200, 404]


async def test_an_edit_makes_a_png_of_its_original(visitor: Visitor) -> None:
    """Refining needs the original's living id and answers inside the tRPC envelope."""
    original = (await visitor.google(GENERATE, body())).image

    def wanted(media_id: str) -> dict[str, Any]:
        return {
            "json": {
                "clientContext": {"workflowId": "w-1"},
                "imageModelSettings": {"imageModel": "GEM_PIX", "aspectRatio": PORTRAIT},
                "editInput": {
                    "caption": "a jester",
                    "userInstruction": "glasses",
                    "seed": None,
                    "originalMediaGenerationId": media_id,
                    "mediaInput": {
                        "mediaCategory": "MEDIA_CATEGORY_BOARD",
                        "rawBytes": original["encodedImage"],
                    },
                },
            },
            "meta": {"values": {"editInput.seed": ["undefined"]}},
        }

    done = await visitor.trpc("backbone.editImage", wanted(original["mediaGenerationId"]))
    unknown = await visitor.trpc("backbone.editImage", wanted("CAMaUnknown"))
    image = done.payload["imagePanels"][0]["generatedImages"][0]
    assert image["encodedImage"].startswith("iVBOR")
    assert "fingerprintLogRecordId" not in image

    assert unknown.json["error"]["json"]["data"]["code"] == "NOT_FOUND"


# What it refuses.

BAD_GENERATIONS: list[tuple[str, Any]] = [
    ("no body", b""),
    ("not JSON", b"prompt=a"),
    ("a list", [body()]),
    ("no prompt", body(prompt=None)),
    ("blank prompt", body("  ")),
    ("prompt of the wrong kind", body(prompt=["a"])),
    ("no settings", body(imageModelSettings=None)),
    ("unknown model", body(imageModelSettings={"imageModel": "IMAGEN_3", "aspectRatio": PORTRAIT})),
    ("unknown aspect", body(imageModelSettings={"imageModel": "IMAGEN_3_5", "aspectRatio": "9:16"})),
    ("unknown category", body(mediaCategory="SUBJECT")),
    ("seed in quotes", body(seed="1")),
    ("broken seed", body(seed=1.5)),
    ("seed true", body(seed=True)),
    ("seed too large", body(seed=2**31)),
    ("no context", body(clientContext=None)),
    ("no workflow", body(clientContext={"tool": "BACKBONE"})),
    ("unknown tool", body(clientContext={"workflowId": "w", "tool": "FLOW"})),
]


@pytest.mark.parametrize(("name", "document"), BAD_GENERATIONS, ids=[name for name, _ in BAD_GENERATIONS])
async def test_malformed_generations_are_refused(visitor: Visitor, name: str, document: Any) -> None:
    """What the service would not take gets its 400; the log says why, the bill stays empty."""
    answer = await visitor.google(GENERATE, document)
    (record,) = visitor.whisk.bill.log("generate")
    assert answer.json["error"]["status"] == "INVALID_ARGUMENT"
    assert record.why

    assert visitor.whisk.bill.generations == []


BAD_UPLOADS: list[tuple[str, str, Any]] = [
    ("no bytes", "", upload_body(rawBytes=None)),
    ("not base64", "", upload_body("@@@@")),
    ("not plain base64", "", upload_body(picture() + "\n")),
    ("no picture", "UNKNOWN_IMAGE_FILE_FORMAT", upload_body(base64.b64encode(b"GIF89a, or so").decode())),
    ("half a picture", "UNKNOWN_IMAGE_FILE_FORMAT", upload_body(picture("JPEG", (400, 400))[:1200])),
    ("a GIF", "UNKNOWN_IMAGE_FILE_FORMAT", upload_body(picture("GIF"))),
    ("unknown category", "", upload_body(mediaCategory="SUBJECT")),
    ("no envelope", "", upload_body()["json"]),
    ("caption of the wrong kind", "", upload_body(caption=7)),
]


@pytest.mark.parametrize(("name", "reason", "document"), BAD_UPLOADS, ids=[name for name, _, _ in BAD_UPLOADS])
async def test_malformed_uploads_are_refused(visitor: Visitor, name: str, reason: str, document: Any) -> None:
    """An upload must be base64 of a real picture of a kind that is taken, in the tRPC envelope."""
    answer = await visitor.trpc("backbone.uploadImage", document)
    error = answer.json["error"]["json"]
    assert visitor.whisk.bill.uploads == []

    wanted = f"PUBLIC_ERROR_{reason}" if reason else "Request contains an invalid argument."
    assert (error["message"], error["data"]["httpStatus"]) == (wanted, 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"mimeType": "image/jpeg"},
        {"mimeType": "png"},
        {"aspectRatio": "IMAGE_ASPECT_RATIO_LANDSCAPE"},
        {"isUserUploaded": False},
        {"rawImageBytes": "data:image/png;base64," + picture()},
    ],
)
async def test_an_asset_upload_must_tell_the_truth(visitor: Visitor, changes: dict[str, Any]) -> None:
    """Type and orientation named must be the picture's, and the base64 bare."""
    answer = await visitor.google(ASSET, asset_body(**changes))

    assert (answer.status, visitor.whisk.bill.uploads) == (400, [])


async def test_wrong_methods_paths_and_content_types_are_refused(visitor: Visitor) -> None:
    """A strict reader of requests: nothing passes that the service has no name for."""
    auth = {"Authorization": f"Bearer {visitor.bearer}"}
    cookie = {"Cookie": visitor.cookie}
    upload = TRPC + "backbone.uploadImage"
    answers = [
        await visitor.ask("GET", GENERATE, **auth),
        await visitor.ask("POST", "/v1/whisk:makeImage", body(), **auth),
        await visitor.google(GENERATE, body(), **{"Content-Type": "application/x-www-form-urlencoded"}),
        await visitor.ask("GET", upload, **cookie),
        await visitor.ask("POST", TRPC + "backbone.uploadPicture", upload_body(), **cookie),
        await visitor.ask("POST", upload + "?batch=1", upload_body(), **cookie),
        await visitor.ask("POST", "/fx/api/auth/session", {}, **cookie),
    ]

    assert [answer.status for answer in answers] == [404, 404, 400, 405, 404, 400, 405]


# Quotas.


async def test_a_window_opens_again_when_its_time_is_over(visitor: Visitor, clock: HandClock) -> None:
    """Seven a minute: the eighth is throttled, says when if asked to, and passes a minute later."""
    visitor.whisk.behaviour.limits = (Window(7, 60),)
    visitor.whisk.behaviour.retry_after = True
    early = [(await visitor.google(GENERATE, body(f"{n}"))).status for n in range(7)]
    clock.advance(15.5)
    denied = await visitor.google(GENERATE, body("late"))
    clock.advance(44.5)
    late = await visitor.google(GENERATE, body("late"))
    assert denied.json["error"]["details"][0]["reason"] == "PUBLIC_ERROR_USER_REQUESTS_THROTTLED"
    assert denied.headers["Retry-After"] == "45"
    assert visitor.whisk.bill.paid_by_prompt()["late"] == 1

    assert ([*early, denied.status], late.status) == ([200] * 7 + [429], 200)


async def test_no_retry_after_unless_switched_on(visitor: Visitor) -> None:
    """Nobody saw Google send the header here, so by default it is not sent."""
    visitor.whisk.behaviour.limits = (Window(0, 60),)
    answer = await visitor.google(GENERATE, body())

    assert "Retry-After" not in answer.headers


async def test_uploads_alone_can_have_a_quota(visitor: Visitor) -> None:
    """A quota on uploads leaves generation alone."""
    visitor.whisk.behaviour.limits = (Window(1, 60, endpoints=UPLOADS),)
    statuses = [(await visitor.trpc("backbone.uploadImage", upload_body())).status for _ in range(2)]
    statuses += [(await visitor.google(GENERATE, body())).status for _ in range(2)]

    assert statuses == [200, 429, 200, 200]


async def test_daily_caps_of_a_model_and_of_the_account(visitor: Visitor, clock: HandClock) -> None:
    """One model is used up while another still works, until the account is used up; a day later all is new."""
    visitor.whisk.behaviour.limits = (daily_cap(1, "IMAGEN_3_5"), daily_cap(2))
    banana = body(imageModelSettings={"imageModel": "GEM_PIX", "aspectRatio": PORTRAIT})
    answers = [await visitor.google(GENERATE, one) for one in (body(), body(), banana, banana)]
    clock.advance(86400)
    await visitor.session()
    next_day = await visitor.google(GENERATE, body())
    reasons = [
        answer.json["error"]["details"][0]["reason"].removeprefix("PUBLIC_ERROR_")
        for answer in answers
        if answer.status == 429
    ]

    assert (reasons, next_day.status) == (["PER_MODEL_DAILY_QUOTA_REACHED", "USER_QUOTA_REACHED"], 200)


async def test_too_many_at_once_are_refused_and_the_place_comes_free(visitor: Visitor) -> None:
    """Two at once may pass of three; afterwards there is room again."""
    visitor.whisk.behaviour.limits = (Concurrency(2),)
    visitor.whisk.behaviour.latency = 0.1
    together = await asyncio.gather(*(visitor.google(GENERATE, body(f"{n}")) for n in range(3)))
    after = await visitor.google(GENERATE, body("after"))
    (denied,) = [answer for answer in together if answer.status != 200]
    assert denied.json["error"]["details"][0]["reason"] == "PUBLIC_ERROR_CONCURRENT_LIMIT_REACHED"
    assert visitor.whisk.bill.busiest("generate") == 3

    assert (after.status, len(visitor.whisk.bill.generations)) == (200, 3)


async def test_each_candidate_counts(visitor: Visitor) -> None:
    """The ImageFX sibling makes several pictures in one call, and each is one of the quota."""
    visitor.whisk.behaviour.limits = (Window(3, 60),)
    wanted = {
        "userInput": {"candidatesCount": 2, "prompts": ["a square"], "seed": 0},
        "clientContext": {"sessionId": ";1", "tool": "IMAGE_FX"},
        "modelInput": {"modelNameType": "IMAGEN_3_5"},
        "aspectRatio": PORTRAIT,
    }
    first, second = [await visitor.google("/v1:runImageFx", wanted) for _ in range(2)]
    assert len({image["encodedImage"] for image in first.json["imagePanels"][0]["generatedImages"]}) == 2

    assert (first.status, second.status, len(visitor.whisk.bill.generations)) == (200, 429, 2)


@given(
    shape=st.sampled_from(["sliding", "fixed", "bucket"]),
    limit=st.integers(1, 6),
    pauses=st.lists(st.floats(0, 40), max_size=40),
)
def test_no_window_admits_more_than_its_number(shape: str, limit: int, pauses: list[float]) -> None:
    """Property: never more than N in any 60 s (2 N where windows are fixed or refill), and the wait is true."""
    window = Window(limit, 60, shape=shape)
    now, admitted = 0.0, []
    for pause in pauses:
        now += pause
        ask = Ask("a", "generate", None, 1, now)
        denial = window.refuses(ask)
        if denial is None:
            window.take(ask)
            admitted.append(now)
        else:
            assert denial.wait is not None
            assert window.refuses(Ask("a", "generate", None, 1, now + denial.wait + 1e-6)) is None
    most = max((sum(1 for t in admitted if start <= t < start + 60) for start in admitted), default=0)

    assert most <= (limit if shape == "sliding" else 2 * limit)


# Closed.


@pytest.mark.parametrize(
    ("mode", "session", "trpc", "google"),
    [
        ("redirect", 308, 308, 404),
        ("logged-out", 200, 401, 404),
        ("trpc-gone", 200, 401, 404),
        ("404", 404, 404, 404),
        ("410", 410, 410, 410),
    ],
)
async def test_the_closed_service(visitor: Visitor, mode: str, session: int, trpc: int, google: int) -> None:
    """Each way in which the addresses answer since the closure."""
    visitor.whisk.behaviour.closed = mode
    greeting = await visitor.session()
    cookie_lane = await visitor.trpc("media.createOrUpdateWorkflow", {"json": {}})
    bearer_lane = await visitor.google(GENERATE, body())
    if mode == "redirect":
        assert greeting.headers["Location"] == "https://flow.google.com/"
    elif mode == "logged-out":
        assert greeting.text == "{}"
    elif mode == "trpc-gone":
        assert greeting.json["access_token"].startswith("ya29.")
        assert cookie_lane.json["error"]["json"]["data"]["code"] == "UNAUTHORIZED"
    assert visitor.whisk.bill.generations == []

    assert (greeting.status, cookie_lane.status, bearer_lane.status) == (session, trpc, google)


def test_a_knob_turned_to_nonsense_is_refused() -> None:
    """A misspelt mode fails where it is set."""
    with pytest.raises(ValueError, match="closed cannot be 'shut'"):
        WhiskEmulator(closed="shut")


# The bill, and the other ways to run it.


def test_gaps_are_the_pauses_with_nothing_under_way() -> None:
    """Idle time runs from the end of the last overlapping request to the next arrival."""
    bill = Bill()

    def come(now: float) -> Any:
        return bill.arrive("generate", method="POST", path=GENERATE, content_type=None, now=now)

    one, two = come(0), come(1)
    bill.leave(one, 5)
    bill.leave(two, 3)
    bill.leave(come(4), 6)
    bill.leave(come(8.5), 9)
    bill.leave(come(24), 25)
    assert bill.busiest("generate", "upload") == 2

    assert bill.idle_gaps("generate") == [2.5, 15]


def test_a_thread_serves_a_client_that_blocks() -> None:
    """From synchronous code the emulator runs on a thread, at the speed asked for."""
    with serve_whisk(speed=1000.0) as whisk:
        request = urllib.request.Request(f"{whisk.url}/fx/api/auth/session", headers={"Cookie": TEST_COOKIE_HEADER})
        with urllib.request.urlopen(request, timeout=10) as answer:
            session = json.load(answer)
        (record,) = whisk.bill.log("session")

    assert (session["access_token"], record.token) == (session["access_token"], TEST_COOKIE)


def test_a_taken_port_is_reported_to_the_starter() -> None:
    """A failure to start reaches the thread that asked for the emulator."""
    with serve_whisk() as whisk:
        taken = serve_whisk(port=int(whisk.url.rpartition(":")[2]))
        with pytest.raises(OSError, match="address already in use"):
            taken.__enter__()


def test_a_process_prints_its_address() -> None:
    """``python -m`` serves with the options given, for people who try things by hand."""
    root = Path(__file__).parents[2]
    options = ["--port", "0", "--quota", "7/60", "--fault", "session:1=bad-gateway"]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.emulators.whisk", *options],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{url}/fx/api/auth/session", timeout=10)
            caught.value.close()
        finally:
            process.terminate()

    assert caught.value.code == 502


def test_a_process_names_a_wrong_option() -> None:
    """A quota of another form is one line of usage, not a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.emulators.whisk", "--quota", "seven"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "N/SECONDS" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
