"""Keys: safe, unique, stable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from charimg.roster import MAX_KEY_BYTES, KeyFaultError, key_fault, make_keys

# Any text, and more often what makes trouble: case twins, marks, viramas, invisible letters, reserved names.
PIECES = [
    "Anna",
    "anna",
    "ANNA",
    "é",
    "e\u0301",
    "ß",
    "SS",
    "ſ",
    "İ",
    "ı",
    "ς",
    "গোপাল",
    "ক্ষ",
    "্",
    "़",
    "\u0345",
    "ﬁ",
]
PIECES += [
    "CON",
    "nul",
    "com1",
    "lpt³",
    "a/b",
    "..",
    "\\",
    " ",
    "-",
    "_",
    "\u202e",
    "\u200d",
    "\ufe0f",
    "😀",
    "👩‍👩‍👧",
    "ㅤ",
    "2",
]
PIECES += [
    "\0",
    "\x1b",
    "\ud800",
    "x" * 79,
    "ভ" * 27,
    "o'",
    "’",
    "ŉ",
    "ǰ",
    "ΐ",
    "-2",
    "-3",
    ".",
    "①",
    "𝒜",
    "\u0301" * 50,
]
NAMES = (
    st.text(max_size=30)
    | st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
    | st.text(min_size=70, max_size=120)
)


def none_given(names: list[str]) -> list[None]:
    return [None] * len(names)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Gopal Bhar", "gopal-bhar"),
        ("গোপাল ভাঁড়", unicodedata.normalize("NFC", "গোপাল-ভাঁড়")),
        ("Raja Krishnachandra (রাজা)", "raja-krishnachandra-রাজা"),
        ("../../x", "x"),
        ("a/b", "a-b"),
        ("CON", "character-con"),
        ("com¹", "character-com¹"),
        (" trailing dots... ", "trailing-dots"),
        ("O'Brien", "obrien"),
        ("abc\u202egnp.exe", "abcgnp-exe"),
        ("Ünal  STRASSE", "ünal-strasse"),
        ("007", "007"),
        ("李白", "李白"),
        ("नमस्ते", "नमस्ते"),
        ("❤️ Anna", "anna"),
    ],
)
def test_a_key_is_the_name_made_safe(name: str, key: str) -> None:
    """Words of any script are kept, everything a file name cannot hold parts them."""
    assert make_keys([name], [None]) == [key]


@pytest.mark.parametrize("name", ["😀😀", "...", "", "\u200b", "ㅤ", "\u0301" * 40])
def test_a_name_without_letters_gets_a_hash(name: str) -> None:
    """A name of which nothing can be kept is told from others by its hash, not by its place."""
    key = make_keys([name], [None])[0]

    assert key.startswith("character-")
    assert len(key) == len("character-") + 8


def test_two_emoji_names_differ_whatever_their_order() -> None:
    """The hash is the name's own, so exchanging two such characters exchanges their keys."""
    assert make_keys(["😀", "🐙"], [None, None]) == make_keys(["🐙", "😀"], [None, None])[::-1]


def test_long_names_with_one_head_differ() -> None:
    """Names that are cut to the same head keep apart by their hashes."""
    first, second = make_keys(["a" * 300, "a" * 301], [None, None])

    assert first != second
    assert len(first) == len(second) == MAX_KEY_BYTES


