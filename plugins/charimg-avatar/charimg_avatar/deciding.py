"""How a :class:`Look` is decided: from a reading and, for what nobody said, from a seed; pure.

What the description says wins; what follows from it (a king's crown, an old man's grey) comes next; the rest is
picked by a stable hash, so that the same character always looks the same, on every machine and Python.
"""

from __future__ import annotations

from charimg_avatar.look import Look
from charimg_avatar.palette import GROUNDS, NIGHTS, Dice, distance, mixed, rgb, shaded
from charimg_avatar.plausible import CLOTH, COVERING, DARK_HAIR, FLAT_HAIR, HAIR_F, HAIR_M, NATURAL_HAIR, SKINS
from charimg_avatar.reading import Claim, Reading, read
from charimg_avatar.vocabulary import (
    COLOURS,
    EXPRESSIONS,
    HAIR_COLOURS,
    PEOPLES,
    SETTINGS,
    SKIN_COLOURS,
)


def look_of(*, name: str, description: str, seed: str) -> Look:
    """Decide how the character *name* looks. *seed* is any text; another one changes only what is unsaid."""
    said = read(description, name)
    dice = Dice("\0".join((seed, name, description)))
    return _Painter(said, dice).look()


class _Painter:
    """One reading and one set of dice; each method decides one part."""

    def __init__(self, said: Reading, dice: Dice) -> None:
        self.said = said
        self.dice = dice
        self.words = said.words
        self.female = said.gender == "f" or (said.gender is None and dice.chance("gender", 0.5))
        self.age = said.age or dice.pick("age", ("young", "adult", "adult"))

    def look(self) -> Look:
        """All parts together."""
        skin = self.skin()
        headdress = self.headdress()
        hair_colour = self.hair_colour(skin)
        beard = self.beard()
        drape, drape_colour = self.drape()
        clothes, clothes_colour = self.clothes(drape_colour if drape == "sari" else None)
        headdress_colour = self.headdress_colour(
            headdress, drape_colour if drape in {"sari", "shawl"} else clothes_colour
        )
        hair = self.hair(headdress)
        eyebrows, eyes, mouth = self.expression()
        pattern, ground = self.backdrop((clothes_colour, headdress_colour if headdress else hair_colour, skin))
        return Look(
            skin=skin,
            hair=hair,
            hair_colour=hair_colour,
            beard=beard,
            beard_colour=self.beard_colour(hair_colour),
            glasses=self.glasses(),
            glasses_colour=self.cloth(self.said.first("glasses")) or "#2b2e33",
            headdress=headdress,
            headdress_colour=headdress_colour,
            clothes=clothes,
            clothes_colour=clothes_colour,
            graphic=self.graphic(),
            eyebrows=eyebrows,
            eyes=eyes,
            mouth=mouth,
            drape=drape,
            drape_colour=drape_colour,
            neck=self.neck(),
            earrings=self.said.first("ear") is not None,
            armour=any(claim.kind == "clothes:armour" and not claim.negated for claim in self.said.claims),
            marks=self.marks(),
            backdrop=pattern,
            backdrop_colours=ground,
        )

    def skin(self) -> str:
        for claim in self.said.claims:
            if claim.area != "skin" or claim.negated:
                continue
            literal = claim.noun in {"skin", "skinned"}
            tones = [
                SKIN_COLOURS.get(word) or COLOURS[word]
                for word in claim.colours or sorted(claim.words)
                if word in SKIN_COLOURS or (literal and word in COLOURS)
            ]
            if tones:
                tone = mixed(tones[-1], tones[-2], 0.4) if len(tones) > 1 else tones[0]
                return shaded(tone, claim.shade if claim.shade not in claim.colours else None)
        for word in ("wheatish", "dusky", "swarthy", "tanned", "pale", "fair", "ruddy"):
            if word in self.words:
                return SKIN_COLOURS[word]
        if self.words & {"robot", "android", "automaton", "cyborg"}:
            return "#b4c0c9"
        if self.words & {"goblin", "orc", "ogre", "troll"}:
            return "#8aa865"
        for tone, peoples in PEOPLES.items():
            if self.words & set(peoples):
                return shaded(tone, self.dice.pick("tone", (None, None, "soft", "deep")))
        return self.dice.pick("skin", SKINS)

    def headdress(self) -> str | None:
        heads = [claim for claim in self.said.claims if claim.area == "head" and not claim.negated]
        # What covers most is seen: a crown over a veil would hide neither, so the first of the strong ones counts.
        for claim in sorted(heads, key=lambda claim: claim.what == "flowers"):
            if claim.what == "cap":
                return "winterHat03" if claim.words & {"wool", "woollen", "woolly", "knitted"} else "turban"
            if claim.what == "flowers" and not self.wears_flowers():
                continue
            return claim.what
        if self.said.denies("head") or "bareheaded" in self.words:
            return None
        if self.words & {"king", "queen", "emperor", "empress", "maharaja"}:
            return "crown"
        if self.words & {"maharani", "princess", "rani"}:
            return "circlet"
        if self.words & {"wizard", "witch", "cowboy", "sorcerer"}:
            return "hat"
        if self.words & {"nun"}:
            return "hijab"
        return None

    def wears_flowers(self) -> bool:
        return self.female and bool({"hair", "braid", "bun", "plait", "head", "wreath", "gajra"} & self.words)

    def headdress_colour(self, headdress: str | None, clothes_colour: str) -> str:
        claim = next((c for c in self.said.claims if c.area == "head" and not c.negated and c.what != "flowers"), None)
        said = self.cloth(claim)
        if said is not None:
            return said
        if headdress in {"crown", "circlet"}:
            return COLOURS["gold"]
        if headdress == "helmet":
            return COLOURS["steel"]
        if headdress in {"veil", "hood"}:
            return clothes_colour
        return COLOURS[self.dice.pick("headdress colour", CLOTH)]

    def hair(self, headdress: str | None) -> str | None:
        if headdress in COVERING:
            return None
        claims = [claim for claim in self.said.claims if claim.area == "hair"]
        about = frozenset().union(*(claim.words | {claim.noun} for claim in claims if not claim.negated))
        loose = about | (self.words & {"bald", "balding", "receding", "curly", "tousled", "hairless", "tonsured"})
        if loose & {"tuft", "shikha", "tiki"}:
            return "tuft"
        if loose & {"bald", "hairless"} or any(claim.negated for claim in claims):
            sides = self.age == "old" and "shaven" not in self.words and self.dice.chance("sides", 0.5)
            return "sides" if sides or loose & {"fringe"} else None
        if loose & {"balding", "receding", "thinning", "tonsured"}:
            return "sides"
        if headdress in {"crown", "helmet", "circlet", "hood"}:
            if headdress in {"hood", "helmet"} and not self.female and "long" not in loose:
                return None
            return self.dice.pick("hair", FLAT_HAIR["long" if self.female or "long" in loose else "short"])
        if headdress == "veil":
            return "straightAndStrand"
        return self.hair_form(loose)

    def hair_form(self, about: frozenset[str]) -> str:
        """The hairstyle for the words said of the hair."""
        table = HAIR_F if self.female else HAIR_M
        exact: tuple[tuple[set[str], str | tuple[str, ...]], ...] = (
            ({"bun", "topknot", "chignon", "coiled", "knot"}, "bun"),
            ({"dreadlocks", "dreads", "cornrows"}, "dreads" if self.female or "long" in about else "dreads01"),
            ({"afro", "kinky", "frizzy"}, "fro" if self.female or "short" not in about else "dreads01"),
            ({"mohawk", "quiff", "undercut"}, "frizzle" if not self.female else "shavedSides"),
            ({"braid", "braids", "braided", "plait", "plaits", "plaited"}, ("braid",)),
            ({"bob", "bobbed", "chin"}, ("bob", "miaWallace")),
            ({"bangs", "fringe"}, ("miaWallace", "straightAndStrand") if self.female else ("shortRound",)),
            ({"mullet"}, "shaggyMullet"),
            ({"crewcut", "buzzed", "stubbled"}, "theCaesar"),
            ({"ponytail", "pigtails"}, ("straight01",) if self.female else ("bun",)),
            ({"wild", "tousled", "messy", "unruly", "unkempt", "shaggy", "spiky", "untidy", "tangled", "windswept"},
             ("bigHair", "curvy") if self.female else ("shaggy", "dreads02")),
        )  # fmt: skip
        for words, forms in exact:
            if words & about:
                return forms if isinstance(forms, str) else self.dice.pick("hair", forms)
        long = bool(about & {"long", "flowing", "waist", "shoulder", "tresses", "mane", "loose", "falling", "hip"})
        short = bool(about & {"short", "cropped", "shorn", "cut", "pixie", "trimmed", "close"})
        curly = bool(about & {"curly", "curls", "curl", "ringlets"})
        wavy = bool(about & {"wavy", "waves", "waved", "flowing"})
        if curly and short:
            return "shortCurly"
        if curly:
            return self.dice.pick("hair", ("curvy", "bigHair") if long else table["curly"])
        if wavy:
            return self.dice.pick("hair", ("bigHair", "curvy") if long else table["wavy"])
        if long:
            return self.dice.pick("hair", table["long"])
        if short:
            return self.dice.pick("hair", table["short"])
        if self.female and self.age == "old":
            return self.dice.pick("hair", ("bun", "bun", "bob", "longButNotTooLong"))
        if not self.female and self.age == "old":
            return self.dice.pick("hair", ("sides", "shortFlat", "theCaesar", "shortWaved"))
        return self.dice.pick("hair", table["any"])

    def hair_colour(self, skin: str) -> str:
        claims = [claim for claim in self.said.claims if claim.area == "hair" and not claim.negated]
        for claim in claims:
            if (colour := _hairy(claim)) is not None:
                return colour
        for word in ("greying", "graying", "saltpepper", "grizzled", "hoary"):
            if word in self.words or any(word in claim.words for claim in claims):
                return HAIR_COLOURS[word]
        for word in ("blonde", "blond", "redhead", "brunette"):
            if word in self.words:
                return HAIR_COLOURS["red" if word == "redhead" else word]
        beard = self.said.first("beard") or self.said.first("moustache")
        if beard is not None and (colour := _hairy(beard)) is not None:
            return colour
        if self.age == "old":
            return HAIR_COLOURS[self.dice.pick("hair colour", ("white", "grey", "silver", "saltpepper"))]
        red, green, blue = rgb(skin)
        dark = red + green + blue < 1.95
        return HAIR_COLOURS[self.dice.pick("hair colour", DARK_HAIR if dark else NATURAL_HAIR)]

    def beard(self) -> str | None:
        beard, moustache = self.said.first("beard"), self.said.first("moustache")
        if beard is not None:
            about = beard.words | {beard.noun}
            if about & {"stubble", "short", "trimmed", "goatee", "cropped", "neat", "pointed", "sideburns", "close",
                        "thin", "wispy", "small", "little"}:  # fmt: skip
                return "beardLight"
            long = about & {"long", "flowing", "bushy", "full", "great", "majestic", "thick", "big", "huge", "wild",
                            "braided"}  # fmt: skip
            return "beardMajestic" if long else "beardMedium"
        if moustache is not None:
            thin = {"thin", "fine", "pencil", "waxed", "curled", "twirled", "handlebar", "fancy", "curling", "upturned",
                    "pointed", "elegant", "twisted", "long", "drooping"}  # fmt: skip
            return "moustacheFancy" if (moustache.words | {moustache.noun}) & thin else "moustacheMagnum"
        shaven = self.words & {"cleanshaven", "beardless", "shaven"} or self.said.denies("beard")
        if shaven or self.female or self.age in {"child", "young"} or self.said.denies("moustache"):
            return None
        if self.words & {"wizard", "dwarf", "hermit"}:
            return "beardMajestic"
        if self.said.gender == "m" and self.dice.chance("beard", 0.3):
            return self.dice.pick(
                "beard form", ("beardLight", "beardMedium", "moustacheMagnum", "moustacheFancy", "beardLight")
            )
        return None

    def beard_colour(self, hair_colour: str) -> str:
        for area in ("beard", "moustache"):
            claim = self.said.first(area)
            if claim is not None and (colour := _hairy(claim)) is not None:
                return colour
        return hair_colour

    def glasses(self) -> str | None:
        claim = self.said.first("glasses")
        if claim is None:
            return None
        if claim.words & {"round", "wire", "rimmed", "small", "half", "moon", "thin", "steel"}:
            return "round" if claim.what != "sunglasses" else "kurt"
        if claim.words & {"thick", "heavy", "horn"}:
            return "prescription01"
        return claim.what

    def clothes(self, sari: str | None) -> tuple[str | None, str]:
        claims = [claim for claim in self.said.claims if claim.area == "clothes" and not claim.negated]
        lower = self.said.first("lower")
        claim = next((c for c in claims if c.what != "sari"), None)
        form = claim.what if claim is not None else self.default_clothes()
        if claim is not None and claim.what == "armour":
            form = "shirtCrewNeck"
        if claim is not None and claim.what in {"shirtCrewNeck", "collarAndSweater"} and self.female:
            form = claim.what if claim.noun not in {"blouse", "clothes", "silks", "finery"} else "shirtScoopNeck"
        if sari is not None:
            return "shirtScoopNeck", self.cloth(claim) or _blouse(sari)
        if "barechested" in self.words and not self.female and claim is None:
            return None, COLOURS["cream"]
        colour = self.cloth(claim)
        if colour is None and self.said.clothes_colour is not None:
            colour = COLOURS[self.said.clothes_colour]
        if colour is None and any(c.what == "armour" for c in claims):
            colour = COLOURS["steel"]
        if colour is None and claim is not None and claim.noun == "labcoat":
            colour = COLOURS["white"]
        if colour is None and lower is not None and claim is None:
            colour = self.cloth(lower)
        if colour is None and (drape := self.said.first("drape")) is not None and drape.noun in {"cloak", "cloaked"}:
            base = self.cloth(drape)
            colour = shaded(base, "dark") if base else None
        return form, colour or COLOURS[self.dice.pick("clothes colour", CLOTH)]

    def default_clothes(self) -> str:
        if self.words & {
            "king",
            "maharaja",
            "wizard",
            "priest",
            "monk",
            "sage",
            "queen",
            "brahmin",
            "pandit",
        }:
            return "shirtScoopNeck" if self.female else "shirtVNeck"
        if self.words & {"engineer", "mechanic", "farmer"} and self.said.first("lower") is None:
            return "overall"
        if self.words & {"detective", "professor", "lawyer", "banker", "butler", "doctor"}:
            return "blazerAndShirt"
        if self.said.first("lower") is not None:
            return "shirtVNeck"
        options = ("shirtScoopNeck", "shirtCrewNeck", "shirtVNeck") if self.female else (
            "shirtCrewNeck", "shirtVNeck", "collarAndSweater")  # fmt: skip
        return self.dice.pick("clothes", options)

    def graphic(self) -> str:
        said = {
            "skull": "skull",
            "bear": "bear",
            "bat": "bat",
            "deer": "deer",
            "diamond": "diamond",
            "pizza": "pizza",
        }
        shirt = self.said.first("clothes")
        words = self.words | (shirt.words if shirt is not None else frozenset())
        return next((said[word] for word in sorted(words & said.keys())), "diamond")

    def drape(self) -> tuple[str | None, str]:
        sari = next((c for c in self.said.claims if c.kind == "clothes:sari" and not c.negated), None)
        if sari is not None:
            colour = self.cloth(sari) or (COLOURS[self.said.clothes_colour] if self.said.clothes_colour else None)
            return "sari", colour or COLOURS[self.dice.pick("sari colour", CLOTH)]
        claim = self.said.first("drape")
        if claim is None:
            return None, COLOURS["cream"]
        thread = "cream" if claim.noun == "janeu" else self.dice.pick("drape colour", CLOTH)
        return claim.what, self.cloth(claim) or COLOURS[thread]

    def neck(self) -> str | None:
        claim = self.said.first("neck")
        return claim.what if claim is not None else None

    def marks(self) -> tuple[str, ...]:
        marks = {claim.what for claim in self.said.claims if claim.area == "mark" and not claim.negated}
        if self.age == "old" and not self.said.denies("mark"):
            marks.add("wrinkles")
        return tuple(sorted(marks))

    def expression(self) -> tuple[str, str, str]:
        every = self.words | frozenset().union(
            *(c.words for c in self.said.claims if c.area in {"eyes", "skin", "brows"})
        )
        for _, words, faces in EXPRESSIONS:
            if every & set(words):
                return faces
        return self.dice.pick(
            "face",
            (
                ("default", "default", "smile"),
                ("defaultNatural", "default", "twinkle"),
                ("defaultNatural", "default", "smile"),
                ("raisedExcitedNatural", "default", "twinkle"),
                ("default", "happy", "twinkle"),
                ("flatNatural", "default", "twinkle"),
            ),
        )

    def backdrop(self, garments: tuple[str, ...]) -> tuple[str, tuple[str, str]]:
        """A pattern that fits the words and a ground on which these colours stand out."""
        pattern = next((pattern for pattern, words in SETTINGS.items() if self.words & set(words)), None)
        if pattern is None:
            pattern = self.dice.pick("backdrop", ("rays", "rings", "dots", "sun", "arch"))
        grounds = NIGHTS if pattern == "stars" else GROUNDS
        clear = sorted(grounds, key=lambda ground: min(distance(ground[0], colour) for colour in garments))
        return pattern, self.dice.pick("ground", clear[-(len(clear) + 1) // 2 :])

    def cloth(self, claim: Claim | None) -> str | None:
        """The colour said of a thing that is not hair or skin."""
        if claim is None:
            return None
        for word in claim.colours:
            if word in COLOURS:
                return shaded(COLOURS[word], claim.shade)
        return None


def _hairy(claim: Claim) -> str | None:
    """The colour said of hair or a beard, streaks mixed in."""
    for word in claim.colours:
        base = HAIR_COLOURS.get(word) or COLOURS.get(word)
        if base is None or (word == "light" and len(claim.colours) > 1):
            continue
        base = shaded(base, claim.shade if claim.shade != word else None)
        return (
            mixed(base, HAIR_COLOURS.get(claim.streak, COLOURS.get(claim.streak, base)), 0.45) if claim.streak else base
        )
    if claim.streak:
        return mixed(HAIR_COLOURS["dark"], HAIR_COLOURS.get(claim.streak, "#8f8f92"), 0.5)
    return None


def _blouse(sari: str) -> str:
    """A blouse to go with a sari: deeper in colour, or a warm off-white with white."""
    light = sum(rgb(sari)) / 3
    return mixed(sari, "#b9a88f", 0.3) if light > 0.8 else shaded(sari, "dark")
