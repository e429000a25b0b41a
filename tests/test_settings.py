"""Settings: precedence, types, and the one line for everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charimg.contracts.declaration import Credential, Declaration, Setting, SettingValue
from charimg.errors import InputError
from charimg.policy import Policy
from charimg.settings import (
    DEFAULT,
    GENERAL,
    Overridden,
    Settings,
    SettingsFile,
    config_home,
    convert,
    policy_of,
    sort_options,
    written,
)
from charimg.settings.values import Written

WHISK = Declaration(
    name="whisk",
    summary="",
    settings=(
        Setting("labs_url", "The address.", env=("LABS",)),
        Setting("latency", "Seconds.", float, 0.5, minimum=0, maximum=60),
        Setting("shy", "Whether.", bool, False),
        Setting("model", "The model.", choices=("IMAGEN_3_5", "GEM_PIX"), default="IMAGEN_3_5"),
    ),
    credentials=(Credential("cookie", "From the browser."),),
)
UPLOADER = Declaration(
    name="whisk-up", summary="", account="whisk", settings=(Setting("caption", ""), Setting("labs_url", ""))
)
FOLDER = Declaration(name="folder", summary="", settings=(Setting("path", "The folder."),))


def loaded(folder: Path, text: str = "", environ: dict[str, str] | None = None, user: str = "") -> Settings:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    if text:
        (folder / "charimg.yaml").write_text(text, encoding="utf-8")
    if user:
        (home / "config.yaml").write_text(user, encoding="utf-8")
    return Settings.load(folder, environ or {}, home)


def fault(folder: Path, text: str, declaration: Declaration = WHISK) -> str:
    def read() -> None:
        settings = loaded(folder, text)
        settings.general()
        settings.of_provider(declaration)

    with pytest.raises(InputError) as caught:
        read()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_are_the_policy(tmp_path: Path) -> None:
    """Where nobody says anything, the numbers are those of the policy."""
    general = loaded(tmp_path).general()

    assert policy_of(general) == Policy()
    assert {one.source for one in general.values()} == {DEFAULT}


def test_every_place_in_its_order(tmp_path: Path) -> None:
    """Flag, environment, project and user are told apart, and those that lost are kept for show."""
    settings = loaded(tmp_path, "batch_size: 3\n", {"CHARIMG_BATCH_SIZE": "4"}, "batch_size: 2\n")
    found = settings.general({"batch_size": 9})["batch_size"]

    user = str(tmp_path / "home" / "config.yaml")
    assert (found.value, found.source) == (9, "--batch-size")
    assert found.overridden == (
        Overridden("CHARIMG_BATCH_SIZE", "4"),
        Overridden("charimg.yaml", "3"),
        Overridden(user, "2"),
    )


_number = st.integers(1, 99)


@given(flag=st.none() | _number, environment=st.none() | _number, project=st.none() | _number, user=st.none() | _number)
def test_the_winner_is_the_first_that_has_it(
    flag: int | None, environment: int | None, project: int | None, user: int | None
) -> None:
    """Whatever is written where, the first place in the order that has a value wins."""

    def file(name: str, value: int | None) -> SettingsFile:
        return SettingsFile(name, {} if value is None else {"batch_size": Written(str(value), 1)})

    environ = {} if environment is None else {"CHARIMG_BATCH_SIZE": str(environment)}
    settings = Settings(environ, (file("project", project), file("user", user)))
    found = settings.general({"batch_size": flag})["batch_size"]

    places = [("--batch-size", flag), ("CHARIMG_BATCH_SIZE", environment), ("project", project), ("user", user)]
    wanted = [(name, value) for name, value in places if value is not None]
    assert (found.source, found.value) == (wanted[0] if wanted else (DEFAULT, 5))
    assert [(one.source, int(one.text)) for one in found.overridden] == wanted[1:]


@given(option=st.none() | _number, own=st.none() | _number, theirs=st.none() | _number, project=st.none() | _number)
def test_a_providers_winner_is_the_first_that_has_it(
    option: int | None, own: int | None, theirs: int | None, project: int | None
) -> None:
    """A provider's setting: -o, then charimg's variable, then the provider's own, then the file."""
    easel = Declaration("easel", "", (Setting("brush", "", int, 5, env=("EASEL_BRUSH",)),))
    environ = {
        name: str(value) for name, value in (("CHARIMG_EASEL_BRUSH", own), ("EASEL_BRUSH", theirs)) if value is not None
    }
    written_ = {} if project is None else {"easel": {"brush": Written(str(project), 1)}}
    settings = Settings(environ, (SettingsFile("file", {}, written_),))
    options = sort_options([] if option is None else [f"brush={option}"], [easel])
    found = settings.of_provider(easel, options)["brush"]

    places = [("-o brush", option), ("CHARIMG_EASEL_BRUSH", own), ("EASEL_BRUSH", theirs), ("file", project)]
    wanted = [(name, value) for name, value in places if value is not None]
    assert (found.source, found.value) == (wanted[0] if wanted else (DEFAULT, 5))


