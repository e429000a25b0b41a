"""The models of a generator, as a table or as data."""

from __future__ import annotations

from typing import Any

import click

from charimg.cli.tables import Row, printable, show_table
from charimg.contracts.declaration import Declaration, Model, Price
from charimg.model_lists import ModelList


def show_models(about: Declaration, found: ModelList, asked: str = "") -> None:
    """Print the models, with how they are known.

    :param asked: the account or server whose list it is, where that is not the provider's own.
    """
    if found.asked:
        title = f"Models that {asked or about.name} offers now"
    else:
        when = f" on {found.checked.isoformat()}" if found.checked else ""
        title = f"Models that {about.name}'s plugin knows{when}"
    if not found.models:
        click.echo(f"{title}: none" if found.asked else f"{about.name}: its plugin knows no model by name")
        return
    rows: list[Row] = [(one.id, _state(one, found), _cost(one.price), one.summary) for one in found.models]
    show_table(("MODEL", "STATE", "A PICTURE", "MEANING"), rows, title=f"{title} (-o model=...)")
    ids = {one.id for one in found.models}
    if found.asked and found.chosen and found.chosen not in ids:
        click.echo(f"\nThe model in use, {printable(found.chosen)}, is not among them.")


def models_as_data(found: ModelList) -> dict[str, Any]:
    """The list as JSON data."""
    return {
        "asked": found.asked,
        "trouble": found.trouble or None,
        "checked": found.checked.isoformat() if found.checked else None,
        "default": found.default,
        "chosen": found.chosen,
        "models": [
            {
                "id": one.id,
                "summary": one.summary,
                "price": price_as_data(one.price),
                "retired": one.retired.isoformat() if one.retired else None,
                "successor": one.successor,
                "default": one.id == found.default,
            }
            for one in found.models
        ],
    }


def price_as_data(price: Price | None) -> dict[str, Any] | None:
    """A price as JSON data."""
    if price is None:
        return None
    checked = price.checked.isoformat() if price.checked else None
    return {"amount": price.amount, "currency": price.currency, "checked": checked}


def _state(model: Model, found: ModelList) -> str:
    words = []
    if model.id == found.default:
        words.append("default")
    if model.id == found.chosen and found.chosen != found.default:
        words.append("in use")
    if model.retired is not None or model.successor is not None:
        retired = f"retired {model.retired.isoformat()}" if model.retired else "retired"
        words.append(f"{retired}; use {model.successor}" if model.successor else retired)
    return ", ".join(words)


def _cost(price: Price | None) -> str:
    if price is None:
        return "unknown"
    return "free" if price.amount == 0 else f"{price.amount:g} {price.currency}"
