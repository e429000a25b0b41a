"""What is plausible where nothing was said: the choices that a stable hash picks from. Data only."""

from __future__ import annotations

NATURAL_HAIR = (
    "black",
    "dark",
    "brown",
    "brunette",
    "chestnut",
    "auburn",
    "sandy",
    "darkblond",
    "blond",
    "ginger",
)
DARK_HAIR = ("black", "dark", "raven", "brunette")
CLOTH = ("red", "saffron", "mustard", "teal", "blue", "navy", "green", "maroon", "indigo", "coral", "plum", "olive",
          "turquoise", "rose", "cream", "charcoal", "terracotta", "purple")  # fmt: skip
SKINS = ("#f8dcc6", "#f3cba6", "#efc39a", "#d5a472", "#c98f60", "#a96f47", "#8a5a3c", "#6b4531")
HAIR_F = {
    "long": ("straight01", "straight02", "straightAndStrand", "longButNotTooLong"),
    "wavy": ("bigHair", "curvy", "straight01"),
    "curly": ("curly", "curvy", "bigHair"),
    "short": ("bob", "shortWaved", "shaggyMullet"),
    "any": ("straight01", "straight02", "straightAndStrand", "longButNotTooLong", "bob", "miaWallace", "bun", "curly",
            "bigHair", "curvy"),
}  # fmt: skip
HAIR_M = {
    "long": ("shaggyMullet", "longButNotTooLong", "straight02"),
    "wavy": ("shortWaved", "shaggy"),
    "curly": ("shortCurly", "dreads01"),
    "short": ("shortFlat", "theCaesar", "theCaesarAndSidePart", "shortRound"),
    "any": ("shortFlat", "shortRound", "shortWaved", "shortCurly", "theCaesar", "theCaesarAndSidePart", "shaggy"),
}  # fmt: skip
FLAT_HAIR = {
    "long": ("straight02", "straightAndStrand", "longButNotTooLong"),
    "short": ("theCaesar", "shortRound"),
}
COVERING = frozenset({"turban", "hijab", "hat", "winterHat03", "winterHat1"})
