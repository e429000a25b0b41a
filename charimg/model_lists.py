"""The models of a service: as its plugin knows them, and as the service offers them now.

Asking spends nothing. What cannot be asked is told together with what is known anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from charimg.contracts import Declaration, ImageGenerator, Model, Price, ProviderContext, SettingValue
from charimg.credentials import Credentials, split_account
from charimg.errors import CharimgError, ExitCode
from charimg.project import Project
from charimg.provider_context import provider_context
from charimg.redaction import Redactor
from charimg.settings import Settings, WrittenLane, policy_of

ASK_SECONDS = 20.0
"""The longest a service is asked for its models."""


@dataclass(frozen=True)
class ModelList:
    """The models of one generator."""

    models: tuple[Model, ...]
    """Those on offer in the service's order, then those that are known to be retired."""
    default: str | None
    """The one that is used when nobody says anything."""
    chosen: str | None
    """The one that this project's settings name."""
    checked: date | None
    """When the default was last compared with the service."""
    asked: bool = False
    """The service itself was asked, just now."""
    trouble: str = ""
    """Why it was not, in one line."""
    exit_code: ExitCode = ExitCode.OK
    """What the trouble means for the process."""


def known_models(
    kind: type[ImageGenerator], values: Mapping[str, SettingValue | None] | None = None, **more: Any
) -> ModelList:
    """What the plugin itself knows; asks nobody.

    :param values: the project's settings of this provider, where they are known.
    :param more: further fields of the list.
    """
    about = kind.declaration
    setting = next((one for one in about.settings if one.name == "model"), None)
    default = None if setting is None or setting.default is None else str(setting.default)
    chosen = (values or {}).get("model")
    return ModelList(
        models=tuple(_priced(kind, model, values) for model in about.models),
        default=default,
        chosen=default if chosen is None else str(chosen),
        checked=None if setting is None else setting.checked,
        **more,
    )


async def offered_models(
    kind: type[ImageGenerator],
    folder: Path,
    settings: Settings,
    credentials: Credentials,
    seconds: float = ASK_SECONDS,
    *,
    account: str = "",
    lane: WrittenLane | None = None,
) -> ModelList:
    """What the service offers now, or what is known and why it could not be asked.

    :param seconds: the longest it is asked.
    :param account: whose credentials and settings are used, as ``gemini@work``; the provider's own without it.
    :param lane: whose settings are used, its server's address among them.
    """
    values: dict[str, SettingValue | None] | None = None
    redactor = Redactor()
    account = account or kind.declaration.account_name
    try:
        values = settings.values_for(kind.declaration, label=split_account(account)[1], lane=lane)
        context = provider_context(
            kind.declaration,
            account,
            values,
            project=Project(folder, folder),
            credentials=credentials,
            wait_ceiling=policy_of(settings.general()).wait_ceiling,
            redactor=redactor,
            lane=account if lane is None else lane.name,
        )
        offered = await asyncio.wait_for(_ask(kind, context, seconds), seconds)
    except asyncio.TimeoutError:
        words = f"no answer within {seconds:g} seconds; try again later"
        return known_models(kind, values, trouble=words, exit_code=ExitCode.FAILED)
    except CharimgError as error:
        return known_models(kind, values, trouble=redactor.clean(str(error)), exit_code=error.exit_code)
    except Exception as error:  # a stranger's code
        words = redactor.clean(" ".join(f"its plugin failed: {type(error).__name__}: {error}".split()))
        return known_models(kind, values, trouble=words, exit_code=ExitCode.PLUGIN)
    if offered is None:
        return known_models(kind, values, trouble=f"{kind.declaration.name} cannot be asked which models it offers")
    known = known_models(kind, values)
    there = {model.id for model in offered}
    gone = [model for model in known.models if model.id not in there and kind.declaration.retirement(model.id)]
    models = [_priced(kind, _completed(model, kind.declaration), values) for model in offered]
    return replace(known, models=(*models, *gone), asked=True)


async def _ask(kind: type[ImageGenerator], context: ProviderContext, seconds: float) -> tuple[Model, ...] | None:
    from charimg.http import HttpSession, Timeouts  # noqa: PLC0415 - aiohttp is heavy, and only asking needs it

    async with HttpSession(context.redactor, Timeouts(connect=5, read=seconds, total=seconds)) as http:
        provider = kind(replace(context, http=http))
        try:
            return await provider.models()
        finally:
            await provider.close()


def _completed(model: Model, about: Declaration) -> Model:
    """The model as the service told it, with what else the plugin knows of it."""
    known = about.model(model.id)
    if known is None:
        return model
    return Model(
        model.id,
        model.summary or known.summary,
        model.price,  # else it is asked for with the project's settings
        model.retired or known.retired,
        model.successor or known.successor,
    )


def usual_price(kind: type[ImageGenerator]) -> Price | None:
    """What one picture costs when nobody sets anything; ``None`` where that is unknown."""
    try:
        return kind.price({setting.name: setting.default for setting in kind.declaration.settings})
    except Exception:  # a stranger's code, and a price is no reason to show nothing
        return kind.declaration.price


def _priced(kind: type[ImageGenerator], model: Model, values: Mapping[str, SettingValue | None] | None) -> Model:
    """The model with what a picture costs with the project's settings, where only the provider can tell."""
    if model.price is not None or model.retired is not None or kind.declaration.model(model.id) is None:
        return model
    defaults = {setting.name: setting.default for setting in kind.declaration.settings}
    try:
        price: Price | None = kind.price({**defaults, **(values or {}), "model": model.id})
    except Exception:  # a stranger's code, and a price is no reason to show nothing
        return model
    return replace(model, price=price)
