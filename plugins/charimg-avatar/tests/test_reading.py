"""Which words of a description belong to which part of the portrait."""

from __future__ import annotations

import pytest
from charimg_avatar.deciding import look_of
from charimg_avatar.look import Look
from charimg_avatar.vocabulary import COLOURS, HAIR_COLOURS, SKIN_COLOURS
from hypothesis import given
from hypothesis import strategies as st


def look(description: str, name: str = "Somebody", seed: str = "") -> Look:
    return look_of(name=name, description=description, seed=seed)


@pytest.mark.parametrize(
    ("description", "part", "expected"),
    [
        ("a man with a white beard and black hair", "beard_colour", HAIR_COLOURS["white"]),
        ("a man with a white beard and black hair", "hair_colour", HAIR_COLOURS["black"]),
        ("an old man, white beard and moustache", "beard_colour", HAIR_COLOURS["white"]),
        ("white hair and beard, a black moustache", "beard_colour", HAIR_COLOURS["white"]),
        ("a man in a red turban and a blue robe", "headdress_colour", COLOURS["red"]),
        ("a man in a red turban and a blue robe", "clothes_colour", COLOURS["blue"]),
        ("a woman with green eyes in a yellow dress", "clothes_colour", COLOURS["yellow"]),
        ("red lips, black hair, a green parrot, a blue dress", "clothes_colour", COLOURS["blue"]),
        ("a grey-haired woman in green", "hair_colour", HAIR_COLOURS["grey"]),
        ("a grey-haired woman in green", "clothes_colour", COLOURS["green"]),
        ("a woman dressed in white cotton, grey-haired", "hair_colour", HAIR_COLOURS["grey"]),
        ("a man, his hair is red", "hair_colour", HAIR_COLOURS["red"]),
        ("a red and gold turban", "headdress_colour", COLOURS["red"]),
        ("a white dhoti and a saffron shawl", "drape_colour", COLOURS["saffron"]),
        ("a man with wheatish skin", "skin", SKIN_COLOURS["wheatish"]),
        ("an olive-skinned sailor", "skin", SKIN_COLOURS["olive"]),
        ("a goblin with blue skin", "skin", COLOURS["blue"]),
        ("a boy in round yellow glasses", "glasses_colour", COLOURS["yellow"]),
        ("a clean-shaven man of fifty", "beard", None),
        ("a man without beard, hat or glasses", "beard", None),
        ("a man without beard, hat or glasses", "headdress", None),
        ("a man without beard, hat or glasses", "glasses", None),
        ("a man, no glasses", "glasses", None),
        ("a king who never wears a crown", "headdress", None),
        ("a shaved head", "hair", None),
        ("a bald head with a tuft of hair at the back", "hair", "tuft"),
        ("a balding man", "hair", "sides"),
        ("a woman with her hair in a bun", "hair", "bun"),
        ("a woman with a long black braid", "hair", "braid"),
        ("a woman in a white sari, its end drawn over her head", "headdress", "veil"),
        ("a woman in a white sari, its end drawn over her head", "drape", "sari"),
        ("a steel helmet", "headdress", "helmet"),
        ("a hooded stranger", "headdress", "hood"),
        ("a golden crown", "headdress", "crown"),
        ("a hat hanging on his back", "headdress", None),
        ("a knight in armour", "armour", True),
        ("a dhoti, bare chest, a man", "clothes", None),
        ("a girl in a hoodie", "clothes", "hoodie"),
        ("a mechanic in overalls", "clothes", "overall"),
        ("a banker in a blazer", "clothes", "blazerAndShirt"),
        ("a pirate with an eye patch", "glasses", "eyepatch"),
        ("a man with a long white beard", "beard", "beardMajestic"),
        ("a man with a short beard", "beard", "beardLight"),
        ("a dwarf with a huge braided red beard", "beard", "beardMajestic"),
        ("a man of thirty with kohl-lined eyes", "marks", ()),
        ("a freckled girl", "marks", ("freckles",)),
        ("a laughing man", "eyes", "happy"),
        ("a night watchman under the stars", "backdrop", "stars"),
    ],
)
def test_words_decide_the_part_they_name(description: str, part: str, expected: object) -> None:
    """What is said of a part is what is drawn there."""
    actual = getattr(look(description), part)

    assert actual == expected


