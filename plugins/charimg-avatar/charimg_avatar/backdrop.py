"""The ground behind the bust: two flat tones and a pattern, as SVG in pixels; pure."""

from __future__ import annotations

import math
from collections.abc import Callable

Size = tuple[int, int]
Point = tuple[float, float]


def backdrop(pattern: str, colours: tuple[str, str], size: Size, head: Point, radius: float) -> str:
    """SVG elements filling *size*, drawn around the *head*, whose halo has *radius* pixels."""
    ground, tone = colours
    width, height = size
    shapes = _PATTERNS[pattern](size, head, radius)
    return f'<rect width="{width}" height="{height}" fill="{ground}"/><g fill="{tone}" color="{tone}">{shapes}</g>'


def _circle(x: float, y: float, r: float, extra: str = "") -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"{extra}/>'


def _rays(size: Size, head: Point, radius: float) -> str:
    """A sunburst from behind the head, with a disc in the middle."""
    reach = math.hypot(*size)
    x, y = head
    count = 14
    parts = []
    for i in range(count):
        a, b = (2 * math.pi * (i + share) / count + 0.11 for share in (0.0, 0.5))
        parts.append(
            f"M{x:.1f} {y:.1f}L{x + reach * math.cos(a):.1f} {y + reach * math.sin(a):.1f}"
            f"L{x + reach * math.cos(b):.1f} {y + reach * math.sin(b):.1f}Z"
        )
    return f'<path d="{"".join(parts)}"/>' + _circle(x, y, radius)


def _rings(size: Size, head: Point, radius: float) -> str:
    """Rings spreading from the head."""
    width = radius * 0.24
    far = math.hypot(*size)
    rings = [radius * (1 + 0.52 * i) for i in range(1, 12) if radius * (1 + 0.52 * i) < far]
    ring = f' fill="none" stroke-width="{width:.1f}"'
    return _circle(*head, radius) + "".join(_circle(*head, r, f'{ring} stroke="currentColor"') for r in rings)


def _dots(size: Size, head: Point, radius: float) -> str:
    """Dots in offset rows, with a disc behind the head."""
    step = radius * 0.34
    x0, y0 = head
    rows = range(-int(y0 / step) - 1, int((size[1] - y0) / step) + 2)
    columns = range(-int(x0 / step) - 2, int((size[0] - x0) / step) + 2)
    dots = [
        _circle(x, y, step * 0.14)
        for j in rows
        for i in columns
        if math.hypot((x := x0 + (i + 0.5 * (j % 2)) * step) - x0, (y := y0 + j * step) - y0) > radius * 1.12
    ]
    return _circle(x0, y0, radius) + "".join(dots)


def _sun(_size: Size, head: Point, radius: float) -> str:
    """A large sun with a ring of small lights."""
    x, y = head
    lights = [
        _circle(x + radius * 1.28 * math.cos(a), y + radius * 1.28 * math.sin(a), radius * 0.045)
        for a in (2 * math.pi * i / 28 for i in range(28))
    ]
    far = _circle(x, y, radius * 1.56, f' fill="none" stroke="currentColor" stroke-width="{radius * 0.035:.1f}"')
    return _circle(x, y, radius * 1.08) + "".join(lights) + far


def _arch(size: Size, head: Point, radius: float) -> str:
    """A cusped palace arch around the figure."""
    x, y = head
    top, side = y - radius * 1.35, radius * 1.22
    left, right = x - side, x + side
    bottom = size[1]
    spring = y + radius * 0.1
    cusp = (
        f"M{left:.1f} {bottom}V{spring:.1f}"
        f"C{left:.1f} {y - radius * 0.75:.1f} {x - radius * 0.35:.1f} {y - radius * 0.95:.1f} {x:.1f} {top:.1f}"
        f"C{x + radius * 0.35:.1f} {y - radius * 0.95:.1f} {right:.1f} {y - radius * 0.75:.1f} {right:.1f} {spring:.1f}"
        f"V{bottom}Z"
    )
    line = f'<path d="{cusp}" fill="none" stroke="currentColor" stroke-width="{radius * 0.05:.1f}" '
    outer = f'{line}transform="translate({x:.1f} {y:.1f}) scale(1.14) translate({-x:.1f} {-y:.1f})"/>'
    studs = "".join(_circle(x + sign * radius * 1.18, y - radius * 1.05, radius * 0.09) for sign in (-1, 1))
    return f'<path d="{cusp}"/>{outer}{studs}'


