"""Which words of a description belong to which part of the picture; pure.

English puts most adjectives before their noun, up to an article, a preposition or the next noun, and a few
after it ("hair streaked with grey"). A feature noun therefore claims the words on its left as far as the
first word that stops it, then, if a linking word follows, those on its right. A colour that nobody claims
("a green parrot") colours nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from charimg_avatar.vocabulary import (
    CHILD,
    COLOURS,
    DECADES,
    FABRICS,
    FEATURES,
    FEMALE,
    HAIR_COLOURS,
    LINKS,
    MALE,
    NEGATIONS,
    NOUNS,
    NUMBERS,
    OLD,
    PHRASES,
    SHADES,
    SKIN_COLOURS,
    STOPS,
    STREAKS,
    YOUNG,
)

BOUNDARY = "."
"""The word that stands for any punctuation ending a phrase; commas keep their own."""

_WORD = re.compile(r"[a-z]+(?:'s)?|\d+|[,.;:!?()\u2013\u2014]")
_PHRASE = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, PHRASES), key=len, reverse=True)) + r")\b")
_ALL_COLOURS = COLOURS.keys() | HAIR_COLOURS.keys() | SKIN_COLOURS.keys()
_LEFT_REACH = 7
_RIGHT_REACH = 8
_WEARING = frozenset({"dressed", "clad", "wearing", "wears", "draped", "wrapped", "swathed", "robed", "all"})


@dataclass(frozen=True)
class Claim:
    """One feature noun with the words that describe it."""

    kind: str
    """``area`` or ``area:what``, as in :data:`charimg_avatar.vocabulary.FEATURES`."""
    noun: str
    colours: tuple[str, ...] = ()
    """Colour words, the ruling one first."""
    streak: str | None = None
    """A second colour mixed into the first ("streaked with grey")."""
    shade: str | None = None
    """``"dark"``, ``"light"`` and so on, where it stands before a colour."""
    words: frozenset[str] = frozenset()
    """All words claimed, for length, texture and manner."""
    negated: bool = False
    """Said to be absent ("no beard")."""

    @property
    def area(self) -> str:
        """The part of the picture."""
        return self.kind.partition(":")[0]

    @property
    def what(self) -> str:
        """Which one of the part's forms; empty when the noun does not say."""
        return self.kind.partition(":")[2]


@dataclass(frozen=True)
class Reading:
    """A description, read."""

    claims: tuple[Claim, ...]
    words: frozenset[str]
    """Every word that is not negated and belongs to no noun's own adjectives, with the nouns themselves."""
    gender: str | None
    """``"f"``, ``"m"`` or unsaid."""
    age: str | None
    """``"child"``, ``"young"``, ``"adult"``, ``"old"`` or unsaid."""
    clothes_colour: str | None
    """A colour of dress without a garment ("dressed in white")."""

    def first(self, area: str) -> Claim | None:
        """The first claim of *area* that is not negated."""
        return next((claim for claim in self.claims if claim.area == area and not claim.negated), None)

    def denies(self, area: str) -> bool:
        """Whether *area* is said to be absent."""
        return any(claim.area == area and claim.negated for claim in self.claims)


def read(description: str, name: str = "") -> Reading:
    """Read *description* (English); *name* only helps to tell man from woman ("Queen Mara")."""
    tokens = tokenise(description)
    claims, claimed = _claims(tokens)
    free = frozenset(word for i, word in enumerate(tokens) if i not in claimed and not _negated_word(tokens, i))
    return Reading(
        claims=claims,
        words=free,
        gender=_gender(tokens, tokenise(name)),
        age=_age(tokens, claimed),
        clothes_colour=_bare_clothes_colour(tokens, claimed),
    )


def tokenise(text: str) -> list[str]:
    """Lower-case words and phrase ends; hyphens are spaces, set phrases become one word."""
    flat = text.lower().replace("\u2019", "'").replace("-", " ").replace("/", " ")
    flat = _PHRASE.sub(lambda match: PHRASES[match[0]], " ".join(flat.split()))
    return [word if word.isalnum() or "'" in word or word == "," else BOUNDARY for word in _WORD.findall(flat)]


