"""The lanes of a settings file: several accounts or servers that share one queue of jobs.

::

    lanes:
      - gemini@work                       # the account with the label 'work'
      - provider: comfyui
        name: attic
        server: http://192.168.1.20:8188
        weight: 2
        settings: {workflow: tall.json}
      - {provider: openai, fallback: yes}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from charimg.contracts.declaration import Setting
from charimg.errors import InputError
from charimg.settings.values import Written, convert, did_you_mean, is_one_line, shown

if TYPE_CHECKING:
    import yaml

KEYS: tuple[Setting, ...] = (
    Setting("provider", "The image generator, with the label of an account after '@' where there are several."),
    Setting("name", "What the lane is called; by default provider, account and server."),
    Setting("account", "The label of the account whose credentials it uses, as in charimg keys set gemini@work."),
    Setting("server", "The address of the service: the provider's setting base_url."),
    Setting("uploader", "Where its pictures are uploaded; by default as for a run without lanes."),
    Setting("weight", "Its share of the pictures, relative to the other lanes with a weight.", float, minimum=0.001),
    Setting("batch_size", "Characters it works on at once, where not the run's batch_size.", int, minimum=1),
    Setting("price", "What one picture costs there, where the provider does not know it.", float, minimum=0),
    Setting("fallback", "It is opened only when all the others have closed.", bool, default=False),
)
"""What an entry of ``lanes:`` may say; beside these ``settings:``, a mapping of the provider's own settings."""

_SECRETS = ("api_key", "key", "token", "password", "secret", "cookie")
"""Names people give to what must not stand in a file."""

_BY_NAME = {key.name: key for key in KEYS}


@dataclass(frozen=True)
class WrittenLane:
    """One entry of ``lanes:``."""

    place: str
    """File and line, for messages."""
    provider: str
    """Without the account's label."""
    name: str
    """Unique among the lanes of the file."""
    account: str = ""
    """The account's label; empty for the provider's own."""
    server: str | None = None
    uploader: str | None = None
    weight: float | None = None
    batch_size: int | None = None
    price: float | None = None
    fallback: bool = False
    settings: Mapping[str, Written] = field(default_factory=dict)
    """The provider's settings of this lane, the server's address included."""


def read_lanes(node: yaml.Node | None, line: int, file: str) -> tuple[WrittenLane, ...]:
    """The entries under ``lanes:``.

    :param line: where ``lanes:`` stands.

    Raises:
        InputError: an entry is none, has an unknown key or a wrong value, or two have the same name.
    """
    from charimg.settings.document import items  # noqa: PLC0415 - PyYAML only for a file

    lanes: list[WrittenLane] = []
    for item in items(node, file, line, "lanes"):
        lane = _lane(item, file)
        same = next((other for other in lanes if other.name == lane.name), None)
        if same is not None:
            raise InputError(
                f"{lane.place}: lanes: '{lane.name}' is there already ({same.place}); take one out, or tell them apart"
                " by account or server"
            )
        lanes.append(lane)
    return tuple(lanes)


def lane_name(provider: str, account: str, server: str | None) -> str:
    """What a lane is called unless it has a name: ``gemini``, ``gemini@work``, ``comfyui@192.168.1.20:8188``."""
    label = account or _host(server)
    return f"{provider}@{label}" if label else provider


def _host(server: str | None) -> str:
    try:
        return urlsplit(server or "").netloc.rpartition("@")[2]
    except ValueError:  # told when the provider is given it
        return ""


def _lane(node: yaml.Node, file: str) -> WrittenLane:
    import yaml  # noqa: PLC0415 - PyYAML only for a file

    from charimg.settings.document import scalar  # noqa: PLC0415 - likewise

    line = node.start_mark.line + 1
    place = f"{file}:{line}"
    if isinstance(node, yaml.ScalarNode):
        given = {"provider": scalar(node, file, line, "lanes")}
        settings: dict[str, Written] = {}
    else:
        given, settings = _entries(node, file)
    values = {name: convert(_BY_NAME[name], at.text, f"{file}:{at.line}: lanes: {name}") for name, at in given.items()}
    for name, value in values.items():
        if isinstance(value, str) and not is_one_line(value):
            raise InputError(f"{place}: lanes: {name}: expected a text on one line, found {shown(value)}")
    provider, _, label = str(values.get("provider", "")).strip().partition("@")
    if not provider:
        raise InputError(f"{place}: lanes: the entry names no provider; write '- NAME', or 'provider: NAME' in it")
    account = str(values.get("account", ""))
    if label and account and label != account:
        raise InputError(f"{place}: lanes: two accounts, '{label}' and '{account}'; keep one")
    if "server" in given and "base_url" in settings:
        raise InputError(f"{place}: lanes: 'server' and the setting 'base_url' are the same; keep one")
    server = given.get("server") or settings.get("base_url")
    if "server" in given:
        settings = {**settings, "base_url": given["server"]}
    account = account or label
    weight, size, price = values.get("weight"), values.get("batch_size"), values.get("price")
    return WrittenLane(
        place=place,
        provider=provider,
        name=str(values.get("name") or lane_name(provider, account, server.text if server else None)),
        account=account,
        server=None if server is None else server.text,
        uploader=str(values["uploader"]) if "uploader" in values else None,
        weight=None if weight is None else float(weight),
        batch_size=None if size is None else int(size),
        price=None if price is None else float(price),
        fallback=bool(values.get("fallback")),
        settings=settings,
    )


def _entries(node: yaml.Node, file: str) -> tuple[dict[str, Written], dict[str, Written]]:
    """The entry's own keys, and the provider's settings among them."""
    from charimg.settings.document import entries, scalar  # noqa: PLC0415 - PyYAML only for a file

    given: dict[str, Written] = {}
    settings: dict[str, Written] = {}
    for key, line, value in entries(node, file, "lanes"):
        if key == "settings":
            inner: Iterator[tuple[str, int, yaml.Node | None]] = entries(value, file, "lanes: settings")
            settings = {name: scalar(one, file, at, f"lanes: settings: {name}") for name, at, one in inner}
        elif key in _BY_NAME:
            given[key] = scalar(value, file, line, f"lanes: {key}")
        elif key in _SECRETS:
            raise InputError(
                f"{file}:{line}: lanes: '{key}' is a secret and belongs in no settings file; take it out and run:"
                " charimg keys set PROVIDER@ACCOUNT"
            )
        else:
            hint = did_you_mean(key, {*_BY_NAME, "settings"})
            raise InputError(f"{file}:{line}: lanes: {key}: unknown; {hint}; a provider's own stand under 'settings:'")
    return given, settings
