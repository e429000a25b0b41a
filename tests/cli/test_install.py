"""``charimg install`` and ``uninstall``: real wheels, real pip, an environment of the test's own, and no network."""

from __future__ import annotations

import base64
import hashlib
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete

from charimg.cli import cli
from charimg.errors import PluginError
from charimg.installer import Installer, run
from charimg.packages import PACKAGES
from tests.cli.command_line import EASEL, Install, Run
from tests.cli.room import Room

CORE_AS_IT_IS = f"charimg-cli=={metadata.version('charimg-cli')}"


def wheel(
    folder: Path, name: str, files: dict[str, str], points: str = "", version: str = "1.0", requires: str = ""
) -> Path:
    """A wheel as a build back end makes it."""
    folder.mkdir(parents=True, exist_ok=True)
    dist = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{dist}-py3-none-any.whl"
    whole = {
        **files,
        f"{dist}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{dist}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{dist}.dist-info/entry_points.txt": points,
    }
    record = ""
    for file, text in whole.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{file},sha256={digest},{len(text.encode())}\n"
    whole[f"{dist}.dist-info/RECORD"] = f"{record}{dist}.dist-info/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in whole.items():
            archive.writestr(file, text)
    return path


def easel_wheel(folder: Path, name: str = "charimg-easel", provider: str = "easel", requires: str = "") -> Path:
    module = name.replace("-", "_")
    code = "\n".join(line[4:] for line in EASEL.splitlines()).replace('"easel"', f'"{provider}"')
    return wheel(
        folder, name, {f"{module}.py": code}, f"[charimg.generators]\n{provider} = {module}\n", requires=requires
    )


EVIL = """
import pathlib

pathlib.Path(r"{mark}").write_text("its code has run")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    import shutil

    return pathlib.Path(shutil.copy(r"{wheel}", wheel_directory)).name
"""
"""A build back end, which pip imports to build, or only to ask for the metadata."""


