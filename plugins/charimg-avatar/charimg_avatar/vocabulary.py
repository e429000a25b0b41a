"""The words an illustrator's description uses, sorted by what they tell; data only.

A *feature noun* is a word that owns the adjectives around it (``beard`` in "a long white beard"). Its kind
has the form ``area`` or ``area:what``; :mod:`charimg_avatar.reading` finds which words belong to which noun
and :mod:`charimg_avatar.deciding` decides what is drawn.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    """The words of a spaced list."""
    return frozenset(text.split())


PHRASES: dict[str, str] = {
    "salt and pepper": "saltpepper",
    "pepper and salt": "saltpepper",
    "clean shaven": "cleanshaven",
    "clean shaved": "cleanshaven",
    "smooth shaven": "cleanshaven",
    "close shaven": "cleanshaven",
    "shaved head": "bald",
    "shaven head": "bald",
    "shaven headed": "bald",
    "shaved bald": "bald",
    "head is shaved": "bald",
    "head shaved": "bald",
    "bald head": "bald",
    "bald headed": "bald",
    "bald pate": "bald",
    "bare headed": "bareheaded",
    "bare head": "bareheaded",
    "bare chested": "barechested",
    "bare chest": "barechested",
    "middle aged": "middleaged",
    "in his prime": "adult",
    "in her prime": "adult",
    "olive drab": "olivegreen",
    "over her head": "overhead",
    "over his head": "overhead",
    "covers her head": "overhead",
    "covering her head": "overhead",
    "on her head": "overhead",
    "eye patch": "eyepatch",
    "patch over one eye": "eyepatch",
    "patch over his": "eyepatch",
    "patch over her": "eyepatch",
    "sun glasses": "sunglasses",
    "dark glasses": "sunglasses",
    "t shirt": "tshirt",
    "tee shirt": "tshirt",
    "v neck": "vneck",
    "double breasted": "formal",
    "three piece": "formal",
    "lab coat": "labcoat",
    "laboratory coat": "labcoat",
    "space suit": "spacesuit",
    "flight suit": "jumpsuit",
    "pressure suit": "spacesuit",
    "boiler suit": "overalls",
    "dressing gown": "robe",
    "chain mail": "chainmail",
    "top knot": "topknot",
    "top hat": "hat",
    "head scarf": "headscarf",
    "head cloth": "turban",
    "skull cap": "skullcap",
    "goatee beard": "goatee",
    "handle bar": "handlebar",
    "side burns": "sideburns",
    "side whiskers": "sideburns",
    "crow's feet": "wrinkles",
    "laugh lines": "wrinkles",
    "rosary beads": "beads",
    "prayer beads": "beads",
    "tulsi beads": "beads",
    "old fashioned": "quaint",
    "sandal paste": "tilak",
    "sandalwood paste": "tilak",
    "rag round his head": "turban",
    "cloth round his head": "turban",
    "towel round his head": "turban",
    "hat hanging": "luggage",
    "hat in hand": "luggage",
    "hat in his hand": "luggage",
    "goggles pushed up": "luggage",
    "peacock blue": "peacock",
    "tied in a knot": "topknot",
    "knotted on top": "topknot",
    "wide eyed": "startled",
    "sacred thread": "janeu",
    "raised eyebrow": "sceptical",
    "one eyebrow raised": "sceptical",
    "gap toothed": "grinning",
    "sky blue": "skyblue",
    "navy blue": "navy",
    "royal blue": "royalblue",
    "midnight blue": "midnight",
    "sea green": "seagreen",
    "olive green": "olivegreen",
    "bottle green": "bottlegreen",
    "forest green": "bottlegreen",
    "emerald green": "emerald",
    "parrot green": "parrotgreen",
    "blood red": "crimson",
    "brick red": "brick",
    "off white": "cream",
    "snow white": "white",
    "jet black": "black",
    "coal black": "black",
    "raven black": "black",
    "mouse brown": "brown",
    "strawberry blonde": "ginger",
    "strawberry blond": "ginger",
    "dirty blonde": "darkblond",
    "dirty blond": "darkblond",
    "dark blonde": "darkblond",
    "dark blond": "darkblond",
    "fire red": "scarlet",
}
"""Words that mean something only together, written as one token; hyphens count as spaces."""

COLOURS: dict[str, str] = {
    "white": "#f4f1ea",
    "ivory": "#f3ead3",
    "cream": "#f2e6c9",
    "pearl": "#ece7df",
    "undyed": "#e9dcc0",
    "beige": "#ddc9a3",
    "sand": "#d8c094",
    "khaki": "#b5a36f",
    "tan": "#c69c6d",
    "fawn": "#c8a878",
    "brown": "#7b4f2f",
    "chestnut": "#7a3f24",
    "russet": "#9a4a26",
    "rust": "#b0522a",
    "rusty": "#b0522a",
    "copper": "#b96a3b",
    "bronze": "#a9743a",
    "brass": "#c59b43",
    "gold": "#e0ae37",
    "golden": "#e0ae37",
    "yellow": "#f2c53d",
    "mustard": "#d7a02b",
    "turmeric": "#e6a21f",
    "lemon": "#f6de5c",
    "marigold": "#f0a01f",
    "ochre": "#cc8a2e",
    "amber": "#e39b2d",
    "honey": "#d99a3d",
    "saffron": "#f08c1d",
    "orange": "#ec7a1c",
    "apricot": "#f4ab72",
    "peach": "#f6b892",
    "coral": "#ee7763",
    "salmon": "#f0907c",
    "vermilion": "#dc4326",
    "scarlet": "#d6322c",
    "red": "#c8322f",
    "crimson": "#a81f36",
    "ruby": "#a3193c",
    "brick": "#a5472f",
    "terracotta": "#bf6a45",
    "maroon": "#6f1f2b",
    "burgundy": "#6d1d36",
    "wine": "#6d1d36",
    "rose": "#d9627f",
    "pink": "#ee8fae",
    "magenta": "#c22c83",
    "fuchsia": "#c22c83",
    "mauve": "#a888b5",
    "lilac": "#b79bd0",
    "lavender": "#b6a3da",
    "violet": "#7649ab",
    "purple": "#6d3a96",
    "plum": "#6a2e5d",
    "aubergine": "#4a2344",
    "indigo": "#3d3a8c",
    "midnight": "#1f2a4d",
    "navy": "#22335e",
    "royalblue": "#2c56b0",
    "cobalt": "#2450a8",
    "sapphire": "#2450a8",
    "blue": "#3a6fb7",
    "azure": "#4c9bdc",
    "skyblue": "#7cbce6",
    "cyan": "#35b3c7",
    "turquoise": "#35aca6",
    "aqua": "#54bdb8",
    "teal": "#1f7a7c",
    "peacock": "#1c6e8c",
    "seagreen": "#3f9d80",
    "jade": "#3d9b74",
    "emerald": "#1f8a58",
    "green": "#3e8e4f",
    "parrotgreen": "#5fae3b",
    "bottlegreen": "#1f4f3a",
    "mossy": "#6f7d3c",
    "moss": "#6f7d3c",
    "olive": "#7c7a3c",
    "olivegreen": "#6c7040",
    "lime": "#a0c63f",
    "mint": "#97d3b3",
    "sage": "#9caf88",
    "silver": "#b9c1c9",
    "silvery": "#c3cad0",
    "steel": "#8b98a5",
    "iron": "#6d7780",
    "pewter": "#8a8f93",
    "ash": "#a8a8a4",
    "ashen": "#b7b3ac",
    "slate": "#5b6a78",
    "grey": "#8c9196",
    "gray": "#8c9196",
    "charcoal": "#3c4147",
    "black": "#26262b",
    "ebony": "#2c2320",
    "sable": "#2c2320",
    "rainbow": "#e0588a",
}
"""Colours of cloth and things, tuned to sit together in flat drawing."""

HAIR_COLOURS: dict[str, str] = {
    "black": "#241a18",
    "raven": "#1d171b",
    "ebony": "#241a18",
    "dark": "#2e201b",
    "brown": "#5a3825",
    "brunette": "#4a2f22",
    "chestnut": "#6d3b23",
    "mahogany": "#5a2b1f",
    "hazel": "#7a5230",
    "auburn": "#8a3a1f",
    "red": "#b5441c",
    "ginger": "#cc6a2b",
    "copper": "#b8552a",
    "orange": "#cf6420",
    "fiery": "#c24a1b",
    "flame": "#c24a1b",
    "russet": "#9a4420",
    "rust": "#a04a22",
    "henna": "#a8451f",
    "hennaed": "#a8451f",
    "sandy": "#b98a56",
    "sand": "#b98a56",
    "darkblond": "#a67c45",
    "honey": "#c38f45",
    "straw": "#dcb567",
    "fair": "#d9b36a",
    "blond": "#e0bd6e",
    "blonde": "#e0bd6e",
    "flaxen": "#e6cb86",
    "golden": "#dbab48",
    "gold": "#dbab48",
    "yellow": "#e3bd55",
    "platinum": "#ece0c0",
    "grey": "#8f8f92",
    "gray": "#8f8f92",
    "greying": "#6d6767",
    "graying": "#6d6767",
    "saltpepper": "#7b787a",
    "grizzled": "#7b787a",
    "steel": "#8c949c",
    "iron": "#74797f",
    "ash": "#a5a19b",
    "silver": "#c2c6cb",
    "silvery": "#c2c6cb",
    "white": "#efece6",
    "snowy": "#f3f1ec",
    "hoary": "#e6e3dd",
}
"""Colours of hair and beards where they differ from those of cloth ("red hair" is not scarlet)."""

SKIN_COLOURS: dict[str, str] = {
    "porcelain": "#fbe3d3",
    "pale": "#f8dcc6",
    "white": "#f8dcc6",
    "milky": "#f8dcc6",
    "pallid": "#f1dccb",
    "ashen": "#ddd0c4",
    "fair": "#f3cba6",
    "light": "#efc39a",
    "ivory": "#f5d6b4",
    "rosy": "#f3bfa3",
    "ruddy": "#e8a583",
    "pink": "#f3bfa3",
    "peaches": "#f5cdb0",
    "sallow": "#e3c193",
    "golden": "#dfa868",
    "honey": "#d8a266",
    "wheatish": "#d5a472",
    "wheat": "#d5a472",
    "wheaten": "#d5a472",
    "olive": "#d2a475",
    "tan": "#c98f60",
    "tanned": "#c98f60",
    "sunburnt": "#cf8a62",
    "sunburned": "#cf8a62",
    "swarthy": "#b07a4f",
    "bronze": "#b9794a",
    "bronzed": "#b9794a",
    "copper": "#b8703f",
    "coppery": "#b8703f",
    "caramel": "#b87d4d",
    "cinnamon": "#a9693f",
    "dusky": "#94603f",
    "brown": "#a96f47",
    "nut": "#9a643f",
    "chestnut": "#8d5737",
    "chocolate": "#74482f",
    "mahogany": "#6e412b",
    "dark": "#7a4d34",
    "black": "#5b3a2a",
    "ebony": "#4f3226",
    "umber": "#6b4632",
}
"""Colours of skin; any word of :data:`COLOURS` not listed here ("green skin") is taken literally."""

SHADES: frozenset[str] = frozenset(
    {"dark", "deep", "light", "pale", "bright", "dull", "faded", "dusty", "soft", "vivid"}
)
"""Words that change the colour after them; some are also colours of hair or skin."""

PEOPLES: dict[str, tuple[str, ...]] = {
    "#f3cba6": ("scandinavian", "nordic", "norse", "viking", "celtic", "irish", "scottish", "english", "dutch",
                "german", "russian", "polish", "french", "european", "elf", "elven", "elvish", "vampire"),
    "#efc39a": ("japanese", "korean", "chinese", "mongolian", "samurai", "geisha"),
    "#d2a475": ("arab", "persian", "turkish", "greek", "italian", "spanish", "mediterranean", "egyptian",
                "mexican", "moroccan", "mughal", "afghan", "pathan"),
    "#b98055": ("indian", "bengali", "bangladeshi", "pakistani", "nepali", "punjabi", "rajput", "hindu",
                "filipino", "indonesian", "malay", "polynesian", "maori", "brahmin", "pandit", "zamindar",
                "maharaja", "maharani", "raja", "rani", "sari", "saree", "dhoti", "kurta", "sherwani", "tilak",
                "bindi", "sindoor", "salwar", "lungi", "nawab", "turban", "turbaned"),
    "#8a5a3c": ("tamil", "ethiopian", "somali", "dravidian", "aboriginal"),
    "#6b4531": ("african", "nigerian", "ghanaian", "kenyan", "sudanese", "jamaican", "haitian", "zulu",
                "senegalese", "yoruba"),
}  # fmt: skip
"""Skin for words that tell where somebody is from, used only when no word says the skin itself."""

FEATURES: dict[str, tuple[str, ...]] = {
    "hair": ("hair", "haired", "locks", "mane", "tresses", "ringlets", "curls", "tuft", "bun", "topknot",
             "chignon", "braid", "braids", "braided", "plait", "plaits", "plaited", "ponytail", "pigtails", "bob",
             "dreadlocks", "dreads", "afro", "mohawk", "mullet", "quiff", "fringe", "bangs", "crewcut", "shikha",
             "tiki", "cornrows", "undercut", "curl"),
    "beard": ("beard", "bearded", "goatee", "stubble", "whiskers", "sideburns"),
    "moustache": ("moustache", "mustache", "moustached", "moustachioed", "mustachioed", "moustaches", "handlebar"),
    "brows": ("eyebrows", "brows", "eyebrow", "brow"),
    "eyes": ("eyes", "eyed", "eye", "gaze"),
    "skin": ("skin", "skinned", "complexion", "complexioned", "face", "faced", "cheeks"),
    "glasses:prescription02": ("glasses", "spectacles", "bespectacled", "eyeglasses", "specs"),
    "glasses:round": ("pince", "lorgnette", "monocle"),
    "glasses:sunglasses": ("sunglasses", "shades", "visor", "goggles"),
    "glasses:eyepatch": ("eyepatch",),
    "head:turban": ("turban", "turbaned", "turbanned", "pagri", "pugree", "pagree", "safa", "dastar"),
    "head:hijab": ("hijab", "wimple", "headscarf", "kerchief", "headcloth", "babushka", "keffiyeh"),
    "head:veil": ("veil", "veiled", "dupatta", "ghoonghat", "mantilla", "overhead"),
    "head:hood": ("hood", "hooded", "cowl", "cowled"),
    "head:crown": ("crown", "crowned", "mukut", "diadem", "tiara"),
    "head:circlet": ("circlet", "coronet", "headband", "fillet"),
    "head:helmet": ("helmet", "helm", "helmeted", "morion"),
    "head:hat": ("hat", "fedora", "bonnet", "sombrero", "stetson", "bowler", "tricorn", "tricorne", "boater"),
    "head:cap": ("cap", "skullcap", "topi", "fez", "taqiyah", "kufi", "beret", "kippah"),
    "head:winterHat03": ("beanie", "toque", "tuque"),
    "head:winterHat1": ("ushanka",),
    "head:flowers": ("flower", "flowers", "blossoms", "wreath", "gajra"),
    "clothes:blazerAndShirt": ("suit", "blazer", "jacket", "coat", "overcoat", "tuxedo", "waistcoat", "vest",
                               "frockcoat", "labcoat", "trenchcoat", "greatcoat", "doublet", "bolero", "achkan",
                               "sherwani"),
    "clothes:blazerAndSweater": ("cardigan", "parka", "anorak", "bathrobe"),
    "clothes:collarAndSweater": ("shirt", "blouse", "uniform", "jumpsuit", "spacesuit", "sweater", "jumper",
                                 "pullover", "scrubs", "polo", "kurta", "kurti", "panjabi", "kameez", "livery"),
    "clothes:hoodie": ("hoodie", "sweatshirt"),
    "clothes:overall": ("overalls", "overall", "dungarees", "apron", "pinafore"),
    "clothes:graphicShirt": ("tshirt", "tee"),
    "clothes:shirtVNeck": ("robe", "robes", "robed", "tunic", "vneck", "kimono", "caftan", "kaftan", "toga",
                           "jama", "angarkha", "vestments", "habit", "cassock", "yukata", "surcoat", "smock"),
    "clothes:shirtScoopNeck": ("dress", "gown", "frock", "bodice", "choli", "top", "sundress", "anarkali",
                               "lehenga", "corset"),
    "clothes:sari": ("sari", "saree", "saris"),
    "clothes:armour": ("armour", "armor", "armoured", "armored", "breastplate", "cuirass", "chainmail", "mail",
                       "plate"),
    "clothes:shirtCrewNeck": ("clothes", "clothing", "garments", "garment", "outfit", "costume", "attire", "garb",
                              "rags", "finery", "silks", "sweats"),
    "lower": ("dhoti", "lungi", "trousers", "pants", "jeans", "skirt", "breeches", "leggings", "shorts", "kilt",
              "loincloth", "pyjamas", "salwar"),
    "drape:shawl": ("shawl", "chador", "uttariya", "chadar", "angavastra", "gamcha", "gamchha", "stole", "plaid",
                    "cloak",
                    "cloaked", "cape", "mantle", "poncho", "wrap"),
    "drape:scarf": ("scarf", "muffler", "cravat", "neckerchief", "bandana", "ruff"),
    "drape:sash": ("sash", "baldric", "bandolier"),
    "drape:thread": ("janeu",),
    "neck:necklace": ("necklace", "chain", "pendant", "medallion", "amulet", "torc"),
    "neck:pearls": ("pearls",),
    "neck:beads": ("beads", "mala", "rosary", "rudraksha"),
    "neck:garland": ("garland", "lei"),
    "ear": ("earring", "earrings", "jhumka", "studs"),
    "mark:bindi": ("bindi", "teep", "sindoor", "vermilion-mark"),
    "mark:tilak": ("tilak", "tilaka", "sandalwood", "forehead"),
    "mark:freckles": ("freckles", "freckled"),
    "mark:scar": ("scar", "scarred", "scars"),
    "mark:wrinkles": ("wrinkles", "wrinkled", "lined"),
    "mark:mole": ("mole", "beauty-spot"),
}  # fmt: skip
"""Feature nouns by kind."""

NOUNS: dict[str, str] = {word: kind for kind, words in FEATURES.items() for word in words}
"""Each feature noun's kind."""

