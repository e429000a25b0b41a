"""Credentials: where they are found, how they are kept, and that nobody else can read them."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from charimg.contracts.declaration import Credential, Declaration
from charimg.credentials import Credentials, clean_secret, split_account
from charimg.errors import ExitCode, FatalError, InputError
from charimg.keyfile import KeyFile

COOKIE = Credential("cookie", "Copy it from the browser.", env=("WHISK_COOKIE",))
WHISK = Declaration("whisk", "", credentials=(COOKIE,))
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")


def of(folder: Path, **environ: str) -> Credentials:
    return Credentials.load(environ, folder / "home")


_maybe = st.none() | st.text("abcdef", min_size=1, max_size=8)


@settings(deadline=None)  # a disk may be slow
@given(own=_maybe, mounted=_maybe, theirs=_maybe, kept=_maybe)
def test_the_winner_is_the_first_that_has_it(
    own: str | None, mounted: str | None, theirs: str | None, kept: str | None
) -> None:
    """charimg's variable, then the mounted file, then the service's own variable, then the keys file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environ = {}
        if own is not None:
            environ["CHARIMG_WHISK_COOKIE"] = own
        if mounted is not None:
            (folder / "secret").write_text(mounted + "\n")
            environ["CHARIMG_WHISK_COOKIE_FILE"] = str(folder / "secret")
        if theirs is not None:
            environ["WHISK_COOKIE"] = theirs
        credentials = of(folder, **environ)
        if kept is not None:
            credentials.keys.put("whisk", "cookie", kept)
        found = credentials.find("whisk", COOKIE)

        wanted = next((value for value in (own, mounted, theirs, kept) if value is not None), None)
        assert (None if found is None else found.value.reveal()) == wanted
        assert found is None or found.ours == (own is mounted is theirs is None)


_names = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable())
_secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=40, deadline=None)  # every entry is a durable write
@given(kept=st.dictionaries(_names, st.dictionaries(_names, _secrets, min_size=1), max_size=4))
def test_what_is_kept_is_read_back(kept: dict[str, dict[str, str]]) -> None:
    """Any text under any names survives the keys file."""
    with tempfile.TemporaryDirectory() as name:
        keys = KeyFile.of(Path(name))
        for account, names in kept.items():
            for one, text in names.items():
                keys.put(account, one, text)

        assert keys.read() == kept


class KeptKeys(RuleBasedStateMachine):
    """The keys file behaves as a dictionary does, and stays private after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.keys = KeyFile.of(Path(self.folder.name) / "home")
        self.model: dict[tuple[str, str], str] = {}

    accounts = st.sampled_from(["whisk", "whisk@work", "gemini"])
    names = st.sampled_from(["cookie", "key"])
    texts = st.sampled_from(["one", "two"])

    @rule(account=accounts, name=names, text=texts)
    def put(self, account: str, name: str, text: str) -> None:
        assert self.keys.put(account, name, text)
        self.model[account, name] = text

    @rule(account=accounts, name=names, text=texts, old=texts)
    def renew(self, account: str, name: str, text: str, old: str) -> None:
        changed = self.keys.put(account, name, text, instead_of=old)
        assert changed == (self.model.get((account, name)) == old)
        if changed:
            self.model[account, name] = text

    @rule(account=accounts, name=st.none() | names)
    def drop(self, account: str, name: str | None) -> None:
        gone = [one for one in self.model if one[0] == account and name in (None, one[1])]
        assert self.keys.drop(account, name) == bool(gone)
        for one in gone:
            del self.model[one]

    @invariant()
    def same(self) -> None:
        kept = self.keys.read()
        assert {(account, name): text for account, names in kept.items() for name, text in names.items()} == self.model
        assert all(kept.values())
        folder = self.keys.path.parent
        assert not folder.exists() or {one.name for one in folder.iterdir()} <= {"keys.json", ".keys.json.lock"}

    def teardown(self) -> None:
        self.folder.cleanup()


TestKeptKeys = KeptKeys.TestCase
# Every step is a durable write, and a disk may be slow.
TestKeptKeys.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


@posix
def test_nobody_else_can_read_the_keys(tmp_path: Path) -> None:
    """The keys file has mode 0600 in a folder of mode 0700, whatever the umask."""
    before = os.umask(0)
    try:
        of(tmp_path).keys.put("whisk", "cookie", "text")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "home", tmp_path / "home" / "keys.json")]

    assert modes == [0o700, 0o600]


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Like ssh, charimg does not use a key that others could have read, and says what mends it."""
    credentials = of(tmp_path)
    credentials.keys.put("whisk", "cookie", "text")
    credentials.keys.path.chmod(mode)

    with pytest.raises(InputError, match=r"run: chmod 600 .*keys\.json"):
        credentials.find("whisk", COOKIE)


