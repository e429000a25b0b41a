"""One-file plugins: what a file in the project's ``plugins/`` folder offers, and whom a broken one disturbs."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charimg import hookspecs
from charimg.errors import PluginError
from charimg.model import ImageRequest
from charimg.one_file_plugins import HOOKS, one_file_plugins
from charimg.plugins import Kind, Plugins

SKETCH = """
import charimg

class Sketch(charimg.ImageGenerator):
    declaration = charimg.Declaration(name="sketch", summary="Draws.")

    async def generate(self, request):
        return charimg.GeneratedImage(data=b"")

@charimg.hookimpl
def register_generators(register):
    register(Sketch)
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put a file into the project's plugins folder: ``write("sketch.py", code)``."""

    def file(name: str, code: str = SKETCH) -> Path:
        path = tmp_path / "plugins" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(code), encoding="utf-8")
        return path

    return file


@pytest.fixture
def plugins(tmp_path: Path) -> Callable[[], Plugins]:
    """The plugins of the project, with nothing installed."""
    return lambda: Plugins([], folder=tmp_path)


Look = Callable[[], Plugins]


def trouble(plugins: Plugins, name: str, kind: Kind = Kind.GENERATOR) -> str:
    with pytest.raises(PluginError) as caught:
        plugins.load(kind, name)
    return str(caught.value)


def test_every_hook_makes_a_file_a_plugin() -> None:
    """A hook that is added to the specifications is looked for in files too."""
    specified = {name for name, function in vars(hookspecs).items() if hasattr(function, "charimg_spec")}

    assert specified == HOOKS


def test_a_file_offers_the_name_it_declares(write: Write, plugins: Look) -> None:
    """The name is the declaration's, whatever the file is called; the file stands for its source."""
    write("my-first.py")
    found = plugins()

    assert found.names(Kind.GENERATOR) == ["sketch"]
    assert found.load(Kind.GENERATOR, "sketch").declaration.summary == "Draws."
    assert [claim.source for claim in found.claims(Kind.GENERATOR)["sketch"]] == ["plugins/my-first.py"]


def test_one_file_may_offer_several_of_several_kinds(write: Write, plugins: Look) -> None:
    """Two generators and an uploader in one file are all found, each under its kind."""
    more = """
        class Inked(Sketch):
            declaration = charimg.Declaration(name="inked", summary="Inks.")

        class Wall(charimg.Uploader):
            declaration = charimg.Declaration(name="wall", summary="Pins.")

            async def upload(self, picture):
                return None

        @charimg.hookimpl
        def register_uploaders(register):
            register(Wall)
    """
    write("studio.py", SKETCH.replace("register(Sketch)", "register(Sketch); register(Inked)") + textwrap.dedent(more))
    found = plugins()

    assert (found.names(Kind.GENERATOR), found.names(Kind.UPLOADER)) == (["inked", "sketch"], ["wall"])
    assert found.load(Kind.GENERATOR, "inked").__name__ == "Inked"


def test_a_project_without_the_folder_has_none(plugins: Look) -> None:
    """Most projects have no plugins folder."""
    assert plugins().names(Kind.GENERATOR) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("_shared.py", SKETCH),
        (".hidden.py", SKETCH),
        ("notes.txt", SKETCH),
        ("other_program.py", "raise SystemExit('this is not for charimg')"),
        ("mentions.py", "# charimg would call register_generators here\nraise SystemExit('not for charimg')"),
    ],
)
def test_what_is_no_plugin_is_never_run(name: str, code: str, write: Write, plugins: Look) -> None:
    """Hidden files, those with an underscore, and code of other programs are left alone."""
    write(name, code)

    assert plugins().names(Kind.GENERATOR) == []


def test_only_files_of_the_asked_kind_are_run(write: Write, plugins: Look) -> None:
    """Listing uploaders does not run a file that has only a generator."""
    write("generator.py", "raise RuntimeError('run')\ndef register_generators(register): ...\n")
    found = plugins()

    assert found.names(Kind.UPLOADER) == []
    assert found.names(Kind.GENERATOR) == ["generator"]


