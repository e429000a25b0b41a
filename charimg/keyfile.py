"""The keys file: credentials the user gave us, readable to that user alone.

``keys.json`` in the user's configuration folder holds ``{"whisk": {"cookie": "..."}, "whisk@work": {...}}``. It is
created with mode 0600 in a folder of mode 0700, replaced in one step, and, as ssh does with its keys, refused while
others can read it. Windows has no such modes; there the folder is the user's own profile.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from charimg.errors import InputError, StorageError
from charimg.settings.files import short_path

KEYS_FILE = "keys.json"
MAX_BYTES = 16 * 1024 * 1024
"""Largest keys file that is read."""

Kept = dict[str, dict[str, str]]
"""Credential texts by account and name."""


@dataclass(frozen=True)
class KeyFile:
    """The keys file at *path*, which need not exist."""

    path: Path

    @classmethod
    def of(cls, home: Path) -> KeyFile:
        """The one of the configuration folder *home*."""
        return cls(home / KEYS_FILE)

    def read(self) -> Kept:
        """Everything it holds; nothing where there is no such file.

        Raises:
            InputError: others can read it, it cannot be read, or it is not what we wrote.
        """
        try:
            with self.path.open("rb") as file:
                self._refuse_what_is_not_ours_alone(os.fstat(file.fileno()))
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InputError(f"{self.shown} cannot be read ({error.strerror or error})") from None
        return self._parsed(data)

    def _refuse_what_is_not_ours_alone(self, facts: os.stat_result) -> None:
        """A link into one's own dotfiles is fine: what counts is the file behind it, and who may put another there."""
        if os.name != "posix":
            return
        if facts.st_uid not in (os.geteuid(), 0):
            raise InputError(
                f"{self.shown} belongs to another user, who may have put it there; it is not used until you run:"
                f" chown {os.geteuid()} {self.shown}"
            )
        if facts.st_mode & 0o077:
            raise InputError(
                f"{self.shown} can be read by others (mode {stat.S_IMODE(facts.st_mode):04o});"
                f" it is not used until you run: chmod 600 {self.shown}"
            )
        folder = self.path.parent
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise InputError(
                f"everybody may put files into {short_path(folder)} (mode {stat.S_IMODE(mode):04o}); the keys there are"
                f" not used until you run: chmod 700 {short_path(folder)}"
            )

    def trouble(self) -> str | None:
        """What is wrong with the file, in one line; ``None`` when it is well or absent."""
        try:
            self.read()
        except InputError as error:
            return str(error)
        return None

    def put(self, account: str, name: str, text: str, *, instead_of: str | None = None) -> bool:
        """Keep a credential; the answer says whether it was kept.

        :param instead_of: keep it only in place of this text.

        Raises:
            InputError: as :meth:`read`.
            StorageError: the file cannot be written.
        """

        def change(kept: Kept) -> bool:
            mine = kept.setdefault(account, {})
            if instead_of is not None and mine.get(name) != instead_of:
                return False
            mine[name] = text
            return True

        return self._change(change)

    def drop(self, account: str, name: str | None = None) -> bool:
        """Forget a credential, or all of the account; the answer says whether there was one.

        Raises:
            InputError: as :meth:`read`.
            StorageError: the file cannot be written.
        """

        def change(kept: Kept) -> bool:
            mine = kept.get(account, {})
            gone = list(mine) if name is None else [name]
            found = [mine.pop(one) for one in gone if one in mine]
            if not mine:
                kept.pop(account, None)
            return bool(found)

        return self.path.exists() and self._change(change)

    @property
    def shown(self) -> str:
        """The path as people write it."""
        return short_path(self.path)

    def _parsed(self, data: bytes) -> Kept:
        # What stands in the file is never repeated in a message, not even a piece of it.
        remedy = "mend it, or delete it and set the keys again"
        if len(data) > MAX_BYTES:
            raise InputError(f"{self.shown} is too large to be a keys file; {remedy}")
        try:
            root = json.loads(data.decode("utf-8-sig")) if data.strip() else {}
        except json.JSONDecodeError as error:
            raise InputError(f"{self.shown}:{error.lineno}: is not JSON; {remedy}") from None
        except (ValueError, RecursionError):  # no text; a number of thousands of digits; brackets without end
            raise InputError(f"{self.shown} is not JSON; {remedy}") from None
        if not isinstance(root, dict):
            raise InputError(f"{self.shown} is not a keys file; {remedy}")
        for account, names in root.items():
            if not isinstance(names, dict) or not all(isinstance(text, str) for text in names.values()):
                raise InputError(f"{self.shown}: {account!r} does not hold names with texts; {remedy}")
        return root

    def _change(self, change: Callable[[Kept], bool]) -> bool:
        try:
            with self._locked():
                kept = self.read()
                changed = change(kept)
                if changed:
                    self._write(kept)
                return changed
        except OSError as error:
            raise StorageError(
                f"cannot write {self.shown}: {error.strerror or error}; check the folder's permissions"
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock  # noqa: PLC0415 - only writing needs it

        missing = [folder for folder in self.path.parents if not folder.exists()]
        for folder in reversed(missing):  # each for this user alone, whatever the umask
            folder.mkdir(mode=0o700, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=10, mode=0o600):
            yield

    def _write(self, kept: Kept) -> None:
        target = self.path.resolve()  # a link into somebody's dotfiles stays a link
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                # In ASCII: half a character (a lone surrogate) that somebody's editor left there cannot be UTF-8.
                json.dump(kept, file, indent=2, sort_keys=True)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