def source(place: Path, name: str = "charimg-easel") -> tuple[Path, Path]:
    """A folder that has to be built, and the file that is there once its code has run."""
    folder, mark = place / "source", place / "mark"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "evil"\nbackend-path = ["."]\n'
    )
    (folder / "evil.py").write_text(EVIL.format(mark=mark, wheel=easel_wheel(place / "built", name)))
    (folder / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    return folder, mark


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


# -- through pip -----------------------------------------------------------------------------------------------------


def test_a_provider_comes_and_goes_by_its_name(room: Room) -> None:
    """``install easel`` finds charimg-easel, says what it brings and works at once; ``uninstall easel`` undoes it."""
    easel_wheel(room.shelf)
    came = room("install", "easel", "--yes")
    listed = room("providers")
    again = room("install", "easel", "--yes")
    gone = room("uninstall", "easel", "--yes")

    assert (came.code, came.err) == (0, "")
    assert "charimg-easel 1.0: generator easel" in came.out
    assert "-m pip install" in came.out
    assert "charimg-easel 1.0" in listed.out
    assert (again.code, again.out) == (0, "charimg-easel 1.0 is installed already: generator easel\n")
    assert (gone.code, "Uninstalled charimg-easel 1.0." in gone.out) == (0, True)
    assert not room.has("charimg_easel")


def test_a_wheel_is_installed_from_its_path_and_replaced(room: Room) -> None:
    """Its author builds the same version again, and has the new code."""
    first = easel_wheel(room.place / "dist")
    assert room("install", str(first), "--yes").code == 0
    code = (room.site / "charimg_easel.py").read_text()
    wheel(
        room.place / "dist",
        "charimg-easel",
        {"charimg_easel.py": f"{code}\n# mended\n"},
        "[charimg.generators]\neasel = charimg_easel\n",
    )

    assert room("install", str(first), "--yes").code == 0
    assert "# mended" in (room.site / "charimg_easel.py").read_text()


def test_what_is_no_plugin_is_refused_before_it_is_installed(room: Room) -> None:
    """A package of the index that declares no plugin stays where it is, whatever it is called."""
    wheel(room.shelf, "charimg-teapot", {"charimg_teapot.py": "raise SystemExit('run')"})
    result = room("install", "teapot", "--yes")

    assert (result.code, result.out) == (2, "")
    assert "charimg-teapot 1.0 is no plugin of charimg" in result.err
    assert not room.has("charimg_teapot")


def test_a_name_that_is_taken_is_refused(room: Room) -> None:
    """A package whose provider another one has would break both; it is not installed."""
    result = room("install", str(easel_wheel(room.place, "charimg-other", "echo")), "--yes")

    assert result.code == 2
    assert "charimg-other 1.0 has a generator 'echo', as charimg-cli" in result.err
    assert not room.has("charimg_other")


def test_a_package_nobody_has_is_told_in_pips_words(room: Room) -> None:
    """The reason is pip's own, on one line, with the plugins' exit code."""
    room.shelf.mkdir()
    result = room("install", "quillwork", "--yes")

    assert (result.code, result.err.count("\n")) == (5, 1)
    assert "pip could not do it for charimg-quillwork: No matching distribution found" in result.err


def test_nothing_is_done_without_agreement(room: Room) -> None:
    """Where nobody can be asked, the command that would run is shown and nothing happens."""
    easel_wheel(room.shelf)
    result = room("install", "easel")

    assert result.code == 2
    assert "charimg-easel 1.0: generator easel" in result.out
    assert "add --yes" in result.err
    assert not room.has("charimg_easel")


# -- whose code runs when ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["folder", "address", "index"])
def test_nothing_is_built_before_it_is_agreed_to(where: str, room: Room) -> None:
    """A folder, an address or a package without a wheel: its code runs after the question, and --yes says yes to it."""
    folder, mark = source(room.place)
    asked = {"folder": str(folder), "address": folder.as_uri(), "index": "easel"}[where]
    room.shelf.mkdir()
    with tarfile.open(room.shelf / "charimg_easel-1.0.tar.gz", "w:gz") as archive:
        archive.add(folder, "charimg_easel-1.0")
    refused = room("install", asked)
    run_by_then = mark.exists()
    agreed = room("install", asked, "--yes")

    assert (refused.code, run_by_then) == (2, False)
    assert "to see what it brings. That runs its code." in refused.out
    assert "-m pip wheel" in refused.out
    assert "add --yes" in refused.err
    assert (agreed.code, agreed.err, room.has("charimg_easel"), mark.exists()) == (0, "", True, True)


def test_a_wheel_is_looked_at_and_its_later_source_is_not_installed(room: Room) -> None:
    """What was looked at is what comes: a newer version that is only source would run its code unseen."""
    folder, mark = source(room.place)
    easel_wheel(room.shelf)
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: charimg-easel\nVersion: 2.0\n")
    with tarfile.open(room.shelf / "charimg_easel-2.0.tar.gz", "w:gz") as archive:
        archive.add(folder, "charimg_easel-2.0")
    result = room("install", "easel", "--yes")

    assert (result.code, room.has("charimg_easel"), mark.exists()) == (0, True, False)
    assert "Installed charimg-easel 1.0." in result.out


def test_a_folder_called_like_a_wheel_is_a_folder(room: Room) -> None:
    """A name is no reason to run what is in it."""
    folder, mark = source(room.place)
    result = room("install", str(folder.rename(room.place / "charimg_easel-1.0-py3-none-any.whl")))

    assert (result.code, mark.exists()) == (2, False)
    assert "That runs its code." in result.out


# -- charimg itself stays ---------------------------------------------------------------------------------------------


@pytest.fixture
def newer_core(room: Room) -> Room:
    """The index has a later charimg."""
    wheel(room.shelf, "charimg-cli", {"charimg_of_another_time.py": ""}, version="50.0")
    return room


def test_a_plugin_that_needs_another_charimg_is_refused(newer_core: Room) -> None:
    """It would be installed over the one that runs; the line says which it needs, and which this is."""
    easel_wheel(newer_core.shelf, requires="Requires-Dist: charimg-cli>=50\n")
    result = newer_core("install", "easel", "--yes")

    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert f"charimg-easel 1.0 needs charimg-cli>=50; this is {metadata.version('charimg-cli')}: upgrade" in result.err
    assert not newer_core.has("charimg_of_another_time")


@pytest.mark.parametrize("requires", ["charimg-cli>=0.0.1", "charimg-cli (>=50) ; python_version < '3'"])
def test_a_plugin_that_this_charimg_will_do_for_comes_without_another(requires: str, newer_core: Room) -> None:
    """Also where the newest of everything is asked for."""
    easel_wheel(newer_core.shelf, requires=f"Requires-Dist: {requires}\n")
    result = newer_core("install", "easel", "--upgrade", "--yes")

    assert (result.code, result.err) == (0, "")
    assert newer_core.has("charimg_easel")
    assert not newer_core.has("charimg_of_another_time")


def test_what_a_plugin_brings_along_does_not_replace_charimg_either(newer_core: Room) -> None:
    """A dependency's wish is seen by pip only, and told in its words."""
    wheel(newer_core.shelf, "brushes", {"brushes.py": ""}, requires="Requires-Dist: charimg-cli>=50\n")
    easel_wheel(newer_core.shelf, requires="Requires-Dist: brushes\n")
    result = newer_core("install", "easel", "--yes")

    assert (result.code, result.err.count("\n")) == (5, 1)
    assert "Cannot install charimg-cli==" in result.err
    assert not newer_core.has("charimg_of_another_time")


def test_another_charimg_of_an_address_is_not_fetched(room: Room) -> None:
    """A plugin that names where to get charimg from is refused, and nothing of it is run."""
    folder, mark = source(room.place, "charimg-cli")
    easel_wheel(room.shelf, requires=f"Requires-Dist: charimg-cli @ {folder.as_uri()}\n")
    result = room("install", "easel", "--yes")

    assert (result.code, mark.exists()) == (2, False)
    assert "charimg-easel 1.0 needs charimg-cli @ file://" in result.err


# -- addresses and options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["storyteller:pa55-of-mine", "tok_of_mine_0123", "x-token:tok%40of%40mine"])
def test_the_login_of_an_address_is_shown_nowhere(login: str, room: Room) -> None:
    """Neither in what would run, nor in what pip says of it, nor in the hint."""
    address = f"git+https://{login}@127.0.0.1:9/easel.git"
    asked = room("install", address)
    failed = room("install", address, "--yes")

    assert (asked.code, failed.code) == (2, 5)
    assert "git+https://***@127.0.0.1:9/easel.git" in asked.out
    assert "git+https://***@127.0.0.1:9/easel.git" in failed.err
    assert login.rpartition(":")[2] not in asked.out + asked.err + failed.out + failed.err


# -- what is refused without pip --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("install", "charimg-cli"), 2, "is charimg itself"),
        (("install", "charimg"), 2, "is charimg itself"),
        (("install", "./nowhere.whl"), 2, "there is no "),
        (("install", "two words"), 2, "is no name of a package"),
        (("install", "--", "--find-links=file:///x"), 2, "is an option and no package"),
        (("install", "--", "-rfile.txt"), 2, "is an option and no package"),
        (("uninstall", "charimg-cli"), 2, "is charimg itself"),
        (("uninstall", "charimg_CLI"), 2, "is charimg itself"),
        (("uninstall", "echo"), 2, "'echo' is part of charimg itself"),
        (("uninstall", "quillwork"), 5, "no installed package has a provider 'quillwork'"),
        (("uninstall", "aiohttp"), 5, "no installed package has a provider 'aiohttp'"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], code: int, words: str, charimg: Run) -> None:
    """The core stays, other programs' packages are none of ours, and a name nobody has is told."""
    result = charimg(arguments[0], "--yes", *arguments[1:])

    assert (result.code, result.out) == (code, "")
    assert words in result.err


