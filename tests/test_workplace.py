"""The workplace: a store is a provider like the others, with settings, credentials and errors of its own."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import charimg
from charimg.contracts import Credential, Declaration
from charimg.credentials import Credentials
from charimg.errors import FatalError, StorageError
from charimg.plugins import Plugins
from charimg.project import Project
from charimg.providers.sqlite import SqliteStore
from charimg.redaction import Redactor
from charimg.settings import Settings
from charimg.workplace import Workplace

PASSWORD = "correct-horse-battery"  # a test's own


class Vault(SqliteStore):
    """A ledger on a server."""

    declaration = Declaration("vault", "Keeps it on a server.", credentials=(Credential("password", "Ask for it."),))

    async def open(self) -> None:
        password = self.context.credentials["password"].reveal()
        if password != PASSWORD:
            raise ConnectionError(f"no entry:\nvault://me:{password}@db")


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], Workplace]:
    """The workplace of a project that keeps its ledger in the vault, in this environment."""
    module = types.ModuleType("plugin_with_a_vault")

    @charimg.hookimpl
    def register_stores(register: Callable[[Any], None]) -> None:
        register(Vault)

    module.register_stores = register_stores  # type: ignore[attr-defined] - a module made by hand
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = EntryPoint("vault", module.__name__, "charimg.stores")

    def workplace(environ: dict[str, str]) -> Workplace:
        settings = Settings.load(tmp_path, environ, tmp_path)
        general = settings.general({"store": "vault"})
        credentials = Credentials.load(environ, tmp_path)
        return Workplace(Project.at(tmp_path), settings, credentials, Plugins([entry], environ), general)

    return workplace


async def test_a_store_gets_the_credentials_it_declares(at: Callable[[dict[str, str]], Workplace]) -> None:
    """A ledger on a server can log in, and its password is known to the run's eraser."""
    redactor = Redactor()
    async with at({"CHARIMG_VAULT_PASSWORD": PASSWORD}).open_store(read_only=True, redactor=redactor) as store:
        opened = type(store)

    assert (opened, redactor.clean(PASSWORD)) == (Vault, "***")


async def test_a_store_without_its_credential_says_how_to_give_it(
    at: Callable[[dict[str, str]], Workplace],
) -> None:
    """The missing password is named with the command that keeps it, before anything is opened."""
    with pytest.raises(FatalError, match="charimg keys set vault"):
        async with at({}).open_store(read_only=False):
            pass


async def test_a_store_that_breaks_while_it_opens_is_told_in_one_line_without_its_password(
    at: Callable[[dict[str, str]], Workplace],
) -> None:
    """Whatever a stranger's store raises is an error of storage, on one line, with stars for the secret."""
    with pytest.raises(StorageError) as told:
        async with at({"CHARIMG_VAULT_PASSWORD": "wrong-horse-battery"}).open_store(read_only=False):
            pass

    assert str(told.value) == "the store vault cannot be opened: ConnectionError: no entry: vault://***@db"