def test_a_file_is_run_once_for_its_text(write: Write, plugins: Look) -> None:
    """Every command looks several times, which runs nothing twice; a changed file is run anew."""
    write("sketch.py")
    first = plugins().load(Kind.GENERATOR, "sketch")
    again = plugins().load(Kind.GENERATOR, "sketch")
    write("sketch.py", SKETCH.replace("Draws.", "Paints."))

    assert first is again
    assert plugins().load(Kind.GENERATOR, "sketch").declaration.summary == "Paints."


def test_files_share_what_begins_with_an_underscore(write: Write, plugins: Look) -> None:
    """``from . import _palette`` finds the neighbour, and no library can be hidden by a file's name."""
    write("_palette.py", "NAME = 'inked'")
    write("yaml.py", "raise RuntimeError('in the way')")
    write("sketch.py", "from . import _palette\nimport yaml\n" + SKETCH.replace('"sketch"', "_palette.NAME"))

    assert plugins().names(Kind.GENERATOR) == ["inked"]
    assert "plugins" not in sys.path[0]


BROKEN: dict[str, tuple[str, str]] = {
    "syntax": (SKETCH + "\ndef (:\n", "plugins/sketch.py, line 14: SyntaxError"),
    "name": (SKETCH + "\npaint()\n", "plugins/sketch.py, line 14: NameError: name 'paint' is not defined"),
    "exit": (SKETCH + "\nraise SystemExit\n", "plugins/sketch.py, line 14: SystemExit"),
    "hook": (SKETCH.replace("    register(Sketch)", "    1 / 0"), "plugins/sketch.py, line 12: ZeroDivisionError"),
    "class": (SKETCH.replace("async def", "def"), "plugins/sketch.py, line 4 registers a broken generator: Sketch.gen"),
    "encoding": ("# coding: klingon\n" + SKETCH, "plugins/sketch.py: SyntaxError"),
    "no mark": (SKETCH.replace("@charimg.hookimpl\n", ""), "plugins/sketch.py: register_generators registers nothing"),
    "argument": (SKETCH.replace("register(", "enrol(").replace("(register)", "(enrol)"), "plugins/sketch.py"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told_with_its_line(code: str, words: str, write: Write, plugins: Look) -> None:
    """The error names file and line and says what to do; a neighbour works all the same."""
    write("sketch.py", code)
    write("good.py", SKETCH.replace('"sketch"', '"good"'))
    found = plugins()
    message = trouble(found, "sketch")

    assert words in message
    assert "pip" not in message
    assert found.load(Kind.GENERATOR, "good")
    assert "sketch" in found.names(Kind.GENERATOR)


def test_an_unknown_name_may_be_that_of_a_broken_file(write: Write, plugins: Look) -> None:
    """Who asks for the name that a broken file would declare is told of the file."""
    write("drawing.py", SKETCH + "\npaint()\n")

    assert "there is no generator 'sketch'" in trouble(plugins(), "sketch")
    assert "plugins/drawing.py, line 14: NameError" in trouble(plugins(), "sketch")


def test_a_file_without_a_hook_is_told_of(write: Write, plugins: Look) -> None:
    """Who forgot the hook is told which file was looked at."""
    write("sketch.py", SKETCH.partition("@charimg.hookimpl")[0])

    message = trouble(plugins(), "sketch")

    assert "plugins/sketch.py speaks of charimg and offers nothing: it has no hook, such as register_gen" in message


def test_a_hook_without_its_mark_is_told_of(write: Write, plugins: Look) -> None:
    """Who forgot the mark is told so, also where the file is called otherwise than the provider."""
    write("drawing.py", SKETCH.replace("@charimg.hookimpl\n", ""))

    assert "plugins/drawing.py: register_generators registers nothing" in trouble(plugins(), "sketch")


def test_an_unreadable_file_is_told(write: Write, plugins: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read is found out when it is listed, not passed over."""
    path = write("sketch.py")
    read = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert "Permission denied" in trouble(plugins(), "sketch")


def test_a_name_an_installed_package_has_names_both(write: Write, tmp_path: Path) -> None:
    """Neither wins silently: the error names the file and the distribution."""
    write("mine.py", SKETCH.replace('"sketch"', '"echo"'))
    message = trouble(Plugins(folder=tmp_path), "echo")

    assert "charimg-cli" in message
    assert "plugins/mine.py" in message
    assert "another name" in message


def test_two_files_of_one_name_are_both_named(write: Write, plugins: Look) -> None:
    """The same for two files."""
    write("a.py")
    write("b.py")

    assert "plugins/a.py and plugins/b.py both have a generator 'sketch'" in trouble(plugins(), "sketch")


PREFIXING = """
    import dataclasses
    import charimg

    @charimg.hookimpl
    def prepare_request(request):
        return dataclasses.replace(request, prompt="woodcut, " + request.prompt)
"""


def test_a_file_may_take_part_without_being_a_provider(write: Write, plugins: Look) -> None:
    """The hooks that take part in every run work from a file, and a broken one is a warning with its line."""
    write("style.py", PREFIXING)
    write("torn.py", PREFIXING + "\n    paint()\n")
    found = plugins()
    warnings = found.load_taking_part()
    request, _ = found.prepare_request(ImageRequest("rani", "Rani", "a queen"))

    assert request.prompt == "woodcut, a queen"
    assert [warning.partition(": ")[0] for warning in warnings] == ["plugins/torn.py, line 9"]


def test_reading_the_folder_runs_nothing(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are listed with the hooks their text has, before any of them is trusted."""
    write("sketch.py", "raise RuntimeError('run')\n" + SKETCH)
    found: list[Any] = list(one_file_plugins(tmp_path))

    assert [(one.shown, set(one.hooks)) for one in found] == [("plugins/sketch.py", {"register_generators"})]


def test_plugins_are_called_by_name_each_with_what_the_other_made(write: Write, plugins: Look) -> None:
    """Files in alphabetical order, but for those that ask to be first or last."""

    def adding(word: str, mark: str = "") -> str:
        return PREFIXING.replace('"woodcut, "', f'"{word}, "').replace("hookimpl\n", f"hookimpl{mark}\n")

    write("b.py", adding("b"))
    write("c.py", adding("c"))
    write("a.py", adding("a", "(trylast=True)"))
    write("d.py", adding("d", "(tryfirst=True)"))
    found = plugins()
    found.load_taking_part()
    request, _ = found.prepare_request(ImageRequest("rani", "Rani", "a queen"))

    assert request.prompt == "a, c, b, d, a queen"


# -- names and values ------------------------------------------------------------------------------------------------


UNSOUND: dict[str, tuple[str, str]] = {
    "capitals": ('name="Wrong Name"', "the name 'Wrong Name' is not lower case letters and digits"),
    "comma": ('name="a,b"', "the name 'a,b' is not lower case"),
    "no text": ("name=7", "the name 7 is not lower case"),
    "account": ('name="wn", account="A B"', "the account 'A B' is not"),
    "setting": ('name="wn", settings=(charimg.Setting("Bad-Name", "A setting."),)', "the setting 'Bad-Name' is not"),
    "default": (
        'name="wn", settings=(charimg.Setting("coats", "A number.", int, "x"),)',
        "the default of the setting 'coats' is str, and its type int",
    ),
    "type": ('name="wn", settings=(charimg.Setting("coats", "A list.", list),)', "has the type <class 'list'>"),
    "no comma": ('name="wn", settings=(charimg.Setting("coats", "A number."))', "the settings are Setting, not a tu"),
    "no setting": ('name="wn", settings=("coats",)', "one of the settings is str, not a charimg.Setting"),
    "credential": ('name="wn", credentials=(charimg.Credential("API-Key", "Ask."),)', "the credential 'API-Key' is"),
    "twice": (
        'name="wn", settings=(charimg.Setting("key", "A."),), credentials=(charimg.Credential("key", "B."),)',
        "'key' is declared twice",
    ),
}


@pytest.mark.parametrize(("declared", "words"), UNSOUND.values(), ids=UNSOUND)
def test_an_unsound_declaration_is_told_when_it_is_registered(
    declared: str, words: str, write: Write, plugins: Look
) -> None:
    """What could not be typed, set or listed is no healthy provider; the file and line are named."""
    write("wn.py", SKETCH.replace('name="sketch"', declared))
    message = trouble(plugins(), "wn")

    assert message.startswith("plugins/wn.py, line 4 registers a broken generator: ")
    assert words in message


def test_a_file_that_offers_another_name_says_which(write: Write, plugins: Look) -> None:
    """Who types the name of the file is told what is in it, for a run and for a list."""
    write("my-first.py")

    assert trouble(plugins(), "my-first").endswith("; plugins/my-first.py has the generator 'sketch'")
    assert plugins().unknown("my-first").endswith("; plugins/my-first.py has the generator 'sketch'")


# -- hooks and their shape -------------------------------------------------------------------------------------------


SHAPES: dict[str, tuple[str, str]] = {
    "argument": (
        SKETCH.replace("_generators(register)", "_generators(reg)").replace("    register(", "    reg("),
        "plugins/sketch.py has a hook charimg cannot use: register_generators asks for 'reg', which it is not given; "
        "write def register_generators(register); mend it",
    ),
    "object": (SKETCH.replace("register(Sketch)", "register(Sketch())"), "; hand over the class, not an object of it"),
    "made object": (
        SKETCH.replace("register(Sketch)", "register(Sketch(None))"),
        "an object of Sketch is not a class that extends charimg.ImageGenerator; hand over the class itself: reg",
    ),
    "syntax": (SKETCH + "\nif True\n    pass\n", "plugins/sketch.py, line 14: SyntaxError: expected ':'; mend it"),
}


@pytest.mark.parametrize(("code", "words"), SHAPES.values(), ids=SHAPES)
def test_a_hook_of_the_wrong_shape_is_told_in_our_words(code: str, words: str, write: Write, plugins: Look) -> None:
    """One line in the author's terms: what to write, and nothing twice."""
    write("sketch.py", code)
    message = trouble(plugins(), "sketch")

    assert words in message
    assert message.count("plugins/sketch.py") == 1


@pytest.mark.filterwarnings("error")
def test_an_async_hook_is_refused_before_it_is_called(write: Write, plugins: Look) -> None:
    """Nobody would await it; Python's own warning about that reaches no terminal."""
    write("style.py", PREFIXING.replace("def prepare", "async def prepare"))
    found = plugins()
    (warning,) = found.load_taking_part()
    request, warnings = found.prepare_request(ImageRequest("rani", "Rani", "a queen"))

    assert "plugins/style.py has a hook charimg cannot use: prepare_request must be a plain 'def'" in warning
    assert (request.prompt, warnings) == ("a queen", [])


# -- meant to be plugins ---------------------------------------------------------------------------------------------


OVERLOOKED: dict[str, tuple[str, str]] = {
    "misspelt": (
        SKETCH.replace("def register_generators", "def register_generator"),
        "plugins/sketch.py, line 11: register_generator is no hook of charimg; did you mean register_generators?",
    ),
    "no hook": (
        SKETCH.partition("@charimg.hookimpl")[0],
        "plugins/sketch.py speaks of charimg and offers nothing: it has no hook",
    ),
    "syntax": ("import charimg\n\nclass Sketch(charimg.ImageGenerator)\n", "plugins/sketch.py, line 3: SyntaxError: "),
    "from": ("from charimg import Store\n", "plugins/sketch.py speaks of charimg and offers nothing"),
    "null": ("import charimg\n\0", "plugins/sketch.py: "),
    "encoding": ("# coding: klingon\nimport charimg\n", "plugins/sketch.py: SyntaxError: "),
}


@pytest.mark.parametrize(("code", "words"), OVERLOOKED.values(), ids=OVERLOOKED)
def test_a_file_that_was_meant_to_be_a_plugin_is_told_of(code: str, words: str, write: Write, plugins: Look) -> None:
    """A run and the doctor warn, a list can; whoever asks for its name is told as well, and it is never run."""
    write("sketch.py", code + "\nraise SystemExit('run')\n")
    found = plugins()

    assert [words in warning for warning in found.load_taking_part()] == [True]
    assert [words in warning for warning in found.overlooked()] == [True]
    assert words in trouble(found, "sketch")
    assert words in found.unknown("sketch")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("sketch.py", SKETCH),
        ("_shared.py", "import charimg\n"),
        ("other.py", "# not for charimg\nimport charimg_like_thing\n"),
        ("torn.py", "print 'of another program and another age'\n"),
    ],
)
def test_nobody_is_warned_of_other_programs_and_of_plugins(name: str, code: str, write: Write, plugins: Look) -> None:
    """Files that do not speak of charimg, shared ones and those that work."""
    write(name, code)

    assert plugins().overlooked() == []