def _stars(size: Size, head: Point, radius: float) -> str:
    """A night sky with a moon behind the head; the scatter is the golden angle's, the same for all."""
    width, height = size
    parts = []
    for i in range(90):
        sx, sy = (0.5 + i * 0.754877666) % 1 * width, (0.5 + i * 0.569840291) % 1 * height
        if math.hypot(sx - head[0], sy - head[1]) < radius * 1.15:
            continue
        r = radius * (0.018 + 0.03 * ((i * 7) % 5) / 4)
        if i % 6 == 0:
            r *= 2.4
            parts.append(
                f'<path d="M{sx:.1f} {sy - r:.1f}q{r * 0.12:.1f} {r * 0.88:.1f} {r:.1f} {r:.1f}q{-r * 0.88:.1f} '
                f"{r * 0.12:.1f} {-r:.1f} {r:.1f}q{-r * 0.12:.1f} {-r * 0.88:.1f} {-r:.1f} {-r:.1f}"
                f'q{r * 0.88:.1f} {-r * 0.12:.1f} {r:.1f} {-r:.1f}z" fill="#f7e7b0"/>'
            )
        else:
            parts.append(_circle(sx, sy, r, ' fill="#e9e6ff"'))
    return _circle(*head, radius * 1.06) + "".join(parts)


def _waves(size: Size, head: Point, radius: float) -> str:
    """A sun over rows of waves."""
    width, height = size
    step = radius * 0.5
    count = int(width / step) + 3
    rows = []
    for row in range(6):
        y = head[1] + radius * (0.35 + 0.3 * row)
        if y > height:
            break
        start = -step * (1 + 0.5 * (row % 2))
        swell = "".join(f"q{step / 2:.1f} {-step * 0.34:.1f} {step:.1f} 0" for _ in range(count))
        rows.append(
            f'<path d="M{start:.1f} {y:.1f}{swell}" fill="none" stroke="currentColor" '
            f'stroke-width="{radius * 0.055:.1f}" stroke-linecap="round"/>'
        )
    return _circle(*head, radius) + "".join(rows)


def _hills(size: Size, head: Point, radius: float) -> str:
    """A low sun and two lines of hills."""
    width, height = size
    y = head[1] + radius * 0.45
    far = f"M0 {y:.1f}q{width * 0.22:.1f} {-radius * 0.6:.1f} {width * 0.46:.1f} {-radius * 0.05:.1f}"
    far += f"q{width * 0.26:.1f} {-radius * 0.75:.1f} {width * 0.54:.1f} {-radius * 0.1:.1f}V{height}H0Z"
    near = f"M0 {y + radius * 0.75:.1f}q{width * 0.3:.1f} {-radius * 0.7:.1f} {width:.1f} {radius * 0.05:.1f}"
    near += f"V{height}H0Z"
    sun = _circle(head[0] + radius * 0.75, head[1] - radius * 0.8, radius * 0.42)
    clouds = "".join(
        f'<rect x="{cx * width:.1f}" y="{head[1] - cy * radius:.1f}" width="{radius * 0.7:.1f}" '
        f'height="{radius * 0.15:.1f}" rx="{radius * 0.075:.1f}"/>'
        for cx, cy in ((0.06, 1.1), (0.12, 0.9), (0.7, 1.35))
    )
    return f'{sun}{clouds}<path d="{far}"/><path d="{near}" fill="#fff" fill-opacity=".28"/>'


def _leaves(size: Size, head: Point, radius: float) -> str:
    """A stem with paired leaves along each side, a disc behind the head."""
    width, height = size
    leaf = radius * 0.36
    parts = []
    for side in (-1, 1):
        stem = width / 2 + side * max(width / 2 - leaf * 0.55, radius * 1.35)
        for i in range(int(height / (leaf * 0.72)) + 2):
            y = height - i * leaf * 0.72
            parts += [_leaf(stem, y, way * leaf * 0.8, -leaf * 0.62) for way in (-1, 1)]
        parts.append(f"M{stem - leaf * 0.035:.1f} 0h{leaf * 0.07:.1f}V{height}h{-leaf * 0.07:.1f}z")
    return f'{_circle(*head, radius)}<path d="{"".join(parts)}"/>'


def _leaf(x: float, y: float, dx: float, dy: float) -> str:
    """Path of one leaf from (*x*, *y*) to its tip at (*dx*, *dy*) from there."""
    belly = 0.32
    return (
        f"M{x:.1f} {y:.1f}q{dx * 0.45 - dy * belly:.1f} {dy * 0.45 + dx * belly:.1f} {dx:.1f} {dy:.1f}"
        f"q{-dx * 0.55 + dy * belly:.1f} {-dy * 0.55 - dx * belly:.1f} {-dx:.1f} {-dy:.1f}z"
    )


_PATTERNS: dict[str, Callable[[Size, Point, float], str]] = {
    "rays": _rays,
    "rings": _rings,
    "dots": _dots,
    "sun": _sun,
    "arch": _arch,
    "stars": _stars,
    "waves": _waves,
    "hills": _hills,
    "leaves": _leaves,
}
PATTERNS = tuple(_PATTERNS)
"""The names of all patterns."""
