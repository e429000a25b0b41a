"""Words for widths, times and amounts; text of strangers made safe."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from charimg.ui.wording import cells, clean, clip, duration, shell_word, wrapped

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=80)


@given(ANY_TEXT, st.integers(2, 40))
def test_clean_text_is_one_safe_line_of_limited_length(text: str, limit: int) -> None:
    """What goes out has no control, fits the limit and can be encoded; cleaning twice changes nothing."""
    once = clean(text, limit)

    once.encode("utf-8")
    assert len(once) <= limit
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", once) is None
    assert clean(once, limit) == once


@given(ANY_TEXT, st.integers(0, 40))
def test_clipped_text_fits(text: str, width: int) -> None:
    """A clipped text takes at most the width, and a text that fits is left as it is."""
    safe = clean(text)
    clipped = clip(safe, width)

    assert cells(clipped) <= width
    assert clipped == safe or cells(safe) > width


@given(ANY_TEXT)
def test_width_is_never_less_than_the_renderers(text: str) -> None:
    """rich never believes a text wider than we do, so that it never wraps what we fitted."""
    safe = clean(text)

    assert cell_len(safe) <= cells(safe)


@pytest.mark.parametrize(
    ("text", "width"), [("Gopal", 5), ("李白", 4), ("গোপাল", 5), ("👩‍🚀", 4), ("🇮🇳", 4), ("⏸️", 2), ("é", 1)]
)
def test_width_of_scripts(text: str, width: int) -> None:
    """Spacing marks count one column, joined emoji as their parts: the most any terminal takes."""
    assert cells(text) == width


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (80, "1 min 20 s"),
        (3600, "1 h"),
        (18720, "5 h 12 min"),
        (86400, "1 day"),
        (183600, "2 days 3 h"),
        (float("inf"), "a long time"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    """Times read as people say them, in two units at most."""
    assert duration(seconds) == words


@given(st.text(alphabet=st.sampled_from("ab গো李👩 "), max_size=80).map(lambda text: f"x{text}x"), st.integers(6, 40))
def test_wrapped_lines_fit_and_hold_every_word(text: str, width: int) -> None:
    """No line is wider than the window unless it is one long word, and no word is lost or broken."""
    lines = wrapped(text, width)

    assert [word for line in lines for word in line.split()] == text.split()
    assert [line for line in lines if cells(line) > width and len(line.split()) > 1] == []


@pytest.mark.parametrize("width", range(26, 60))
def test_a_command_in_a_sentence_is_not_broken(width: int) -> None:
    """What can be copied from a narrow window can be pasted."""
    lines = wrapped("the roster has changed since these: Ana, Bo; charimg run --stale makes them again", width)

    assert [line for line in lines if "charimg run --stale" in line]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Gopal Bhar", '"Gopal Bhar"'),
        ('Ana "A" $5', "'Ana \"A\" $5'"),
        ("-rf Dash", '"rf-dash"'),
        ("a\nb", '"rf-dash"'),
    ],
)
def test_a_name_in_a_command_is_one_word_that_is_no_option(name: str, word: str) -> None:
    """A name that a shell or the command line would take apart is quoted, or its key stands there."""
    assert shell_word(name, "rf-dash") == word
