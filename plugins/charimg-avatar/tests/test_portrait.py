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
from dataclasses import replace

import pytest
from charimg_avatar.backdrop import PATTERNS
from charimg_avatar.deciding import look_of
from charimg_avatar.generator import size_of
from charimg_avatar.portrait import bust, draw
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
    code = "from charimg_avatar.deciding import look_of; print(look_of(name='Gopal', description='a man', seed='7'))"
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


FORMS = {
    "crown": "headdress-crown", "circlet": "headdress-circlet", "helmet": "headdress-helmet", "hood": "headdress-hood",
    "veil": "headdress-veil", "flowers in the hair": "headdress-flowers", "turban": "top-turban", "hijab": "top-hijab",
    "hat": "top-hat", "cap": "top-turban", "woollen cap": "top-winterHat03", "ushanka": "top-winterHat1",
    "beanie": "top-winterHat03", "sari": "drape-sari", "shawl": "drape-shawl", "scarf": "drape-scarf",
    "sash": "drape-sash", "sacred thread": "drape-thread", "armour": "plate-armour", "hoodie": "clothes-hoodie",
    "overalls": "clothes-overall", "suit": "clothes-blazerAndShirt", "cardigan": "clothes-blazerAndSweater",
    "uniform": "clothes-collarAndSweater", "skull t-shirt": "clothesGraphic-skull", "gown": "clothes-shirtScoopNeck",
    "robe": "clothes-shirtVNeck", "pearls": "neck-pearls", "garland": "neck-garland", "beads": "neck-beads",
    "necklace": "neck-necklace", "earrings": "ear-gold", "bindi": "markBindi-bindi", "tilak": "markTilak-tilak",
    "freckles": "markFreckles-freckles", "scar": "markScar-scar", "wrinkles": "markWrinkles-wrinkles",
    "mole": "markMole-mole", "long braid": "top-braid", "bun": "top-bun", "afro": "top-fro", "dreadlocks": "top-dreads",
    "mullet": "top-shaggyMullet", "tuft of hair": "top-tuft", "short curly hair": "top-shortCurly",
    "goatee": "facialHair-beardLight", "long beard": "facialHair-beardMajestic", "beard": "facialHair-beardMedium",
    "thin moustache": "facialHair-moustacheFancy", "moustache": "facialHair-moustacheMagnum",
    "glasses": "accessories-prescription02", "round glasses": "accessories-round",
    "thick glasses": "accessories-prescription01", "sunglasses": "accessories-sunglasses",
    "eyepatch": "accessories-eyepatch", "laughing eyes": "eyes-happy", "a grim face": "mouth-serious",
}  # fmt: skip


@pytest.mark.parametrize(("thing", "form"), FORMS.items())
def test_each_thing_said_is_drawn(thing: str, form: str) -> None:
    """A word puts its form into the picture, and the plain description does not have it."""
    person = "woman" if "hair" in thing or form.startswith(("top-b", "drape-sari")) else "man"
    drawn, plain = (
        bust(look_of(name="x", description=f"a {person} of forty{rest}", seed="")) for rest in (f" with {thing}", "")
    )
    ornament = not form.startswith(("top-", "clothes-", "eyes-", "mouth-"))

    assert f'id="{form}' in drawn
    assert not ornament or f'id="{form}' not in plain


HAIR = ["bigHair", "bob", "curly", "curvy", "dreads01", "dreads02", "frizzle", "longButNotTooLong", "miaWallace",
        "shaggy", "shavedSides", "shortFlat", "shortRound", "shortWaved", "sides", "straight01", "straight02",
        "straightAndStrand", "theCaesar", "theCaesarAndSidePart"]  # fmt: skip


@pytest.mark.parametrize("top", HAIR)
def test_each_hairstyle_is_known_to_the_style(top: str) -> None:
    """No hairstyle that can be chosen is missing from the definition."""
    look = replace(look_of(name="x", description="a man", seed=""), hair=top, headdress=None)

    assert f'id="top-{top}-' in bust(look)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("size", [(768, 1344), (1344, 768)])
def test_each_backdrop_fills_both_frames(pattern: str, size: tuple[int, int]) -> None:
    """A backdrop draws its tone besides its ground."""
    import resvg_py
    from charimg_avatar.backdrop import backdrop

    inner = backdrop(pattern, ("#000000", "#ffffff"), size, (size[0] / 2, size[1] / 2), 300)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}">{inner}</svg>'
    image = Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, width=size[0] // 8, height=size[1] // 8)))
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
