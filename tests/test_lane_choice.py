"""Which lanes a run has: what flags, environment and files make of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from charimg.contracts import Abilities, Setting
from charimg.errors import InputError, PluginError
from charimg.lane import LaneSettings
from charimg.lane_choice import LaneChoices
from tests.run.workshop import Workshop

LANES = """
    lanes:
      - {provider: scripted@work, name: office, weight: 2}
      - {provider: comfy, server: 'http://attic:8188', batch_size: 9}
      - {provider: scripted, fallback: yes}
    """
BASE = Setting("base_url", "The address.", str, "http://default:1")


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """The generators ``scripted`` and ``comfy``; the uploaders ``scripted``, ``shelf`` and ``none``."""
    for name in ("project", "home"):
        (tmp_path / name).mkdir()
    shop = Workshop(tmp_path / "project", tmp_path / "home")
    shop.add_generator("comfy", settings=(BASE, Setting("steps", "How many.", int, 20)))
    return shop


def lanes(shop: Workshop, *only: str, **flags: object) -> LaneChoices:
    """What these flags ask for; without ``provider`` the files say it."""
    return shop.order(flags={"provider": None, **flags}, lane=only).lanes


def settled(shop: Workshop, *only: str) -> list[LaneSettings]:
    """The lanes of the file with their settings."""
    return list(shop.order(flags={"provider": None}, lane=only).settings.values())


def names(chosen: LaneChoices) -> tuple[list[str], list[str]]:
    return [lane.name for lane in chosen.first], [lane.name for lane in chosen.fallbacks]


# -- where they are named ------------------------------------------------------------------------------------------


def test_the_file_names_them(shop: Workshop) -> None:
    """In its order, the fallbacks apart."""
    shop.write(LANES)

    assert names(lanes(shop)) == (["office", "comfy@attic:8188"], ["scripted"])


def test_the_flag_takes_the_place_of_the_file(shop: Workshop) -> None:
    """Several with commas, spaces around them or not, and an account's label after ``@``; the file's fallbacks go."""
    shop.write(LANES)

    assert names(lanes(shop, provider="scripted@home, comfy,scripted")) == (["scripted@home", "comfy", "scripted"], [])


def test_the_environment_takes_the_place_of_the_file(shop: Workshop) -> None:
    """As for every setting."""
    shop.write(LANES)
    shop.environ["CHARIMG_PROVIDER"] = "scripted@x,scripted@y"

    assert names(lanes(shop)) == (["scripted@x", "scripted@y"], [])


def test_a_project_that_names_a_provider_is_above_the_users_lanes(shop: Workshop) -> None:
    """The nearer file wins; within one file its lanes do."""
    (shop.home / "config.yaml").write_text("provider: comfy\nlanes:\n  - scripted@u\n", encoding="utf-8")
    by_user = names(lanes(shop))
    shop.write("provider: scripted")

    assert (by_user, names(lanes(shop)), names(lanes(shop, "scripted@u"))) == (
        (["scripted@u"], []),
        (["scripted"], []),
        (["scripted@u"], []),
    )


def test_some_lanes_of_the_file(shop: Workshop) -> None:
    """``--lane`` picks by name, a fallback too, each once; others may be added with ``--provider``."""
    shop.write(LANES)

    assert names(lanes(shop, "scripted", "office", "office")) == (["scripted", "office"], [])
    assert names(lanes(shop, "office", provider="comfy")) == (["office", "comfy"], [])


def test_a_fallback_is_a_provider_or_a_lane(shop: Workshop) -> None:
    """``--fallback`` takes the place of the file's; a name of the file's is that lane, with all it says."""
    shop.write(LANES)
    chosen = lanes(shop, "comfy@attic:8188", fallback="office, scripted@x")

    assert names(chosen) == (["comfy@attic:8188"], ["office", "scripted@x"])
    assert [lane.weight for lane in chosen.fallbacks] == [2.0, None]


def test_a_lane_remembers_where_it_is_written(shop: Workshop) -> None:
    """Its account, its server and its uploader's account: what has a quota, and what a reference is valid for."""
    shop.write(LANES)
    office, attic, _ = settled(shop)

    def places(lane: LaneSettings) -> tuple[str, ...]:
        choice = lane.choice
        return choice.account, lane.generator_place, choice.uploader.declaration.name, lane.uploader_place

    assert places(office) == ("scripted@work", "scripted@work", "scripted", "scripted@work")
    assert places(attic) == ("comfy", "comfy@http://attic:8188", "none", "none")


