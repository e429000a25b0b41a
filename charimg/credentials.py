"""Credentials: where they are looked for, and the one file that keeps those the user gave us.

A credential is looked for in this order; the first place that has it wins:

1. the environment variable ``CHARIMG_<PROVIDER>_<NAME>``;
2. the file that ``CHARIMG_<PROVIDER>_<NAME>_FILE`` names (as container platforms mount secrets);
3. the further environment variables the provider declares (``GEMINI_API_KEY``);
4. the keys file, ``keys.json`` in the user's configuration folder, written by ``charimg keys set``.

Never a command line, which other users of the machine can read, and never a settings file, which gets shared.

An *account* is a provider's account name (``whisk``), or that with a label after ``@`` (``whisk@work``) where somebody
has several; the label is part of the variables' names too (``CHARIMG_WHISK_WORK_COOKIE``), and the further variables,
which cannot tell accounts apart, are not looked at for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from charimg.contracts.declaration import Credential, Declaration
from charimg.errors import FatalError, InputError
from charimg.keyfile import KeyFile
from charimg.redaction import Secret
from charimg.settings.files import short_path
from charimg.settings.values import variable

MAX_SECRET = 256 * 1024
"""Largest credential in bytes; a browser's whole cookie export stays far below."""
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ACCOUNT = re.compile(r"[\w.-]+(@[\w.-]+)?")


@dataclass(frozen=True)
class FoundSecret:
    """A credential and where it came from."""

    value: Secret
    source: str
    """A variable (``CHARIMG_WHISK_COOKIE``, ``CHARIMG_WHISK_COOKIE_FILE``, ``GEMINI_API_KEY``) or the keys file."""
    ours: bool = False
    """It lies in the keys file, where a renewed one may take its place."""


@dataclass(frozen=True)
class Credentials:
    """Every place a credential may be in."""

    environ: Mapping[str, str]
    keys: KeyFile

    @classmethod
    def load(cls, environ: Mapping[str, str], home: Path) -> Credentials:
        """Those of this environment and of the configuration folder *home*. Reads nothing yet."""
        return cls(environ, KeyFile.of(home))

    def find(self, account: str, credential: Credential) -> FoundSecret | None:
        """The credential of the account, or ``None``.

        The keys file is read only when no variable has it.

        Raises:
            InputError: a variable names a file that cannot be read; what was found is empty or no text; the keys file
                is broken or can be read by others.
        """
        name = _variable_of(account, credential.name)
        text = self.environ.get(name)
        if text:
            return FoundSecret(Secret(clean_secret(text, f"environment {name}")), name)
        pointer = f"{name}_FILE"
        if self.environ.get(pointer):
            return FoundSecret(Secret(_from_file(Path(self.environ[pointer]), pointer)), pointer)
        for further in credential.env if "@" not in account else ():
            text = self.environ.get(further)
            if text:
                return FoundSecret(Secret(clean_secret(text, f"environment {further}")), further)
        kept = self.keys.read().get(account, {}).get(credential.name)
        if kept is None:
            return None
        place = f"{short_path(self.keys.path)}: {account}.{credential.name}"
        return FoundSecret(Secret(clean_secret(kept, place)), short_path(self.keys.path), ours=True)

    def of_provider(self, declaration: Declaration, account: str | None = None) -> dict[str, FoundSecret]:
        """Every declared credential that can be found, by name.

        :param account: another account than the provider's own, as ``whisk@work``.

        Raises:
            InputError: as :meth:`find`.
        """
        account = account or declaration.account_name
        found = ((one.name, self.find(account, one)) for one in declaration.credentials)
        return {name: secret for name, secret in found if secret is not None}

    def required(self, declaration: Declaration, account: str | None = None) -> dict[str, FoundSecret]:
        """As :meth:`of_provider`, for a provider that is about to work.

        Raises:
            InputError: as :meth:`find`.
            FatalError: a required one is missing; the message says how to give it.
        """
        account = account or declaration.account_name
        found = self.of_provider(declaration, account)
        for one in declaration.credentials:
            if one.required and one.name not in found:
                raise FatalError(missing(declaration, one, account, self.accounts_of(declaration)))
        return found

    def accounts_of(self, declaration: Declaration) -> list[str]:
        """The provider's accounts that have stored keys, in alphabetical order.

        Raises:
            InputError: the keys file is broken or can be read by others.
        """
        return sorted(name for name in self.keys.read() if name.partition("@")[0] == declaration.account_name)

    def remember(self, account: str, found: Mapping[str, FoundSecret]) -> Callable[[str, str], None]:
        """What a provider's context calls to keep a renewed credential.

        Only one that came from the keys file is kept there, and only while the file still has the one that was
        renewed: a key the user set meanwhile stays.
        """
        latest = {name: one.value.reveal() for name, one in found.items() if one.ours}

        def keep(name: str, text: str) -> None:
            if name in latest and text.strip():
                self.keys.put(account, name, text.strip(), instead_of=latest[name])
                latest[name] = text.strip()

        return keep


def missing(
    declaration: Declaration, credential: Credential, account: str | None = None, others: Sequence[str] = ()
) -> str:
    """What to tell a user who has not given this credential yet.

    :param others: accounts of the provider that have keys.
    """
    account = account or declaration.account_name
    known = [other for other in others if other != account]
    there = f" There are keys for {', '.join(known)}." if known else ""
    only = sum(one.required for one in declaration.credentials) == 1 and credential.required
    command = f"charimg keys set {account}" + ("" if only else f" {credential.name}")
    return (
        f"{account if '@' in account else declaration.name}: no {credential.name} found; run: {command}"
        f" (or set {_variable_of(account, credential.name)}).{there} {credential.help}"
    )


def split_account(account: str) -> tuple[str, str]:
    """Provider and label of an account: ``whisk@work`` is ``("whisk", "work")``, ``whisk`` is ``("whisk", "")``.

    Raises:
        InputError: it is not of this form.
    """
    if not _ACCOUNT.fullmatch(account):
        raise InputError(
            f"{account!r} names no account; write a provider, as whisk, or one with a label, as whisk@work"
        )
    provider, _, label = account.partition("@")
    return provider, label


def clean_secret(text: str, place: str) -> str:
    """The credential without the white space around it, which pasting brings along.

    :param place: where it came from, which begins the message.

    Raises:
        InputError: nothing is left, it is far too long, or it holds control characters, which no credential has.
    """
    text = text.strip()
    if not text:
        raise InputError(f"{place}: is empty")
    if len(text) > MAX_SECRET:
        raise InputError(f"{place}: is longer than {MAX_SECRET // 1024} KB; that is no credential")
    found = _UNWANTED.search(text)
    if found is not None:
        raise InputError(
            f"{place}: holds the control character U+{ord(found[0]):04X}; copy it again, as plain text in one piece"
        )
    return text


def read_secret_file(path: Path, place: str) -> str:
    """The credential in a file, cleaned.

    Raises:
        InputError: it cannot be read, or as :func:`clean_secret`.
    """
    try:
        with path.expanduser().open("rb") as file:
            data = file.read(MAX_SECRET + 1)
        return clean_secret(data.decode("utf-8-sig"), f"{place} ({path})")
    except UnicodeDecodeError:
        raise InputError(f"{place}: {path} is not a text file") from None
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{place}: {path} cannot be read ({words})") from None


def _from_file(path: Path, pointer: str) -> str:
    return read_secret_file(path, f"environment {pointer}")


def _variable_of(account: str, name: str) -> str:
    return variable(*account.split("@"), name)