def test_a_torn_wheel_is_refused(charimg: Run, project: Path) -> None:
    """A file that is no archive is told as that."""
    (project / "x-1-py3-none-any.whl").write_text("no archive")
    result = charimg("install", "./x-1-py3-none-any.whl", "--yes")

    assert result.code == 2
    assert "is no wheel that can be read" in result.err


def test_a_file_of_the_project_is_not_uninstalled(charimg: Run, project: Path) -> None:
    """A one-file plugin is the user's own file, which they delete themselves."""
    (project / "plugins").mkdir()
    (project / "plugins" / "sketch.py").write_text("def register_generators(register): ...\n")
    result = charimg("uninstall", "sketch", "--yes")

    assert result.code == 2
    assert "plugins/sketch.py" in result.err


def test_the_package_is_named_where_two_have_the_name(charimg: Run, install: Install) -> None:
    """Which of the two goes is the user's to say."""
    install("charimg-easel", EASEL, generators="easel")
    install("charimg-other", EASEL, generators="easel")
    result = charimg("uninstall", "easel", "--yes")

    assert result.code == 2
    assert "charimg uninstall charimg-easel or charimg uninstall charimg-other" in result.err


def test_a_long_failure_says_how_to_see_all_of_it(tmp_path: Path) -> None:
    """Of a tool's page of complaints one line is told, with the command that shows the rest."""
    code = "import sys; sys.exit('one\\ntwo\\nerror: the reason\\nthree\\nfour')"

    with pytest.raises(PluginError) as caught:
        run([sys.executable, "-c", code], tmp_path, "charimg-easel")

    assert "could not do it for charimg-easel: the reason; to see all it says, run: " in str(caught.value)