@posix
def test_a_variable_spares_the_file(tmp_path: Path) -> None:
    """Where the environment has the credential, the state of the keys file does not matter."""
    credentials = of(tmp_path, CHARIMG_WHISK_COOKIE="text")
    credentials.keys.put("whisk", "cookie", "other")
    credentials.keys.path.chmod(0o644)
    found = credentials.find("whisk", COOKIE)

    assert found is not None
    assert found.source == "CHARIMG_WHISK_COOKIE"


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Who keeps the file elsewhere and links to it keeps the link."""
    (tmp_path / "home").mkdir()
    link = tmp_path / "home" / "keys.json"
    link.symlink_to(tmp_path / "elsewhere.json")
    of(tmp_path).keys.put("whisk", "cookie", "text")

    assert link.is_symlink()
    assert json.loads((tmp_path / "elsewhere.json").read_text()) == {"whisk": {"cookie": "text"}}


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"whisk": "verysecret"}', b'{"whisk": {"cookie": 5}}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_broken_file_is_one_line_without_its_content(tmp_path: Path, content: bytes) -> None:
    """A keys file that is not ours is one line with the remedy, and nothing of it is repeated."""
    keys = of(tmp_path).keys
    keys.put("whisk", "cookie", "text")
    keys.path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        keys.read()

    assert str(caught.value).endswith("mend it, or delete it and set the keys again")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_interrupted_write_leaves_the_old_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails in the middle leaves the file as it was, and nothing beside it."""
    keys = of(tmp_path).keys
    keys.put("whisk", "cookie", "old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="No space left on device"):
        keys.put("whisk", "cookie", "new")

    assert keys.read() == {"whisk": {"cookie": "old"}}
    assert not list(keys.path.parent.glob("*.part"))
    assert not list(keys.path.parent.glob(".*.part"))


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Several processes, or lanes, that keep a credential at once all find it kept."""
    keys = of(tmp_path).keys
    threads = [
        threading.Thread(target=lambda number=number: keys.put(f"lane{number}", "key", "text")) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(keys.read()) == [f"lane{number}" for number in range(8)]


def test_a_missing_login_says_how_to_give_it(tmp_path: Path) -> None:
    """A required credential that is nowhere ends with the login's exit code and the command that mends it."""
    with pytest.raises(FatalError) as caught:
        of(tmp_path).required(WHISK)

    assert str(caught.value) == (
        "whisk: no cookie found; run: charimg keys set whisk (or set CHARIMG_WHISK_COOKIE). Copy it from the browser."
    )
    assert caught.value.exit_code is ExitCode.LOGIN


def test_an_optional_login_may_be_missing(tmp_path: Path) -> None:
    """A credential that is not required may be nowhere."""
    horde = Declaration("horde", "", credentials=(Credential("key", "", required=False),))

    assert of(tmp_path).required(horde) == {}


def test_labelled_accounts_are_apart(tmp_path: Path) -> None:
    """Several accounts of a provider have variables and entries of their own, and share none."""
    credentials = of(tmp_path, CHARIMG_WHISK_WORK_COOKIE="work", CHARIMG_WHISK_COOKIE="plain", WHISK_COOKIE="theirs")
    credentials.keys.put("whisk@home", "cookie", "home")
    found = {
        account: credentials.of_provider(WHISK, account) for account in ("whisk", "whisk@work", "whisk@home", "whisk@x")
    }

    texts = {account: {name: one.value.reveal() for name, one in each.items()} for account, each in found.items()}
    assert texts == {
        "whisk": {"cookie": "plain"},
        "whisk@work": {"cookie": "work"},
        "whisk@home": {"cookie": "home"},
        "whisk@x": {},
    }


def test_a_renewed_login_is_kept(tmp_path: Path) -> None:
    """A renewed credential takes the place of the one from the keys file, again and again."""
    credentials = of(tmp_path)
    credentials.keys.put("whisk", "cookie", "first")
    remember = credentials.remember("whisk", credentials.of_provider(WHISK))
    remember("cookie", "second")
    remember("cookie", "third")

    assert credentials.keys.read() == {"whisk": {"cookie": "third"}}


def test_a_renewal_does_not_undo_the_user(tmp_path: Path) -> None:
    """A key the user set while a run was under way is not replaced by the run's renewal."""
    credentials = of(tmp_path)
    credentials.keys.put("whisk", "cookie", "first")
    remember = credentials.remember("whisk", credentials.of_provider(WHISK))
    credentials.keys.put("whisk", "cookie", "by the user")
    remember("cookie", "renewed")

    assert credentials.keys.read() == {"whisk": {"cookie": "by the user"}}


def test_a_renewal_of_a_variable_is_not_kept(tmp_path: Path) -> None:
    """What came from the environment is not written to a file the user does not know of."""
    credentials = of(tmp_path, CHARIMG_WHISK_COOKIE="first")
    remember = credentials.remember("whisk", credentials.of_provider(WHISK))
    remember("cookie", "renewed")

    assert not credentials.keys.path.parent.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "here: is empty"),
        ("ab\x1b[200~", "here: holds the control character U+001B"),
        ("a\x00b", "here: holds the control character U+0000"),
        ("a" * 300_000, "here: is longer than 256 KB"),
    ],
)
def test_what_is_no_credential_is_refused(text: str, message: str) -> None:
    """An empty, endless or garbled credential is refused where it is given, not by the service later."""
    with pytest.raises(InputError) as caught:
        clean_secret(text, "here")

    assert str(caught.value).startswith(message)


