"""``charimg plugin new``: what it writes is built, installed, tested by its own suite, and used."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

from charimg.errors import InputError
from charimg.plugins import Kind
from charimg.scaffold import Names, contents
from charimg.scaffold.naming import LONGEST
from charimg.testing import PlayedService, Route, Service
from tests.cli.command_line import Run
from tests.cli.room import Room
from tests.emulators.threaded import serve_in_thread

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = [kind.value for kind in Kind]
BACK_END = "setuptools==80.9.0"
"""What builds the wheels; the generated pyproject.toml asks for this or newer."""


def test_the_whole_distribution_is_written(charimg: Run, project: Path) -> None:
    """Package, tests, README, metadata and CI file stand in charimg-NAME, and what comes next is said."""
    result = charimg("plugin", "new", "paint-box")
    place = project / "charimg-paint-box"
    written = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}

    assert (result.code, result.err) == (0, "")
    assert written == {
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "charimg_paint_box/__init__.py",
        "charimg_paint_box/generator.py",
        "charimg_paint_box/py.typed",
        "pyproject.toml",
        "setup.cfg",
        "tests/test_charimg_paint_box.py",
    }
    assert all(name in result.out for name in written)
    assert "cd charimg-paint-box" in result.out


@pytest.mark.parametrize("kind", list(Kind))
def test_nothing_of_the_template_is_left(kind: Kind) -> None:
    """Every placeholder is filled, and the entry point has the provider's name and group."""
    texts = contents(Names.of("paint-box"), kind)

    assert [name for name, text in texts.items() if "$" in text.replace("${{ matrix.python }}", "")] == []
    assert f"charimg.{kind}s =\n    paint-box = charimg_paint_box\n" in texts["setup.cfg"]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_readme_speaks_of_what_is_there(kind: Kind) -> None:
    """Its settings and credentials are those of the class, and its tests do what it says."""
    texts = contents(Names.of("paint-box"), kind)
    readme = texts["README.md"]
    code = texts[f"charimg_paint_box/{kind}.py"]
    settings = re.findall(r"^\| `(\w+)` \| `CHARIMG_PAINT_BOX_\w+` \| `(.*?)` \|", readme, re.MULTILINE)

    assert settings
    assert all(f'"{name}"' in code and f'"{default}"' in code for name, default in settings)
    assert ("api_key" in readme, "service" in readme) == ("Credential(" in code, kind is not Kind.STORE)
    assert ("pull the plug" in readme) is (kind is Kind.STORE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Paint", "cannot be a provider's name"),
        ("paint box", "cannot be a provider's name"),
        ("9lives", "cannot be a provider's name"),
        ("paint-", "cannot be a provider's name"),
        ("../evil", "cannot be a provider's name"),
        ("রং", "cannot be a provider's name"),
        ("p" * 33, "has 33 characters"),
        ("gemini", "'gemini' is taken: charimg-gemini"),
        ("fal", "'fal' is taken: charimg-hosted"),
        ("hosted", "'hosted' is taken"),
        ("cli", "'cli' is taken"),
        ("echo", "'echo' is taken: charimg-cli"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, words: str, charimg: Run, project: Path) -> None:
    """Wrong letters, too many of them, or the name of another: one line, and nothing is written."""
    result = charimg("plugin", "new", name)

    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert list(project.iterdir()) == []


def test_nothing_is_overwritten(charimg: Run, project: Path) -> None:
    """A file in the way stops all: it stays as it is, and no other is written."""
    place = project / "charimg-paint"
    place.mkdir()
    (place / "README.md").write_text("mine")
    result = charimg("plugin", "new", "paint")

    assert result.code == 2
    assert "README.md exists and is left as it is" in result.err
    assert {path.name: path.read_text() for path in place.iterdir()} == {"README.md": "mine"}


def test_it_is_written_where_one_wants_it(charimg: Run, project: Path) -> None:
    """``--folder`` names another place, which may exist and hold other things."""
    (project / "repository").mkdir()
    (project / "repository" / "LICENSE").write_text("mine")
    result = charimg("plugin", "new", "paint", "--kind", "store", "--folder", "repository")

    assert result.code == 0
    assert (project / "repository" / "charimg_paint" / "store.py").is_file()


def test_a_file_that_offers_nothing_is_told_of_in_the_list(charimg: Run, project: Path) -> None:
    """One file, meant to be a plugin, with its hook misspelt: the list warns and is whole all the same."""
    (project / "plugins").mkdir()
    code = "import charimg\n\n@charimg.hookimpl\ndef register_generator(register):\n    ...\n"
    (project / "plugins/paint.py").write_text(code)
    result = charimg("providers")
    shown = charimg("providers", "show", "paint")

    words = "plugins/paint.py, line 4: register_generator is no hook of charimg; did you mean register_generators?"
    assert (result.code, words in result.err, "echo" in result.out) == (0, True, True)
    assert (shown.code, words in shown.err) == (5, True)


def test_a_folder_that_cannot_be_made_is_told(charimg: Run, project: Path) -> None:
    """A file where a folder should be ends with one line."""
    (project / "place").write_text("a file")
    result = charimg("plugin", "new", "paint", "--folder", "place/inside")

    assert result.code == 7
    assert "cannot write" in result.err


def test_the_spellings_of_a_name() -> None:
    """One name is a distribution, a package, a class, a variable and a host."""
    names = Names.of("paint_box-2")

    assert (names.distribution, names.package, names.class_name, names.variable, names.host) == (
        "charimg-paint-box-2",
        "charimg_paint_box_2",
        "PaintBox2",
        "PAINT_BOX_2",
        "paint-box-2",
    )
    with pytest.raises(InputError):
        Names.of("p" * (LONGEST + 1))


# -- built, installed, used --------------------------------------------------------------------------------------------


def give_up(why: str) -> None:
    """Skip at a desk, fail in CI."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{why}; in CI this test may not be skipped")
    pytest.skip(why)


@pytest.fixture(scope="module")
def builder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the build back end, kept between runs in pytest's own cache."""
    digest = hashlib.sha256(f"{BACK_END} {sys.version}".encode()).hexdigest()[:12]
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    home = Path(cache.mkdir("wheel-builder")) if cache else tmp_path_factory.mktemp("wheel-builder")
    place = home / digest
    python = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not place.exists():
        # Made beside and renamed into place: two test runs at once cannot see half of it.
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            fresh = Path(scratch, "builder")
            venv.create(fresh, with_pip=True)
            command = [str(fresh / python), "-m", "pip", "install", "--quiet", "--timeout", "20", BACK_END]
            done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
            if done.returncode:
                give_up(f"the build back end cannot be installed: {done.stderr.strip()[-300:]}")
            try:
                fresh.rename(place)
            except OSError:
                assert place.exists(), "somebody else was to have made it"
    return place / python


def build(builder: Path, source: Path, into: Path) -> Path:
    """The wheel of a distribution."""
    command = [str(builder), "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(into), str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (made,) = into.glob("*.whl")
    return made


SERVICE = Service(
    Route("POST", "/v1/images", lambda asked: {"image": asked.picture.base64}),
    Route("POST", "/v1/files", lambda asked: {"id": asked.picture_id}),
    Route("GET", "/v1/account", {"name": "somebody"}),
)
ROSTER = "characters:\n" + "".join(f"  - {{name: Ferryman {n}, description: 'kx{n:04}q, old'}}\n" for n in (1, 2, 3))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_built_installed_tested_and_used(kind: str, builder: Path, tmp_path: Path) -> None:
    """From nothing to pictures: the wheel is installed by charimg, its own suite passes, and a run goes through it."""
    room = Room(tmp_path)
    written = room("plugin", "new", "paint-box", "--kind", kind)
    source = room.project / "charimg-paint-box"
    wheel = build(builder, source, tmp_path / "dist")
    shutil.rmtree(source / "charimg_paint_box")  # what is tested and used is the wheel alone
    shutil.rmtree(source / "build", ignore_errors=True)
    installed = room("install", str(wheel), "--yes")
    suite = room.run("pytest", "-q", "-p", "no:cacheprovider", folder=source)
    (room.project / "characters.yaml").write_text(ROSTER)
    role = "provider" if kind == "generator" else kind
    with serve_in_thread(lambda: PlayedService(SERVICE)) as service:
        options = ("--provider", "echo") if kind != "generator" else ("--uploader", "none")
        ran = room(
            *("run", *options, f"--{role}", "paint-box", "--cooldown", "0"),
            CHARIMG_PAINT_BOX_BASE_URL=service.address,
            CHARIMG_PAINT_BOX_API_KEY="a key",
        )
    status = room("status", **{"CHARIMG_STORE": "paint-box"} if kind == "store" else {})

    assert written.code == 0, written.err
    assert (installed.code, f"charimg-paint-box 0.1.0: {kind} paint-box" in installed.out) == (0, True), installed.err
    assert suite.code == 0, suite.out
    assert ran.code == 0, ran.out + ran.err
    assert len(list((room.project / "pictures").glob("*.png"))) == 3
    assert status.out.count("Ferryman") == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["q", f"as-long-as-it-{'may' * 6}"[:LONGEST]])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whose", ["its own", "the house's"])
def test_a_new_plugin_is_clean(kind: str, name: str, whose: str, charimg: Run, tmp_path: Path) -> None:
    """Ruff and mypy find nothing in it, by its own configuration and by the house's, whatever the name's length."""
    tools = Path(sys.executable).parent
    if not (tools / "ruff").exists() or not (tools / "mypy").exists():
        pytest.skip("ruff and mypy come with the extra 'dev'")
    place = tmp_path / "clean"
    assert charimg("plugin", "new", name, "--kind", kind, "--folder", str(place)).code == 0
    config = place / "pyproject.toml" if whose == "its own" else ROOT / "pyproject.toml"
    package = next(path.parent.name for path in place.glob("*/__init__.py"))

    def run(*command: str) -> str:
        environ = {**os.environ, "MYPYPATH": str(ROOT)}
        done = subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr if done.returncode else ""

    ruff = (str(tools / "ruff"), "--config", str(config), "--no-cache")
    cache = str(tmp_path.parent / "mypy")
    told = run(*ruff[:1], "check", *ruff[1:], ".") + run(*ruff[:1], "format", *ruff[1:], "--diff", ".")
    # What mypy thinks of charimg itself is no business of this test.
    mypy = (str(tools / "mypy"), "--config-file", str(config), "--follow-imports", "silent", "--cache-dir", cache)
    told += run(*mypy, package)

    assert told == ""
