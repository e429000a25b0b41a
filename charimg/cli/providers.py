"""``charimg providers``: what is installed, and what one provider says of itself."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any

import click

from charimg.catalogue import Listed, listed, named, relatives
from charimg.cli import Desk, debug_option
from charimg.cli.completion import lane_names, provider_names
from charimg.cli.model_table import models_as_data, price_as_data, show_models
from charimg.cli.tables import Cell, Row, printable, show_json, show_table
from charimg.contracts import ImageGenerator
from charimg.contracts.declaration import Declaration, Price, Setting
from charimg.credentials import Credentials, split_account
from charimg.errors import ExitCode, PluginError
from charimg.lane_choice import choose_lanes, labelled
from charimg.lane_words import place_words, subject_of
from charimg.model_lists import known_models, offered_models, usual_price
from charimg.plugins import Kind, Plugins
from charimg.project import Project
from charimg.settings import Settings, WrittenLane, config_home, expected, variable, written
from charimg.workplace import Workplace

_KINDS = ("generator", "uploader", "store")
_kind_option = click.option("--kind", type=click.Choice(_KINDS), help="Only providers of this kind.")
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def _shown_names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Completes the name of a provider or of a lane."""
    providers = provider_names("generator", "uploader", "store")(context, parameter, begun)
    return [*providers, *(name for name in lane_names(context, parameter, begun) if name not in providers)]


@click.group(invoke_without_command=True)
@debug_option
@click.pass_context
def command(ctx: click.Context) -> None:
    """List image generators, uploaders and stores, or show one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@command.command("list")
@_kind_option
@_json_option
@debug_option
@click.pass_obj
def list_(desk: Desk, kind: str | None = None, as_json: bool = False) -> None:
    """List every provider: those installed, and those of this project's plugins folder."""
    plugins = Plugins(folder=desk.folder)
    found = list(listed(plugins, tuple(Kind) if kind is None else (Kind(kind),)))
    if as_json:
        show_json([_brief(one) for one in found])
        return
    rows: list[Row] = []
    for one in found:
        if one.declaration is None:
            rows.append((str(one.kind), one.name, "", Cell("broken: see below", "red"), one.source))
        else:
            rows.append((str(one.kind), one.name, _needs(one.declaration), one.declaration.summary, one.source))
    show_table(("KIND", "NAME", "NEEDS", "SUMMARY", "FROM"), rows)
    for words in (*(one.trouble for one in found if one.trouble), *plugins.overlooked()):
        click.echo(f"charimg: warning: {printable(words)}", err=True)


@command.command()
@click.argument("name", shell_complete=_shown_names)
@_kind_option
@click.option("--models", is_flag=True, help="Ask the service which models it offers now, and show only those.")
@_json_option
@debug_option
@click.pass_obj
def show(desk: Desk, name: str, kind: str | None, models: bool, as_json: bool) -> int:
    """Show what the provider NAME can do: its settings, credentials, models, abilities and price.

    NAME may be one of its accounts (gemini@work) or a lane of charimg.yaml; with --models, that account or server is
    asked. The name of a provider asks all lanes that use it, or its usual address where there are none.
    """
    plugins = Plugins(folder=desk.folder)
    if models:
        return _ask_for_models(desk, plugins, name, kind, as_json)
    found, label = _found(desk, plugins, name, kind)
    credentials = Credentials.load(os.environ, config_home(os.environ))
    if as_json:
        show_json([_whole(one, label, credentials) for one in found])
        return int(ExitCode.OK)
    for number, one in enumerate(found):
        if number:
            click.echo()
        _describe(one, label, credentials)
    return int(ExitCode.OK)


def _found(desk: Desk, plugins: Plugins, name: str, kind: str | None) -> tuple[list[Listed], str]:
    """The providers that are meant, and the label of their account.

    :raises PluginError: there is none, or it is broken.
    :raises InputError: this is no name, or a settings file is wrong.
    """
    provider, label = name, ""
    if not any(name in plugins.names(one) for one in Kind):
        settings = Settings.load(desk.folder, os.environ, config_home(os.environ), relatives(plugins))
        lane = next((one for one in settings.lanes if one.name == name), None)
        provider, label = split_account(name) if lane is None else (lane.provider, lane.account)
    found = [one for one in named(plugins, provider) if kind in (None, str(one.kind))]
    if not found:
        raise PluginError(f"there is no {kind} '{provider}'; 'charimg providers' lists what is installed")
    for one in found:
        if one.declaration is None:
            raise PluginError(one.trouble)
    return found, label


