"""Every service people have, by command line alone: the installed command against the emulated wire."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack

import pytest

from charimg.images import inspect
from tests.emulators.gemini import Account
from tests.end_to_end.conftest import Desk
from tests.end_to_end.services import SERVICES, environment, serve

QUICK = ("--cooldown", "0")


@pytest.mark.parametrize("name", SERVICES)
def test_the_fifteen_characters_through(name: str, desk: Desk) -> None:
    """Fifteen pictures on disk, each made once and recorded; a second run has nothing to do."""
    with serve(name) as service:
        desk.environ |= environment(name, service.url)
        first = desk.charimg("run", "--provider", name, "--json", *QUICK)
        again = desk.charimg("run", "--provider", name, "--json", *QUICK)
        made = SERVICES[name].made(service)

    assert (first.code, first.summary["succeeded"], made) == (0, 15, 15), (first.out[-3000:], first.err)
    assert (again.code, again.summary["total"]) == (0, 0)
    assert [card["state"] for card in desk.status()] == ["done"] * 15
    assert len({inspect(path.read_bytes()).sha256 for path in desk.pictures()}) == 15


@pytest.fixture
def village(desk: Desk) -> Desk:
    """A roster of sixty."""
    (desk.folder / "characters.yaml").unlink()
    lines = [f"Villager {number:02}: a villager with {number} buttons on a long coat" for number in range(1, 61)]
    (desk.folder / "characters.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return desk


def test_two_keys_and_a_server_share_a_roster_of_sixty(village: Desk) -> None:
    """One key runs into its daily limit on the way; the others do the rest, and nobody is made twice."""
    accounts = [Account("key-of-the-house-0123456789", per_day=12), Account("key-of-the-office-0123456789")]
    with ExitStack() as stack:
        gemini = stack.enter_context(serve("gemini", accounts=accounts))
        comfyui = stack.enter_context(serve("comfyui"))
        (village.folder / "charimg.yaml").write_text(
            f"""\
lanes:
  - gemini@house
  - gemini@office
  - {{provider: comfyui, name: attic, server: {comfyui.url}}}
providers:
  gemini: {{base_url: {gemini.url}}}
""",
            encoding="utf-8",
        )
        village.environ |= {
            "CHARIMG_GEMINI_HOUSE_API_KEY": accounts[0].key,
            "CHARIMG_GEMINI_OFFICE_API_KEY": accounts[1].key,
        }
        told = village.charimg("run", "--json", *QUICK)
        made = SERVICES["gemini"].made(gemini) + SERVICES["comfyui"].made(comfyui)
    cards = village.status()
    by_lane = Counter(card["lane"] for card in cards)

    assert (told.code, told.summary["succeeded"], made) == (0, 60, 60), (told.out[-3000:], told.err)
    assert [(lane["lane"], lane["verdict"]) for lane in told.summary["closed"]] == [("gemini@house", "exhausted")]
    assert by_lane["gemini@house"] == 12
    assert min(by_lane["gemini@office"], by_lane["attic"]) > 0
    assert {card["state"] for card in cards} == {"done"}
    assert {lane["name"]: lane["succeeded"] for lane in told.summary["lanes"]} == dict(by_lane)


def test_a_fallback_takes_what_an_exhausted_key_leaves(desk: Desk) -> None:
    """The offline avatar is opened only when the day's quota is used up, and says so in the log."""
    with serve("gemini", accounts=[Account("key-of-the-house-0123456789", per_day=5)]) as gemini:
        desk.environ |= {"CHARIMG_GEMINI_BASE_URL": gemini.url, "GEMINI_API_KEY": "key-of-the-house-0123456789"}
        told = desk.charimg("run", "--provider", "gemini", "--fallback", "avatar", "--progress", "plain", *QUICK)

    lines = told.err.splitlines() + told.out.splitlines()
    assert told.code == 0
    assert "👉 avatar takes over: 10 characters left" in lines
    assert ["   gemini: 5 succeeded" in line for line in lines].count(True) == 1
    assert "   avatar: 10 succeeded" in lines
