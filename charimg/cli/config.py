"""``charimg config``: every setting, its value, and the place it comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from charimg.catalogue import named, relatives
from charimg.cli import Desk, debug_option
from charimg.cli.completion import provider_names
from charimg.cli.tables import Cell, Row, show_json, show_table
from charimg.contracts.declaration import Declaration
from charimg.credentials import Credentials, FoundSecret, split_account
from charimg.errors import PluginError
from charimg.keyfile import KEYS_FILE
from charimg.lane_choice import LaneChoice, choose_lanes, labelled
from charimg.lane_words import lane_words
from charimg.plugins import Kind, Plugins
from charimg.project import Project
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
from charimg.workplace import Workplace


@click.group(invoke_without_command=True)
@debug_option
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show every setting and where it comes from.

    A setting is looked for on the command line, then in the environment (CHARIMG_BATCH_SIZE, CHARIMG_WHISK_LABS_URL),
    then in the project's charimg.yaml, then in your own config.yaml. What a lane says itself stands above all but -o
    and the variables of its account (CHARIMG_GEMINI_WORK_MODEL).
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@command.command()
@click.argument("provider", required=False, shell_complete=provider_names("generator", "uploader", "store"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@debug_option
@click.pass_obj
def show(desk: Desk, provider: str | None, as_json: bool) -> None:
    """Show the settings of this project and its lanes, or those of one PROVIDER.

    An account of a PROVIDER is named with its label, as gemini@work. Credentials are shown as set or missing, never
    their text.
    """
    home = config_home(os.environ)
    plugins = Plugins(folder=desk.folder)
    settings = Settings.load(desk.folder, os.environ, home, relatives(plugins))
    general = settings.general(uploaders=plugins.names(Kind.UPLOADER))
    credentials = Credentials.load(os.environ, home)
    place = Workplace(Project(desk.folder, desk.folder), settings, credentials, plugins, general)
    shown = _Shown(place)
    if provider is None:
        shown.add_project()
    else:
        shown.add_provider(provider)
    places = [(desk.folder / PROJECT_FILE, PROJECT_FILE), (home / USER_FILE, short_path(home / USER_FILE))]
    if as_json:
        answer: dict[str, Any] = {
            "files": [{"path": str(path), "exists": path.is_file()} for path, _ in places],
            "settings": _plain(general) if provider is None else [],
            "lanes": [_lane_data(lane, shown.source_of(lane), lane in shown.fallbacks) for lane in shown.lanes],
            "providers": {name: account.plain() for name, account in shown.accounts.items()},
        }
        show_json(answer)
        return
    rows: list[Row] = [] if provider is not None else _rows("", general)
    if len(shown.lanes) > 1:
        rows += [
            (f"lane {lane.name}", lane_words(lane, fallback=lane in shown.fallbacks), shown.source_of(lane))
            for lane in shown.lanes
        ]
    for name, account in shown.accounts.items():
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


class _Shown:
    """What is shown beside the general settings."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self.lanes: tuple[LaneChoice, ...] = ()
        self.fallbacks: tuple[LaneChoice, ...] = ()
        self.accounts: dict[str, _Account] = {}
        """By the name their settings are shown under."""

    def add_project(self) -> None:
        """The lanes of a run, and the store. A provider that cannot be had is complained of, and hides no other."""
        try:
            chosen = choose_lanes(self._place)
            self.lanes, self.fallbacks = chosen.all, chosen.fallbacks
        except PluginError as error:
            click.echo(f"charimg: {error}", err=True)
        for lane in self.lanes:
            generator, uploader = lane.generator.declaration, lane.uploader.declaration
            mine = lane.name if len(self.lanes) > 1 else lane.account
            theirs = mine if lane.uploader_account == lane.account else lane.uploader_account
            for name, about, account, label in (
                (mine, generator, lane.account, lane.label),
                (theirs, uploader, lane.uploader_account, lane.uploader_label),
            ):
                self._add(name, about, account, label=label, lane=lane.settings_of(about))
        try:
            store = self._place.store().declaration
            self._add(store.account_name, store, store.account_name)
        except PluginError as error:
            click.echo(f"charimg: {error}", err=True)

    def add_provider(self, spec: str) -> None:
        """All providers of this name, with the account's label if there is one.

        :raises PluginError: there is none, or it is broken.
        :raises InputError: this is no name.
        """
        name, label = split_account(spec)
        for one in named(self._place.plugins, name):
            if one.declaration is None:
                raise PluginError(one.trouble)
            account = labelled(one.declaration.account_name, label)
            self._add(account, one.declaration, account, label=label)

    def source_of(self, lane: LaneChoice) -> str:
        """Where the lane is asked for."""
        if lane.written is not None:
            return lane.written.place
        return self._place.general["fallback" if lane in self.fallbacks else "provider"].source

    def _add(self, name: str, about: Declaration, account: str, **terms: Any) -> None:
        found = self._place.settings.of_provider(about, **terms)
        secrets = self._place.credentials.of_provider(about, account)
        self.accounts.setdefault(name, _Account(account)).add(about, found, secrets)


class _Account:
    """The settings and credentials of all shown providers that share an account.

    :param account: where its credentials are kept.
    """

    def __init__(self, account: str) -> None:
        self.account = account
        self.found: dict[str, Found] = {}
        self.credentials: dict[str, tuple[bool, str | None]] = {}

    def add(self, declaration: Declaration, found: Mapping[str, Found], secrets: Mapping[str, FoundSecret]) -> None:
        """Add what a provider is given."""
        self.found |= found
        for one in declaration.credentials:
            secret = secrets.get(one.name)
            self.credentials[one.name] = (one.required, None if secret is None else secret.source)

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "settings": _plain(self.found),
            "credentials": [
                {"name": name, "set": source is not None, "source": source, "required": required}
                for name, (required, source) in self.credentials.items()
            ],
        }

    def rows(self, prefix: str) -> list[Row]:
        """The rows of the table.

        :param prefix: put before every name.
        """
        rows = _rows(f"{prefix}.", self.found)
        for name, (required, source) in self.credentials.items():
            if source is not None:
                rows.append((f"{prefix}.{name}", "set", source))
            elif required:
                command = f"run: charimg keys set {self.account}"
                rows.append((f"{prefix}.{name}", Cell("missing", "yellow"), command))
            else:
                rows.append((f"{prefix}.{name}", "not set", "not required"))
        return rows


def _lane_data(lane: LaneChoice, source: str, fallback: bool) -> dict[str, Any]:
    server = None if lane.written is None else lane.written.server
    return {
        "name": lane.name,
        "provider": lane.generator.declaration.name,
        "account": lane.account,
        "server": None if server is None else written(server),
        "uploader": lane.uploader_account,
        "batch_size": lane.policy.batch_size,
        "weight": lane.weight,
        "fallback": fallback,
        "source": source,
    }


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