def test_uv_s_reason_stands_below_its_headline(tmp_path: Path) -> None:
    """The headline that nothing was found is not the reason."""
    code = "import sys; sys.exit('error: No solution found\\n  cause: Because charimg-easel was not found')"

    with pytest.raises(PluginError, match=r"for charimg-easel: Because charimg-easel was not found$"):
        run([sys.executable, "-c", code], tmp_path, "charimg-easel")


def test_the_shell_completes_what_can_be_installed(install: Install, project: Path) -> None:
    """TAB offers the providers of packages that are not here."""
    completion = ShellComplete(cli, {}, "charimg", "_CHARIMG_COMPLETE")

    def offered() -> list[str]:
        return [one.value for one in completion.get_completions(["install"], "")]

    before = set(offered())
    install("charimg-gemini", EASEL, generators="gemini")

    assert before <= set(PACKAGES)
    assert "gemini" not in offered()


# -- through other tools -----------------------------------------------------------------------------------------------


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with uv and pipx."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("uv", "pipx"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_pipx_is_asked_for_its_own_environments(tmp_path: Path, tools: Path) -> None:
    """What pip puts into them by itself is lost when they are made anew."""
    place = tmp_path / "charimg-cli"
    place.mkdir()
    (place / "pipx_metadata.json").write_text("{}")
    installer = Installer.of_this_environment(place)

    assert installer.adding("charimg-gemini") == [str(tools / "pipx"), "inject", "charimg-cli", "charimg-gemini"]
    assert installer.removing("charimg-gemini") == [str(tools / "pipx"), "uninject", "charimg-cli", "charimg-gemini"]


