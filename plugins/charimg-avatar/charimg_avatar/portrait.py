"""A look as a picture: the DiceBear bust on its backdrop, composed as SVG and rendered to PNG."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from charimg_avatar.backdrop import backdrop
from charimg_avatar.deciding import look_of
from charimg_avatar.look import Look
from charimg_avatar.ornaments import BEHIND, HEADDRESS

if TYPE_CHECKING:
    from dicebear import Style

CANVAS = 280
"""Width and height of the style's own canvas."""
_SHOULDERS = 200
"""Width of the bust at the lower edge, in canvas units."""
_FACE = (140.0, 104.0)
"""The middle of the face on the canvas."""
_WIDE_TOPS = {
    "hat": 250,
    "bigHair": 226,
    "curvy": 226,
    "dreads": 226,
    "fro": 230,
    "curly": 214,
    "straight01": 214,
}
"""Hair and hats that reach beyond the shoulders: their widths in canvas units."""
_CLIP = re.compile(r'<clipPath\b.*?</clipPath>|\sclip-path="url\(#clip-[^"]*\)"', re.DOTALL)


def draw(*, name: str, description: str, seed: str, width: int, height: int) -> bytes:
    """Draw the character *name* as *description* says; a PNG of *width* by *height* pixels.

    The same arguments always give the same bytes; another *seed* changes only what the description leaves open.
    """
    import resvg_py  # noqa: PLC0415 - loaded only when a picture is made

    look = look_of(name=name, description=description, seed=seed)
    svg = compose(look, width, height)
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, height=height, skip_system_fonts=True))


def compose(look: Look, width: int, height: int) -> str:
    """The whole picture as one SVG document of *width* by *height* pixels."""
    top = look.headdress if look.headdress in _WIDE_TOPS else look.hair
    widest = _WIDE_TOPS.get(top or "", _SHOULDERS)
    scale = min(width * 1.03 / _SHOULDERS, width * 1.1 / widest, height * 0.93 / CANVAS)
    left, upper = width / 2 - _FACE[0] * scale, height - CANVAS * scale
    head = (width / 2, upper + _FACE[1] * scale)
    radius = min(118 * scale, width * 0.46)
    behind = backdrop(look.backdrop, look.backdrop_colours, (width, height), head, radius)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{behind}'
        f'<g transform="translate({left:.2f} {upper:.2f}) scale({scale:.4f})">{bust(look)}</g></svg>'
    )


def bust(look: Look) -> str:
    """The figure alone: definitions and shapes on the style's canvas, without the document around them."""
    from dicebear import Avatar  # noqa: PLC0415 - brings jsonschema, about 60 ms

    svg = Avatar(_style(), _options(look)).to_string()
    inner = svg[svg.index("<defs>") : svg.rindex("</svg>")]
    # DiceBear clips to its canvas; here the frame does that, and resvg is twice as quick without the layer.
    return _CLIP.sub("", inner)


@cache
def _style() -> Style:
    """The avataaars style with our ornaments. Checking it takes near half a second: once a process."""
    from dicebear import Style  # noqa: PLC0415 - brings jsonschema, about 60 ms

    from charimg_avatar.ornaments import extended  # noqa: PLC0415 - needed only here

    text = files("dicebear_styles").joinpath("avataaars.json").read_text("utf-8")
    return Style(extended(json.loads(text)))


def _options(look: Look) -> dict[str, object]:
    """The look in the words of DiceBear's options."""
    headdress = look.headdress
    top = look.hair if headdress in HEADDRESS or headdress is None else headdress
    forms = {
        "top": top,
        "facialHair": look.beard,
        "accessories": look.glasses,
        "clothes": look.clothes,
        "clothesGraphic": look.graphic,
        "eyebrows": look.eyebrows,
        "eyes": look.eyes,
        "mouth": look.mouth,
        "behind": headdress if headdress in BEHIND else None,
        "headdress": headdress if headdress in HEADDRESS else None,
        "drape": look.drape,
        "neck": look.neck,
        "ear": "gold" if look.earrings else None,
        "plate": "armour" if look.armour else None,
        **{f"mark{mark.capitalize()}": mark for mark in look.marks},
    }
    options: dict[str, object] = {"seed": "charimg"}
    for component, form in forms.items():
        options[f"{component}Probability"] = 0 if form is None else 100
        if form is not None:
            options[f"{component}Variant"] = form
    colours = {
        "skin": look.skin,
        "hair": look.hair_colour,
        "facialHair": look.beard_colour,
        "hat": look.headdress_colour,
        "clothes": look.clothes_colour,
        "drape": look.drape_colour,
        "accessories": look.glasses_colour,
    }
    options.update({f"{name}Color": colour for name, colour in colours.items()})
    return options