def test_a_cut_leaves_conjuncts_and_marks_whole() -> None:
    """A long Bengali name is cut between signs, never between a consonant and what is bound to it."""
    key = make_keys(["ক্ষি" * 20], [None])[0]
    head = key.rpartition("-")[0]

    assert head == "ক্ষি" * (len(head) // 4)
    assert 0 < len(key.encode()) <= MAX_KEY_BYTES


def test_twins_are_numbered_in_order() -> None:
    """The same name, another case and another normalisation are twins to some file system."""
    keys = make_keys(["Anna", "ANNA", "René", "Rene\u0301", "anna"], [None] * 5)

    assert keys == ["anna", "anna-2", "rené", "rené-2", "anna-3"]


def test_twins_by_upper_case_are_numbered_too() -> None:
    """NTFS compares in upper case, where the dotless i is an I: folding alone would keep the two apart."""
    assert make_keys(["kış", "kiş"], [None, None]) == ["kış", "kiş-2"]


def test_given_keys_come_first() -> None:
    """An automatic key makes way for a given one, wherever that stands, in whatever case."""
    assert make_keys(["Anna", "Anna", "Bob"], [None, None, "ANNA"]) == ["anna-2", "anna-3", "ANNA"]


def test_a_number_already_in_a_name_is_not_taken_twice() -> None:
    """A name that looks like a numbered twin does not collide with one."""
    assert make_keys(["Anna 2", "Anna", "Anna"], [None] * 3) == ["anna-2", "anna", "anna-3"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "is empty"),
        ("a/b", "holds '/'"),
        ("..", "holds '.'"),
        ("a b", "holds ' '"),
        ("-a", "must begin with a letter"),
        ("\u09cd", "must begin with a letter"),
        ("nul", "Windows"),
        ("LPT1", "Windows"),
        ("a\u202eb", r"holds U\+202E"),
        ("a\0b", r"holds U\+0000"),
        ("a\u3164", "holds"),
        ("ভ" * 27, "is 81 bytes long"),
    ],
)
def test_an_unsafe_given_key_is_refused(key: str, said: str) -> None:
    """A key of the user's own is never changed in silence: it is refused with the reason."""
    with pytest.raises(KeyFaultError, match=said) as caught:
        make_keys(["Anna", "Bob"], [None, key])

    assert caught.value.index == 1


def test_a_key_given_twice_is_refused() -> None:
    """Two keys that differ only by case are one file on many systems."""
    with pytest.raises(KeyFaultError, match="already the key of character 1") as caught:
        make_keys(["a", "b", "c"], ["bob", None, "Bob"])

    assert caught.value.index == 2


@given(names=st.lists(NAMES, max_size=8))
@example(names=["x" * 79, "x" * 79, "x" * 79])
@example(names=["\u0345\u0301", "\u03b9\u0301"])
def test_keys_are_safe(names: list[str]) -> None:
    """Every key is a valid file name everywhere, short, without signs that hide or steer."""
    for key in make_keys(names, none_given(names)):
        assert 0 < len(key.encode()) <= MAX_KEY_BYTES
        assert unicodedata.is_normalized("NFC", key)
        assert is_valid_filename(f"{key}.png", platform="universal")
        assert key_fault(key) is None
        assert not set(key) & set("/\\:.\0 ")


@given(
    names=st.lists(NAMES, max_size=12),
    given_keys=st.dictionaries(st.integers(0, 11), st.sampled_from(["anna", "anna-2", "x"])),
)
def test_keys_are_unique_on_every_file_system(names: list[str], given_keys: dict[int, str]) -> None:
    """No two keys are twins by case folding, upper case or normalisation, given ones included."""
    chosen = {key: index for index, key in given_keys.items() if index < len(names)}
    given = [next((key for key, at in chosen.items() if at == index), None) for index in range(len(names))]
    keys = make_keys(names, given)

    for form in (str.casefold, str.upper, lambda key: unicodedata.normalize("NFD", key)):
        assert len({form(key) for key in keys}) == len(names)


@given(names=st.lists(NAMES, max_size=8))
@example(names=["x" * 80, "x" * 80])
def test_keys_of_keys_are_the_same(names: list[str]) -> None:
    """A roster written with its keys for names would get the same keys, given or made."""
    keys = make_keys(names, none_given(names))

    assert make_keys(keys, none_given(keys)) == keys
    assert make_keys(names, keys) == keys


@given(names=st.lists(NAMES, max_size=8), more=st.lists(NAMES, max_size=4))
def test_appending_characters_changes_no_key(names: list[str], more: list[str]) -> None:
    """New characters at the end leave the pictures of the others theirs."""
    longer = names + more

    assert make_keys(longer, none_given(longer))[: len(names)] == make_keys(names, none_given(names))