def test_pip_tries_before_pipx_does(tmp_path: Path, tools: Path) -> None:
    """pipx would keep charimg's version for later upgrades: it is not told it, but pip is asked whether it may stay."""
    place = tmp_path / "charimg-cli"
    place.mkdir()
    (place / "pipx_metadata.json").write_text("{}")
    trial = Installer.of_this_environment(place).trial("charimg-gemini", only_wheel_of="charimg-gemini")

    assert trial[:5] == [sys.executable, "-m", "pip", "install", "--dry-run"]
    assert trial[-4:] == ["--only-binary", "charimg-gemini", "charimg-gemini", CORE_AS_IT_IS]


RECEIPT = """
[tool]
python = "3.12"
requirements = [
    { name = "charimg-cli", specifier = ">=0.1" },
    { name = "charimg-whisk" },
    { name = "charimg-sketch", path = "/home/me/charimg_sketch-1.0-py3-none-any.whl" },
]
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 cannot read uv's receipt, and says what to run")
def test_uv_keeps_what_was_added_before(tmp_path: Path, tools: Path) -> None:
    """``uv tool install`` drops whatever it is not told again."""
    (tmp_path / "uv-receipt.toml").write_text(RECEIPT)
    installer = Installer.of_this_environment(tmp_path)
    begin = [str(tools / "uv"), "tool", "install", "--quiet", "--python", "3.12", "charimg-cli>=0.1"]
    sketch = ["--with", "/home/me/charimg_sketch-1.0-py3-none-any.whl"]

    assert installer.adding("charimg-gemini") == [
        *begin, "--with", "charimg-whisk", *sketch, "--with", "charimg-gemini"]  # fmt: skip
    assert installer.removing("charimg-whisk") == [*begin, *sketch]
    assert installer.trial("charimg-gemini") == [
        str(tools / "uv"), "pip", "install", "--dry-run", "--quiet", "--python", sys.executable, "charimg-gemini",
        CORE_AS_IT_IS,
    ]  # fmt: skip


@pytest.mark.parametrize("receipt", ["", "[tool]\nrequirements = 3", "torn", '[tool]\nrequirements = [{git = "x"}]'])
def test_a_receipt_that_cannot_be_read_is_told(receipt: str, tmp_path: Path, tools: Path) -> None:
    """Rather than lose what was added, the command to type is named."""
    (tmp_path / "uv-receipt.toml").write_text(receipt)

    with pytest.raises(PluginError, match="uv tool install charimg-cli with a --with PACKAGE"):
        Installer.of_this_environment(tmp_path).adding("charimg-gemini")


@pytest.mark.parametrize(
    ("options", "words"),
    [({}, []), ({"upgrade": True}, ["--upgrade"]), ({"replace": True}, ["--force-reinstall", "--no-deps"])],
)
def test_pip_is_told_how(options: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    """A newer version is asked for, and the same one replaced, only where that is meant."""
    doing = Installer("pip", tmp_path, ("python", "-m", "pip")).adding("charimg-gemini", **options)

    pin = [] if "replace" in options else [CORE_AS_IT_IS]
    assert [word for word in doing if word not in ("--quiet", "--disable-pip-version-check", "--no-input")] == [
        "python", "-m", "pip", "install", *words, "charimg-gemini", *pin]  # fmt: skip


def test_uv_serves_an_environment_without_pip(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``uv venv`` makes environments that have no pip."""
    monkeypatch.setattr("charimg.installer.find_spec", lambda _name: None)
    doing = Installer.of_this_environment(tmp_path).adding("charimg-gemini")

    assert doing == [
        str(tools / "uv"), "pip", "install", "--quiet", "--python", sys.executable, "charimg-gemini", CORE_AS_IT_IS,
    ]  # fmt: skip


@pytest.mark.parametrize("marker", ["pipx_metadata.json", "uv-receipt.toml", ""])
def test_a_missing_tool_is_told(marker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip, uv or pipx, whichever is needed, the error says how to have it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("charimg.installer.find_spec", lambda _name: None)
    if marker:
        (tmp_path / marker).write_text("")

    with pytest.raises(PluginError, match="ensurepip" if not marker else "put it on the PATH"):
        Installer.of_this_environment(tmp_path)
