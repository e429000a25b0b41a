"""From the text somebody wrote to a value of the declared type, or one line that says what was expected.

A value arrives as text from everywhere: a flag, an environment variable, a file. So it is read by one function, and a
wrong one gets the same message, with the place it came from in front.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from charimg.addresses import server_of
from charimg.contracts.declaration import Setting, SettingValue
from charimg.errors import InputError
from charimg.redaction import Redactor

YES = frozenset({"true", "yes", "on", "1"})
"""Words for a switch that is on, in any case."""
NO = frozenset({"false", "no", "off", "0"})
"""Words for a switch that is off, in any case."""
_SHOWN = 40
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udc7f\udd00-\udfff]")
"""What neither a line nor a file name can hold. (``\udc80`` to ``\udcff`` are the bytes of a name in no encoding.)"""


@dataclass(frozen=True)
class Written:
    """A value as it stands in a file."""

    text: str
    line: int


def is_one_line(text: str) -> bool:
    """Whether *text* can stand in a message and in a file name: no control characters, no line ends, no half
    characters."""
    return not _UNWRITABLE.search(text)


def variable(*words: str) -> str:
    """The environment variable of these words: ``variable("whisk", "cookie")`` is ``CHARIMG_WHISK_COOKIE``."""
    return "_".join(["CHARIMG", *(re.sub(r"[^A-Z0-9]", "_", word.upper()) for word in words)])


def convert(setting: Setting, text: str, place: str) -> SettingValue:
    """*text* as a value of the setting's type, within its limits.

    :param place: where it was written, which begins the message: ``charimg.yaml:4: batch_size``.

    Raises:
        InputError: it is not such a value; the message says what is expected and what was found.
    """
    value = _parsed(setting, text.strip())
    if value is None or not _within(setting, value) or not _is_address_if_it_must(setting, value):
        raise InputError(f"{place}: expected {expected(setting)}, found {shown(text)}{_near_choice(setting, text)}")
    return value


def expected(setting: Setting) -> str:
    """What the setting takes, in words: ``a whole number from 1 up``."""
    if setting.choices:
        return f"one of {', '.join(setting.choices)}"
    if setting.type is bool:
        return "yes or no"
    if _is_of_an_address(setting):
        return "a web address, as https://host or http://host:port"
    if setting.type is str:
        return "a text"
    kind = "a whole number" if setting.type is int else "a number"
    low, high = setting.minimum, setting.maximum
    if low is not None and high is not None:
        return f"{kind} from {plain_number(low)} to {plain_number(high)}"
    if low is not None:
        return f"{kind} from {plain_number(low)} up"
    return kind if high is None else f"{kind} up to {plain_number(high)}"


def plain_number(value: float) -> str:
    """A number as people write it: ``2592000``, ``0.5``."""
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def shown(text: str) -> str:
    """*text* in quotes, on one line, short, and without anything that looks like a key."""
    clean = Redactor().clean(text)
    return repr(clean if len(clean) <= _SHOWN else f"{clean[: _SHOWN - 1]}…")


def written(value: SettingValue | None) -> str:
    """A value as people read it in a table; a password inside an address becomes stars."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", Redactor().clean(str(value)))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    close = get_close_matches(name.replace("-", "_").lower(), names, 1, 0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known are {', '.join(names)}" if names else "it has none"


def _parsed(setting: Setting, text: str) -> SettingValue | None:
    if setting.type is bool:
        return True if text.lower() in YES else False if text.lower() in NO else None
    if setting.type is str:
        return text
    try:
        return setting.type(text)
    except ValueError:
        return None


def _within(setting: Setting, value: SettingValue) -> bool:
    if setting.choices:
        return str(value) in setting.choices
    if isinstance(value, (str, bool)):
        return True
    try:
        if not math.isfinite(value):
            return False
    except OverflowError:  # a whole number of hundreds of digits
        return False
    above = setting.minimum is None or value >= setting.minimum
    return above and (setting.maximum is None or value <= setting.maximum)


def _is_of_an_address(setting: Setting) -> bool:
    return setting.type is str and (setting.name == "url" or setting.name.endswith("_url"))


def _is_address_if_it_must(setting: Setting, value: SettingValue) -> bool:
    return not value or not _is_of_an_address(setting) or bool(server_of(str(value)))


def _near_choice(setting: Setting, text: str) -> str:
    close = get_close_matches(text.strip().lower(), setting.choices, 1)
    return f"; did you mean '{close[0]}'?" if close else ""