@dataclass(frozen=True)
class _Asked:
    """A generator whose service is asked for its models."""

    kind: type[ImageGenerator]
    account: str
    place: str
    """The account or server, and the lane where that is not plain; shown."""
    lane: WrittenLane | None = None


def _ask_for_models(desk: Desk, plugins: Plugins, name: str, kind: str | None, as_json: bool) -> int:
    """Print what the service offers, or what is known of it; a service that should have answered is a failure.

    :raises PluginError: there is no such generator, or it is broken.
    :raises InputError: this is no name, or the settings are wrong.
    """
    home = config_home(os.environ)
    settings = Settings.load(desk.folder, os.environ, home, relatives(plugins))
    credentials = Credentials.load(os.environ, home)
    # Without the fallbacks that are named elsewhere: what is wrong with one of them is no matter here.
    general = settings.general({"fallback": ""}, plugins.names(Kind.UPLOADER))
    place = Workplace(Project(desk.folder, desk.folder), settings, credentials, plugins, general)
    asked = _of_lanes(place, name) if kind in (None, str(Kind.GENERATOR)) else []
    if not asked:
        found, label = _found(desk, plugins, name, kind)
        kinds = [one.provider for one in found if one.provider is not None and issubclass(one.provider, ImageGenerator)]
        if not kinds:
            raise PluginError(f"'{name}' makes no pictures: only generators have models")
        asked = [
            _Asked(one, labelled(one.declaration.account_name, label), labelled(one.declaration.name, label))
            for one in kinds
        ]
    code = ExitCode.OK
    data = []
    for number, one in enumerate(asked):
        answer = asyncio.run(
            offered_models(one.kind, desk.folder, settings, credentials, account=one.account, lane=one.lane)
        )
        code = code or answer.exit_code
        if as_json:
            names = {"name": one.kind.declaration.name, "account": one.account}
            lane = None if one.lane is None else one.lane.name
            data.append({"kind": "generator", **names, "lane": lane, **models_as_data(answer)})
            continue
        if number:
            click.echo()
        show_models(one.kind.declaration, answer, one.place)
        if answer.trouble:
            whose = f"{printable(one.place)} was " if len(asked) > 1 else ""
            click.echo(f"charimg: {whose}not asked for its models: {printable(answer.trouble)}", err=True)
    if as_json:
        show_json(data)
    return int(code)


def _of_lanes(place: Workplace, name: str) -> list[_Asked]:
    """The lane of this name; else every lane of the provider of this name.

    :raises PluginError: a provider of such a lane cannot be had.
    :raises InputError: such a lane makes no sense.
    """
    lanes = place.settings.lanes
    names = [one.name for one in lanes if one.name == name] or [one.name for one in lanes if one.provider == name]
    chosen = choose_lanes(place, names).first if names else ()
    return [
        _Asked(one.generator, one.account, subject_of(place_words(one, Kind.GENERATOR), (one.name,)), one.written)
        for one in chosen
    ]


def _describe(one: Listed, label: str, credentials: Credentials) -> None:
    about = one.declaration
    if about is None:  # excluded by the caller, who names the trouble
        return
    click.echo(f"{about.name}, {one.kind} of {one.source}")
    click.echo(printable(about.summary))
    if about.url:
        click.echo(f"About: {printable(about.url)}")
    if one.provider is not None and issubclass(one.provider, ImageGenerator):
        click.echo(f"Price: {_price(usual_price(one.provider))}")
        click.echo(f"Abilities: {_abilities(about)}")
    if about.models and one.provider is not None and issubclass(one.provider, ImageGenerator):
        click.echo()
        show_models(about, known_models(one.provider))
        whose = labelled(about.name, label)
        click.echo(f"What the service offers now: charimg providers show {whose} --models")
    account = labelled(about.account_name, label)
    if about.settings:
        click.echo()
        rows: list[Row] = [
            (
                setting.name,
                _takes(setting),
                _default(setting),
                ", ".join(_of_setting(about, label, setting)),
                setting.help,
            )
            for setting in about.settings
        ]
        title = f"Settings (-o NAME=VALUE, the environment, or charimg.yaml under providers: {about.account_name}:)"
        show_table(("NAME", "TAKES", "DEFAULT", "ENVIRONMENT", "MEANING"), rows, title=title)
    if about.credentials:
        click.echo()
        rows = [
            (
                entry["name"],
                f"set, in {entry['source']}"
                if entry["set"]
                else "missing"
                if entry["required"]
                else "not set, optional",
                ", ".join(entry["environment"]),
                entry["help"],
            )
            for entry in _credentials(about, label, credentials)
        ]
        title = f"Credentials (charimg keys set {account}, or the environment)"
        show_table(("NAME", "STATE", "ENVIRONMENT", "WHERE TO GET IT"), rows, title=title)


