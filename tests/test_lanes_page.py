"""docs/lanes.md: its listing is a settings file that works, and its tables leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

from charimg.lane import resolved
from charimg.lane_choice import choose_lanes
from charimg.settings.lanes import KEYS
from charimg.workplace import Workplace

PAGE = (Path(__file__).resolve().parent.parent / "docs/lanes.md").read_text(encoding="utf-8")


def listing() -> str:
    """The settings file the page shows."""
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(shown)


def test_the_listing_makes_the_lanes_that_the_page_speaks_of(tmp_path: Path) -> None:
    """Names, accounts, server, size and fallback are what a run would use."""
    (tmp_path / "charimg.yaml").write_text(listing(), encoding="utf-8")
    place = Workplace.at(tmp_path, {})
    lanes = choose_lanes(place)
    attic = resolved(lanes, place, {})["attic"]

    assert [lane.name for lane in lanes.first] == ["gemini@work", "gemini@home", "attic"]
    assert [lane.account for lane in lanes.first] == ["gemini@work", "gemini@home", "comfyui"]
    assert (lanes.first[2].policy.batch_size, attic.generator_place) == (2, "comfyui@http://192.168.1.20:8188")
    assert [lane.name for lane in lanes.fallbacks] == ["openai"]


def test_every_key_of_a_lane_is_described() -> None:
    """The table is whole."""
    assert [key.name for key in KEYS if f"| `{key.name}` |" not in PAGE] == []
