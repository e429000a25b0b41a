"""Keys: names made safe as file names on every system, unique, and the same every time.

A key holds letters and digits of any script (Unicode NFC, lower case), joined by ``-``, in at most
:data:`MAX_KEY_BYTES` bytes of UTF-8: short enough for every file system (255 bytes or UTF-16 units) with room for
an extension and a suffix of a temporary file. Two keys differ by more than case, because the file systems of
Windows and macOS take ``Anna`` and ``anna`` for one name, and by more than Unicode normalisation, because macOS
takes composed and decomposed letters for one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from charimg.errors import InputError

MAX_KEY_BYTES = 80
"""Longest key, in bytes of UTF-8."""
_HASH_DIGITS = 8
_FALLBACK = "character"
_APOSTROPHES = "'’‘ʼ`´"
_LONGEST_RESERVED = 8
_IGNORABLE = re.compile(  # letters and marks that are drawn as nothing (Unicode: Default_Ignorable_Code_Point)
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


class KeyFaultError(InputError):
    """A key the user gave cannot be used; :attr:`index` says whose."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index
        """Position in the sequences given to :func:`make_keys`, from 0."""


def make_keys(names: Sequence[str], given: Sequence[str | None]) -> list[str]:
    """One key for each of *names*, in order; *given* holds the keys the user chose, ``None`` where none.

    Given keys are kept as they are (composed to NFC) and reserved first; the others follow from their names alone,
    a name already taken getting ``-2``, ``-3`` in order. So a key changes neither with descriptions nor when
    names are appended. Where a name was cut, or held nothing a key can hold (only emoji), eight digits of its
    SHA-256 tell it from others.

    Raises:
        KeyFaultError: a given key is unsafe, or given twice.
        ValueError: *names* and *given* differ in length.
    """
    keys: list[str | None] = [None] * len(names)
    taken: dict[str, int] = {}
    for index, (_, key) in enumerate(zip(names, given, strict=True)):
        if key is None:
            continue
        composed = unicodedata.normalize("NFC", key)
        fault = key_fault(composed)
        if fault is not None:
            raise KeyFaultError(fault, index)
        first = taken.setdefault(twin_of(composed), index)
        if first != index:
            raise KeyFaultError(f"is already the key of {_ordinal(first)}; every key must be another", index)
        keys[index] = composed
    counters: dict[str, int] = {}
    for index, name in enumerate(names):
        if keys[index] is not None:
            continue
        base = candidate = slug(name)
        while twin_of(candidate) in taken:
            counters[base] = counters.get(base, 1) + 1
            ending = f"-{counters[base]}"
            candidate = _cut(base, MAX_KEY_BYTES - len(ending)) + ending
        taken[twin_of(candidate)] = index
        keys[index] = candidate
    return [key for key in keys if key is not None]


def slug(name: str) -> str:
    """The key *name* would have if it were the only one; ``slug(slug(name)) == slug(name)``."""
    folded = _IGNORABLE.sub("", fold(name))
    words: list[str] = []
    word = ""
    for char in folded:
        kind = unicodedata.category(char)
        if kind[0] in "LN" or (kind in {"Mn", "Mc"} and word):
            word += char
        elif char in _APOSTROPHES or kind == "Cf":  # o'brien is one word; joiners and direction marks vanish
            continue
        elif word:
            words.append(word)
            word = ""
    if word:
        words.append(word)
    joined = unicodedata.normalize("NFC", "-".join(words))
    if joined and len(joined.encode()) <= MAX_KEY_BYTES:
        return f"{_FALLBACK}-{joined}" if _reserved(joined) else joined
    kept = _cut(joined, MAX_KEY_BYTES - _HASH_DIGITS - 1)
    return f"{kept or _FALLBACK}-{_digest(name)}"


def key_fault(key: str) -> str | None:
    """Why *key*, chosen by a user, cannot be a key, with the remedy; ``None`` when it can."""
    if not key:
        return "is empty; write a word, or leave the key out"
    wrong = next((char for char in key if not _allowed(char)), None)
    if wrong is not None:
        said = f"'{wrong}'" if wrong.isprintable() else f"U+{ord(wrong):04X}"
        return f"holds {said}; a key may hold letters, digits, '-' and '_'"
    if unicodedata.category(key[0])[0] not in "LN":
        return "must begin with a letter or a digit"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"is {len(key.encode())} bytes long; the longest key has {MAX_KEY_BYTES}"
    if _reserved(key):
        return "is a name that Windows keeps for a device; choose another"
    return None


def fold(text: str) -> str:
    """*text* with differences of case and of normalisation removed (Unicode D145, canonical caseless matching)."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFC", decomposed)


def twin_of(key: str) -> str:
    """The same text for all keys that some file system takes for one name.

    Upper case as well as folding: NTFS compares by upper case, which joins some letters that folding keeps apart.
    """
    return fold(fold(key).upper())


def _allowed(char: str) -> bool:
    return char in "-_" or (
        unicodedata.category(char)[0] in "LMN" and unicodedata.category(char) != "Me" and not _IGNORABLE.match(char)
    )


def _reserved(key: str) -> bool:
    if len(key) > _LONGEST_RESERVED:
        return False
    from pathvalidate import is_valid_filename  # noqa: PLC0415 - kept out of the start-up of `charimg --help`

    return not is_valid_filename(f"{key}.png", platform="universal", fs_encoding="utf-8")


def _cut(text: str, most: int) -> str:
    """The longest head of *text* within *most* bytes that ends between two written signs."""
    kept = used = 0
    position = 0
    for cluster in _clusters(text):
        used += len(cluster.encode())
        if used > most:
            break
        position += len(cluster)
        kept = position
    return text[:kept].rstrip("-")


def _clusters(text: str) -> list[str]:
    """*text* in signs as a reader sees them: a letter with its marks, and conjuncts whole.

    A virama (combining class 9) binds the next letter to it: half a conjunct is another word in Indic scripts.
    """
    clusters: list[str] = []
    bound = False
    for char in text:
        if clusters and (bound or unicodedata.category(char)[0] == "M"):
            clusters[-1] += char
        else:
            clusters.append(char)
        bound = unicodedata.combining(char) == 9
    return clusters


def _digest(name: str) -> str:
    composed = unicodedata.normalize("NFC", name)
    return hashlib.sha256(composed.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]


def _ordinal(index: int) -> str:
    return f"character {index + 1}"
