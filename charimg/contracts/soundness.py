"""What makes a declaration unusable: names nobody can type, values that do not fit. Read before a class is registered.

What is merely unhelpful, such as an empty help, is the test kit's to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from charimg.contracts.declaration import Credential, Declaration, Setting

NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
"""Names of providers and accounts: typed after ``--provider``, part of a distribution's name and of variables."""

FIELD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
"""Names of settings and credentials: typed after ``-o``, part of variables."""


def faults_of(declaration: Declaration) -> list[str]:
    """What is wrong with the declaration, one line each; none for a usable one."""
    return list(_faults_in(declaration))


def _faults_in(declaration: Any) -> Iterator[str]:  # a stranger's code gives anything, whatever the types promise
    for what, name in (("name", declaration.name), ("account", declaration.account)):
        if not (what == "account" and name is None) and not _fits(NAME, name):
            yield f"the {what} {name!r} is not lower case letters and digits, with - or _ between words"
    if not isinstance(declaration.summary, str):
        yield f"the summary is {type(declaration.summary).__name__}, not a text"
    names: list[str] = []
    for what, kind, given in (
        ("setting", Setting, declaration.settings),
        ("credential", Credential, declaration.credentials),
    ):
        if not isinstance(given, (tuple, list)):
            yield f"the {what}s are {type(given).__name__}, not a tuple; write ({kind.__name__}(...),)"
            continue
        for one in given:
            if not isinstance(one, kind):
                yield f"one of the {what}s is {type(one).__name__}, not a charimg.{kind.__name__}"
                continue
            if not _fits(FIELD, one.name):
                yield f"the {what} {one.name!r} is not lower case words with _ between them"
            names.append(one.name)
            if isinstance(one, Setting):
                yield from _value(one)
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield f"'{name}' is declared twice"


def _fits(pattern: re.Pattern[str], name: object) -> bool:
    return isinstance(name, str) and pattern.fullmatch(name) is not None


def _value(setting: Setting) -> Iterator[str]:
    what = f"the setting '{setting.name}'"
    if setting.type not in (str, int, float, bool):
        yield f"{what} has the type {setting.type!r}; str, int, float and bool are known"
        return
    default = setting.default
    fits = default is None or type(default) is setting.type or (setting.type is float and type(default) is int)
    if not fits:
        yield f"the default of {what} is {type(default).__name__}, and its type {setting.type.__name__}"
