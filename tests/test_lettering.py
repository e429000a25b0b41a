"""Lettering: text of any script on pictures."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from charimg import lettering, typefaces
from charimg.lettering import ELLIPSIS, cleaned, draw_text, graphemes, lay_out, palette_of, text_card

BENGALI = "গোপাল ভাঁড়"
NOWHERE = ("/nonexistent-fonts",)


def has_font_for(text: str) -> bool:
    return typefaces.typeface_for(text, typefaces.font_folders()) is not None


def written(text: str, *, size: int = 20, width: int = 200, max_lines: int = 5) -> list[str]:
    laid = lay_out(text, size=size, width=width, max_lines=max_lines)
    return ["".join(run.text for run in line.runs) for line in laid]


@pytest.fixture
def fresh_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a single system font."""
    monkeypatch.setattr(lettering, "font_folders", lambda: NOWHERE)


def test_a_card_is_a_png_of_the_size_asked_for() -> None:
    """The card has exactly the size asked for, upright or lying."""
    sizes = [
        Image.open(io.BytesIO(text_card("Ana", ["a hat"], width=w, height=h))).size
        for w, h in ((90, 160), (64, 64), (160, 90))
    ]

    assert sizes == [(90, 160), (64, 64), (160, 90)]


def test_a_card_is_the_same_every_time_and_differs_by_title() -> None:
    """The same words give the same bytes; another title gives other colours."""
    first, again, other = (text_card(title, ["a hat"], width=128, height=200) for title in ("Ana", "Ana", "Bo"))

    assert (first == again, first == other, palette_of("Ana") == palette_of("Bo")) == (True, False, False)


def test_words_wrap_within_the_width() -> None:
    """No laid-out line is wider than its column, and no word is lost."""
    text = "A stout cheerful court jester with a shaved head and twinkling eyes"
    laid = lay_out(text, size=20, width=200, max_lines=20)

    assert " ".join(written(text, max_lines=20)) == text
    assert max(line.width for line in laid) <= 200


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    """The last line allowed is cut and marked, and still fits."""
    laid = lay_out("word " * 100, size=20, width=200, max_lines=2)

    assert len(laid) == 2
    assert "".join(run.text for run in laid[-1].runs).endswith(ELLIPSIS)
    assert laid[-1].width <= 200


def test_a_word_wider_than_the_column_is_broken() -> None:
    """A word of ten thousand letters is broken by letters."""
    laid = lay_out("x" * 10_000, size=20, width=200, max_lines=3)

    assert [line.width <= 200 for line in laid] == [True, True, True]


def test_graphemes_keep_conjuncts_flags_and_joined_emoji_together() -> None:
    """A Bengali conjunct, a flag and a family emoji are one piece each."""
    assert graphemes("কৃষ্ণ🇧🇩👩‍🚀") == ["কৃ", "ষ্ণ", "🇧🇩", "👩‍🚀"]


def test_control_characters_and_direction_overrides_are_dropped() -> None:
    """Nothing that could move the cursor or turn the text around is drawn."""
    assert cleaned("\x00a\x1b[31m\u202eb\n\tc\ud800") == "a [31mb c"


def test_bengali_is_drawn_with_a_font_that_has_it() -> None:
    """Where the system has a Bengali font, the letters themselves are drawn."""
    if not has_font_for("গ"):
        pytest.skip("no Bengali font on this machine")

    assert written(BENGALI) == [BENGALI]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BENGALI, "gopaala bhaandda"),
        ("ক্ষীর", "kssiira"),
        ("한국", "hangug"),
        ("こんにちは", "konnitiha"),
        ("Łódź", "Lodz"),
        ("مرحبا", "‹Arabic›"),
        ("王小明", "‹Chinese›"),
        ("🦊", "‹fox face›"),
        ("१২", "12"),
    ],
)
@pytest.mark.usefixtures("fresh_machine")
def test_a_machine_without_fonts_spells_out_what_it_cannot_draw(text: str, said: str) -> None:
    """Where no font has the letters, readable Latin letters stand for them, never empty boxes."""
    assert written(text) == [said]


def test_drawing_leaves_ink_within_the_column() -> None:
    """The text is on the picture, and not left or right of its column."""
    image = Image.new("RGB", (300, 100), (255, 255, 255))
    used = draw_text(image, "Gopal Bhar", at=(50, 10), width=200, size=24, fill=(0, 0, 0), align="center")
    box = Image.eval(image.convert("L"), lambda value: 255 - value).getbbox()

    assert box is not None
    assert (box[0] >= 50, box[2] <= 250, box[1] >= 10, box[3] <= 10 + used) == (True, True, True, True)


@given(st.text(max_size=60), st.integers(1, 120), st.integers(1, 4))
def test_any_text_is_laid_out_within_its_lines(text: str, width: int, most: int) -> None:
    """Whatever the text, there are at most the lines allowed, and a too wide line is one grapheme."""
    laid = lay_out(text, size=10, width=width, max_lines=most)

    assert len(laid) <= most


@given(st.text(max_size=200), st.lists(st.text(max_size=100), max_size=3))
def test_any_text_makes_a_card(title: str, lines: list[str]) -> None:
    """No text breaks the card."""
    assert text_card(title, lines, width=64, height=96).startswith(b"\x89PNG")
