"""``charimg run --provider whisk`` against a local Whisk, over real sockets, as a user would run it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from charimg.metadata import read_metadata
from tests.emulators.whisk import TEST_COOKIE, UPLOADS, WhiskEmulator, Window
from tests.end_to_end.conftest import Desk

MakeWhisk = Callable[..., WhiskEmulator]

FAST = ("--provider", "whisk", "--cooldown", "0.05", "--quota-wait", "0.5")
"""The policy with its waits cut short, for tests whose matter is not their length."""

SPEED = 20
"""How much shorter than life the quota's minute is where the policy's waits are cut by the same factor."""

SCALED = ("--provider", "whisk", "--cooldown", str(2 / SPEED), "--quota-wait", str(15 / SPEED))


def _paid_once(whisk: WhiskEmulator) -> bool:
    return max(whisk.bill.paid_by_prompt().values()) == 1


def test_fifteen_characters_get_their_pictures_and_media_ids(desk: Desk, whisk_for: MakeWhisk) -> None:
    """The main job: 15 JPEG files, 15 different ids, five at a time, nobody paid for twice, nothing uploaded."""
    whisk = whisk_for(latency=0.1)

    result = desk.charimg("run", *FAST, "--json")

    assert (result.code, result.err) == (0, "")
    assert {name: result.summary[name] for name in ("total", "succeeded", "failed", "rejected", "pending")} == {
        "total": 15,
        "succeeded": 15,
        "failed": 0,
        "rejected": 0,
        "pending": 0,
    }
    entries = desk.status()
    assert [entry["state"] for entry in entries] == ["done"] * 15
    assert len({entry["media_id"] for entry in entries}) == 15
    assert all((desk.folder / entry["image"]).suffix == ".jpg" for entry in entries)
    assert len(desk.pictures()) == 15
    assert (len(whisk.bill.generations), len(whisk.bill.uploads), len(whisk.bill.workflows)) == (15, 0, 1)
    assert _paid_once(whisk)
    assert whisk.bill.busiest("generate") == 5
    assert {generation.aspect for generation in whisk.bill.generations} == {"IMAGE_ASPECT_RATIO_PORTRAIT"}


def test_each_character_gets_the_picture_of_its_own_prompt(desk: Desk, whisk_for: MakeWhisk) -> None:
    """The picture on disk is the one the service made for this character's description, and says so itself."""
    whisk = whisk_for()

    desk.charimg("run", *FAST)

    told = {entry["name"]: read_metadata((desk.folder / entry["image"]).read_bytes()) for entry in desk.status()}
    made = {generation.sha256: generation.prompt for generation in whisk.bill.generations}
    assert "pot-bellied man of forty" in told["Gopal Bhar"].prompt
    assert len({one.prompt for one in told.values()}) == 15
    assert all(made[one.original] == one.prompt for one in told.values())


@pytest.mark.parametrize("retry_after", [False, True], ids=["no word of a wait", "Retry-After"])
def test_seven_a_minute_ends_with_fifteen_pictures(desk: Desk, whisk_for: MakeWhisk, retry_after: bool) -> None:
    """Where the service tells its wait, one run does it all; else the policy's three waits may end before the minute,
    and the next run takes up what is left. Either way nothing is generated twice."""
    whisk = whisk_for(limits=(Window(7, 60 / SPEED),), retry_after=retry_after)

    codes = []
    while 0 not in codes and len(codes) < 4:
        codes.append(desk.charimg("run", *SCALED).code)

    assert codes == [0] if retry_after else (codes[-1] == 0 and set(codes[:-1]) <= {3})
    assert len(whisk.bill.generations) == 15
    assert _paid_once(whisk)
    assert len({entry["media_id"] for entry in desk.status()}) == 15