def test_streaks_mix_a_second_colour_into_the_hair() -> None:
    """Black hair streaked with grey is neither black nor grey."""
    colour = look("a woman with black hair streaked with grey").hair_colour

    assert colour not in {HAIR_COLOURS["black"], HAIR_COLOURS["grey"]}


def test_dark_before_a_colour_darkens_it() -> None:
    """Dark blue is darker than blue."""
    plain, dark = (look(f"a {shade}blue robe").clothes_colour for shade in ("", "dark "))

    assert sum(bytes.fromhex(dark[1:])) < sum(bytes.fromhex(plain[1:]))


@pytest.mark.parametrize("seed", [str(i) for i in range(25)])
def test_an_unsaid_woman_has_no_beard(seed: str) -> None:
    """Facial hair is never made up for a woman or a child."""
    beards = {
        look(text, seed=seed).beard
        for text in ("a woman of fifty", "a twelve-year-old boy", "his grandmother", "a woman, a dwarf")
    }

    assert beards == {None}


@pytest.mark.parametrize("text", ["an old man", "a man of seventy", "a woman in her eighties", "his grandmother"])
def test_the_old_are_grey_and_lined(text: str) -> None:
    """Age shows where nothing else is said of the hair."""
    old = look(text)
    greys = {HAIR_COLOURS[word] for word in ("white", "grey", "silver", "saltpepper")}

    assert (old.hair_colour in greys, "wrinkles" in old.marks) == (True, True)


def test_an_old_coat_makes_nobody_old() -> None:
    """The adjective belongs to the garment."""
    marks = look("a woman of twenty in an old coat").marks

    assert marks == ()


def test_a_seed_changes_only_what_is_unsaid() -> None:
    """Another seed keeps the said parts."""
    text = "a man with a long white beard, brown skin and a red turban"
    looks = [look(text, seed=str(i)) for i in range(20)]

    assert {(one.beard, one.beard_colour, one.skin, one.headdress, one.headdress_colour) for one in looks} == {
        ("beardMajestic", HAIR_COLOURS["white"], SKIN_COLOURS["brown"], "turban", COLOURS["red"])
    }
    assert len(set(looks)) > 10


def test_unsaid_characters_rarely_share_a_look() -> None:
    """Two hundred names without a word between them look different."""
    looks = {look("", name=f"Person {i}") for i in range(200)}

    assert len(looks) >= 195


@given(st.text(max_size=300), st.text(max_size=40))
def test_any_text_gives_a_look(description: str, name: str) -> None:
    """No description, in any script, breaks the reading."""
    one = look(description, name)

    assert one == look(description, name)


KNOWN = (
    *(
        "a",
        "an",
        "old",
        "man",
        "woman",
        "girl",
        "with",
        "no",
        "and",
        ",",
        ".",
        "in",
        "white",
        "red",
        "long",
        "beard",
    ),
    *(
        "hair",
        "eyes",
        "turban",
        "hat",
        "sari",
        "or",
        "streaked",
        "grey",
        "the",
        "is",
        "dark",
        "blue",
        "robe",
        "her",
    ),
    *("head", "over", "skin", "fifty", "aged", "year", "coat", "of"),
)
WORDS = st.lists(st.sampled_from(KNOWN), max_size=30).map(" ".join)


@given(WORDS)
def test_any_order_of_known_words_gives_a_look(description: str) -> None:
    """Known words in senseless order are read without complaint."""
    one = look(description)

    assert all(len(colour) == 7 for colour in (one.skin, one.hair_colour, one.clothes_colour, one.headdress_colour))
