"""The login over real sockets: one renewal for all, one replay, and an end."""

from __future__ import annotations

import asyncio

import pytest
from charimg_whisk.account import WhiskAccount
from whisk_lane import Lane, MakeLane

from charimg.errors import FatalError, FlakyError, ThrottledError
from charimg.images import inspect
from tests.emulators.whisk import TEST_COOKIE_HEADER, WhiskEmulator


async def draw(lane: Lane, count: int) -> None:
    """Several pictures at once."""
    await asyncio.gather(*(lane.generator.generate(lane.request(f"jester {number}")) for number in range(count)))


async def test_five_at_once_cause_one_login_and_one_project(whisk: WhiskEmulator, lane: Lane) -> None:
    """Five first requests share one session call and one project."""
    await draw(lane, 5)

    assert (whisk.bill.calls("session"), whisk.bill.calls("workflow"), len(whisk.bill.generations)) == (1, 1, 5)


async def test_five_refused_at_once_cause_one_renewal_and_one_replay_each(whisk: WhiskEmulator, lane: Lane) -> None:
    """A bearer that dies early is renewed once for all; each request is replayed once and none is paid twice."""
    await draw(lane, 1)
    whisk.revoke_bearers()

    await draw(lane, 5)

    assert whisk.bill.calls("session") == 2
    assert whisk.bill.calls("generate") == 1 + 5 + 5
    assert len(whisk.bill.generations) == 6


async def test_a_refusal_that_arrives_late_uses_the_renewal_of_another(whisk: WhiskEmulator, lane: Lane) -> None:
    """A request refused after another's renewal is replayed with the new bearer and renews nothing."""
    await draw(lane, 1)
    whisk.revoke_bearers()
    whisk.add_fault("delay", endpoint="generate", prompt="slow", times=1, seconds=0.3)

    slow = asyncio.create_task(lane.generator.generate(lane.request("slow")))
    while whisk.bill.calls("generate") < 2:
        await asyncio.sleep(0.01)
    await lane.generator.generate(lane.request("quick"))
    await slow

    assert whisk.bill.calls("session") == 2
    assert sorted(made.prompt for made in whisk.bill.generations) == ["jester 0", "quick", "slow"]


async def test_a_bearer_is_renewed_before_it_runs_out(whisk: WhiskEmulator, lane: Lane) -> None:
    """With less than a minute to live the bearer is renewed before the next picture, without a refused request."""
    whisk.behaviour.session_expires_in = 59
    await draw(lane, 1)
    before = whisk.bill.calls("session")

    await draw(lane, 5)

    assert whisk.bill.calls("session") == before + 1
    assert [record.status for record in whisk.bill.log("generate")] == [200] * 6


async def test_a_bearer_with_time_left_is_kept(whisk: WhiskEmulator, lane: Lane) -> None:
    """Pictures one after another use one bearer."""
    for number in range(3):
        await lane.generator.generate(lane.request(f"jester {number}"))

    assert whisk.bill.calls("session") == 1


async def test_a_second_refusal_after_the_renewal_ends_the_run(whisk: WhiskEmulator, lane: Lane) -> None:
    """Renew once, replay once, then fatal; and nothing more is sent afterwards."""
    whisk.add_fault("unauthenticated", endpoint="generate")

    with pytest.raises(FatalError, match="refuses a freshly renewed login") as refused:
        await lane.generator.generate(lane.request())
    assert len(refused.value.message) <= 300  # what the terminal shows of a message
    assert (whisk.bill.calls("session"), whisk.bill.calls("generate")) == (2, 2)
    with pytest.raises(FatalError, match="refuses a freshly renewed login"):
        await lane.generator.generate(lane.request())

    assert (whisk.bill.calls("session"), whisk.bill.calls("generate")) == (2, 2)


async def test_a_rotated_cookie_is_kept_used_and_hidden(whisk: WhiskEmulator, lane: Lane) -> None:
    """A new session token from the service is remembered in the old one's place and sent from then on."""
    whisk.behaviour.session_mode = "rotated"
    await lane.generator.generate(lane.request())
    kept = lane.remembered["cookie"]

    assert kept != TEST_COOKIE_HEADER
    assert whisk.bill.log("workflow")[0].token == kept.partition("=")[2]
    assert lane.context.redactor.clean(f"-{kept}-") == "-***-"


async def test_a_cookie_rotated_by_another_request_is_tried_before_giving_up(whisk: WhiskEmulator, lane: Lane) -> None:
    """A site's 401 for a cookie that has just been replaced is replayed with the new one."""
    await lane.generator.open()
    whisk.behaviour.session_mode = "rotated"
    whisk.add_fault("trpc-unauthorized", endpoint="workflow", times=1)

    await lane.generator.generate(lane.request())

    assert [record.status for record in whisk.bill.log("workflow")] == [401, 200]


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("empty", "wrong or expired"),
        ("null-user", "wrong or expired"),
        ("refresh-needed", "cannot be renewed"),
        ("refresh-needed-bare", "cannot be renewed"),
        ("redirect-302", "could not verify"),
        ("redirect-308", "could not verify"),
        ("401", "could not verify"),
        ("403", "could not verify"),
        ("html", "could not verify"),
        ("blank", "could not verify"),
    ],
)
async def test_a_dead_login_stops_before_anything_is_asked(
    whisk: WhiskEmulator, lane: Lane, mode: str, words: str
) -> None:
    """Every way of not being logged in is told when the lane opens, in one line, with the way to mend it."""
    whisk.behaviour.session_mode = mode

    with pytest.raises(FatalError, match=words) as refused:
        await lane.generator.open()

    assert "charimg keys set whisk" in refused.value.message
    assert [record.endpoint for record in whisk.bill.log()] == ["session"]


