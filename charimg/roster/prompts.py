"""From a character to the words and settings a generator is asked with. Pure."""

from __future__ import annotations

from charimg.model import Character, ImageRequest, Reference, Roster

_ENDS = ".!?…。！？।॥۔。:;,、，；：،"
"""A text that ends in one of these needs no further mark before the next."""


def prompt_for(roster: Roster, character: Character) -> str:
    """The whole text for the service: the character's own prompt alone, or prefix, description and suffix.

    Parts meet at their own punctuation where they have it, else at a full stop when the next begins a sentence,
    else at a comma: ``"ink drawing"`` + ``"a fox in boots"`` gives ``"ink drawing, a fox in boots"``.
    """
    if character.prompt is not None:
        return character.prompt
    whole = ""
    for part in (roster.style.prefix, character.description, roster.style.suffix):
        whole = _joined(whole, part)
    return whole


def request_for(roster: Roster, character: Character) -> ImageRequest:
    """What to ask a generator for *character*; the attempt's id is left to the ledger.

    A character with a prompt of its own gets nothing of the style. Otherwise the style's unwanted things stand
    before the character's, and the character's references before the style's (a service that takes few
    references should have the face first); a picture that both name is given once.
    """
    style = roster.style
    own = character.prompt is not None
    unwanted = [character.negative] if own else [style.negative, character.negative]
    references = character.references if own else character.references + style.references
    return ImageRequest(
        key=character.key,
        name=character.name,
        prompt=prompt_for(roster, character),
        description=character.description,
        negative=", ".join(dict.fromkeys(text for text in unwanted if text)) or None,
        seed=character.seed,
        aspect_ratio=character.aspect_ratio or roster.aspect_ratio,
        references=_once(references),
    )


def _joined(left: str, right: str) -> str:
    left = left.strip()
    if not left:
        return right.strip()
    right = right.strip().lstrip(",;").lstrip()
    if not right:
        return left
    if left[-1] in _ENDS:
        return f"{left} {right}"
    return f"{left}. {right}" if right[0].isupper() else f"{left}, {right}"


def _once(references: tuple[Reference, ...]) -> tuple[Reference, ...]:
    first: dict[tuple[object, object], Reference] = {}
    for reference in references:
        first.setdefault((reference.path, reference.kind), reference)
    return tuple(first.values())
