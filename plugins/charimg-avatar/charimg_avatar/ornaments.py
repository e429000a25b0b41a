"""What old stories and far planets wear, which the avataaars style lacks, in its own definition language.

Coordinates are those of the style's canvas, 280 by 280: the face spans x 84 to 196 and y 36 to 180, the
shoulders run from (112, 199) and (168, 199) to (40, 271) and (240, 271).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Element = dict[str, Any]


def _element(name: str, fill: str | None = None, **attributes: str) -> Element:
    """One SVG element; a *fill* that begins with ``$`` names a colour of the definition."""
    values: dict[str, Any] = {key.replace("_", "-"): value for key, value in attributes.items()}
    if fill is not None:
        values["fill"] = {"type": "color", "name": fill[1:]} if fill.startswith("$") else fill
    return {"type": "element", "name": name, "attributes": values}


def _path(d: str, fill: str, **attributes: str) -> Element:
    return _element("path", fill, d=d, **attributes)


def _shade(d: str, opacity: str = ".14", colour: str = "black") -> Element:
    return _element("path", colour, d=d, fill_opacity=opacity)


def _line(d: str, colour: str, width: str, opacity: str = "1") -> Element:
    return _element(
        "path", "none", d=d, stroke=colour, stroke_width=width, stroke_linecap="round", stroke_opacity=opacity
    )


def _circle(x: float, y: float, r: float, fill: str, **attributes: str) -> Element:
    return _element("circle", fill, cx=f"{x:g}", cy=f"{y:g}", r=f"{r:g}", **attributes)


def _string_of(fill: str, radius: float, count: int, dip: float, shine: str | None = None) -> list[Element]:
    """Beads on a thread from shoulder to shoulder, hanging *dip* below it."""
    beads: list[Element] = []
    for i in range(count):
        along = i / (count - 1) * 2 - 1
        x, y = 140 + 42 * along, 204 + dip * (1 - along * along)
        beads.append(_circle(x, y, radius, fill))
        beads.append(_circle(x - radius * 0.3, y - radius * 0.3, radius * 0.35, shine or "white", fill_opacity=".45"))
    return beads


def _flower(x: float, y: float, petal: float, fill: str) -> list[Element]:
    """A blossom of five petals."""
    around = ((0.0, -1.0), (0.95, -0.31), (0.59, 0.81), (-0.59, 0.81), (-0.95, -0.31))
    petals = [_circle(x + petal * dx, y + petal * dy, petal * 0.78, fill) for dx, dy in around]
    return [*petals, _circle(x, y, petal * 0.55, "#f9d976" if fill != "#f6bd3a" else "#c2571a")]


def _braid() -> list[Element]:
    """A plait over the shoulder, in the coordinates of the ``top`` component (8 to the right of the canvas)."""
    links: list[Element] = []
    for i in range(7):
        x, y = 72 - 5.5 * (i % 2) - i * 0.6, 150 + i * 17
        links.append(_path(f"M{x - 13:g} {y - 6:g}q13 -14 28 2q4 16 -13 19q-17 -3 -15 -21z", "$hair"))
        links.append(_shade(f"M{x - 11:g} {y + 6:g}q12 7 22 -4q-2 11 -10 13q-9 -1 -12 -9z", ".2"))
    links.append(_path("M58 262h18l2 8h-22z", "$hat"))
    return links


_HOOD_OUTER = "M140 2C84 6 60 58 60 112c0 36 -14 62 -26 88l46 36h120l46 -36c-12 -26 -26 -52 -26 -88C220 58 196 6 140 2z"
_VEIL_OUTER = "M140 8C90 8 62 46 60 104c-1 44 -8 74 -22 112v64h204v-64c-14 -38 -21 -68 -22 -112C218 46 190 8 140 8z"

BEHIND: dict[str, list[Element]] = {
    "hood": [_path(_HOOD_OUTER, "$hat"), _shade(_HOOD_OUTER, ".38")],
    "veil": [_path(_VEIL_OUTER, "$hat"), _shade(_VEIL_OUTER, ".22")],
}
"""Drawn behind everything."""

PLATE: dict[str, list[Element]] = {
    "armour": [
        _shade("M104 202q36 34 72 0l10 12q-46 44 -92 0z", ".3", "white"),
        _shade("M94 214q46 44 92 0l2 5q-48 46 -96 0z", ".22"),
        _path("M40 280v-9a72 72 0 0 1 52 -69c12 20 4 54 -20 78z", "$clothes"),
        _shade("M40 280v-9a72 72 0 0 1 52 -69c12 20 4 54 -20 78z", ".22", "white"),
        _path("M240 280v-9a72 72 0 0 0 -52 -69c-12 20 -4 54 20 78z", "$clothes"),
        _shade("M240 280v-9a72 72 0 0 0 -52 -69c-12 20 -4 54 20 78z", ".22", "white"),
        _line("M94 210c6 22 -4 46 -22 68M186 210c-6 22 4 46 22 68M140 232v48", "black", "2.5", ".22"),
        _line("M84 226q-18 6 -38 26M196 226q18 6 38 26", "black", "2", ".16"),
        _circle(86, 214, 2.6, "#e7c35a"),
        _circle(194, 214, 2.6, "#e7c35a"),
    ]
}

DRAPE: dict[str, list[Element]] = {
    "shawl": [
        _path("M158 199h10a72 72 0 0 1 72 72v9h-62c8 -32 2 -60 -20 -81z", "$drape"),
        _path("M122 199h-10a72 72 0 0 0 -72 72v9h34c0 -34 14 -58 48 -81z", "$drape"),
        _line(
            "M170 204c18 22 24 48 20 74M184 206c20 22 28 46 28 72M104 206c-24 16 -36 42 -38 72",
            "black",
            "2",
            ".15",
        ),
        _line("M160 202c20 20 26 48 19 77M120 202c-32 22 -44 46 -44 77", "white", "3", ".5"),
    ],
    "sari": [
        _path("M150 201l18 -2a72 72 0 0 1 62 36c-34 10 -74 26 -104 45H42c46 -20 92 -48 108 -79z", "$drape"),
        _path("M54 280c48 -18 90 -46 104 -80l-10 1c-18 30 -62 58 -106 75v4z", "#f1c65b"),
        _line(
            "M172 201c-16 30 -52 58 -92 78M190 205c-18 26 -52 52 -84 74M210 214c-20 20 -46 38 -76 60",
            "black",
            "2",
            ".13",
        ),
    ],
    "scarf": [
        _path("M104 192q36 32 72 0l8 20q-44 38 -88 0z", "$drape"),
        _path("M150 216l26 -8 12 66h-28z", "$drape"),
        _shade("M150 216l18 -6 -2 20 4 44h-10z", ".16"),
        _line("M100 206q40 34 80 0", "black", "2", ".14"),
    ],
    "thread": [
        _line("M164 200Q140 246 92 280", "#f7f0dd", "3"),
        _line("M164 200Q140 246 92 280", "#9c7f56", "1", ".5"),
    ],
    "sash": [
        _path("M168 199l18 3L92 280H58z", "$drape"),
        _line("M172 204L78 280", "black", "1.6", ".18"),
    ],
}

NECK: dict[str, list[Element]] = {
    "necklace": [
        _line("M104 204q36 56 72 0", "#e0ae37", "3.4"),
        _circle(140, 236, 7, "#e0ae37"),
        _circle(140, 236, 3.6, "#b3202c"),
    ],
    "pearls": _string_of("#f7f2e8", 3.8, 15, 26),
    "beads": _string_of("#7a4a2a", 3.6, 19, 46),
    "garland": [
        element
        for dip, fill in ((62, "#f08c1d"), (50, "#f6bd3a"))
        for element in _string_of(fill, 7 if dip == 62 else 5, 15, dip, "#fff3c4")
    ],
}

EAR: dict[str, list[Element]] = {
    "gold": [
        _circle(79, 141, 4.6, "#e0ae37"),
        _circle(201, 141, 4.6, "#e0ae37"),
        _circle(79, 148, 2.6, "#e0ae37"),
        _circle(201, 148, 2.6, "#e0ae37"),
    ]
}

MARKS: dict[str, list[Element]] = {
    "bindi": [_circle(140, 85, 4.2, "#c3162d")],
    "tilak": [
        _line("M133 62v14a7 8 0 0 0 14 0v-14", "#fbf3df", "3.2"),
        _line("M140 62v13", "#cf2a27", "3.4"),
    ],
    "freckles": [
        _circle(x, y, 1.7, "#8a4a25", fill_opacity=".5")
        for x, y in ((104, 130), (111, 135), (118, 130), (107, 140), (115, 141), (162, 130), (169, 135), (176, 130),
                     (165, 141), (173, 140), (136, 124), (144, 126))
    ],
    "scar": [_line("M172 124l8 26M169 134l9 -3M172 144l9 -3", "#7c2f25", "2.2", ".55")],
    "wrinkles": [
        _line("M122 66q18 -6 36 0M126 58q14 -4 28 0M92 134q6 5 12 5M188 134q-6 5 -12 5", "black", "1.8", ".2")
    ],
    "mole": [_circle(168, 146, 2.2, "#3a221a")],
}  # fmt: skip

HEADDRESS: dict[str, list[Element]] = {
    "crown": [
        _path("M82 66L72 12l30 26L118 2l22 28L162 2l16 36 30 -26 -10 54q-58 -22 -116 0z", "$hat"),
        _shade("M82 66q58 -22 116 0l2 -12q-60 -22 -120 0z", ".2"),
        _shade("M72 12l30 26L118 2l3 4 -15 44q-12 2 -25 8z", ".18", "white"),
        *(_circle(x, y, 5, "#f7e6a6") for x, y in ((72, 11), (118, 4), (162, 4), (208, 11))),
        _circle(140, 44, 7.5, "#b3202c"),
        _circle(138, 42, 2.4, "white", fill_opacity=".6"),
        _circle(108, 48, 4.6, "#1f7a7c"),
        _circle(172, 48, 4.6, "#1f7a7c"),
    ],
    "circlet": [
        _path("M82 74q58 -24 116 0v-9q-58 -24 -116 0z", "$hat"),
        _path("M140 44l9 14 -9 16 -9 -16z", "$hat"),
        _path("M140 50l5 8 -5 10 -5 -10z", "#2c8fb0"),
    ],
    "flowers": [
        _path("M196 92q16 2 20 18q-16 0 -20 -18zM176 44q0 -16 14 -22q4 16 -14 22z", "#4f9a58"),
        *_flower(186, 58, 9, "#ee5f86"),
        *_flower(203, 80, 7.5, "#f6bd3a"),
        *_flower(170, 40, 6, "#fbf3df"),
    ],
    "helmet": [
        _path(
            "M74 104C70 44 98 12 140 12s70 32 66 92h-14c0 -12 -2 -20 -6 -28 -30 -10 -62 -10 -92 0 -4 8 -6 16 -6 28z",
            "$hat",
        ),
        _shade("M140 12c42 0 70 32 66 92h-14c0 -12 -2 -20 -6 -28 -8 -3 -18 -5 -28 -6 6 -26 0 -46 -18 -58z", ".16"),
        _path("M72 80q68 -28 136 0v13q-68 -28 -136 0z", "#e0ae37"),
        _path("M134 2h12v66h-12z", "#e0ae37"),
        *(_circle(x, y, 2.4, "#7b5a17") for x, y in ((88, 80), (112, 73), (168, 73), (192, 80))),
    ],
    "hood": [
        _path(
            "M140 2C84 6 60 58 60 112c0 36 -14 62 -26 88l46 36c10 -12 26 -22 36 -30 -24 -16 -38 -44 -38 -92 "
            "0 -44 26 -74 62 -74s62 30 62 74c0 48 -14 76 -38 92 10 8 26 18 36 30l46 -36"
            "c-12 -26 -26 -52 -26 -88C220 58 196 6 140 2z",
            "$hat",
        ),
        _shade("M78 114c0 -44 26 -74 62 -74s62 30 62 74l6 0c0 -52 -28 -84 -68 -84s-68 32 -68 84z", ".22"),
        _line("M72 70c10 -30 34 -52 66 -58M48 204q22 -34 24 -84M232 204q-22 -34 -24 -84", "black", "2.2", ".12"),
    ],
    "veil": [
        _path(
            "M140 8C90 8 62 46 60 104c-1 44 -8 74 -22 112v64h40c-8 -56 -2 -110 2 -170 2 -44 26 -74 60 -74s58 30 60 74"
            "c4 60 10 114 2 170h40v-64c-14 -38 -21 -68 -22 -112C218 46 190 8 140 8z",
            "$hat",
        ),
        _line("M78 278c-7 -56 -1 -108 3 -168 2 -43 26 -72 59 -72s57 29 59 72c4 60 10 112 3 168", "#f1c65b", "5"),
        _line("M66 110c-1 60 -14 90 -16 160M214 110c1 60 14 90 16 160", "black", "2.2", ".14"),
    ],
}

TOPS: dict[str, list[Element]] = {
    "tuft": [
        _path("M120 40c-6 -16 4 -30 16 -32c-4 6 -2 9 2 11c2 -8 10 -12 16 -10c-5 5 -4 9 -2 14c4 -2 8 -2 10 1"
              "c-6 3 -8 9 -10 16c-10 -3 -22 -3 -32 0z", "$hair"),
    ],
}  # fmt: skip
"""Further forms of the style's own ``top`` component (which lies 8 to the right of the canvas)."""