def test_two_servers_are_two_places_though_one_login_is_good_for_both(shop: Workshop) -> None:
    """What one of them says, that it is full or gone, is no word about the other."""
    entry = "{{provider: comfy@me, server: 'http://{0}:1', name: {0}}}"
    shop.write(f"lanes:\n  - {entry.format('attic')}\n  - {entry.format('cellar')}")

    told = [(lane.choice.account, lane.generator_place) for lane in settled(shop)]
    assert told == [("comfy@me", "comfy@me@http://attic:1"), ("comfy@me", "comfy@me@http://cellar:1")]


@pytest.mark.parametrize("second", ["http://gw:80/b", "https://gw:80/a", "http://gw:81/a"])
def test_two_gateways_of_one_host_are_two_places(shop: Workshop, second: str) -> None:
    """Scheme, port and path tell servers apart; a slash at the end and the scheme's own port do not."""
    entry = "  - {{provider: comfy, server: '{0}', name: {1}}}\n"
    shop.write(f"lanes:\n{entry.format('http://gw/a', 'one')}{entry.format(second, 'two')}")

    one, two = settled(shop)
    assert one.generator_place != two.generator_place


def test_one_account_with_the_same_settings_is_one_lane(shop: Workshop) -> None:
    """Under whatever names: each would have the policy to itself, and the account twice as much to do."""
    entry = "  - {{provider: comfy, server: '{0}', name: {1}}}\n"
    shop.write(f"lanes:\n{entry.format('http://gw/a', 'one')}{entry.format('http://gw:80/a/', 'two')}")

    with pytest.raises(InputError, match="the lanes 'one' and 'two' are one account with the same settings"):
        settled(shop)


def test_one_account_with_two_models_is_two_lanes(shop: Workshop) -> None:
    """Many quotas are the model's; here it is the steps that differ."""
    shop.write("lanes:\n  - comfy\n  - {provider: comfy, name: quick, settings: {steps: 4}}")

    assert [lane.generator_place for lane in settled(shop)] == ["comfy", "comfy"]


# -- uploaders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "uploader"),
    [
        ({"provider": "scripted@a"}, "scripted@a"),
        ({"provider": "comfy"}, "none"),
        ({"provider": "scripted@a", "uploader": "scripted"}, "scripted@a"),
        ({"provider": "scripted@a", "uploader": "scripted@b"}, "scripted@b"),
        ({"provider": "comfy", "uploader": "scripted@b"}, "scripted@b"),
        ({"provider": "scripted@a", "uploader": "shelf"}, "shelf"),
    ],
)
def test_whose_account_uploads(shop: Workshop, flags: dict[str, str], uploader: str) -> None:
    """One account serves both where the service is the same and nothing else is said."""
    (lane,) = lanes(shop, **flags).first

    assert lane.uploader_account == uploader


def test_a_lanes_own_uploader_is_above_the_runs(shop: Workshop) -> None:
    """The entry says where its pictures go; the others go where the run's do."""
    shop.write("uploader: shelf\nlanes:\n  - {provider: scripted, uploader: none}\n  - comfy\n")

    assert [lane.uploader.declaration.name for lane in lanes(shop).first] == ["none", "shelf"]


# -- how many at once ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "flag", "lane", "size"),
    [
        (None, None, None, 5),
        (None, None, 9, 9),
        ("3", None, None, 3),
        ("3", None, 9, 9),
        ("3", "2", 9, 2),
    ],
)
def test_how_large_a_batch_is(shop: Workshop, run: str | None, flag: str | None, lane: int | None, size: int) -> None:
    """The flag, else the lane's entry, else the run's number."""
    entry = "{provider: comfy}" if lane is None else f"{{provider: comfy, batch_size: {lane}}}"
    shop.write(f"{'' if run is None else f'batch_size: {run}'}\nlanes:\n  - {entry}")
    order = shop.order(flags={"provider": None, "batch_size": flag})

    assert (order.lanes.first[0].policy.batch_size, order.policy.batch_size) == (size, size)


