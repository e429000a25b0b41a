"""What is drawn: a :class:`Look`, every part of a portrait by the name the drawing has for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """One portrait. Colours are ``#rrggbb``; the names of forms are those of the avataaars style, or an ornament's."""

    skin: str
    hair: str | None
    """``None``: bald, or hidden under the head-dress."""
    hair_colour: str
    beard: str | None
    beard_colour: str
    glasses: str | None
    glasses_colour: str
    headdress: str | None
    headdress_colour: str
    clothes: str | None
    """``None``: bare-chested."""
    clothes_colour: str
    graphic: str
    """The picture on a T-shirt."""
    eyebrows: str
    eyes: str
    mouth: str
    drape: str | None
    """``"shawl"``, ``"sari"``, ``"scarf"``, ``"sash"`` or none."""
    drape_colour: str
    neck: str | None
    """``"necklace"``, ``"beads"``, ``"pearls"``, ``"garland"`` or none."""
    earrings: bool
    armour: bool
    marks: tuple[str, ...]
    """``"bindi"``, ``"tilak"``, ``"freckles"``, ``"scar"``, ``"wrinkles"``, ``"mole"``, sorted."""
    backdrop: str
    """The pattern behind the bust."""
    backdrop_colours: tuple[str, str]
    """Ground and tone."""
