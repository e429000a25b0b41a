"""``charimg keys``: keep, list and forget the keys and logins of services."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from charimg.catalogue import listed, named
from charimg.cli import Desk, debug_option
from charimg.cli.completion import provider_names
from charimg.cli.tables import Row, printable, show_json, show_table
from charimg.contracts.declaration import Credential, Declaration
from charimg.credentials import Credentials, clean_secret, read_secret_file, split_account
from charimg.errors import CharimgError, InputError, PluginError
from charimg.keyfile import KeyFile
from charimg.plugins import Plugins
from charimg.settings import Settings, config_home
from charimg.settings import listed as names_in

_LONGEST_LINE = 1023 if sys.platform == "darwin" else 4094
"""Bytes a terminal takes as one line (its MAX_CANON); it drops the rest without a word."""


@click.group(no_args_is_help=True)
@debug_option
def command() -> None:
    """Keep the keys and logins of your services, readable to you alone.

    An environment variable, such as CHARIMG_WHISK_COOKIE, wins over a key kept here.
    """


@command.command("set", short_help="Keep a credential, asked for without showing it.")
@click.argument("provider", shell_complete=provider_names("generator", "uploader", "store"))
@click.argument("name", required=False)
@click.argument("extra", nargs=-1, metavar="")
@click.option(
    "--from-file",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read the credential from this file.",
)
@debug_option
def set_(provider: str, name: str | None, extra: tuple[str, ...], file: Path | None) -> None:
    """Keep a credential of PROVIDER, asked for without showing it.

    NAME says which, where the provider has several. Several accounts of one provider are told apart by a label:
    whisk@work. In a script, pipe the credential in or give --from-file.
    """
    if extra:
        _refuse_on_command_line()
    account, declaration = _declared(provider)
    wanted = _wanted(declaration, name)
    asked = file is None and sys.stdin.isatty()
    if len(wanted) > 1 and not asked:
        _name_one(declaration)
    credentials = Credentials.load(os.environ, config_home(os.environ))
    for one in wanted:
        if file is not None:
            text = read_secret_file(file, "--from-file")
        elif asked:
            text = _prompted(account, one)
        else:
            text = clean_secret(sys.stdin.read(), "standard input")
        credentials.keys.put(account, one.name, text)
        click.echo(f"{account}: {one.name} is kept in {credentials.keys.shown}, readable to you alone")
        winner = credentials.find(account, one)
        if winner is not None and not winner.ours:
            click.echo(f"charimg: warning: {winner.source} is set in the environment and wins over it", err=True)


@command.command("list", short_help="List which credentials are there, and from where.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@debug_option
def list_(as_json: bool) -> None:
    """List which credentials are there and where each comes from, never their text."""
    credentials = Credentials.load(os.environ, config_home(os.environ))
    kept = credentials.keys.read()
    declared: dict[tuple[str, str], Credential] = {}
    labelled = set(_labelled_in_use())
    in_lanes: set[tuple[str, str]] = set()
    for one in listed(_plugins()):
        if one.declaration is not None:
            account = one.declaration.account_name
            for entry in one.declaration.credentials:
                declared.setdefault((account, entry.name), entry)
                in_lanes |= {(f"{account}@{label}", entry.name) for name, label in labelled if name == one.name}
    used = {account for account, _ in declared}
    places = {(account, name) for account, names in kept.items() for name in names} | set(declared) | in_lanes
    entries = []
    for account, name in sorted(places):
        provider = account.partition("@")[0]
        credential = declared.get((provider, name)) or Credential(name, "")
        found = credentials.find(account, credential)
        if found is None:
            continue
        stored = name in kept.get(account, {})
        entries.append(
            {
                "provider": account,
                "name": name,
                "source": found.source,
                "kept": stored,
                "in_use": found.ours or not stored,
                "installed": provider in used,
            }
        )
    if as_json:
        show_json(entries)
        return
    if not entries:
        click.echo("No credentials yet; 'charimg keys set PROVIDER' keeps one.")
        return
    rows: list[Row] = [
        (
            str(entry["provider"]),
            str(entry["name"]),
            str(entry["source"])
            + ("" if entry["in_use"] else f" (wins over the one in {credentials.keys.shown})")
            + ("" if entry["installed"] else " (no installed provider uses it)"),
        )
        for entry in entries
    ]
    show_table(("PROVIDER", "CREDENTIAL", "FROM"), rows)
    if kept:
        click.echo(f"\n{credentials.keys.shown} is readable to you alone.")


@command.command(short_help="Forget credentials that are kept here.")
@click.argument("provider", shell_complete=provider_names("generator", "uploader", "store"))
@click.argument("name", required=False)
@debug_option
def remove(provider: str, name: str | None) -> None:
    """Forget the credentials of PROVIDER that are kept here, or only the one called NAME."""
    split_account(provider)
    keys = KeyFile.of(config_home(os.environ))
    accounts = [provider]
    if provider not in keys.read():
        try:  # a provider that keeps its credentials under another name; one that is gone still has its keys removed
            accounts.append(_declared(provider)[0])
        except CharimgError:
            accounts = [provider]
    if not any(keys.drop(account, name) for account in accounts):
        what = f"'{printable(name)}' of {provider}" if name else provider
        raise InputError(f"no credential {'' if name else 'of '}{what} is kept; 'charimg keys list' shows what is")
    click.echo(f"{provider}: forgotten in {keys.shown}")


def _folder() -> Path:
    """The project the command works in."""
    return click.get_current_context().ensure_object(Desk).folder


def _plugins() -> Plugins:
    """Those of this environment and of the project the command works in."""
    return Plugins(folder=_folder())


def _labelled_in_use() -> Iterator[tuple[str, str]]:
    """Provider and label of the accounts that the project's lanes name: nothing else tells that they are there."""
    try:
        settings = Settings.load(_folder(), os.environ, config_home(os.environ))
        general = settings.general()
    except InputError:  # which the run tells; the keys are there all the same
        return
    yield from ((lane.provider, lane.account) for lane in settings.lanes if lane.account)
    specs = [lane.uploader or "" for lane in settings.lanes]
    specs += [spec for name in ("provider", "fallback", "uploader") for spec in names_in(general[name].value)]
    yield from ((provider, label) for provider, _, label in (spec.partition("@") for spec in specs) if label)