@pytest.mark.parametrize(
    ("lane", "variable", "remedy"),
    [
        ("whisk@work", None, "run: charimg keys set whisk@work"),
        ("whisk", "CHARIMG_WHISK_COOKIE", "correct CHARIMG_WHISK_COOKIE in the environment"),
    ],
)
@pytest.mark.parametrize("cookie", ["eyJ-of-nobody", "SID=g.a000-of-another-service"])
async def test_the_remedy_for_a_wrong_cookie_is_where_it_came_from(
    whisk: WhiskEmulator, lane_for: MakeLane, lane: str, variable: str | None, remedy: str, cookie: str
) -> None:
    """The account's own command, or the variable that would win over a cookie that is kept."""
    wrong = lane_for(whisk.url, cookie=cookie, lane=lane, variable=variable)

    with pytest.raises(FatalError) as failed:
        await wrong.generator.open()

    assert f"then {remedy}" in failed.value.message


async def test_a_busy_login_page_does_not_stop_the_lane_from_opening(whisk: WhiskEmulator, lane: Lane) -> None:
    """A 503 of the session is a throttle for the requests, not a reason to close the lane."""
    whisk.add_fault("unavailable", endpoint="session", times=2)

    await lane.generator.open()
    with pytest.raises(ThrottledError):
        await lane.generator.generate(lane.request())
    made = await lane.generator.generate(lane.request())

    assert made.data


async def test_a_missing_cookie_names_its_variable(whisk: WhiskEmulator, lane_for: MakeLane) -> None:
    """Without the credential the message says what it is called and where to get it."""
    with pytest.raises(FatalError, match="CHARIMG_WHISK_COOKIE") as refused:
        await lane_for(whisk.url, cookie=None).generator.open()

    assert "labs.google/fx" in refused.value.message
    assert whisk.bill.log() == []


async def test_one_cancelled_caller_leaves_the_renewal_to_the_others(whisk: WhiskEmulator, lane: Lane) -> None:
    """Who started the login may be cancelled; those who wait for it still get it."""
    whisk.add_fault("delay", endpoint="session", seconds=0.2)
    first = asyncio.create_task(lane.generator.generate(lane.request("first")))
    second = asyncio.create_task(lane.generator.generate(lane.request("second")))
    while not whisk.bill.log("session"):
        await asyncio.sleep(0.01)
    first.cancel()

    made = await second

    assert inspect(made.data).format == "jpeg"
    assert whisk.bill.calls("session") == 1


async def test_check_says_who_is_logged_in_without_the_address(whisk: WhiskEmulator, lane: Lane) -> None:
    """The doctor learns the first letter of the name, and nothing is made for it."""
    assert await lane.generator.check() == "logged in as T…"
    assert await lane.uploader.check() == "logged in as T…"
    assert (whisk.bill.workflows, whisk.bill.generations) == ([], [])


async def test_credentials_stay_on_their_lane(whisk: WhiskEmulator, lane: Lane) -> None:
    """The cookie never travels to the API, nor the bearer to the site."""
    await lane.uploader.upload(lane.saved(lane.picture()))
    await draw(lane, 2)

    assert whisk.bill.stray_credentials == []


async def test_generator_and_uploader_of_a_lane_share_one_login(whisk: WhiskEmulator, lane: Lane) -> None:
    """One session call and one project serve both."""
    await lane.generator.generate(lane.request())
    await lane.uploader.upload(lane.saved(lane.picture()))

    assert (whisk.bill.calls("session"), whisk.bill.calls("workflow")) == (1, 1)


async def test_a_caller_that_comes_as_the_project_is_made_gets_the_same(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the service's answer and the waking of those who waited for it, no second project is begun."""
    account = lane.context.share(WhiskAccount)
    asked: list[asyncio.Task[str]] = []
    tell = account.tell

    async def told(procedure: str, payload: dict[str, object]) -> object:
        answer = await tell(procedure, payload)
        asyncio.get_running_loop().call_soon(lambda: asked.append(asyncio.ensure_future(account.workflow())))
        return answer

    monkeypatch.setattr(account, "tell", told)
    first = await account.workflow()
    await asyncio.sleep(0.01)

    assert [await task for task in asked] == [first]


async def test_a_project_that_could_not_be_made_is_tried_again_by_the_next(whisk: WhiskEmulator, lane: Lane) -> None:
    """A failed project is not remembered, nor counted as money spent."""
    whisk.add_fault("gateway-timeout", endpoint="workflow", times=1)
    with pytest.raises(ThrottledError) as busy:
        await lane.generator.generate(lane.request())

    made = await lane.generator.generate(lane.request())

    assert made.data
    assert busy.value.possibly_charged is False


async def test_a_project_without_an_id_is_flaky(whisk: WhiskEmulator, lane: Lane) -> None:
    """An answer of another shape is no project."""
    whisk.add_fault("empty-body", endpoint="workflow")

    with pytest.raises(FlakyError):
        await lane.generator.generate(lane.request())
