"""The settings files: ``charimg.yaml`` in the project, ``config.yaml`` in the user's configuration folder.

Both have the same shape: general settings at the top, providers' settings under ``providers:`` by name, and perhaps
the ``lanes:`` of :mod:`charimg.settings.lanes`::

    provider: whisk
    batch_size: 3
    providers:
      whisk:
        labs_url: https://gateway.example

They are read without constructing anything but texts that know their line, so a wrong one gets one line that names the
place, and a value stays as it was written (``no`` and ``007`` get their meaning from the setting's type).
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from charimg.errors import InputError
from charimg.settings.lanes import WrittenLane, read_lanes
from charimg.settings.values import Written, did_you_mean

PROJECT_FILE = "charimg.yaml"
"""The project's settings, beside its roster."""
USER_FILE = "config.yaml"
"""The user's settings, in :func:`config_home`."""
MAX_BYTES = 256 * 1024
"""Largest settings file; a usual one has a few hundred bytes."""


@dataclass(frozen=True)
class SettingsFile:
    """What one file says."""

    name: str
    """As people recognise it: ``charimg.yaml``, ``~/.config/charimg/config.yaml``."""
    general: Mapping[str, Written] = field(default_factory=dict)
    providers: Mapping[str, Mapping[str, Written]] = field(default_factory=dict)
    """By account name, then by setting."""
    lanes: tuple[WrittenLane, ...] = ()


def config_home(environ: Mapping[str, str]) -> Path:
    """The user's configuration folder for charimg: settings in ``config.yaml``, keys in ``keys.json``.

    ``CHARIMG_CONFIG_HOME`` names it outright; ``XDG_CONFIG_HOME`` is respected on every system.
    """
    own = environ.get("CHARIMG_CONFIG_HOME")
    if own:
        return Path(own).expanduser().absolute()
    base = environ.get("XDG_CONFIG_HOME")
    if base and Path(base).is_absolute():  # the XDG specification ignores relative ones
        return Path(base) / "charimg"
    from platformdirs import user_config_path  # noqa: PLC0415 - not needed where a variable names the folder

    return user_config_path("charimg", appauthor=False)


def short_path(path: Path) -> str:
    """The path with ``~`` for the home folder, as people write it."""
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except (ValueError, RuntimeError):  # elsewhere, or a user without a home
        return str(path)


def read_settings_file(path: Path, name: str, general: frozenset[str]) -> SettingsFile | None:
    """What the file at *path* says; ``None`` where there is no such file.

    :param name: what messages call it.
    :param general: the names that may stand at its top.

    Raises:
        InputError: it cannot be read, is not YAML, or has an unknown name at its top.
    """
    text = _text(path, name)
    if text is None:
        return None
    from charimg.settings.document import composed, entries, kind, scalar  # noqa: PLC0415 - PyYAML only for a file

    root = composed(text, name)
    top: dict[str, Written] = {}
    providers: dict[str, Mapping[str, Written]] = {}
    lanes: tuple[WrittenLane, ...] = ()
    for key, line, value in entries(root, name, ""):
        if key == "providers":
            providers = {
                account: {
                    setting: scalar(inner, name, inner_line, f"providers.{account}.{setting}")
                    for setting, inner_line, inner in entries(section, name, f"providers.{account}")
                }
                for account, _, section in entries(value, name, "providers")
            }
        elif key == "lanes":
            lanes = read_lanes(value, line, name)
        elif key in general:
            top[key] = scalar(value, name, line, key)
        elif kind(value) == "a mapping":
            raise InputError(f"{name}:{line}: {key}: a provider's settings stand under 'providers:'; move it there")
        else:
            raise InputError(
                f"{name}:{line}: {key}: unknown setting; {did_you_mean(key, {*general, 'providers', 'lanes'})}"
            )
    return SettingsFile(name, top, providers, lanes)


def _text(path: Path, name: str) -> str | None:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise InputError(f"{name}: this is not a file; settings are read from a text file of this name")
        if facts.st_size > MAX_BYTES:
            raise InputError(
                f"{name}: is {facts.st_size // 1024} KB large; a settings file has at most {MAX_BYTES // 1024}"
            )
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: the byte at offset {error.start} is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None