def test_a_cookie_export_of_several_lines_is_kept() -> None:
    """Line breaks inside stay, white space around goes."""
    assert clean_secret(' [\n{"name": "a"}\n]\r\n', "here") == '[\n{"name": "a"}\n]'


def test_a_mounted_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A variable that names a missing file is an error, not a silent step to the next place."""
    credentials = of(tmp_path, CHARIMG_WHISK_COOKIE_FILE=str(tmp_path / "nothing"), WHISK_COOKIE="theirs")

    with pytest.raises(InputError, match=r"environment CHARIMG_WHISK_COOKIE_FILE: .*nothing cannot be read"):
        credentials.find("whisk", COOKIE)


def test_found_secrets_do_not_print(tmp_path: Path) -> None:
    """What was found shows its source and never its text."""
    found = of(tmp_path, CHARIMG_WHISK_COOKIE="verysecret").of_provider(WHISK)

    assert "verysecret" not in repr(found)
    assert "CHARIMG_WHISK_COOKIE" in repr(found)


@pytest.mark.parametrize("account", ["", "@work", "a@", "a@b@c", "a b", "../x", "a\n"])
def test_an_account_has_a_form(account: str) -> None:
    """An account is a provider, or a provider with a label."""
    with pytest.raises(InputError, match="names no account"):
        split_account(account)


@posix
def test_folders_and_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """A umask of 000 leaves neither the keys file nor any folder that was made for it open to others."""
    before = os.umask(0)
    try:
        KeyFile.of(tmp_path / "dot config" / "charimg").put("whisk", "cookie", "one")
    finally:
        os.umask(before)
    made = [tmp_path / "dot config", *(tmp_path / "dot config").rglob("*")]

    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


@posix
def test_a_folder_that_everybody_may_write_in_is_refused(tmp_path: Path) -> None:
    """Whoever may replace the file may as well have written it; the remedy mends it."""
    keys = KeyFile.of(tmp_path / "home")
    keys.put("whisk", "cookie", "one")
    keys.path.parent.chmod(0o777)
    with pytest.raises(InputError, match=r"everybody may put files into .*home \(mode 0777\); .* chmod 700 .*home"):
        keys.read()
    keys.path.parent.chmod(0o700)

    assert keys.read() == {"whisk": {"cookie": "one"}}


@posix
def test_a_keys_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that somebody else has put there is not taken for one's own."""
    keys = KeyFile.of(tmp_path / "home")
    keys.put("whisk", "cookie", "one")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    owner = keys.path.stat().st_uid
    if owner == 0:
        os.chown(keys.path, 4712, -1)

    with pytest.raises(InputError, match=r"keys\.json belongs to another user, .* chown 4711 "):
        keys.read()


@posix
def test_a_link_to_a_private_file_of_ones_own_is_read(tmp_path: Path) -> None:
    """Dotfiles live elsewhere; a link to a file that others can read is refused like the file."""
    keys = KeyFile.of(tmp_path / "home")
    keys.put("whisk", "cookie", "one")
    elsewhere = keys.path.rename(tmp_path / "dotfiles.json")
    keys.path.symlink_to(elsewhere)
    private = keys.read()
    elsewhere.chmod(0o644)

    assert private == {"whisk": {"cookie": "one"}}
    with pytest.raises(InputError, match="chmod 600"):
        keys.read()
