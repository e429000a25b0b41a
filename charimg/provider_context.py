"""What a provider is made with: the one place where a context is put together, for runs and for those who only look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.request import getproxies

from charimg.claims import Kind
from charimg.contracts.declaration import Declaration, SettingValue
from charimg.contracts.provider import ProviderContext
from charimg.credentials import Credentials
from charimg.project import Project
from charimg.redaction import Redactor
from charimg.settings import Options, Settings

if TYPE_CHECKING:
    from charimg.lane_choice import LaneChoice


def provider_context(
    about: Declaration,
    account: str,
    values: Mapping[str, SettingValue | None],
    *,
    project: Project,
    credentials: Credentials,
    wait_ceiling: float,
    redactor: Redactor,
    lane: str = "",
    required: bool = True,
    read_only: bool = False,
) -> ProviderContext:
    """The context of one provider, with the credentials of its account. Whoever runs it adds, with
    :func:`dataclasses.replace`, what exists only while it runs: the HTTP session, progress, tickets, the shared place.

    :param account: where its credentials are kept, as ``gemini@work``.
    :param values: of its settings.
    :param wait_ceiling: seconds, the user's.
    :param redactor: learns the credentials, and the passwords in addresses.
    :param lane: what its media references are valid for.
    :param required: a missing credential that it requires is an error.
    :param read_only: a store is only looked at.
    :raises FatalError: a required credential is missing; the message says how to give it.
    :raises InputError: a credential cannot be read.
    """
    found = credentials.required(about, account) if required else credentials.of_provider(about, account)
    for secret in found.values():
        redactor.add(secret.value)
    for address in (*values.values(), *getproxies().values()):  # a password in one is sent, and may be repeated
        redactor.add_login_of(address)
    return ProviderContext(
        folder=project.folder,
        out=project.out,
        settings=values,
        credentials={name: secret.value for name, secret in found.items()},
        read_only=read_only,
        account=account,
        declared=tuple(one.name for one in about.credentials),
        variables={name: one.source for name, one in found.items() if not one.ours},
        lane=lane,
        wait_ceiling=wait_ceiling,
        redactor=redactor,
        remember=credentials.remember(account, found),
    )


def lane_values(
    lane: LaneChoice, kind: Kind, settings: Settings, options: Options | None = None
) -> dict[str, SettingValue | None]:
    """The settings' values of a lane's generator or uploader.

    :param options: what ``-o`` said.
    :raises InputError: one is wrong or missing.
    """
    is_generator = kind is Kind.GENERATOR
    about = (lane.generator if is_generator else lane.uploader).declaration
    label = lane.label if is_generator else lane.uploader_label
    return settings.values_for(about, options, label=label, lane=lane.settings_of(about))
