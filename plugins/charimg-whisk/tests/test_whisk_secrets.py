"""No cookie and no token reaches a text, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path

import pytest
from charimg_whisk.account import WhiskAccount
from hypothesis import example, given
from hypothesis import strategies as st
from whisk_lane import Lane

from charimg.contracts import ProviderContext
from charimg.errors import ProviderError
from charimg.http import Answer
from charimg.redaction import Secret
from tests.emulators.whisk import TEST_COOKIE, TEST_COOKIE_HEADER, Reply, WhiskEmulator


def everything_said(error: BaseException) -> str:
    """The error as a traceback, a representation and its causes show it."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)


@pytest.mark.parametrize("endpoint", ["session", "workflow", "generate", "caption", "upload"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
async def test_a_service_that_repeats_the_credentials_is_not_repeated(
    whisk: WhiskEmulator, lane: Lane, caplog: pytest.LogCaptureFixture, endpoint: str, status: int
) -> None:
    """An error message that holds the cookie and the bearer leaves with stars in their place."""
    caplog.set_level(logging.DEBUG)
    await lane.generator.open()
    bearer = next(iter(whisk.service.accounts.by_login(TEST_COOKIE).bearers))  # type: ignore[union-attr]
    lane.generator._account._login = None
    message = f"cannot accept {TEST_COOKIE_HEADER} with Bearer {bearer} or {bearer}"
    body = json.dumps({"error": {"code": status, "message": message, "status": "X"}}).encode()
    whisk.add_fault(Reply(status, body), endpoint=endpoint)

    said = caplog.text
    for call in (lane.generator.generate(lane.request()), lane.uploader.upload(lane.saved(lane.picture()))):
        try:
            await call
        except ProviderError as error:
            said += everything_said(error)

    assert TEST_COOKIE not in said
    assert bearer not in said


async def test_objects_of_a_lane_do_not_print_their_secrets(whisk: WhiskEmulator, lane: Lane) -> None:
    """A debugger's or logger's look at the login shows no token."""
    login = await lane.generator._account._valid_login()

    said = f"{login!r} {vars(lane.generator._account)!r} {vars(lane.context)!r}"
    said = said.replace(repr(lane.context.redactor), "")
    assert TEST_COOKIE not in said
    assert login.bearer not in said


class EchoingHttp:
    """A service that answers with the request's own headers as the error message, perhaps after a good login."""

    def __init__(self, status: int, before: int, bearer: str | None = None) -> None:
        self._status = status
        self._before = before
        self._bearer = bearer

    async def request(self, _method: str, url: str, *, headers: dict[str, str], **_: object) -> Answer:
        if self._bearer and url.endswith("/session"):
            return Answer(200, {}, json.dumps({"access_token": self._bearer}).encode(), url)
        error = {"error": {"code": self._status, "message": "x" * self._before + json.dumps(headers)}}
        return Answer(self._status, {}, json.dumps(error).encode(), url)


tokens = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=";,\"\\'="), min_size=16)


async def said_with(token: str, status: int, before: int) -> str:
    """Everything that is said when a service repeats this cookie in its refusal."""
    context = ProviderContext(
        folder=Path(),
        out=Path(),
        credentials={"cookie": Secret(f"__Secure-next-auth.session-token=eyJ{token}")},
        http=EchoingHttp(status, before),  # type: ignore[arg-type]
    )
    with pytest.raises(ProviderError) as failed:
        await WhiskAccount(context).check()
    return everything_said(failed.value)


@given(tokens, st.sampled_from([400, 401, 403, 429, 500, 502]), st.integers(0, 250))
@example("charimg.00000000", 400, 0)
async def test_no_cookie_however_it_is_made_reaches_a_message(token: str, status: int, before: int) -> None:
    """Random cookies that the service repeats are erased from what is raised, also where the message is cut."""
    said = await said_with(token, status, before)

    # A cookie may begin as one of our own words does: those are said whatever the cookie is.
    assert said.count(token[:8]) <= (await said_with("~" * 40, status, before)).count(token[:8])


@pytest.mark.parametrize("bearer", [None, "b3arer!of!no!common!shape"])
async def test_a_secret_at_the_cut_of_a_long_message_is_not_left_in_half(bearer: str | None) -> None:
    """Wherever the message is cut, no piece of the secret stays; also one of no shape that is known."""
    for before in range(260):
        context = ProviderContext(
            folder=Path(),
            out=Path(),
            credentials={"cookie": Secret("__Secure-next-auth.session-token=s3cret!word!of!the!cookie")},
            http=EchoingHttp(500, before, bearer),  # type: ignore[arg-type]
        )
        account = WhiskAccount(context)
        with pytest.raises(ProviderError) as failed:
            await (account.generate("whisk:generateImage", {}) if bearer else account.check())
        assert "s3cr" not in failed.value.message
        assert "b3ar" not in failed.value.message


async def test_a_cookie_at_the_cut_of_the_sites_message_is_not_left_in_half() -> None:
    """The same for what the site answers after a good login."""
    for before in range(260):
        context = ProviderContext(
            folder=Path(),
            out=Path(),
            credentials={"cookie": Secret("__Secure-next-auth.session-token=s3cret!word!of!the!cookie")},
            http=EchoingHttp(500, before, "ya29.bearer"),  # type: ignore[arg-type]
        )
        with pytest.raises(ProviderError) as failed:
            await WhiskAccount(context).ask("general.fetchUserPreferences")
        assert "s3cr" not in failed.value.message