_LAYERS: tuple[tuple[str, dict[str, list[Element]], str | None], ...] = (
    ("behind", BEHIND, None),
    ("plate", PLATE, "clothes"),
    ("drape", DRAPE, "plate"),
    ("neck", NECK, "drape"),
    ("ear", EAR, "eyebrows"),
    *((f"mark{mark.capitalize()}", {mark: shapes}, "eyebrows") for mark, shapes in MARKS.items()),
    ("headdress", HEADDRESS, "top"),
)
"""Component name, its forms, and the component it is drawn after (``None``: first of all)."""

UNUSED: dict[str, frozenset[str]] = {
    "eyes": frozenset({"cry", "hearts", "xDizzy", "winkWacky", "eyeRoll"}),
    "mouth": frozenset({"vomit", "tongue", "eating", "grimace", "screamOpen"}),
    "clothesGraphic": frozenset({"cumbia", "hola", "resist", "skullOutline"}),
    "top": frozenset({"froBand", "frida", "winterHat02", "winterHat04"}),
}
"""Forms no portrait asks for; leaving them out makes checking the definition quicker."""


def extended(definition: dict[str, Any]) -> dict[str, Any]:
    """A copy of the avataaars *definition* with the ornaments built in."""
    style = deepcopy(definition)
    components = style["components"]
    for name, unused in UNUSED.items():
        for form in unused:
            components[name]["variants"].pop(form, None)
    tops = components["top"]["variants"]
    for form, shapes in TOPS.items():
        tops[form] = {"elements": shapes}
    tops["braid"] = {"elements": [*tops["longButNotTooLong"]["elements"], *_braid()]}
    style["colors"]["drape"] = {"values": ["#f2e6c9"]}
    elements = style["canvas"]["elements"]
    for name, forms, after in _LAYERS:
        components[name] = {
            "width": 280,
            "height": 280,
            "probability": 0,
            "variants": {form: {"elements": shapes} for form, shapes in forms.items()},
        }
        place = 0 if after is None else 1 + next(i for i, e in enumerate(elements) if e.get("name") == after)
        elements.insert(place, {"type": "component", "name": name, "attributes": {}})
    return style