@given(value=st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_written_is_read_back(value: bool | int | float) -> None:
    """A value of any type survives being written as text and converted."""
    setting = Setting("any", "", type(value))

    assert convert(setting, str(value), "here") == value


@given(text=st.text(), kind=st.sampled_from([int, float, bool, str]))
def test_any_text_is_a_value_or_one_line(text: str, kind: type[SettingValue]) -> None:
    """No text whatever brings anything but a value of the type or one line that names the place."""
    try:
        outcome = type(convert(Setting("any", "", kind), text, "here")) is kind
    except InputError as error:
        outcome = str(error).startswith("here: expected") and str(error).isprintable()

    assert outcome


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch_size: five", "charimg.yaml:1: batch_size: expected a whole number from 1 up, found 'five'"),
        ("out: x\nbatch_size: 0", "charimg.yaml:2: batch_size: expected a whole number from 1 up, found '0'"),
        ("cooldown: .nan", "charimg.yaml:1: cooldown: expected a number from 0 up, found '.nan'"),
        ("cooldown: inf", "charimg.yaml:1: cooldown: expected a number from 0 up, found 'inf'"),
        ("cooldown: nan", "charimg.yaml:1: cooldown: expected a number from 0 up, found 'nan'"),
        ("progress: liv", "expected one of auto, live, plain, json, none, found 'liv'; did you mean 'live'?"),
        ("batchsize: 5", "charimg.yaml:1: batchsize: unknown setting; did you mean 'batch_size'?"),
        ("lanes: gemini", "charimg.yaml:1: lanes: expected a list ('- ' before each), found a text"),
        ("whisk:\n  labs_url: x", "charimg.yaml:1: whisk: a provider's settings stand under 'providers:'"),
        ("out:\n", "charimg.yaml:1: out: has no value; write one, or delete the line"),
        ("out: [a]", "charimg.yaml:1: out: expected one value, found a list"),
        ("out: a\nout: b", "charimg.yaml:2: out is given twice, first in line 1; keep one"),
        ("- out", "charimg.yaml:1: expected lines of 'name: value', found a list"),
        ("out: a\n\tb: c", "charimg.yaml:2: is not YAML"),
        ("out: 'a", "charimg.yaml:1: is not YAML"),
        ("out: a\n---\nout: b", "charimg.yaml:2: is not YAML"),
        ("a" * 300_000, "charimg.yaml: is 292 KB large"),
        ("[" * 5000, "charimg.yaml: is nested too deeply"),
        ("? [a]\n: b", "charimg.yaml:1: the name of a setting is a text, found a list"),
        ("providers: 5", "charimg.yaml:1: providers: expected lines of 'name: value', found a text"),
        (
            "providers:\n  whisk:\n    latency: 61",
            "charimg.yaml:3: providers.whisk.latency: expected a number from 0 to 60",
        ),
        ("providers:\n  whisk:\n    labsurl: x", "providers.whisk.labsurl: unknown setting; did you mean 'labs_url'?"),
        ("providers:\n  whisk:\n    shy: perhaps", "providers.whisk.shy: expected yes or no, found 'perhaps'"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    """Whatever is wrong in a settings file, one line names file, line, setting and what is expected."""
    told = fault(tmp_path, text)

    assert message in told


_yaml_pieces = st.sampled_from(
    [
        "providers:",
        "out",
        ": ",
        "\n",
        "  ",
        "- ",
        "[",
        "{",
        "}",
        "&a",
        "*a",
        "!!x ",
        "'",
        '"',
        "\t",
        "? ",
        "<<",
        "~",
        "#",
    ]
)


@settings(deadline=None)  # a disk may be slow
@given(pieces=st.lists(_yaml_pieces | st.text(max_size=4), max_size=12))
def test_any_file_is_settings_or_one_line(tmp_path_factory: pytest.TempPathFactory, pieces: list[str]) -> None:
    """No file whatever brings anything but settings or one line that begins with its name."""
    folder = tmp_path_factory.mktemp("any")
    (folder / "charimg.yaml").write_bytes("".join(pieces).encode("utf-8", "surrogatepass"))
    try:
        outcome = bool(Settings.load(folder, {}, folder / "home").general())
    except InputError as error:
        outcome = str(error).startswith("charimg.yaml:") and "\n" not in str(error)

    assert outcome


def test_not_utf8_is_one_line(tmp_path: Path) -> None:
    """A settings file in another encoding is told so."""
    (tmp_path / "charimg.yaml").write_bytes(b"out: caf\xe9\n")

    with pytest.raises(InputError, match="byte at offset 8 is not UTF-8"):
        loaded(tmp_path)


def test_a_folder_of_the_files_name_is_one_line(tmp_path: Path) -> None:
    """A folder called charimg.yaml is told so."""
    (tmp_path / "charimg.yaml").mkdir()

    with pytest.raises(InputError, match="this is not a file"):
        loaded(tmp_path)


def test_the_other_suffix_is_not_ignored(tmp_path: Path) -> None:
    """A charimg.yml would be left unread in silence; it is refused with the remedy."""
    (tmp_path / "charimg.yml").write_text("out: x\n")

    with pytest.raises(InputError, match="rename it"):
        loaded(tmp_path)


@pytest.mark.parametrize("text", ["", "# nothing\n", "providers:\n", "providers:\n  whisk:\n", "\ufeffout: pictures\n"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    """A file of comments, or with a section still empty, or with a byte order mark, is fine."""
    (tmp_path / "charimg.yaml").write_text(text, encoding="utf-8")
    settings = Settings.load(tmp_path, {}, tmp_path / "home")

    assert settings.general()["out"].value == "pictures"
    assert settings.of_provider(WHISK)["latency"].value == 0.5


def test_the_environment_is_named(tmp_path: Path) -> None:
    """A wrong environment variable is named as such."""
    settings = loaded(tmp_path, environ={"CHARIMG_BATCH_SIZE": "five"})

    with pytest.raises(InputError, match=r"^environment CHARIMG_BATCH_SIZE: expected a whole number"):
        settings.general()


def test_an_empty_variable_is_no_value(tmp_path: Path) -> None:
    """``CHARIMG_BATCH_SIZE=`` unsets, as shells and CI files have it."""
    found = loaded(tmp_path, environ={"CHARIMG_BATCH_SIZE": ""}).general()["batch_size"]

    assert found.source == DEFAULT


def test_a_wrong_value_that_lost_stops_nobody(tmp_path: Path) -> None:
    """A flag is a way around a wrong file."""
    found = loaded(tmp_path, "batch_size: five\n").general({"batch_size": 2})["batch_size"]

    assert found.value == 2


@pytest.mark.parametrize("word", ["yes", "TRUE", "on", "1", "no", "False", "OFF", "0"])
def test_words_for_a_switch(tmp_path: Path, word: str) -> None:
    """A switch takes the usual words in any case, from YAML as from the environment."""
    in_file = loaded(tmp_path, f"providers:\n  whisk:\n    shy: {word}\n").of_provider(WHISK)["shy"].value
    in_environment = Settings({"CHARIMG_WHISK_SHY": word}, ()).of_provider(WHISK)["shy"].value

    wanted = word.lower() in ("yes", "true", "on", "1")
    assert (in_file, in_environment) == (wanted, wanted)


def test_values_stay_as_written(tmp_path: Path) -> None:
    """A text setting keeps what YAML would turn into a number, a date or a switch."""
    settings = loaded(tmp_path, "out: 007\nprovider: no\n").general()

    assert (settings["out"].value, settings["provider"].value) == ("007", "no")


def test_the_uploader_follows_the_provider(tmp_path: Path) -> None:
    """Without a word, pictures go to the uploader of the provider's name, else nowhere."""
    settings = loaded(tmp_path)
    names = ("folder", "none", "whisk")
    uploaders = [
        settings.general({"provider": provider, "uploader": uploader}, names)["uploader"].value
        for provider, uploader in (("whisk", None), ("avatar", None), ("whisk", "folder"))
    ]

    assert uploaders == ["whisk", "none", "folder"]


def test_a_secret_in_a_file_is_refused(tmp_path: Path) -> None:
    """A credential in a settings file is refused with the remedy, and not repeated."""
    told = fault(tmp_path, "providers:\n  whisk:\n    cookie: abcdef-secret\n")

    assert "charimg keys set whisk" in told
    assert "abcdef" not in told


def test_a_secret_as_an_option_is_refused() -> None:
    """A credential with -o is refused with the remedy, and not repeated."""
    with pytest.raises(InputError) as caught:
        sort_options(["cookie=abcdef-secret"], [FOLDER, WHISK])

    assert "charimg keys set whisk" in str(caught.value)
    assert "abcdef" not in str(caught.value)


def test_a_key_in_the_wrong_place_is_not_repeated() -> None:
    """A pasted key that a setting cannot take shows as stars."""
    with pytest.raises(InputError) as caught:
        convert(Setting("n", "", int), "sk-abcdefghijklmnop", "-o n")

    assert str(caught.value) == "-o n: expected a whole number, found '***'"


def test_relatives_share_a_section(tmp_path: Path) -> None:
    """A name that another provider of the account declares may stand in the file, and others still may not."""
    text = "providers:\n  whisk:\n    caption: x\n"
    (tmp_path / "charimg.yaml").write_text(text)
    settings = Settings.load(tmp_path, {}, tmp_path, lambda account: [UPLOADER] if account == "whisk" else [])

    assert settings.of_provider(WHISK)["labs_url"].value is None
    assert "caption" in fault(tmp_path, text)


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        (["latency=2"], {"whisk": {"latency": "2"}}),
        (["path=x", "path=y"], {"folder": {"path": "y"}}),
        (["labs-url=http://a?b=c"], {"whisk": {"labs_url": "http://a?b=c"}}),
        (["whisk.latency=1", "folder.path="], {"whisk": {"latency": "1"}, "folder": {"path": ""}}),
        (["whisk-up.caption=x"], {"whisk": {"caption": "x"}}),
    ],
)
def test_options_find_their_provider(pairs: list[str], wanted: dict[str, dict[str, str]]) -> None:
    """An option goes to the first provider that has the name, or to the one it names."""
    assert sort_options(pairs, [WHISK, UPLOADER, FOLDER]) == wanted


def test_an_option_reaches_all_of_an_account() -> None:
    """Generator and uploader that share an account share what -o says."""
    options = sort_options(["labs_url=http://here"], [WHISK, UPLOADER, FOLDER])
    settings = Settings({}, ())
    values = [settings.of_provider(one, options)["labs_url"].value for one in (WHISK, UPLOADER)]

    assert values == ["http://here", "http://here"]


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("latency", "-o: expected name=value"),
        ("=5", "-o: expected name=value"),
        ("latensy=1", "-o latensy: no setting of this name (whisk, folder); did you mean 'latency'?"),
        ("gemini.model=x", "-o gemini.model: 'gemini' is not in use here; in use are whisk, folder"),
        ("folder.latency=1", "-o folder.latency: no setting of this name (folder)"),
    ],
)
def test_a_wrong_option_is_one_line(pair: str, message: str) -> None:
    """An option nobody has is told with the nearest name."""
    with pytest.raises(InputError) as caught:
        sort_options([pair], [WHISK, FOLDER])

    assert message in str(caught.value)


