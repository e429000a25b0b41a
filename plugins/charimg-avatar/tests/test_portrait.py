"""The pictures themselves: size, sameness, difference, and that every form can be drawn."""

from __future__ import annotations

import hashlib
import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from charimg_avatar.backdrop import PATTERNS
from charimg_avatar.generator import size_of
from charimg_avatar.portrait import draw
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def picture(
    description: str = "a man", name: str = "Gopal", seed: str = "", size: tuple[int, int] = (90, 160)
) -> bytes:
    return draw(name=name, description=description, seed=seed, width=size[0], height=size[1])


@pytest.mark.parametrize("ratio", ["9:16", "3:4", "1:1", "4:3", "16:9", "2:3", "21:9", "1:8"])
def test_every_ratio_gives_a_whole_png_of_its_size(ratio: str) -> None:
    """The PNG decodes, has the size asked for and no transparent pixel."""
    size = size_of(ratio)
    image = Image.open(io.BytesIO(picture(size=size)))
    image.load()

    assert (image.format, image.size, image.convert("RGBA").getchannel("A").getextrema()) == (
        "PNG",
        size,
        (255, 255),
    )


def test_the_same_character_is_the_same_bytes() -> None:
    """Drawing is deterministic."""
    assert picture("a queen") == picture("a queen")


def test_the_choice_does_not_depend_on_the_process() -> None:
    """Another interpreter with another hash seed decides the same look."""
    code = (
        "from charimg_avatar.look import look_of; print(look_of(name='Gopal', description='a man', seed='7'))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(outputs) == 1


def test_two_hundred_names_are_two_hundred_pictures() -> None:
    """No two of them are the same file."""
    digests = {hashlib.sha256(picture(name=f"Person {i}")).digest() for i in range(200)}

    assert len(digests) == 200


DRESS = [
    "crown", "circlet", "helmet", "hood", "veil", "turban", "hijab", "hat", "cap", "woollen cap", "ushanka", "beanie",
    "sari", "shawl", "scarf", "sash", "sacred thread", "armour", "hoodie", "overalls", "suit", "cardigan", "uniform",
    "skull t-shirt", "gown", "robe", "pearls", "garland", "beads", "necklace", "earrings", "bindi", "tilak", "freckles",
    "scar", "wrinkles", "mole", "long braid", "bun", "afro", "dreadlocks", "mohawk", "mullet", "tuft of hair", "fringe",
    "curly hair", "wild hair", "wavy hair", "long curly hair", "short hair", "goatee", "long beard", "full beard",
    "thin moustache", "moustache", "glasses", "round glasses", "thick glasses", "sunglasses", "eyepatch", "bare chest",
    "flowers in the hair",
]  # fmt: skip


@pytest.mark.parametrize("thing", DRESS)
def test_each_thing_worn_is_seen(thing: str) -> None:
    """A word changes the picture, and no form is unknown to the style."""
    from charimg_avatar.look import look_of
    from charimg_avatar.portrait import compose

    person = (
        "woman" if thing in {"sari", "bun", "long braid", "veil", "gown", "flowers in the hair"} else "man"
    )
    plain, dressed = (
        look_of(name="x", description=f"a {person} of forty with {what}", seed="1")
        for what in ("nothing", thing)
    )

    assert compose(dressed, 90, 160) != compose(plain, 90, 160)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("size", [(768, 1344), (1344, 768)])
def test_each_backdrop_fills_both_frames(pattern: str, size: tuple[int, int]) -> None:
    """A backdrop draws its tone besides its ground."""
    import resvg_py
    from charimg_avatar.backdrop import backdrop

    inner = backdrop(pattern, ("#000000", "#ffffff"), size, (size[0] / 2, size[1] / 2), 300)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}">{inner}</svg>'
    image = Image.open(
        io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, width=size[0] // 8, height=size[1] // 8))
    )
    low, high = image.convert("L").getextrema()

    assert (low, high) == (0, 255)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=80), st.text(max_size=30))
def test_any_text_can_be_drawn(description: str, name: str) -> None:
    """Angle brackets, quotes, emoji and any script give a picture."""
    data = picture(description, name, size=(24, 32))

    assert data.startswith(b"\x89PNG")


def test_speed_is_measured(record_property: Callable[[str, object], None]) -> None:
    """The median of fifteen portraits goes into the report; a machine's speed is not asserted."""
    seconds = []
    for i in range(15):
        begin = time.perf_counter()
        data = picture(name=str(i), size=(768, 1344))
        seconds.append(time.perf_counter() - begin)
    record_property("median_seconds", statistics.median(seconds))

    assert data.startswith(b"\x89PNG")
