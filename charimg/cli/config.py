"""``charimg config``: every setting, its value, and the place it comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from charimg.catalogue import Listed, named, relatives
from charimg.cli import Desk, debug_option
from charimg.cli.completion import provider_names
from charimg.cli.tables import Cell, Row, show_json, show_table
from charimg.contracts.declaration import Declaration
from charimg.credentials import Credentials
from charimg.errors import PluginError
from charimg.keyfile import KEYS_FILE
from charimg.plugins import Kind, Plugins
from charimg.settings import (
    DEFAULT,
    PROJECT_FILE,
    USER_FILE,
    Found,
    Settings,
    config_home,
    short_path,
    written,
)


@click.group(invoke_without_command=True)
@debug_option
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show every setting and where it comes from.

    A setting is looked for on the command line, then in the environment (CHARIMG_BATCH_SIZE, CHARIMG_WHISK_LABS_URL),
    then in the project's charimg.yaml, then in your own config.yaml.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@command.command()
@click.argument("provider", required=False, shell_complete=provider_names("generator", "uploader", "store"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@debug_option
@click.pass_obj
def show(desk: Desk, provider: str | None, as_json: bool) -> None:
    """Show the settings of this project, or those of one PROVIDER.

    Credentials are shown as set or missing, never their text.
    """
    plugins = Plugins(folder=desk.folder)
    home = config_home(os.environ)
    settings = Settings.load(desk.folder, os.environ, home, relatives(plugins))
    general = settings.general(uploaders=plugins.names(Kind.UPLOADER))
    chosen: list[Listed]
    if provider is None:
        chosen = []
        for kind, name in ((Kind.GENERATOR, "provider"), (Kind.UPLOADER, "uploader"), (Kind.STORE, "store")):
            try:
                plugins.load(kind, str(general[name].value))
                chosen += [one for one in named(plugins, str(general[name].value)) if one.kind is kind]
            except PluginError as error:
                click.echo(f"charimg: {error}", err=True)
    else:
        chosen = named(plugins, provider)
        for one in chosen:
            if one.declaration is None:
                raise PluginError(one.trouble)
    credentials = Credentials.load(os.environ, home)
    accounts: dict[str, _Account] = {}
    for one in chosen:
        if one.declaration is not None:
            account = accounts.setdefault(one.declaration.account_name, _Account())
            account.add(one.declaration, settings, credentials)
    places = [(desk.folder / PROJECT_FILE, PROJECT_FILE), (home / USER_FILE, short_path(home / USER_FILE))]
    if as_json:
        answer: dict[str, Any] = {
            "files": [{"path": str(path), "exists": path.is_file()} for path, _ in places],
            "settings": _plain(general) if provider is None else [],
            "providers": {name: account.plain() for name, account in accounts.items()},
        }
        show_json(answer)
        return
    rows: list[Row] = [] if provider is not None else _rows("", general)
    for name, account in accounts.items():
        rows += account.rows(name)
    if rows:
        show_table(("SETTING", "VALUE", "FROM"), rows)
    else:
        click.echo(f"{provider} has no settings and needs no key.")
    if provider is None:
        absent = [name for path, name in places if not path.is_file()]
        if absent:
            click.echo(f"\nThere is no {' and no '.join(absent)}.")


@command.command()
@debug_option
@click.pass_obj
def path(desk: Desk) -> None:
    """Print where settings and keys are kept, a path a line."""
    home = config_home(os.environ)
    for file in (desk.folder / PROJECT_FILE, home / USER_FILE, home / KEYS_FILE):
        click.echo(file)


class _Account:
    """The settings and credentials of all shown providers that share an account."""

    def __init__(self) -> None:
        self.found: dict[str, Found] = {}
        self.credentials: dict[str, tuple[bool, str | None]] = {}

    def add(self, declaration: Declaration, settings: Settings, credentials: Any) -> None:
        self.found |= settings.of_provider(declaration)
        secrets = credentials.of_provider(declaration)
        for one in declaration.credentials:
            secret = secrets.get(one.name)
            self.credentials[one.name] = (one.required, None if secret is None else secret.source)

    def plain(self) -> dict[str, Any]:
        return {
            "settings": _plain(self.found),
            "credentials": [
                {"name": name, "set": source is not None, "source": source, "required": required}
                for name, (required, source) in self.credentials.items()
            ],
        }

    def rows(self, account: str) -> list[Row]:
        rows = _rows(f"{account}.", self.found)
        for name, (required, source) in self.credentials.items():
            if source is not None:
                rows.append((f"{account}.{name}", "set", source))
            elif required:
                rows.append((f"{account}.{name}", Cell("missing", "yellow"), f"run: charimg keys set {account}"))
            else:
                rows.append((f"{account}.{name}", "not set", "not required"))
        return rows


def _plain(found: Mapping[str, Found]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "value": written(one.value) if isinstance(one.value, str) else one.value,
            "source": one.source,
            "overridden": [{"source": other.source, "value": written(other.text)} for other in one.overridden],
        }
        for name, one in found.items()
    ]


def _rows(prefix: str, found: Mapping[str, Found]) -> list[Row]:
    rows: list[Row] = []
    for name, one in found.items():
        source = Cell(one.source, "dim") if one.source == DEFAULT else one.source
        rows.append((f"{prefix}{name}", "not set" if one.value is None else written(one.value), source))
        rows += [
            ("", Cell(written(other.text), "dim"), Cell(f"{other.source} (overridden)", "dim"))
            for other in one.overridden
        ]
    return rows