STOPS: frozenset[str] = _words(
    "a an the his her their its my your this that these those with in of on over under at from to for by about "
    "wearing wears wear wore has have had having is are was were be being who whose which while as but or nor like "
    "dressed clad draped wrapped carries carrying holds holding always never no not without he she they it into "
    "across around beneath behind above below against between through holding hung keeps"
)
"""Words no adjective reaches across on its way to the noun it belongs to."""

LINKS: frozenset[str] = _words(
    "is are was were streaked shot flecked tinged touched peppered tipped with of turning turned gone going dyed "
    "tinted tied worn drawn cut pulled piled oiled combed in into as the colour color braided plaited cropped "
    "slicked back falling hanging down to up neatly gathered coiled swept parted left loose long short white grey "
    "gray just already almost all now quite very"
)
"""Words that carry a description on to the right of its noun ("hair *streaked with* grey")."""

STREAKS: frozenset[str] = _words("streaked shot flecked tinged touched peppered tipped turning going streaks strands")
"""Words after which a second colour is mixed into the first."""

FABRICS: frozenset[str] = _words(
    "silk silks cotton wool linen leather velvet satin muslin brocade homespun lace denim tweed fur khadi "
    "fine plain simple rich rough"
)
"""Materials, which may stand between a colour and the end of "dressed in ...": "in white cotton"."""

