"""Sound rosters in every format and shape, and the messages for single fields."""

# ruff: noqa: E501 - tables of rosters and messages read best with one a line
from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charimg.errors import InputError
from charimg.model import DEFAULT_ASPECT_RATIO, Character, Reference, ReferenceKind, Style
from charimg.roster import find_roster, read_roster

Write = Callable[[str, "str | bytes"], Path]
ROOT = Path(__file__).parents[2]
OPTION = re.compile(
    r"^( *)# ((?:negative|references|aspect_ratio|key|seed|tags|  - path|    as|    caption):.*)$",
    re.MULTILINE,
)
"""A line of the starter that is an option put away as a note."""

TWO = [("Gopal Bhar", "a round, bald man"), ("গোপাল ভাঁড়", "a boy; with a mango")]
SHAPES = {
    "YAML list": ("c.yaml", "characters:\n- name: Gopal Bhar\n  description: a round, bald man\n- {id: g, name: গোপাল ভাঁড়, fullDescription: a boy; with a mango}"),
    "bare YAML list": ("c.yml", "- name: Gopal Bhar\n  description: a round, bald man\n- name: গোপাল ভাঁড়\n  visual_description: a boy; with a mango"),
    "YAML names": ("c.yaml", "Gopal Bhar: a round, bald man\nগোপাল ভাঁড়: a boy; with a mango\n"),
    "YAML names in a list": ("c.yaml", "characters:\n- Gopal Bhar: a round, bald man\n- 'গোপাল ভাঁড়： a boy; with a mango'\n"),
    "YAML names below characters": ("c.yaml", "characters:\n  Gopal Bhar: a round, bald man\n  গোপাল ভাঁড়:\n    Description: a boy; with a mango\n"),
    "JSON": ("c.json", '{"characters": [{"name": "Gopal Bhar", "description": "a round, bald man"}, {"name": "গোপাল ভাঁড়", "description": "a boy; with a mango"}]}'),
    "JSON list": ("c.JSON", '[{"id": 1, "name": "Gopal Bhar", "description": "a round, bald man", "scenes": [1]},\n{"name": "গোপাল ভাঁড়", "description": "a boy; with a mango"}]'),
    "CSV": ("c.csv", 'Description,NAME\n"a round, bald man",Gopal Bhar\n\na boy; with a mango,গোপাল ভাঁড়\n'),
    "CSV of Excel": ("c.csv", codecs.BOM_UTF8 + 'sep=;\r\nname;description\r\nGopal Bhar;a round, bald man\r\nগোপাল ভাঁড়;"a boy; with a mango"\r\n'.encode()),
    "CSV with semicolons": ("c.csv", 'name;full description\nGopal Bhar;a round, bald man\nগোপাল ভাঁড়;"a boy; with a mango"\n'),
    "tabs in UTF-16": ("c.tsv", "name\tdescription\tseed\r\nGopal Bhar\ta round, bald man\r\nগোপাল ভাঁড়\ta boy; with a mango\t\r\n".encode("utf-16")),
    "CSV without header": ("c.csv", 'Gopal Bhar,"a round, bald man"\nগোপাল ভাঁড়,a boy; with a mango\n'),
    "semicolons without header": ("c.csv", 'Gopal Bhar;a round, bald man\nগোপাল ভাঁড়;"a boy; with a mango"\n'),
    "text": ("c.txt", "# the cast\n\nGopal Bhar: a round, bald man\n - গোপাল ভাঁড়：a boy; with a mango\n"),
    "text of old Macs": ("c.txt", "Gopal Bhar: a round, bald man\rগোপাল ভাঁড়: a boy; with a mango\r"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content"), SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_gives_the_same_cast(write: Write, name: str, content: str | bytes) -> None:
    """The same two characters, however they are written down."""
    roster = read_roster(write(name, content))

    assert [(one.name, one.description) for one in roster.characters] == TWO
    assert (roster.aspect_ratio, roster.style, roster.warnings) == (DEFAULT_ASPECT_RATIO, Style(), ())


def test_every_field_is_read(write: Write) -> None:
    """All fields of a roster, a style and a character arrive as the values that the rest of charimg knows."""
    picture, manner = write("face.png", b"x"), write("ink.png", b"x")
    roster = read_roster(
        write(
            "c.yaml",
            """
title: The Tales
aspect_ratio: landscape
style: {prefix: ink, suffix: plain, negative: text, references: ink.png}
x-any: &defaults {seed: 5, tags: 'old, wise; old'}
characters:
- name: Anna
  key: anna_1
  description: >
    a girl with
    red hair
  negative: hat
  aspectRatio: 1080x1920
  references:
  - face.png
  - {path: ink.png, as: Scene, caption: a wall}
  <<: *defaults
- {name: Bob, prompt: 'a boy: as he is', seed: 0, tags: [], negative: ~, id: , aspect_ratio: '3:4'}
""",
        )
    )

    assert roster.title == "The Tales"
    assert roster.aspect_ratio == "16:9"
    assert roster.style == Style("ink", "plain", "text", (Reference(manner, ReferenceKind.STYLE),))
    assert roster.characters == (
        Character(
            key="anna_1",
            name="Anna",
            description="a girl with red hair",
            negative="hat",
            seed=5,
            aspect_ratio="9:16",
            references=(Reference(picture), Reference(manner, ReferenceKind.SCENE, "a wall")),
            tags=("old", "wise"),
            line=7,
        ),
        Character("bob", "Bob", "a boy: as he is", prompt="a boy: as he is", seed=0, aspect_ratio="3:4", line=18),
    )


@pytest.mark.parametrize("written", ["007", "no", "on", "null", "1.50", "2024-01-01", "0x1F", "1_000", "12:30", ".nan"])
def test_names_are_taken_as_written(write: Write, written: str) -> None:
    """What YAML would turn into a number, a date or a truth is a name like any other."""
    roster = read_roster(write("c.yaml", f"- name: {written}\n  description: {written} of the tale"))

    assert (roster.characters[0].name, roster.characters[0].description) == (
        written,
        f"{written} of the tale",
    )


def test_a_table_has_all_fields_too(write: Write) -> None:
    """Seeds, tags, references and keys stand in columns; empty cells say nothing."""
    picture = write("a b.png", b"x")
    table = "Name,Description,Tags,References,Seed,Key,Aspect Ratio\n"
    table += 'Anna,a girl in red,"old, wise",a b.png; a b.png,7,a1,1:1\nBob,"a boy in\nblue",,,,,\nCy,a cat with hat\n'
    roster = read_roster(write("c.csv", table))

    assert roster.characters == (
        Character("a1", "Anna", "a girl in red", None, None, 7, "1:1", (Reference(picture),) * 2, ("old", "wise"), 2),
        Character("bob", "Bob", "a boy in\nblue", line=3),
        Character("cy", "Cy", "a cat with hat", line=5),
    )


@pytest.mark.parametrize("header", ["", "name;description\n", "x-last, first;name;description\n"])
def test_a_delimiter_within_quotes_or_a_header_does_not_mislead(write: Write, header: str) -> None:
    """The comma that comes first is no delimiter when semicolons make the row whole."""
    ahead = "-;" if header.startswith("x-") else ""
    roster = read_roster(write("c.csv", f'{header}{ahead}"Bhar, Gopal";a round, bald man\n'))

    assert (roster.characters[0].name, roster.characters[0].description) == ("Bhar, Gopal", "a round, bald man")


def test_a_line_separator_does_not_end_a_row(write: Write) -> None:
    """Texts pasted from word processors hold U+2028 and U+0085, which are no line ends of a table or a list."""
    text = "a girl\u2028in red\x85and blue"
    table = read_roster(write("c.csv", f"name,description\nAnna,{text}\n"))
    lines = read_roster(write("c.txt", f"Anna: {text}\n"))

    assert table.characters[0].description == lines.characters[0].description == text


def test_the_origins_list_of_characters_is_read(write: Write) -> None:
    """A list of looks, as story tools keep it: ids are keys, outfits tell the looks of one person apart."""
    content = """{"detected_characters": [
 {"id": "char_john_suit_001", "name": "John", "outfit": "blue suit", "fullDescription": "a tall man in a suit",
  "referenceImagePath": null, "referenceMediaId": null, "appearsInScenes": [1, 3], "isGenerating": false},
 {"name": "John", "outfit": "rags", "description": "a tall man in rags", "scenes": [2]},
 {"name": "Old John", "outfit": "", "description": "a tall man with beard", "whisk_media_id": "x"}],
 "scene_character_map": {"1": ["char_john_suit_001"]}}"""
    roster = read_roster(write("c.json", content))

    assert [(one.key, one.name) for one in roster.characters] == [
        ("char_john_suit_001", "John (blue suit)"),
        ("john-rags", "John (rags)"),
        ("old-john", "Old John"),
    ]


FIELDS = {
    # what stands in the second character: what the message says after the file and its line
    "description: [a, b]": r"8: characters\[2\]\.description: expected text, found a list; put the words after 'description'",
    "description:": r"8: characters\[2\]\.description: 'Bob' has no description; say",
    "seed: 1": r"7: characters\[2\]\.description: 'Bob' has no description; say",
    "description: b\n  descripton: c": r"9: characters\[2\]: there is no field 'descripton'; did you mean 'description'\?",
    "description: b\n  zzz: c": r"9: characters\[2\]: there is no field 'zzz'; the fields are name, description, ",
    "description: b\n  fullDescription: c": r"9: characters\[2\]: 'description' and 'fullDescription' are the same field",
    "description: b\n  seed: .nan": r"9: characters\[2\]\.seed: expected a whole number from 0 .*found '\.nan'",
    "description: b\n  seed: -1": r"9: characters\[2\]\.seed: expected a whole number from 0",
    "description: b\n  seed: true": r"9: characters\[2\]\.seed: .*found 'true'",
    "description: b\n  seed: 9223372036854775808": r"9: characters\[2\]\.seed: expected a whole number",
    "description: b\n  seed: '1" + "0" * 5000 + "'": r"9: characters\[2\]\.seed: expected a whole number",
    "description: b\n  aspect_ratio: tall": r"9: characters\[2\]\.aspect_ratio: expected width to height, found 'tall'; write",
    "description: b\n  aspect_ratio: 0:4": r"9: characters\[2\]\.aspect_ratio: expected width to height",
    "description: b\n  aspect_ratio: 1:99": r"9: characters\[2\]\.aspect_ratio: '1:99' is too slender",
    "description: b\n  references: no.png": r"9: characters\[2\]\.references: 'no\.png' is not there \(looked for in '.*'\); name",
    "description: b\n  references: [folder]": r"9: characters\[2\]\.references: 'folder' is not a file",
    "description: b\n  references: https://a.b/c.png": r"9: characters\[2\]\.references: .* is an address; download",
    "description: b\n  references: {as: subject}": r"9: characters\[2\]\.references: a reference has no path",
    "description: b\n  references: {path: c.yaml, as: art}": r"9: .*references\.as: expected subject, scene or style, found 'art'",
    "description: b\n  references: '" + "x" * 5000 + "'": r"9: characters\[2\]\.references: 'x+…' is not there",
    "description: b\n  tags: {a: b}": r"9: characters\[2\]\.tags: expected words, found a mapping",
    "description: b\n  key: a/b": r"7: characters\[2\]\.key: 'a/b' holds '/'; a key may hold",
    "description: b\n  id: ANNA": r"7: characters\[2\]\.key: 'ANNA' is already the key of character 1",
}  # fmt: skip


@pytest.mark.parametrize(("second", "said"), FIELDS.items(), ids=[field[:50] for field in FIELDS])
def test_a_wrong_field_is_named(write: Write, tmp_path: Path, second: str, said: str) -> None:
    """File, line, field, what was expected and found, and the remedy."""
    (tmp_path / "folder").mkdir()
    head = "title: T\n\n# a note\ncharacters:\n- {name: Anna, key: anna,\n   description: a}\n- name: Bob\n  "

    with pytest.raises(InputError, match=rf"c\.yaml:{said}"):
        read_roster(write("c.yaml", head + second))


TOPS = {
    "characters: Gopal": r"c\.yaml:1: characters: expected a list, found 'Gopal'",
    "characters: []": r"c\.yaml:1: characters: there are no characters",
    "title: T": r"c\.yaml:1: there is no list 'characters'",
    "charachters:\n- name: A": r"c\.yaml:1: there is no field 'charachters'; did you mean 'characters'\?",
    "name: A\ndescription: b": r"c\.yaml:1: a character stands where the list belongs; begin it with '- name",
    "style: [a]\ncharacters: [A: b]": r"c\.yaml:1: style: expected a text or a mapping, found a list",
    "style: {colour: a}\ncharacters: [A: b]": r"c\.yaml:1: style: there is no field 'colour'",
    "- just a text": r"c\.yaml:1: characters\[1\]: expected a character, found 'just a text'",
    "- description: b": r"c\.yaml:1: characters\[1\]\.name: a character has no name",
    "- name: [A]\n  description: b": r"c\.yaml:1: characters\[1\]\.name: expected a text, found a list",
    "A: {name: B, description: c}": r"c\.yaml:1: characters\[1\]\.name: this character is already called 'A'",
}


@pytest.mark.parametrize(("content", "said"), TOPS.items(), ids=[top[:40] for top in TOPS])
def test_a_wrong_shape_is_named(write: Write, content: str, said: str) -> None:
    """A roster of the wrong shape is told what the right one is."""
    with pytest.raises(InputError, match=said):
        read_roster(write("c.yaml", content))


def test_likely_mistakes_are_warnings(write: Write) -> None:
    """Twins and bare descriptions do not stop a run, and are said in one line each."""
    path = write("c.txt", "Anna: a girl in red\nBea: a girl in red\nCid: bald\nAnna: a woman with a cane\nDun: a cat\n")
    roster = read_roster(path)

    assert roster.warnings == (
        f"{path}:2: 'Anna' and 'Bea' have the very same description; their pictures will look alike",
        f"{path}:4: 2 characters are called 'Anna'; their keys are anna, anna-2",
        f"{path}:3: 'Cid' and 'Dun' are described in fewer than 3 words; say more, or expect anybody",
    )


def test_messages_name_the_file_from_the_working_folder(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A path below the working folder is shown as people would type it."""
    path = write("c.txt", "no colon")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InputError, match=r"^c\.txt:1: "):
        read_roster(path)


@pytest.mark.parametrize(
    "name", ["characters.yaml", "characters.yml", "characters.json", "characters.csv", "characters.txt"]
)
def test_a_folders_roster_is_found(write: Write, tmp_path: Path, name: str) -> None:
    """One file of a known name is the folder's roster."""
    path = write(name, "x")

    assert find_roster(tmp_path) == path


def test_no_roster_tells_of_init(tmp_path: Path) -> None:
    """An empty folder is answered with the command that fills it."""
    with pytest.raises(InputError, match="charimg init"):
        find_roster(tmp_path)


def test_two_rosters_are_a_question(write: Write, tmp_path: Path) -> None:
    """Two rosters are never chosen between in silence: the wrong cast would cost money."""
    write("characters.yaml", "x")
    write("characters.csv", "x")

    with pytest.raises(
        InputError, match=r"characters\.yaml and characters\.csv; name the one.*charimg run characters\.yaml"
    ):
        find_roster(tmp_path)


@pytest.mark.parametrize(("folder", "count"), [("gopal-bhar", 15), ("salt-harbour", 24), ("orbit-nine", 8)])
def test_the_examples_are_sound(folder: str, count: int) -> None:
    """The example casts read without a warning, with all their characters."""
    roster = read_roster(find_roster(ROOT / "docs" / "examples" / folder))

    assert len(roster.characters) == count
    assert roster.warnings == ()


def test_the_gopal_bhar_cast_is_as_its_readers_know_it() -> None:
    """Gopal Bhar comes first, upright, and his name stands in Bengali script too."""
    roster = read_roster(ROOT / "docs" / "examples" / "gopal-bhar" / "characters.yaml")

    assert roster.characters[0].name == "Gopal Bhar"
    assert roster.aspect_ratio == DEFAULT_ASPECT_RATIO
    assert any("গোপাল ভাঁড়" in one.name for one in roster.characters)
    assert all(30 <= len(one.description.split()) <= 65 for one in roster.characters)


def test_the_starter_is_sound_with_and_without_its_notes(write: Write) -> None:
    """What `charimg init` writes reads without a warning, and so does each option when its note mark is removed."""
    starter = (ROOT / "charimg" / "cli" / "starter.yaml").read_text(encoding="utf-8")
    roster = read_roster(write("c.yaml", starter))
    write("style.png", b"x")
    write("boatman-sketch.png", b"x")
    opened = read_roster(write("d.yaml", OPTION.sub(r"\1\2", starter)))

    assert (len(roster.characters), roster.warnings) == (3, ())
    assert (len(opened.characters), opened.warnings) == (3, ())
    assert (opened.aspect_ratio, opened.characters[0].key, opened.characters[0].seed) == ("3:4", "mira", 7)
    assert opened.characters[1].references[0].caption == "the old boatman"


def test_the_reference_page_names_every_field_and_limit() -> None:
    """A field or limit that the page leaves out is one that nobody finds."""
    from charimg.roster import cast, fields, keys, text, tree

    page = (ROOT / "docs" / "roster.md").read_text(encoding="utf-8")
    names = ["title", "style", "aspect_ratio", "characters", "prefix", "suffix", "path", "as", "caption"]
    names += ["name", "description", "key", "outfit", "prompt", "negative", "seed", "references", "tags"]
    limits = [
        cast.MAX_CHARACTERS,
        fields.MAX_TEXT,
        fields.MAX_NAME,
        fields.MAX_SEED,
        tree.MAX_VALUES,
        tree.MAX_DEPTH,
    ]
    limits += [fields.MAX_REFERENCES, fields.MAX_TAGS, keys.MAX_KEY_BYTES, text.MAX_BYTES // 1024**2]

    assert [name for name in names if f"`{name}`" not in page] == []
    assert [limit for limit in limits if f" {limit:,} " not in page.replace("|", " ")] == []


def test_the_reference_pages_example_is_sound(write: Write) -> None:
    """The first example of the page can be copied as it is."""
    page = (ROOT / "docs" / "roster.md").read_text(encoding="utf-8")
    roster = read_roster(write("c.yaml", page.split("```yaml\n")[1].split("```")[0]))

    assert len(roster.characters) == 2


WORDS = st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1, max_size=30).filter(
    lambda text: text.split() == text.split(" ") and text != "~"
)


@given(cast=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read(write: Write, cast: list[tuple[str, str]]) -> None:
    """Any names and descriptions survive YAML, JSON and CSV unchanged."""
    import csv
    import io
    import json

    import yaml

    members = [{"name": name, "description": description} for name, description in cast]
    table = io.StringIO()
    writer = csv.DictWriter(table, ["name", "description"])
    writer.writeheader()
    writer.writerows(members)
    written = {
        "c.yaml": yaml.safe_dump(members, allow_unicode=True),
        "c.json": json.dumps({"characters": members}),
        "c.csv": table.getvalue(),
    }
    for file, content in written.items():
        roster = read_roster(write(file, content))
        assert [(one.name, one.description) for one in roster.characters] == cast