def _is_modifier(word: str) -> bool:
    return word in _ALL_COLOURS or word in SHADES or word in FABRICS or word in LINKS or word.endswith("ly")


def _claims(tokens: list[str]) -> tuple[tuple[Claim, ...], set[int]]:
    """All claims in order, and the positions of the adjectives they took."""
    nouns = [i for i, word in enumerate(tokens) if word in NOUNS and not _noun_is_adjective(tokens, i)]
    taken: set[int] = set()
    lefts: dict[int, list[int]] = {}
    for i in nouns:
        lefts[i] = _left(tokens, i, taken, set(nouns))
        taken.update(lefts[i])
    claims: list[Claim] = []
    for i in nouns:
        right = _right(tokens, i, taken, set(nouns))
        taken.update(right)
        claim = _claim(tokens, i, lefts[i], right)
        before = _paired_with(tokens, i, lefts[i])
        if before is not None and claims:
            claim = _inherit(claim, claims[-1], before)
        claims.append(claim)
    return tuple(claims), taken


def _noun_is_adjective(tokens: list[str], i: int) -> bool:
    """Nouns that describe the next one ("face paint", "plate armour", "coat of arms") make no claim."""
    following = tokens[i + 1] if i + 1 < len(tokens) else BOUNDARY
    if tokens[i] in {"plate", "mail", "top"}:
        return following in NOUNS or tokens[i - 1 : i] in (["at"], ["the"], ["on"], ["to"])
    if tokens[i] == "hair":
        return following in {"ornament", "ornaments", "pin", "pins", "clip", "ribbon", "bun", "oil", "band"}
    if tokens[i] in {"eye", "brow", "face", "cheeks"}:
        return following in {"paint", "shadow", "mask", "patch", "liner"}
    if tokens[i] in {"braided", "plaited"}:
        return any(NOUNS.get(word, "").startswith(("hair", "beard", "moustache")) for word in tokens[i + 1 : i + 4])
    if tokens[i] == "lined":  # a lined face, but not kohl-lined eyes or a fur-lined coat
        return not {"deeply", "face", "heavily"} & set(tokens[max(0, i - 1) : i + 2])
    if tokens[i] == "forehead":  # only "a mark on the forehead" is a tilak
        return not {"mark", "paste", "lines", "ash"} & set(tokens[max(0, i - 6) : i])
    return False


def _left(tokens: list[str], noun: int, taken: set[int], nouns: set[int]) -> list[int]:
    """Positions of the adjectives before the noun at *noun*, nearest first."""
    found: list[int] = []
    for i in range(noun - 1, max(-1, noun - 1 - _LEFT_REACH), -1):
        word = tokens[i]
        if i in taken or i in nouns or word in STOPS or word == BOUNDARY:
            break
        if word in {",", "and"}:
            if i == 0 or i == noun - 1 or not _adjectives_go_on(tokens, i, found):
                break
            continue
        found.append(i)
    return found


def _adjectives_go_on(tokens: list[str], i: int, found: list[int]) -> bool:
    """Whether the comma or "and" at *i* joins two adjectives of one noun and does not end an earlier phrase."""
    before = tokens[i - 1]
    if before in FABRICS:
        return False
    if before in _ALL_COLOURS and tokens[i] == ",":
        return not any(tokens[j] in _ALL_COLOURS for j in found)
    return before == "," or _is_modifier(before)