@pytest.mark.parametrize(("parallel", "most"), [(None, None), (4, 4), (1, 1), (0, 1)])
def test_how_many_of_a_batch_are_sent_at_once(shop: Workshop, parallel: int | None, most: int | None) -> None:
    """As many as the generator says it takes, and one where it says nonsense."""
    shop.add_generator("other", abilities=Abilities(parallel=parallel))

    assert lanes(shop, provider="other").first[0].at_once == most


# -- refused -------------------------------------------------------------------------------------------------------

REFUSED = {
    "twice by the flag": (
        "",
        (),
        {"provider": "scripted,scripted"},
        "the lane 'scripted' is asked for twice: one account is one lane; a second account is written scripted@LABEL"
        " (charimg keys set stores its key)",
    ),
    "first and fallback": (
        "",
        (),
        {"provider": "scripted", "fallback": "scripted"},
        "the lane 'scripted' is asked for twice: one account is one lane; a second account is written scripted@LABEL"
        " (charimg keys set stores its key)",
    ),
    "no such lane": (LANES, ("ofice",), {}, "--lane ofice: no lane of this name; did you mean 'office'?"),
    "no lanes at all": (
        "",
        ("office",),
        {},
        "--lane office: there are no 'lanes:' in the settings; see charimg config",
    ),
    "only fallbacks": (
        "lanes:\n  - {provider: scripted, fallback: yes}",
        (),
        {},
        "no lane is left to begin with: every entry of 'lanes:' is a fallback, or no provider is named",
    ),
    "nothing but a comma": (
        "",
        (),
        {"provider": ","},
        "no lane is left to begin with: every entry of 'lanes:' is a fallback, or no provider is named",
    ),
    "a label without a word": (
        "",
        (),
        {"provider": "scripted@"},
        "'scripted@' names no account; write a provider, as whisk, or one with a label, as whisk@work",
    ),
    "an account no key could be kept for": (
        "lanes:\n  - {provider: scripted, account: my own}",
        (),
        {},
        "charimg.yaml:2: lanes: 'scripted@my own' names no account; write a provider, as whisk, or one with a label,"
        " as whisk@work",
    ),
    "a setting nobody has": (
        "lanes:\n  - provider: comfy\n    settings:\n      stpes: 3",
        (),
        {},
        "charimg.yaml:4: lanes: settings: stpes: unknown (comfy); did you mean 'steps'?",
    ),
    "a server where there is none": (
        "lanes:\n  - {provider: scripted, server: 'http://x'}",
        (),
        {},
        "charimg.yaml:2: lanes: server: the provider has no setting base_url (scripted); it has none",
    ),
}


@pytest.mark.parametrize("row", REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_is_refused_in_one_line(
    shop: Workshop, row: tuple[str, tuple[str, ...], dict[str, str], str]
) -> None:
    """Which lane, and what to write instead."""
    text, only, flags, words = row
    if text:
        shop.write(text)

    with pytest.raises(InputError) as caught:
        lanes(shop, *only, **flags)
    assert str(caught.value) == words


@pytest.mark.parametrize("entry", ["comfi", "{provider: comfy, uploader: shelv}"])
def test_a_provider_that_is_not_there_is_told_with_its_line(shop: Workshop, entry: str) -> None:
    """A generator or an uploader of an entry."""
    shop.write(f"lanes:\n  - scripted\n  - {entry}")

    with pytest.raises(PluginError, match=r"^charimg\.yaml:3: lanes: there is no .*; did you mean '(comfyui|shelf)'\?"):
        lanes(shop)


def test_a_setting_of_the_uploader_stands_in_the_lane_too(shop: Workshop) -> None:
    """Where one account serves both, its uploader's settings are the lane's."""
    shop.add_generator("both")
    shop.add_uploader("both", settings=(Setting("folder", "Where.", str, "/"),))
    shop.write("lanes:\n  - {provider: both, settings: {folder: /mine}}")
    (lane,) = lanes(shop).first

    assert lane.settings_of(lane.uploader.declaration) is lane.written
