"""The roster: the file a user writes, found, read, checked, and turned into requests.

::

    reader          find_roster, read_roster: one file, one Roster, or one line that says what to mend
      text          bytes to text: size, encoding, control characters
      yaml_source, json_source, tables
                    text to a tree of texts, lists and mappings with their lines
      cast, fields  the tree to characters and style
    keys            names to keys: safe, unique, stable
    prompts         a character to the request for its picture
    asked           whom --only means
"""

from __future__ import annotations

from charimg.roster.asked import keys_asked_for
from charimg.roster.keys import MAX_KEY_BYTES, KeyFaultError, key_fault, make_keys
from charimg.roster.prompts import prompt_for, request_for
from charimg.roster.reader import find_roster, read_roster

__all__ = [
    "MAX_KEY_BYTES",
    "KeyFaultError",
    "find_roster",
    "key_fault",
    "keys_asked_for",
    "make_keys",
    "prompt_for",
    "read_roster",
    "request_for",
]