def _right(tokens: list[str], noun: int, taken: set[int], nouns: set[int]) -> list[int]:
    """Positions of the words after the noun that still describe it."""
    found: list[int] = []
    for i in range(noun + 1, min(len(tokens), noun + 1 + _RIGHT_REACH)):
        word = tokens[i]
        if i in taken or i in nouns or word == BOUNDARY:
            break
        if word == "," and i == noun + 1 and i + 1 < len(tokens) and tokens[i + 1] in HAIR_COLOURS:
            continue
        if i == noun + 1 and not (word in LINKS or word.endswith("ly")):
            break
        if word == ",":
            break
        if word == "with" and not any(tokens[j] in STREAKS for j in found):
            break
        if word == "and" and not _is_modifier(tokens[i + 1] if i + 1 < len(tokens) else BOUNDARY):
            break
        if word in _ALL_COLOURS and not _colour_ends_phrase(tokens, i):
            break
        found.append(i)
    return found


def _colour_ends_phrase(tokens: list[str], i: int) -> bool:
    """Whether the colour at *i* describes what went before, not an unknown noun after it."""
    after = tokens[i + 1] if i + 1 < len(tokens) else BOUNDARY
    return after in {BOUNDARY, ","} or after in STOPS or after in LINKS or after == "and" or after in _ALL_COLOURS


def _claim(tokens: list[str], noun: int, left: list[int], right: list[int]) -> Claim:
    """Put the words around one noun in order."""
    before = [tokens[i] for i in reversed(left)]
    after = [tokens[i] for i in right]
    left_colours = [word for word in before if word in _ALL_COLOURS]
    if len(left_colours) > 1 and left_colours[0] in SHADES:
        left_colours.pop(0)
    right_colours = [word for word in after if word in _ALL_COLOURS and word not in SHADES - {"dark"}]
    streaked = bool(STREAKS & set(after))
    streak = right_colours[-1] if streaked and right_colours else None
    colours = left_colours or [colour for colour in right_colours if colour != streak]
    if not colours and streak is not None and {"going", "turning"} & set(after):
        colours, streak = [streak], None
    shade = next(
        (
            word
            for word, following in zip(before + after, (before + after)[1:], strict=False)
            if word in SHADES and following in _ALL_COLOURS
        ),
        None,
    )
    return Claim(
        kind=NOUNS[tokens[noun]],
        noun=tokens[noun],
        colours=tuple(colours),
        streak=streak,
        shade=shade,
        words=frozenset(before + after),
        negated=_negated_noun(tokens, noun, left),
    )


def _paired_with(tokens: list[str], noun: int, left: list[int]) -> str | None:
    """The joining word before the noun's phrase (``"and"``, ``"or"``, ``"nor"``, a comma), if any."""
    start = (left[-1] if left else noun) - 1
    return tokens[start] if start >= 0 and tokens[start] in {"and", "or", "nor", ","} else None


def _inherit(claim: Claim, before: Claim, joint: str) -> Claim:
    """What the second of two joined nouns takes over: hair's colour ("white beard and moustache"), absence."""
    hairy = {"hair", "beard", "moustache", "brows"}
    if joint == "and" and not claim.colours and {claim.area, before.area} <= hairy:
        claim = replace(claim, colours=before.colours, streak=before.streak, shade=before.shade)
    if joint in {"or", "nor", ","} and before.negated and not claim.words:
        claim = replace(claim, negated=True)
    return claim


def _negated_noun(tokens: list[str], noun: int, left: list[int]) -> bool:
    start = left[-1] if left else noun
    window = tokens[max(0, start - 3) : noun]
    for word in reversed(window):
        if word in {",", BOUNDARY, "and", "but"}:
            return False
        if word in NEGATIONS:
            return True
    return False


def _negated_word(tokens: list[str], i: int) -> bool:
    return bool(NEGATIONS & set(tokens[max(0, i - 2) : i]))


def _bare_clothes_colour(tokens: list[str], claimed: set[int]) -> str | None:
    """The colour in "dressed in (deep) green", "a woman in white", "in white cotton"."""
    for i, word in enumerate(tokens):
        if word not in {"in", "wearing", "wears"}:
            continue
        rest = [word for word in tokens[i + 1 : i + 5] if word not in {"a", "all", "nothing", "but", *SHADES}]
        if not rest or rest[0] not in COLOURS or i + 1 in claimed:
            continue
        tail = next((word for word in rest[1:] if word not in FABRICS), BOUNDARY)
        if tail in {",", BOUNDARY, "and"} or tail in STOPS:
            return rest[0]
    return None


