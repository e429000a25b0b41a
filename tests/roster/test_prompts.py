"""From a character to the request for its picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from charimg.model import Character, ImageRequest, Reference, ReferenceKind, Roster, Style
from charimg.roster import prompt_for, request_for

FOX = Character(key="fox", name="Fox", description="a fox in boots")


def roster_of(style: Style) -> Roster:
    return Roster(path=Path("c.yaml"), characters=(FOX,), style=style, aspect_ratio="3:4")


@pytest.mark.parametrize(
    ("prefix", "description", "suffix", "prompt"),
    [
        ("", "a fox in boots", "", "a fox in boots"),
        ("ink drawing", "a fox in boots", "plain paper", "ink drawing, a fox in boots, plain paper"),
        ("Ink drawing.", "A fox.", "Plain paper.", "Ink drawing. A fox. Plain paper."),
        ("Ink drawing", "A fox in boots", "Plain paper", "Ink drawing. A fox in boots. Plain paper"),
        ("ink drawing,", "a fox", ", plain paper", "ink drawing, a fox, plain paper"),
        ("ছবি", "এক শেয়াল।", "সাদা কাগজ", "ছবি, এক শেয়াল। সাদা কাগজ"),
        (" ink drawing: ", " a fox ", "  ", "ink drawing: a fox"),
        ("", "A fox!", ",", "A fox!"),
    ],
)
def test_parts_are_joined_as_people_would(prefix: str, description: str, suffix: str, prompt: str) -> None:
    """Punctuation that is there is kept, what is missing is set once."""
    fox = replace(FOX, description=description)

    assert prompt_for(roster_of(Style(prefix, suffix)), fox) == prompt


def test_a_request_holds_what_style_and_character_say() -> None:
    """Unwanted things and references are merged, the character's pictures first, each once."""
    face, manner = Reference(Path("/face.png")), Reference(Path("/ink.png"), ReferenceKind.STYLE)
    style = Style("ink", "", "text", (manner, manner))
    fox = replace(FOX, negative="hat", seed=7, references=(face,))

    assert request_for(roster_of(style), fox) == ImageRequest(
        key="fox",
        name="Fox",
        prompt="ink, a fox in boots",
        description="a fox in boots",
        negative="text, hat",
        seed=7,
        aspect_ratio="3:4",
        references=(face, manner),
    )


def test_a_prompt_of_its_own_replaces_all_of_the_style() -> None:
    """The service is asked exactly what the user wrote; only the shape is the roster's."""
    manner = Reference(Path("/ink.png"), ReferenceKind.STYLE)
    fox = replace(FOX, prompt="one fox")
    request = request_for(roster_of(Style("ink", "paper", "text", (manner,))), fox)

    assert (request.prompt, request.negative, request.references) == ("one fox", None, ())
    assert request.aspect_ratio == "3:4"


def test_a_characters_shape_comes_before_the_rosters() -> None:
    """A character may be wide in an upright cast."""
    assert request_for(roster_of(Style()), replace(FOX, aspect_ratio="16:9")).aspect_ratio == "16:9"
