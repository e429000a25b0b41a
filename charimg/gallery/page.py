"""The page: one HTML file with everything in it, which works from disk and offline.

Its parts lie beside this module: ``page.html`` (the frame), ``page.css`` and ``page.js``. Cards are written one after
the other, so memory holds a few pictures at a time however large the cast. The page's policy allows the embedded
style, the embedded script and embedded pictures, by hash, and nothing else; every word from outside is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import BinaryIO
from urllib.parse import quote

from charimg._version import __version__
from charimg.contracts.store import JobState
from charimg.gallery.cards import MISSING, Card, counted, money
from charimg.gallery.thumbnails import Thumbnail, in_step, thumbnail_of
from charimg.lettering import graphemes

STATE_WORDS = {
    str(JobState.PENDING): "not yet made",
    str(JobState.OPEN): "interrupted",
    str(JobState.SAVED): "not yet uploaded",
    str(JobState.DONE): "done",
    str(JobState.FAILED): "failed",
    str(JobState.REJECTED): "rejected",
    MISSING: "file missing",
}
"""What each state is called on the page."""

_HUES = 12


def longest_side(cards: int) -> int:
    """Pixels of an embedded picture's longer side: enough for a full screen, less for large casts (the file's size)."""
    return 1152 if cards <= 60 else 832 if cards <= 200 else 576


def write_page(
    out: BinaryIO,
    cards: Sequence[Card],
    *,
    title: str,
    folder: Path,
    now: datetime,
    drawn: Callable[[int], None] = lambda _count: None,
) -> None:
    """Write the page of *cards* to *out*.

    :param folder: where the page will lie, absolute: the links to the original files are relative to it.
    :param now: the moment the page is made; media ids that expired before it are marked.
    :param drawn: told how many cards are written so far.
    """
    style, script = _part("page.css"), _part("page.js")
    words = {
        "policy": escape(_policy(style, script)),
        "version": escape(__version__),
        "title": escape(title),
        "summary": _summary(cards),
        "chips": _chips(cards),
        "footer": f"Made with charimg on {now.day} {now:%B %Y}.",
        "style": style,
        "script": script,
    }
    before, after = (Template(half).substitute(words) for half in _part("page.html").split("$cards"))
    out.write(before.encode("utf-8", "replace"))
    for count, (card, picture) in enumerate(_with_thumbnails(cards), 1):
        out.write(_card(card, picture, folder, now).encode("utf-8", "replace"))
        drawn(count)
    out.write(after.encode("utf-8", "replace"))


def _part(name: str) -> str:
    return files("charimg.gallery").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    def mark(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; img-src data:; style-src {mark(style)}; script-src {mark(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _with_thumbnails(cards: Sequence[Card]) -> Iterator[tuple[Card, Thumbnail | None]]:
    longest = longest_side(len(cards))

    def picture(card: Card) -> Thumbnail | None:
        return None if card.picture is None else thumbnail_of(card.picture, longest)

    return zip(cards, in_step(picture, cards), strict=True)


def _people(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


def _summary(cards: Sequence[Card]) -> str:
    with_picture = sum(card.picture is not None for card in cards)
    parts = [_people(len(cards))]
    if with_picture < len(cards):
        parts.append(f"{with_picture} with a picture")
    return escape(" · ".join(parts))


def _chips(cards: Sequence[Card]) -> str:
    """Buttons that show one state alone; none where all are in one state."""
    states = counted(cards)
    if len(states) < 2:
        return ""
    chips = [f'<button type="button" class="chip" data-only="" aria-pressed="true">all {len(cards)}</button>']
    chips += [
        f'<button type="button" class="chip" data-only="{state}" aria-pressed="false">{STATE_WORDS[state]} {count}'
        "</button>"
        for state, count in states.items()
    ]
    return "".join(chips)


def _hue(key: str) -> int:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()[0] % _HUES


def _card(card: Card, picture: Thumbnail | None, folder: Path, now: datetime) -> str:
    tags = "".join(f'<li><button type="button" class="tag" dir="auto">{escape(tag)}</button></li>' for tag in card.tags)
    return (
        f'<li class="card {card.state} hue-{_hue(card.key)}" data-state="{card.state}">\n'
        f'<button type="button" class="picture" title="Show large">{_picture(card, picture)}</button>\n'
        '<div class="text">'
        f'<h2 class="name" dir="auto">{escape(card.name)}</h2>'
        f'<p class="description" dir="auto">{escape(card.description)}</p>'
        + (f'<ul class="tags" aria-label="Tags">{tags}</ul>' if tags else "")
        + f'<details class="facts"><summary>Details</summary><dl>{"".join(_facts(card, folder, now))}</dl></details>'
        "</div>\n</li>\n"
    )


def _state_words(card: Card) -> str:
    return "under way" if card.under_way or card.standing_at is not None else STATE_WORDS[card.state]


def _picture(card: Card, picture: Thumbnail | None) -> str:
    chip = "" if card.state == JobState.DONE else f'<span class="state">{_state_words(card)}</span>'
    if picture is not None:
        data = base64.b64encode(picture.data).decode()
        return (
            f'<img src="data:image/webp;base64,{data}" width="{picture.width}" height="{picture.height}" alt="">{chip}'
        )
    why = card.reason
    if card.picture is not None:
        chip, why = '<span class="state">unreadable</span>', f"{card.path} is damaged or no picture any more"
    initial = next((piece for piece in graphemes(card.name) if piece.strip()), "?")
    reason = f'<span class="why" dir="auto">{escape(why)}</span>' if why else ""
    return (
        f'<span class="nothing"><span class="initial" aria-hidden="true">{escape(initial)}</span>{reason}</span>{chip}'
    )


def _facts(card: Card, folder: Path, now: datetime) -> Iterable[str]:
    """The rows of a card's details; only those that are known."""
    if card.reason:
        yield f'<dt>Why</dt><dd class="trouble" dir="auto">{escape(card.reason)}</dd>'
    if card.changed:
        yield "<dt>Note</dt><dd>The roster has changed since this picture was made.</dd>"
    if card.media is not None:
        gone = '<br><span class="trouble">expired</span>' if card.media.expired(now) else ""
        label = {"url": "Address", "path": "Copy"}.get(card.media.kind, "Media id")
        yield f"<dt>{label}</dt><dd>{_copied(f'<code>{escape(card.media.id)}</code>')}{gone}</dd>"
    if card.prompt:
        yield f'<dt>Prompt</dt><dd dir="auto">{_copied(escape(card.prompt))}</dd>'
    for label, value in (
        ("Made by", " · ".join(part for part in (card.provider, card.model) if part)),
        ("Seed", "" if card.seed is None else str(card.seed)),
        ("Cost", money(card.spent)),
    ):
        if value:
            yield f"<dt>{label}</dt><dd>{escape(value)}</dd>"
    if card.picture is not None:
        yield (
            f'<dt>File</dt><dd><a href="{escape(link_to(card.picture, folder))}" target="_blank" rel="noopener">'
            f"{escape(card.picture.name)}</a></dd>"
        )


def _copied(value: str) -> str:
    return f'<span class="value">{value}</span><button type="button" class="copy">copy</button>'


def link_to(path: Path, folder: Path) -> str:
    """The address of a file as seen from *folder*: relative, so that both can be moved together."""
    try:
        relative = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return path.as_uri()
    return quote(relative if relative.startswith(".") else f"./{relative}", errors="surrogatepass")