def test_the_quota_is_told_and_waited_for(desk: Desk, whisk_for: MakeWhisk) -> None:
    """One throttled answer in a batch: one wait, one retry of the unfinished job alone, all five saved."""
    whisk = whisk_for()
    whisk.add_fault("too-much-traffic", endpoint="generate", calls=(3,))

    keys = ("gopal-bhar", "the-guru-গুরুদেব", "the-barber-নাপিত", "the-thief-চোর", "the-vaidya-কবিরাজ")
    result = desk.charimg("run", *FAST, "--json", *(word for key in keys for word in ("--only", key)))

    waits = [event for event in result.events if event["event"] == "quota_wait"]
    assert [(wait["retry"], wait["retries"], wait["unfinished"], wait["verdict"]) for wait in waits] == [
        (1, 3, 1, "throttled")
    ]
    assert result.summary["succeeded"] == 5
    assert (whisk.bill.calls("generate"), len(whisk.bill.generations)) == (6, 5)
    assert max(whisk.bill.idle_gaps("generate")) >= 0.5


def test_an_answer_without_a_media_id_is_uploaded(desk: Desk, whisk_for: MakeWhisk) -> None:
    """When the generation brings no id the saved picture is captioned and uploaded, once each."""
    whisk = whisk_for(id_mode="missing")

    result = desk.charimg("run", *FAST)

    assert result.code == 0
    assert set(whisk.bill.uploads_by_picture().values()) == {1}
    assert {upload.category for upload in whisk.bill.uploads} == {"MEDIA_CATEGORY_SUBJECT"}
    assert {entry["media_id"] for entry in desk.status()} == {upload.media_id for upload in whisk.bill.uploads}


def test_a_quota_on_uploads_does_not_cost_a_second_picture(desk: Desk, whisk_for: MakeWhisk) -> None:
    """The pictures are saved and paid for; only the uploads are tried again, in this run and in the next."""
    whisk = whisk_for(id_mode="missing", limits=(Window(4, 3600, endpoints=UPLOADS),))

    first = desk.charimg("run", *FAST, "--max-retries", "1", "--json")
    states = {entry["state"] for entry in desk.status()}
    whisk.behaviour.limits = ()
    second = desk.charimg("run", *FAST, "--json")

    assert (first.code, second.code) == (3, 0)
    assert states == {"done", "saved"}
    assert len(whisk.bill.generations) == 15
    assert _paid_once(whisk)
    assert set(whisk.bill.uploads_by_picture().values()) == {1}


def test_a_kill_between_save_and_upload_resumes_with_the_upload(desk: Desk, whisk_for: MakeWhisk) -> None:
    """SIGKILL while the uploads hang: the next run uploads what is on disk and generates none of it again."""
    whisk = whisk_for(id_mode="missing")
    whisk.add_fault("hang", endpoint="upload", times=5)
    process = desk.start("run", *FAST)
    deadline = time.monotonic() + 30
    while whisk.bill.calls("upload") < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate()

    result = desk.charimg("run", *FAST)

    assert result.code == 0
    assert len(whisk.bill.generations) == 15
    assert _paid_once(whisk)


def test_a_kill_while_the_service_is_at_work_is_told(desk: Desk, whisk_for: MakeWhisk) -> None:
    """What was in flight at a kill may have been charged: the next run says so, by name, and makes it again."""
    whisk = whisk_for()
    whisk.add_fault("hang-after-accept", endpoint="generate", times=5)
    process = desk.start("run", *FAST)
    deadline = time.monotonic() + 30
    while len(whisk.bill.generations) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate()

    result = desk.charimg("run", *FAST, "--json")

    assert result.code == 0
    assert len(result.summary["possibly_charged"]) == 5
    assert len(whisk.bill.generations) == 20


def test_expired_ids_are_uploaded_again(desk: Desk, whisk_for: MakeWhisk) -> None:
    """An id that the service has forgotten is replaced by the next run: by an upload, never by a second picture."""
    whisk = whisk_for()
    desk.charimg("run", *FAST, "-o", "media_lifetime=0", "--only", "Gopal Bhar")
    before = desk.status()[0]["media_id"]

    result = desk.charimg("run", *FAST, "--only", "Gopal Bhar")
    again = desk.charimg("run", *FAST, "--only", "Gopal Bhar", "--json")

    assert (result.code, again.summary["total"]) == (0, 0)
    assert len(whisk.bill.generations) == 1
    assert set(whisk.bill.uploads_by_picture().values()) == {2}
    assert desk.status()[0]["media_id"] not in (None, before)