def test_an_options_value_is_named() -> None:
    """A wrong value with -o names the option."""
    with pytest.raises(InputError, match=r"^-o latency: expected a number from 0 to 60, found 'fast'$"):
        Settings({}, ()).of_provider(WHISK, sort_options(["latency=fast"], [WHISK]))


def test_a_missing_required_setting_says_how_to_give_it() -> None:
    """A required setting nobody gave names every way to give it."""
    azure = Declaration("azure", "", (Setting("base_url", "The address.", required=True),))
    with pytest.raises(InputError) as caught:
        Settings({}, ()).values_for(azure)

    assert "-o base_url=..., CHARIMG_AZURE_BASE_URL, or in charimg.yaml under providers: azure:" in str(caught.value)


def test_values_for_a_context() -> None:
    """A provider receives every declared setting, of its type, unset ones as None."""
    environ = {"CHARIMG_WHISK_LATENCY": "2", "LABS": "http://labs"}

    assert Settings(environ, ()).values_for(WHISK) == {
        "labs_url": "http://labs",
        "latency": 2.0,
        "shy": False,
        "model": "IMAGEN_3_5",
    }


def test_the_configuration_folder() -> None:
    """CHARIMG_CONFIG_HOME names it, then XDG_CONFIG_HOME; its specification has relative ones ignored."""
    own = config_home({"CHARIMG_CONFIG_HOME": "/a", "XDG_CONFIG_HOME": "/b"})
    xdg = config_home({"XDG_CONFIG_HOME": "/b"})
    relative = config_home({"XDG_CONFIG_HOME": "b"})

    assert (own, xdg, relative.is_absolute()) == (Path("/a").absolute(), Path("/b/charimg"), True)


def test_a_password_in_an_address_is_not_shown() -> None:
    """A table shows an address without the password in it."""
    assert written("http://me:secret@host/path") == "http://***@host/path"


def test_every_general_setting_says_what_it_is() -> None:
    """Names are unique, and every setting has its sentence."""
    names = [setting.name for setting in GENERAL]

    assert len(set(names)) == len(names)
    assert all(setting.help.endswith(".") for setting in GENERAL)