def _declared(account: str) -> tuple[str, Declaration]:
    """The account's full name, and a declaration with all credentials of the providers that share it."""

    provider, label = split_account(account)
    found = named(_plugins(), provider)
    declarations = [one.declaration for one in found if one.declaration is not None]
    if not declarations:
        raise PluginError(found[0].trouble)
    with_keys = [one for one in declarations if one.credentials]
    if not with_keys:
        raise InputError(f"{provider} needs no key")
    first = with_keys[0]
    shared = [one for one in with_keys if one.account_name == first.account_name]
    entries = {entry.name: entry for one in reversed(shared) for entry in one.credentials}
    full = f"{first.account_name}@{label}" if label else first.account_name
    return full, replace(first, credentials=tuple(entries.values()))


def _wanted(declaration: Declaration, name: str | None) -> list[Credential]:
    entries = declaration.credentials
    if name is None:
        required = [one for one in entries if one.required]
        return required or list(entries[:1])
    wanted = [one for one in entries if one.name == name.lower().replace("-", "_")]
    if not wanted:
        # What was written is not repeated: it may be the secret itself.
        known = ", ".join(one.name for one in entries)
        raise InputError(
            f"{declaration.name} has no credential of that name; it has: {known}. The secret itself is asked for,"
            " never given on the command line"
        )
    return wanted


def _prompted(account: str, credential: Credential) -> str:
    click.echo(printable(credential.help), err=True)
    text: str = click.prompt(f"{account} {credential.name} (not shown)", hide_input=True, err=True)
    if len(text.encode("utf-8", "replace")) >= _LONGEST_LINE:
        raise InputError(
            f"a terminal takes {_LONGEST_LINE} bytes at most and may have cut this one short; save it to a file and"
            f" run: charimg keys set {account} {credential.name} --from-file FILE"
        )
    return clean_secret(text, "what was typed")


def _name_one(declaration: Declaration) -> NoReturn:
    known = ", ".join(one.name for one in declaration.credentials)
    raise InputError(f"{declaration.name} has several credentials; name the one you mean: {known}")


def _refuse_on_command_line() -> NoReturn:
    raise InputError(
        "a secret is not given on the command line, where the shell's history and other users can read it; leave it"
        " out: you are asked for it, or pipe it in"
    )