@pytest.mark.parametrize("mode", ["redirect", "logged-out", "trpc-gone", "404", "410"])
def test_a_closed_whisk_is_told_in_one_line(desk: Desk, whisk_for: MakeWhisk, mode: str) -> None:
    """Google closed Whisk: the user hears it once, with what to use instead, and the lane closes at once."""
    whisk = whisk_for(closed=mode)

    result = desk.charimg("run", *FAST, "--json")

    closed = [event["message"] for event in result.events if event["event"] == "lane_closed"]
    assert result.code == 4
    assert len(closed) == 1
    assert "2026-04-30" in closed[0]
    assert "charimg providers" in closed[0]
    assert "\n" not in closed[0]
    assert (result.summary["succeeded"], result.summary["pending"]) == (0, 15)
    assert len(whisk.bill.generations) == 0
    assert whisk.bill.calls("generate") <= 5


def test_a_missing_cookie_is_told_before_anything_is_made(desk: Desk, whisk_for: MakeWhisk) -> None:
    """Exit code 4, one line with the command that mends it, and no state left behind."""
    whisk_for()
    del desk.environ["CHARIMG_WHISK_COOKIE"]

    result = desk.charimg("run", *FAST)

    assert (result.code, result.out) == (4, "")
    assert result.err.count("\n") == 1
    assert "charimg keys set whisk" in result.err
    assert not (desk.folder / ".charimg").exists()


def test_refused_and_invalid_characters_are_told_apart(desk: Desk, whisk_for: MakeWhisk) -> None:
    """One is rejected by the content policy, one is invalid: both are marked with the service's reason, 13 are made."""
    whisk = whisk_for()
    whisk.add_fault("UNSAFE_GENERATION", endpoint="generate", prompt="skinny young man of twenty-two")
    whisk.add_fault("invalid-argument", endpoint="generate", prompt="village physician")

    result = desk.charimg("run", *FAST, "--json")
    again = desk.charimg("run", *FAST, "--json")

    assert result.code == 1
    assert [result.summary[name] for name in ("succeeded", "failed", "rejected", "pending")] == [13, 1, 1, 0]
    by_name = {entry["name"]: entry for entry in desk.status()}
    assert "UNSAFE_GENERATION" in by_name["The Thief (চোর)"]["error"]
    assert by_name["The Vaidya (কবিরাজ)"]["state"] == "failed"
    assert again.summary["total"] == 1  # the failed one is tried again, the rejected one is not


def test_ctrl_c_lets_what_is_in_flight_finish(desk: Desk, whisk_for: MakeWhisk) -> None:
    """One SIGINT: the five under way are kept, no further batch begins, exit code 130, and the next run goes on."""
    whisk = whisk_for(latency=1.0)
    process = desk.start("run", *FAST, "--json")
    deadline = time.monotonic() + 30
    while whisk.bill.calls("generate") < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert '"succeeded": 5, "failed": 0, "rejected": 0, "pending": 10' in out.splitlines()[-1]
    assert len(whisk.bill.generations) == 5
    whisk.behaviour.latency = 0.0
    assert desk.charimg("run", *FAST).code == 0
    assert len(whisk.bill.generations) == 15


def test_no_secret_leaves_the_lane(desk: Desk, whisk_for: MakeWhisk) -> None:
    """Neither cookie nor bearer stands in any output, in the ledger, or goes to the wrong host's lane."""
    whisk = whisk_for()
    whisk.add_fault("unauthenticated", endpoint="generate", calls=(2,))

    result = desk.charimg("--debug", "run", *FAST, "--json")

    kept = b"".join(path.read_bytes() for path in (desk.folder / ".charimg").iterdir())
    told = (result.out + result.err).encode() + kept
    assert TEST_COOKIE.encode() not in told
    assert b"ya29." not in told
    assert whisk.bill.stray_credentials == []