def _gender(tokens: list[str], name: list[str]) -> str | None:
    """Man or woman, from titles in the name, pronouns and nouns; a possessive ("the king's ...") tells nothing."""
    score = 0.0
    for word in name:
        score += 3 * (word in FEMALE) - 3 * (word in MALE)
    weight = 3.0
    for i, word in enumerate(tokens):
        if word in FEMALE or word in MALE:
            if tokens[i - 1 : i] == ["of"] or tokens[i - 2 : i] == ["of", "the"]:
                continue
            score += weight if word in FEMALE else -weight
            weight = 0.5
    if "," in tokens or tokens:
        score += 2 * min(2, sum(word in {"she", "herself"} for word in tokens)) + 1.5 * ("her" in tokens)
        score -= 2 * min(2, sum(word in {"he", "himself"} for word in tokens)) + 1.5 * ("his" in tokens)
    if not score:
        dress = {"sari", "saree", "gown", "bindi", "skirt", "blouse", "choli", "bodice"} & set(tokens)
        manly = {"beard", "bearded", "moustache", "mustache", "goatee", "dhoti", "stubble"} & set(tokens)
        negated = {"no", "without"} & set(tokens)
        score = (1.0 if dress else 0.0) - (1.0 if manly and not negated else 0.0)
    return None if not score else ("f" if score > 0 else "m")


def _age(tokens: list[str], claimed: set[int]) -> str | None:
    """The age group, numbers before words."""
    number = _years(tokens)
    if number is not None:
        return "child" if number < 14 else "young" if number < 30 else "adult" if number < 58 else "old"
    words = {word for i, word in enumerate(tokens) if i not in claimed}
    if words & OLD or any(word == "old" and _speaks_of_person(tokens, i, claimed) for i, word in enumerate(tokens)):
        return "old"
    if words & {"middleaged", "adult"}:
        return "adult"
    if words & CHILD and not words & {"mother", "father", "king", "queen", "woman", "man"}:
        return "child"
    if words & YOUNG:
        return "young"
    return None


def _years(tokens: list[str]) -> int | None:
    for i, word in enumerate(tokens):
        if word in DECADES and {"his", "her", "their", "in", "late", "early", "mid"} & set(tokens[max(0, i - 3) : i]):
            return DECADES[word]
        value = int(word) if word.isdecimal() and len(word) < 5 else NUMBERS.get(word)
        if value is None or value > 999:
            continue
        tens = NUMBERS.get(tokens[i - 1], 0) if i else 0
        if tens >= 20 and value < 10:
            value += tens
        following = tokens[i + 1 : i + 3]
        if following[:1] in (["years"], ["year"]) and (following[1:] == ["old"] or "age" in tokens[i : i + 5]):
            return value
        if tokens[max(0, i - 1) : i] == ["aged"] or tokens[max(0, i - 2) : i] in (
            ["age", "of"],
            ["is", "about"],
        ):
            return value
        people = {"man", "woman", "lady", "gentleman", "boy", "girl", "person", "somebody", *FEMALE, *MALE}
        if tokens[i - 1 : i] == ["of"] and (set(tokens[max(0, i - 5) : i]) & people) and following[:1] != ["men"]:
            return value
    return None


def _speaks_of_person(tokens: list[str], i: int, claimed: set[int]) -> bool:
    """Whether the "old" at *i* is somebody's age and not that of a coat or a friend."""
    if i in claimed:
        return False
    people = FEMALE | MALE | {"person", "soldier", "teacher", "scholar", "villager", "farmer", "sailor"}
    after = tokens[i + 1 : i + 4]
    return not after or after[0] in {",", BOUNDARY, "and", "with", "but"} or bool(people & set(after))


KINDS: frozenset[str] = frozenset(FEATURES)
"""Every kind of claim a reading can hold."""