NEGATIONS: frozenset[str] = _words("no not without never nor neither lacks lacking minus hardly")
"""Words that take the noun after them away."""

FEMALE: frozenset[str] = _words(
    "woman women girl lady queen princess mother grandmother grandma granny wife widow daughter sister aunt auntie "
    "niece maid maiden priestess witch sorceress empress duchess baroness countess goddess nun bride actress heroine "
    "seamstress washerwoman milkmaid maharani rani begum female crone matron mistress waitress landlady "
    "huntress mrs miss ms madam hostess stepmother fishwife bai devi didi thakuma shieldmaiden mermaid"
)
"""Nouns for women and girls."""

MALE: frozenset[str] = _words(
    "man men boy gentleman king prince father grandfather grandpa husband widower son brother uncle nephew priest "
    "wizard sorcerer emperor duke baron count god monk groom hero lord sir mr maharaja raja nawab sultan zamindar "
    "barber blacksmith fisherman brahmin pandit fellow guy lad male youth knight swordsman bodyguard constable "
    "landlord huntsman woodsman footman wrestler sage hermit friar dwarf minister astrologer moneylender merchant "
    "jester courtier headman watchman"
)
"""Nouns for men and boys, and callings that old stories give to men unless they say otherwise."""

CHILD: frozenset[str] = _words(
    "boy girl child kid toddler baby infant schoolboy schoolgirl lad lass urchin pupil children"
)
YOUNG: frozenset[str] = _words("young youth youthful teen teenage teenager adolescent maiden bride student apprentice")
OLD: frozenset[str] = _words(
    "elderly aged ancient grandmother grandfather grandma grandpa granny crone octogenarian venerable thakuma "
    "wizened aging ageing octogenarian patriarch matriarch"
)
DECADES: dict[str, int] = {
    "teens": 15, "twenties": 25, "thirties": 35, "forties": 45, "fifties": 55, "sixties": 65, "seventies": 75,
    "eighties": 85, "nineties": 92,
}  # fmt: skip
_UP_TO_TWENTY = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
NUMBERS: dict[str, int] = {word: number for number, word in enumerate(_UP_TO_TWENTY)} | {
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
"""Numbers people write out in an age."""

EXPRESSIONS: tuple[tuple[str, tuple[str, ...], tuple[str, str, str]], ...] = (
    ("wink", ("wink", "winking", "winks", "rogue", "roguish", "cheeky", "mischievous", "impish", "playful",
              "prankster"),
     ("upDownNatural", "wink", "smile")),
    ("laugh", ("laughing", "laughs", "jolly", "jovial", "merry", "laughter", "gleeful", "beaming", "joyful"),
     ("raisedExcitedNatural", "happy", "smile")),
    ("sly", ("sly", "cunning", "crafty", "shrewd", "scheming", "shifty", "suspicious", "conniving", "wily", "smirk",
             "smirking", "smug", "greedy", "miserly", "haughty", "envious", "jealous", "sneaky"),
     ("upDown", "side", "twinkle")),
    ("angry", ("angry", "furious", "fierce", "scowling", "scowl", "glaring", "fuming", "frowning", "frown", "menacing",
               "wrathful", "villain", "glowering", "irritable", "cross"),
     ("angryNatural", "squint", "serious")),
    ("stern", ("stern", "serious", "grim", "severe", "solemn", "strict", "dour", "determined", "grave", "stoic",
               "dignified", "proud", "imposing", "brooding", "resolute", "battle", "hard"),
     ("flatNatural", "default", "serious")),
    ("sad", ("sad", "melancholy", "mournful", "sorrowful", "gloomy", "weary", "tired", "forlorn", "grieving",
             "wistful"),
     ("sadConcernedNatural", "default", "sad")),
    ("worried", ("worried", "anxious", "nervous", "frightened", "timid", "fearful", "scared", "shy", "harried",
                 "henpecked", "meek"),
     ("sadConcerned", "default", "twinkle")),
    ("surprised", ("surprised", "astonished", "startled", "amazed", "wonder", "gullible", "bewildered", "huge",
                   "bulging"),
     ("raisedExcited", "surprised", "disbelief")),
    ("sceptical", ("sceptical", "skeptical", "doubtful", "quizzical", "ironic", "wry", "sardonic", "knowing", "clever",
                   "witty", "curious", "puzzled", "sharp"),
     ("upDown", "default", "twinkle")),
    ("serene", ("serene", "meditating", "pious", "saintly", "sleepy", "drowsy", "holy", "blind", "dreamy"),
     ("defaultNatural", "closed", "twinkle")),
    ("calm", ("calm", "peaceful", "gentle", "tranquil"),
     ("defaultNatural", "default", "twinkle")),
    ("smile", ("smiling", "smile", "smiles", "cheerful", "kind", "kindly", "friendly", "warm", "happy", "grin",
               "grinning", "generous", "amused", "bright", "twinkling", "good", "humoured", "lively", "radiant"),
     ("default", "happy", "smile")),
)  # fmt: skip
"""Moods: their words, and the eyebrows, eyes and mouth that show them."""

SETTINGS: dict[str, tuple[str, ...]] = {
    "stars": ("space", "star", "stars", "starship", "galaxy", "astronaut", "moon", "lunar", "night", "orbital",
              "astrologer", "wizard", "sorcerer", "sorceress", "witch", "pilot", "alien", "android", "robot", "cosmic"),
    "arch": ("king", "queen", "prince", "princess", "maharaja", "raja", "rani", "maharani", "court", "courtier",
             "palace", "royal", "nawab", "temple", "minister", "emperor", "empress", "sultan", "duke", "duchess"),
    "waves": ("sea", "sailor", "pirate", "fisherman", "boatman", "ocean", "ship", "river", "boat", "mermaid",
              "navigator"),
    "hills": ("farmer", "village", "villager", "shepherd", "milkman", "milkmaid", "countryside", "field", "fields",
              "mountain", "potter", "gardener", "peasant"),
    "leaves": ("forest", "garden", "ranger", "druid", "woods", "elf", "elven", "herbalist", "hunter", "healer",
               "jungle",
               "botanist"),
}  # fmt: skip
"""Backdrops that a word of the description suggests."""
