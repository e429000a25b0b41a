"""Rosters that are small or sound and would take a reader for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from charimg.errors import InputError
from charimg.roster import read_roster
from tests.hostile.bounded import can_be_bounded, within

READ = """
from pathlib import Path
from charimg.errors import InputError
from charimg.roster import read_roster
try:
    print("read", len(read_roster(Path(sys.argv[1])).characters))
except InputError as error:
    print("told", error)
"""

STALLING: dict[str, tuple[str, str, str]] = {
    # id: file name, content, what is said
    "escaped quotes without end": ("c.json", '["' + '\\"' * 1_000_000, "is not JSON at column 2"),
    "a backslash at the end": ("c.json", '["' + '\\"' * 1_000_000 + "\\", "is not JSON at column 2"),
    "quotes beside quotes": ("c.json", '"a" ' * 300_000, "is not JSON at column 5"),
    "directives": ("c.yaml", "".join(f"%TAG !a{i}! b\n" for i in range(200_000)) + "- A: b", "'%TAG'"),
    "directives in a second document": (
        "c.yaml",
        "- A: b\n...\n" + "".join(f"%TAG !a{i}! b\n" for i in range(200_000)) + "---\n- A: b",
        "'%TAG'",
    ),
    "one line of a hundred megabytes": ("c.txt", "A: " + "b" * 100_000_000, "MB large"),
    "one name of ten megabytes": ("c.yaml", "a" * 10_000_000 + ": b", "a ':' where none can stand"),
    "one number of five megabytes": ("c.json", '[{"name": "A", "seed": 1' + "0" * 5_000_000 + "}]", "no description"),
    "only quotes": ("c.csv", "name,description\n" + '"' * 2_000_001, "longer than"),
    "nothing but line ends": ("c.csv", "name,description\n" + "\r" * 3_000_000 + "A,b,c", "this row has 3 cells"),
}


@pytest.mark.skipif(not can_be_bounded, reason="the memory of a process can be bounded on Linux only")
@pytest.mark.parametrize(("name", "content", "said"), STALLING.values(), ids=STALLING)
def test_no_roster_stalls_its_reader(tmp_path: Path, name: str, content: str, said: str) -> None:
    """Megabytes made to take the square of their length end soon, with one line."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")

    told = within(
        READ, path, megabytes=900, seconds=10, importing="charimg.roster,yaml,pathvalidate,charimg.roster.cast"
    )

    assert told.startswith("told")
    assert said in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("mark", ['"', " ", "a", "'x", "\x0c"])
def test_a_separator_that_can_be_none_is_one_line(tmp_path: Path, mark: str) -> None:
    """Excel's "sep=" line may name anything: the reader of tables refuses quotes and spaces in its own words."""
    path = tmp_path / "c.csv"
    path.write_text(f"sep={mark}\nname{mark}description\nA{mark}b\n", encoding="utf-8")

    with pytest.raises(InputError) as caught:
        read_roster(path)

    assert str(caught.value).startswith(str(path))