def _brief(one: Listed) -> dict[str, Any]:
    about = one.declaration
    return {
        "kind": str(one.kind),
        "name": one.name,
        "summary": None if about is None else about.summary,
        "needs": [] if about is None else [entry.name for entry in about.credentials if entry.required],
        "distributions": [
            {"name": claim.distribution, "version": claim.version} for claim in one.claims if not claim.is_file
        ],
        "files": [claim.distribution for claim in one.claims if claim.is_file],
        "trouble": one.trouble or None,
    }


def _whole(one: Listed, label: str, credentials: Credentials) -> dict[str, Any]:
    about = one.declaration
    if about is None:  # excluded by the caller, who names the trouble
        return _brief(one)
    generator = one.provider if one.provider is not None and issubclass(one.provider, ImageGenerator) else None
    return {
        **_brief(one),
        "account": labelled(about.account_name, label),
        "url": about.url,
        "price": price_as_data(about.price if generator is None else usual_price(generator)),
        "models": None if generator is None else models_as_data(known_models(generator))["models"],
        "abilities": {
            "references": about.abilities.references,
            "seed": about.abilities.seed,
            "negative": about.abilities.negative,
            "aspect_ratios": list(about.abilities.aspect_ratios),
            "offline": about.abilities.offline,
        },
        "settings": [
            {
                "name": setting.name,
                "type": setting.type.__name__,
                "default": setting.default,
                "choices": list(setting.choices),
                "minimum": setting.minimum,
                "maximum": setting.maximum,
                "required": setting.required,
                "environment": _of_setting(about, label, setting),
                "help": setting.help,
            }
            for setting in about.settings
        ],
        "credentials": _credentials(about, label, credentials),
    }


def _credentials(about: Declaration, label: str, credentials: Credentials) -> list[dict[str, Any]]:
    found = credentials.of_provider(about, labelled(about.account_name, label))
    return [
        {
            "name": entry.name,
            "set": entry.name in found,
            "source": found[entry.name].source if entry.name in found else None,
            "required": entry.required,
            "environment": [variable(about.account_name, label, entry.name)]
            if label
            else [variable(about.account_name, entry.name), *entry.env],
            "help": entry.help,
        }
        for entry in about.credentials
    ]


def _of_setting(about: Declaration, label: str, setting: Setting) -> list[str]:
    """The variables a setting is looked for in, the account's own first."""
    own = [variable(about.account_name, label, setting.name)] if label else []
    return [*own, variable(about.account_name, setting.name), *setting.env]


def _takes(setting: Setting) -> str:
    return expected(setting)


def _default(setting: Setting) -> str:
    if setting.default is None:
        return "required" if setting.required else "none"
    return written(setting.default) or "''"


def _needs(about: Declaration) -> str:
    needed = [entry.name for entry in about.credentials if entry.required]
    needed += [setting.name for setting in about.settings if setting.required]
    optional = ", ".join(entry.name for entry in about.credentials if not entry.required)
    return ", ".join([*needed, *([f"({optional})"] if optional else [])]) or "nothing"


def _price(price: Price | None) -> str:
    if price is None:
        return "unknown"
    if price.amount == 0:
        return "free"
    checked = f" (checked {price.checked.isoformat()})" if price.checked else ""
    return f"{price.amount:g} {price.currency} a picture{checked}"


def _abilities(about: Declaration) -> str:
    able = about.abilities
    words = [
        f"up to {able.references} reference pictures" if able.references else "no reference pictures",
        "seed" if able.seed else "no seed",
        "negative prompt" if able.negative else "no negative prompt",
        f"aspect ratios {', '.join(able.aspect_ratios)}" if able.aspect_ratios else "any aspect ratio",
    ]
    if able.offline:
        words.append("works offline")
    return "; ".join(words)
