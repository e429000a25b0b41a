"""Whether a declaration is well-formed: what the core refuses first, then what would leave the user without help."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from charimg.contracts import Credential, Declaration, Model, Price, Setting, soundness

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_RATIO = re.compile(r"[1-9][0-9]*:[1-9][0-9]*")


def faults_of(declaration: object) -> list[str]:
    """What is wrong with a declaration, one line each; none for a good one."""
    if not isinstance(declaration, Declaration):
        return [f"declaration is {type(declaration).__name__}, not a charimg.Declaration"]
    return soundness.faults_of(declaration) or _faults_in(declaration)


def _faults_in(declaration: Declaration) -> list[str]:
    return [
        *_names(declaration),
        *(line for one in declaration.settings for line in _setting(one, declaration)),
        *(line for one in declaration.credentials for line in _credential(one)),
        *(line for one in declaration.models for line in _model(one, declaration)),
        *_abilities(declaration),
        *(_price(declaration.price, "the declaration") if declaration.price else ()),
    ]


def _names(declaration: Declaration) -> Iterator[str]:
    yield from _sentence(declaration.summary, "the summary")
    if declaration.url is not None and not declaration.url.startswith(("https://", "http://")):
        yield f"the url {declaration.url!r} is no web address"
    models = [model.id for model in declaration.models]
    for name in sorted({name for name in models if models.count(name) > 1}):
        yield f"the model {name} is declared twice"


def _sentence(text: object, what: str) -> Iterator[str]:
    if not isinstance(text, str) or not text.strip():
        yield f"{what} is empty"
    elif "\n" in text:
        yield f"{what} is longer than one line"


def _setting(setting: Setting, declaration: Declaration) -> Iterator[str]:
    what = f"the setting '{setting.name}'"
    yield from _sentence(setting.help, f"the help of {what}")
    yield from _variables(setting.env, what)
    default = setting.default
    if default is None:
        return
    if setting.choices and default not in setting.choices:
        yield f"the default of {what} is none of its choices"
    if isinstance(default, (int, float)):
        low, high = setting.minimum, setting.maximum
        if (low is not None and default < low) or (high is not None and default > high):
            yield f"the default of {what} lies outside its limits"
    if setting.name == "model" and not setting.choices and not _may_stand(setting, declaration):
        yield f"the default of {what} can die: say with checked=date(...) when it was last compared with the service"
    if setting.name == "model" and (gone := declaration.model(str(default))) is not None and gone.retired is not None:
        yield f"the default of {what} is a model that is declared as retired"
    if setting.name.endswith("url") and not str(default).startswith(("http://", "https://")):
        yield f"the default of {what} is no web address"


def _may_stand(setting: Setting, declaration: Declaration) -> bool:
    """Whether the default of a model setting needs no date (a provider without a service) or has one."""
    return declaration.abilities.offline or setting.checked is not None


def _variables(names: Any, what: str) -> Iterator[str]:
    if isinstance(names, str):
        yield f"env of {what} is a text; write a tuple, ({names!r},)"
        return
    for name in names:
        if not _VARIABLE.fullmatch(name):
            yield f"env of {what} names {name!r}, which is no environment variable"


def _credential(credential: Credential) -> Iterator[str]:
    what = f"the credential '{credential.name}'"
    yield from _sentence(credential.help, f"the help of {what}")
    yield from _variables(credential.env, what)


def _model(model: Model, declaration: Declaration) -> Iterator[str]:
    if not model.id.strip():
        yield "a model has no id"
    if model.price is not None:
        yield from _price(model.price, f"the model {model.id}")
    if model.successor is None:
        return
    heir = declaration.model(model.successor)
    if heir is None:
        yield f"the successor of {model.id}, {model.successor}, is no declared model"
    elif heir.retired is not None or heir is model:
        yield f"the successor of {model.id}, {model.successor}, is retired itself"


def _abilities(declaration: Declaration) -> Iterator[str]:
    abilities = declaration.abilities
    if abilities.references < 0:
        yield "abilities.references is negative"
    if abilities.parallel is not None and abilities.parallel < 1:
        yield "abilities.parallel is less than one"
    for ratio in abilities.aspect_ratios:
        if not _RATIO.fullmatch(ratio):
            yield f"the aspect ratio {ratio!r} is not written as W:H"
    if abilities.offline and any(credential.required for credential in declaration.credentials):
        yield "it is declared offline and needs a credential"


def _price(price: Price, what: str) -> Iterator[str]:
    if not math.isfinite(price.amount) or price.amount < 0:
        yield f"the price of {what} is no amount"
    if price.amount and price.checked is None:
        yield f"the price of {what} has no date: say with checked=date(...) when it was last looked up"
    if not price.currency.strip():
        yield f"the price of {what} has no currency"
