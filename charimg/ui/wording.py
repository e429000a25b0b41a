"""How names, numbers and durations are put into words; nothing a roster or a server wrote can command a terminal."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from math import isfinite

from charimg.events import JobName
from charimg.model import Cost

LONGEST_MESSAGE = 300
"""Characters of a service's own words that a line shows; the store keeps them whole."""

LONGEST_NAME = 100
"""Characters of a name that a line shows."""

_SPACES = re.compile(r"[\s\x85\u2028\u2029]+")
# C0 and C1 controls move cursors and recolour; bidirectional overrides reorder what stands around them; lone
# surrogates cannot be encoded at all.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_COMMAND = re.compile(r"charimg(?: -C \S+)? [a-z]+(?: --[a-z-]+)*")
_SHELL_SPECIAL = re.compile(r"[\"$`\\!%]")
_PRIVATE_OR_UNKNOWN = {"Cn", "Co"}
_WIDE = {"W", "F"}
# Flags' letters; and the trigrams, hexagrams and counting rods that Unicode 16 made wide, whatever Python's tables say.
_WIDE_FOR_SOME = re.compile(r"[\U0001f1e6-\U0001f1ff\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d37f]")
_JOINERS = "\u200b\u200c\u200d\u200e\u200f\u2060"
_VARIATION_SELECTOR_16 = "\ufe0f"


def clean(text: str, limit: int = LONGEST_MESSAGE) -> str:
    """The text on one line, with every control character made visible and harmless, cut to *limit* characters."""
    text = _SPACES.sub(" ", text[: 4 * limit]).strip()
    text = _UNSAFE.sub(lambda found: _escaped(found.group()), text)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def noun(jobs: Sequence[JobName]) -> str:
    """What people call the jobs."""
    return "candidate" if any(job.is_candidate for job in jobs) else "character"


def clean_name(text: str) -> str:
    """A character's, lane's or file's name, fit for a line."""
    return clean(text, LONGEST_NAME)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def cells(text: str) -> int:
    """The most columns any terminal takes for the text.

    Terminals disagree about spacing marks (Bengali, Devanagari), joined emoji and characters newer than themselves; a
    line that fits by this count wraps in none of them.
    """
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    if " " <= character <= "~":
        return 1
    if character == _VARIATION_SELECTOR_16:
        return 1
    category = unicodedata.category(character)
    if category in ("Mn", "Me") or character in _JOINERS:
        return 0
    wide = (
        unicodedata.east_asian_width(character) in _WIDE
        or category in _PRIVATE_OR_UNKNOWN
        or _WIDE_FOR_SOME.match(character)
    )
    return 2 if wide else 1


def clip(text: str, width: int) -> str:
    """The text in at most *width* columns, ending with ``…`` where something was cut."""
    if cells(text) <= width:
        return text
    if width < 1:
        return ""
    used, end = 0, 0
    for end, character in enumerate(text):  # noqa: B007 - the index is used after the loop
        used += _cells(character)
        if used > width - 1:
            break
    return text[:end].rstrip(" \u200d\u200c") + "…"


_GLUE = "\0"
"""Stands for the spaces of a command while a text is taken apart."""
INDENT = "   "
"""Before the further lines of a text that was wrapped."""


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most *width* columns, broken between words; the further ones are indented.

    A word that is too long for a line stands alone and is left for the terminal to break. A command, as
    ``charimg run --stale``, counts as one word: broken, it could not be copied.
    """
    if cells(text) <= width:
        return [text]
    glued = _COMMAND.sub(lambda command: command[0].replace(" ", _GLUE), text.lstrip(" "))
    first, *words = (word.replace(_GLUE, " ") for word in glued.split(" "))
    lines, line = [], " " * (len(text) - len(text.lstrip(" "))) + first
    for word in words:
        if cells(line) + 1 + cells(word) > width:
            lines.append(line.rstrip())
            line = INDENT + word
        else:
            line += f" {word}"
    return [*lines, line]


def wrapped_around_command(text: str, width: int) -> list[str]:
    """The same for a line of the summary: a command in it is left for the terminal to break, for a break of ours would
    be copied with it. What stands behind the command, after two spaces, begins a line of its own."""
    if "charimg " not in text or "👉" not in text or cells(text) <= width:
        return wrapped(text, width)
    command, _, explained = text.rpartition("  ")
    if "charimg " not in command:
        return [text]
    return [command, *wrapped(INDENT + explained, width)]


def waits_told(quota: int, connection: int) -> list[str]:
    """How often was waited, and for what; nothing for no waits."""
    told = [count(quota, "quota wait")] if quota else []
    return [*told, count(connection, "wait for a connection", "waits for a connection")] if connection else told


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 picture``, ``5 pictures``; *plural* where an s is not enough."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def plain_number(value: float) -> str:
    """``2``, ``1.5``: as few digits as say it."""
    return f"{value:.1f}".removesuffix(".0")


def duration(seconds: float) -> str:
    """Seconds as people say them: ``8 s``, ``1 min 20 s``, ``5 h 12 min``, ``2 days 3 h``."""
    if not isfinite(seconds):
        return "a long time"
    whole = max(0, round(seconds))
    for size, name, smaller, smaller_name in (
        (86400, "day", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            large, rest = whole // size, whole % size // smaller
            words = count(large, "day") if name == "day" else f"{large} {name}"
            return f"{words} {rest} {smaller_name}" if rest else words
    return f"{whole} s"


def moment(until: datetime, now: datetime) -> str:
    """A point in time in the user's own time zone, and how far off it is: ``2026-11-22 09:00 IST (in 5 h 12 min)``."""
    local = until.astimezone()
    ahead = (until - now).total_seconds()
    when = local.strftime("%Y-%m-%d %H:%M %Z").rstrip()
    return f"{when} (in {duration(ahead)})" if ahead > 0 else when


def money(cost: Cost) -> str:
    """An amount as people write it: ``0.52 USD``, ``12 credits``; with ``about`` when it is only the declared price."""
    return clean_name(str(cost))


def shell_word(name: str, key: str) -> str:
    """The name as one word of a command line that can be copied; the key instead where the name cannot be typed or
    would be taken for an option."""
    if name.startswith("-") or _UNSAFE.search(name) or _SPACES.sub(" ", name) != name or len(name) > LONGEST_NAME:
        name = clean_name(key)
    return shlex.quote(name) if _SHELL_SPECIAL.search(name) else f'"{name}"'
