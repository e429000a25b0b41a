"""Files that no roster should be: one clear line each, soon, in little memory."""

# ruff: noqa: E501 - the table of faults reads best with one fault a line
from __future__ import annotations

import codecs
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charimg.errors import InputError
from charimg.roster import read_roster

Write = Callable[[str, "str | bytes"], Path]

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    + ["characters: *a9"]
)

FAULTS: dict[str, tuple[str, str | bytes, str]] = {
    # id: file name, content, what the line must say
    "alias bomb": ("c.yaml", BOMB, r"c\.yaml:\d+: .*1,000,000 values.*split"),
    "alias of itself": ("c.yaml", "characters: &a [*a]", r"c\.yaml:1: '\*a' refers to the very thing"),
    "alias of nothing": ("c.yaml", "- name: A\n  description: *bold", r"c\.yaml:2: '\*bold' refers to nothing.*quotes"),
    "tab": ("c.yaml", "characters:\n\t- name: A\n", r"c\.yaml:2: a tab .*spaces"),
    "python tag": ("c.yaml", "a: 1\nb: !!python/object/apply:os.system [ls]", r"c\.yaml:2: the tag .*python/object.*not allowed"),
    "deep YAML": ("c.yaml", "[" * 100_000, r"c\.yaml:1: .*24 levels deep"),
    "deep JSON": ("c.json", "[" * 100_000, r"c\.json:1: .*24 levels deep"),
    "two documents": ("c.yaml", "- A: b\n---\n- B: c\n", r"c\.yaml:2: a second document"),
    "only comments": ("c.yaml", "# nothing\n", r"c\.yaml: .*nothing but comments.*charimg init"),
    "duplicate YAML name": ("c.yaml", "- name: A\n  description: x\n  name: B\n", r"c\.yaml:3: 'name' is given twice, first in line 1"),
    "duplicate JSON name": ("c.json", '[{"name": "A",\n"name": "B"}]', r"c\.json:2: 'name' is given twice, first in line 1"),
    "colon in a text": ("c.yaml", "- name: A\n  description: a man: old\n", r"c\.yaml:2: a ':' .*quotes"),
    "open YAML quote": ("c.yaml", "- name: A\n  description: 'a man\n", r"c\.yaml:2: a quote opens here and never closes"),
    "reserved sign": ("c.yaml", "- name: @A\n", r"c\.yaml:1: a text cannot begin with '@'.*quotes"),
    "bold text": ("c.yaml", "- name: A\n  description: *very* old\n", r"c\.yaml:2: .*quotes"),
    "indentation": ("c.yaml", "- name: A\n description: b\n", r"c\.yaml:2: the indentation"),
    "mapping as a name": ("c.yaml", "? {a: b}\n: c\n", r"c\.yaml:1: the name of a field must be a text"),
    "merge of a text": ("c.yaml", "- {name: A, <<: b}", r"c\.yaml:1: '<<' takes over a mapping"),
    "JSON syntax": ("c.json", '[\n{"name": "A",}\n]', r"c\.json:2: is not JSON at column \d+ .*mend"),
    "JSON open quote": ("c.json", '[{"name": "A}]', r"c\.json:1: is not JSON at column 11"),
    "only commas": ("c.json", "," * 1_000_000, r"c\.json:1: is not JSON"),
    "lone surrogate": ("c.json", '[{"name": "A", "description": "a \\ud800 b"}]', r"characters\[1\]\.description: .*U\+D800"),
    "escaped bell": ("c.yaml", '- name: "A\\a"\n  description: b', r"c\.yaml:1: characters\[1\]\.name: .*U\+0007"),
    "control character": ("c.txt", "A: b\nB: c\x1b[31m", r"c\.txt:2: .*U\+001B; delete"),
    "empty": ("c.yaml", "", r"c\.yaml: the file is empty.*charimg init"),
    "blank": ("c.csv", " \n\n", r"c\.csv: the file is empty"),
    "picture": ("c.yaml", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", r"c\.yaml: this is not a text file"),
    "spreadsheet": ("c.csv", b"PK\x03\x04\x14\0\0\0", r"c\.csv: this is not a text file"),
    "NUL in CSV": ("c.csv", "name,description\nA,b\0c\n", r"c\.csv: this is not a text file"),
    "Latin-1": ("c.csv", "name,description\nA,b\nRené,c\n".encode("latin-1"), r"c\.csv:3: the byte 0xe9 at offset 24 is not UTF-8; save"),
    "cut UTF-16": ("c.txt", codecs.BOM_UTF16_LE + "A: b".encode("utf-16-le") + b"\x00", r"c\.txt:1: the byte .* not UTF-16"),
    "text line without colon": ("c.txt", "A: b\n\nGopal the jester\n", r"c\.txt:3: expected 'Name: description', found 'Gopal the jester'"),
    "text line without name": ("c.txt", ": b\n", r"c\.txt:1: expected 'Name: description'"),
    "text line without description": ("c.txt", "A:\n", r"c\.txt:1: 'A' has no description"),
    "open CSV quote": ("c.csv", 'name,description\nA,b\nB,"c\nD,e\n', r"c\.csv:3: a double quote opens .*close"),
    "quote in CSV quotes": ("c.csv", 'name,description\nA,"the "Blue" knight"\n', r"c\.csv:2: .*write it twice"),
    "huge CSV cell": ("c.csv", 'name,description\nA,"' + "b" * 200_000 + '"\n', r"c\.csv:2: a cell is longer"),
    "wide CSV row": ("c.csv", "name,description\nA,round, bald\n", r"c\.csv:2: this row has 3 cells, the header 2; .*double quotes"),
    "CSV without header": ("c.csv", "A,b,c\n", r"c\.csv:1: the first row is no header; begin with"),
    "CSV column without name": ("c.csv", "name,description,\nA,b,c\n", r"c\.csv:2: 'c' stands in a column without a name"),
    "unknown CSV column": ("c.csv", "name,descripton\nA,b\n", r"c\.csv:1: there is no field 'descripton'; did you mean 'description'\?"),
    "CSV column given twice": ("c.csv", "name,description,Name\nA,b,c\n", r"c\.csv:1: 'name' and 'Name' are the same field"),
    "CSV of a header": ("c.csv", "name,description\n", r"c\.csv: there are no characters below the header"),
    "text of comments": ("c.txt", "# A: b\n", r"c\.txt: holds nothing but comments; write 'Name: description'"),
    "backslash": ("c.yaml", '- A: "C:\\path"', r"c\.yaml:1: in double quotes, '\\' begins an escape"),
    "open bracket": ("c.yaml", "- name: A\n  tags: [a, b\n- name: B\n", r"c\.yaml:2: a bracket opens here"),
    "unindented text": ("c.yaml", "- name: A\n  description: a man\nwith a hat\n- name: B\n", r"c\.yaml:3: neither a field"),
    "percent sign": ("c.yaml", "%A: b\n", r"c\.yaml:1: a text that begins with .*quotes"),
    "format": ("c.docx", "x", r"c\.docx: this is no format of a roster; save it as"),
    "too many characters": ("c.txt", "a: b\n" * 100_001, r"c\.txt: there are 100,001 characters; .* 100,000: split"),
    "one text": ("c.yaml", "Gopal the jester", r"c\.yaml:1: expected a list of characters, found 'Gopal the jester'"),
    "endless text": ("c.yaml", f"- name: A\n  description: {'b ' * 20_000}c", r"characters\[1\]\.description: is 40,001 characters long; shorten"),
    "aliases of a long text": ("c.yaml", f"- &a {{n: {'x ' * 9_000}}}\n" + "- *a\n" * 99_000, r"c\.yaml:\d+: .*1,000,000 values"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_hostile_file_gets_one_line(write: Write, name: str, content: str | bytes, said: str) -> None:
    """Whatever is wrong, the message is one line that names the file, the place and the remedy."""
    path = write(name, content)

    with pytest.raises(InputError) as caught:
        read_roster(path)

    assert re.search(said, str(caught.value))
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400 + len(str(path))


def test_the_pure_python_parser_says_the_same(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML has no C parser, the common mistakes get the same remedies."""
    monkeypatch.delattr("yaml.CSafeLoader")
    for case in (
        "alias bomb",
        "tab",
        "deep YAML",
        "colon in a text",
        "open YAML quote",
        "reserved sign",
        "indentation",
    ):
        name, content, said = FAULTS[case]
        with pytest.raises(InputError, match=said):
            read_roster(write(name, content))


def test_a_large_file_is_not_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred megabytes are refused by their size, before a byte is read."""
    path = write("c.yaml", "")
    os.truncate(path, 100 * 1024 * 1024)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))

    with pytest.raises(InputError, match=r"c\.yaml: is 100 MB large; .*64 MB"):
        read_roster(path)


def test_a_folder_is_named_as_one(tmp_path: Path) -> None:
    """A folder in place of the file is told from a missing file."""
    (tmp_path / "c.yaml").mkdir()

    with pytest.raises(InputError, match=r"c\.yaml: this is a folder"):
        read_roster(tmp_path / "c.yaml")


def test_a_missing_file_tells_of_init(tmp_path: Path) -> None:
    """A file that is not there is answered with the command that makes one."""
    with pytest.raises(InputError, match=r"c\.yaml: there is no such file; 'charimg init'"):
        read_roster(tmp_path / "c.yaml")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file_tells_of_permissions(write: Write) -> None:
    """A file that may not be read is answered with the remedy."""
    path = write("c.yaml", "- A: b")
    path.chmod(0)

    with pytest.raises(InputError, match=r"c\.yaml: this file may not be read; change its permissions"):
        read_roster(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    """A named pipe, which would wait for a writer for ever, is refused."""
    os.mkfifo(tmp_path / "c.yaml")

    with pytest.raises(InputError, match="not a regular file"):
        read_roster(tmp_path / "c.yaml")


READ_AND_MEASURE = """
import resource, sys
from pathlib import Path
from charimg.roster import read_roster
try:
    read_roster(Path(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no way to ask for the peak of memory")
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.yaml", "[" + "a," * 4_000_000 + "]", "more than 1,000,000 values"),
        ("c.yaml", "[" + "[]," * 3_000_000 + "]", "more than 1,000,000 values"),
        ("c.json", "[" + "[]," * 3_000_000 + "[]]", "more than 1,000,000 values"),
        ("c.json", '{"a":' * 1_500_000, "levels deep"),
        ("c.csv", "name" + "," * 9_000_000, "no characters below the header"),
        ("c.csv", "name,seed\n" + "a,1\n" * 2_000_000, "more than 1,000,000 cells"),
    ],
    ids=["YAML texts", "YAML lists", "JSON lists", "JSON mappings", "CSV cells", "CSV rows"],
)
def test_small_values_by_the_million_stay_in_bounds(write: Write, name: str, content: str, said: str) -> None:
    """Ten megabytes of the smallest values end with a message, not with the machine's memory."""
    done = subprocess.run(
        [sys.executable, "-c", READ_AND_MEASURE, str(write(name, content))],
        capture_output=True,
        text=True,
        check=True,
    )
    message, kilobytes = done.stdout.splitlines()

    assert message.startswith("InputError")
    assert said in message
    assert int(kilobytes) < 1024 * 1024


@given(data=st.binary(max_size=300), suffix=st.sampled_from([".yaml", ".json", ".csv", ".txt"]))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_a_roster_or_one_line(write: Write, data: bytes, suffix: str) -> None:
    """No file, whatever its bytes, ends in anything but a roster or one line for people."""
    _read_or_one_line(write(f"c{suffix}", data))


PIECES = [
    "- ",
    "name",
    ": ",
    "description",
    "\n",
    "  ",
    "A",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    ",",
    "&a ",
    "*a",
    "<<",
    "null",
]
PIECES += [
    "seed",
    "references",
    "style",
    "characters",
    "!t ",
    "|",
    ">",
    "#",
    "\t",
    ";",
    "গোপাল",
    "\u202e",
    "---\n",
    "?",
]


@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=40),
    suffix=st.sampled_from([".yaml", ".json", ".csv", ".txt"]),
)
@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_mix_of_a_rosters_pieces_is_a_roster_or_one_line(write: Write, pieces: list[str], suffix: str) -> None:
    """The same for texts that are nearly rosters, which reach further into the reader than bytes do."""
    _read_or_one_line(write(f"c{suffix}", "".join(pieces)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "description",
                    "id",
                    "seed",
                    "tags",
                    "references",
                    "aspect_ratio",
                    "path",
                    "as",
                    "style",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(value=VALUES)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_json_value_is_a_roster_or_one_line(write: Write, value: object) -> None:
    """The same for sound JSON of any shape, read as JSON and as the YAML it nearly is."""
    for suffix in (".json", ".yaml"):
        _read_or_one_line(write(f"c{suffix}", json.dumps({"characters": [value]})))
        _read_or_one_line(write(f"c{suffix}", json.dumps(value)))


def _read_or_one_line(path: Path) -> None:
    try:
        said = list(read_roster(path).warnings)
    except InputError as error:
        said = [str(error)]

    assert all(line.startswith(str(path)) and len(line.splitlines()) == 1 for line in said)


def test_names_this_locale_cannot_write_are_refused_before_they_are_paid(write: Write) -> None:
    """A picture that cannot be saved under its name must not be made; the line says what to set."""
    path = write("c.txt", "Ana: a tall baker with flour\nগোপাল: a short jester with a round belly\n")
    code = f"from charimg.roster import read_roster; from pathlib import Path; read_roster(Path({str(path)!r}))"
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = subprocess.run([sys.executable, "-c", code], env=ascii_only, stderr=subprocess.PIPE, check=False)

    if sys.platform in ("win32", "darwin"):  # file names are Unicode there, whatever the locale
        assert ended.returncode == 0
    else:
        assert b"c.txt:2: no file can be named after" in ended.stderr
        assert b"export PYTHONUTF8=1" in ended.stderr
