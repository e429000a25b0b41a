"""Settings: what may be set, where it may be written, and which value wins.

The order is flag, environment, the project's ``charimg.yaml``, the user's ``config.yaml``, default. Credentials are not
settings: see :mod:`charimg.credentials`.
"""

from __future__ import annotations

from charimg.settings.files import PROJECT_FILE, USER_FILE, SettingsFile, config_home, short_path
from charimg.settings.lanes import WrittenLane, lane_name
from charimg.settings.resolve import (
    DEFAULT,
    GENERAL,
    PROGRESS,
    Found,
    Options,
    Overridden,
    Settings,
    listed,
    policy_of,
    sort_options,
    uploader_for,
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
    "WrittenLane",
    "config_home",
    "convert",
    "expected",
    "lane_name",
    "listed",
    "policy_of",
    "short_path",
    "sort_options",
    "uploader_for",
    "variable",
    "written",
]
