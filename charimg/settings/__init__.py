"""Settings: what may be set, where it may be written, and which value wins.

The order is flag, environment, the project's ``charimg.yaml``, the user's ``config.yaml``, default. Credentials are not
settings: see :mod:`charimg.credentials`.
"""

from __future__ import annotations

from charimg.settings.files import PROJECT_FILE, USER_FILE, SettingsFile, config_home, short_path
from charimg.settings.resolve import (
    DEFAULT,
    GENERAL,
    PROGRESS,
    Found,
    Options,
    Overridden,
    Settings,
    policy_of,
    sort_options,
)
from charimg.settings.values import convert, expected, variable, written

__all__ = [
    "DEFAULT",
    "GENERAL",
    "PROGRESS",
    "PROJECT_FILE",
    "USER_FILE",
    "Found",
    "Options",
    "Overridden",
    "Settings",
    "SettingsFile",
    "config_home",
    "convert",
    "expected",
    "policy_of",
    "short_path",
    "sort_options",
    "variable",
    "written",
]
