"""The folder of pictures: whatever breaks, and wherever, no picture is lost."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from PIL import Image

from charimg.errors import StorageError
from charimg.images import inspect
from charimg.metadata import PictureMetadata, read_metadata, sidecar_of
from charimg.picture_folder import PictureFolder, Saved

NONE_KNOWN: frozenset[str] = frozenset()


def picture(shade: int = 0, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade % 256, shade // 256 % 256, 0)).save(file, kind)
    return file.getvalue()


def save(folder: PictureFolder, key: str, attempt: str, data: bytes) -> Saved:
    return folder.save(key, attempt, data, inspect(data))


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()}


class PowerCut(BaseException):
    """The process dies here: nothing of ours runs any more."""


STEPS = {
    "open": (Path, "open"),
    "flush": (os, "fsync"),
    "second name": (Path, "hardlink_to"),
    "rename": (Path, "replace"),
}


@contextmanager
def breaking(at: int, trouble: BaseException, *, links: bool = True) -> Iterator[list[str]]:
    """Let the step number *at* (from 0) raise, and tell which steps were taken."""
    taken: list[str] = []

    def guarded(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if name == "open" and arguments[1:2] != ("wb",):
                return original(*arguments, **options)
            taken.append(name)
            if len(taken) == at + 1:
                raise trouble
            if name == "second name" and not links:
                raise OSError(errno.EPERM, "no hard links here")
            return original(*arguments, **options)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for name, (owner, attribute) in STEPS.items():
            patch.setattr(owner, attribute, guarded(name, getattr(owner, attribute)))
        yield taken


# -- saving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "extension"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("GIF", ".gif")])
def test_the_format_names_the_file(kind: str, extension: str, tmp_path: Path) -> None:
    """The bytes, not what was asked for, decide the extension; nothing else is left in the folder."""
    data = picture(1, kind)

    saved = save(PictureFolder(tmp_path / "new" / "pictures"), "gopal-bhar", "a1", data)

    assert saved == Saved(tmp_path / "new" / "pictures" / f"gopal-bhar{extension}", inspect(data))
    assert contents(saved.path.parent) == {f"gopal-bhar{extension}": data}


def test_earlier_pictures_are_kept_beside_the_new_one(tmp_path: Path) -> None:
    """Each new picture moves the one before to the next free number, and says where it went."""
    folder = PictureFolder(tmp_path)
    saved = [save(folder, "rani", f"a{number}", picture(number)) for number in range(3)]

    assert [one.kept_as for one in saved] == [None, tmp_path / "rani.1.png", tmp_path / "rani.2.png"]
    assert contents(tmp_path) == {"rani.png": picture(2), "rani.1.png": picture(0), "rani.2.png": picture(1)}


def test_a_file_of_the_users_own_is_kept(tmp_path: Path) -> None:
    """What the user put in the way, picture or not, is moved aside whole."""
    (tmp_path / "rani.png").write_text("my notes")
    (tmp_path / "rani.1.png").write_text("more notes")

    saved = save(PictureFolder(tmp_path), "rani", "a", picture())

    assert saved.kept_as == tmp_path / "rani.2.png"
    assert contents(tmp_path)["rani.2.png"] == b"my notes"
    assert contents(tmp_path)["rani.1.png"] == b"more notes"


def test_a_dangling_link_is_no_free_name(tmp_path: Path) -> None:
    """The old picture does not follow a link out of the folder."""
    (tmp_path / "rani.1.png").symlink_to(tmp_path.parent / "elsewhere.png")
    folder = PictureFolder(tmp_path)
    save(folder, "rani", "a", picture(1))

    saved = save(folder, "rani", "b", picture(2))

    assert saved.kept_as == tmp_path / "rani.2.png"
    assert not (tmp_path.parent / "elsewhere.png").exists()


@pytest.mark.parametrize("key", ["k" * 80, "গোপাল-ভাঁড়-" * 2 + "রা", "a_b-ç"])
def test_long_and_bengali_keys_fit(key: str, tmp_path: Path) -> None:
    """The longest key leaves room for the temporary file's name and for a number."""
    assert len(key.encode()) <= 80
    folder = PictureFolder(tmp_path)
    save(folder, key, "a", picture(1))

    assert save(folder, key, "b", picture(2)).kept_as == tmp_path / f"{key}.1.png"


def test_file_system_without_hard_links_keeps_a_copy(tmp_path: Path) -> None:
    """Where a file cannot have two names, the old picture is copied, whole and flushed, before it is replaced."""
    folder = PictureFolder(tmp_path)
    save(folder, "rani", "a", picture(1))
    with breaking(-2, PowerCut(), links=False) as taken:
        save(folder, "rani", "b", picture(2))

    assert contents(tmp_path) == {"rani.png": picture(2), "rani.1.png": picture(1)}
    assert taken == ["open", "flush", "second name", "open", "flush", "rename", "flush", "rename", "flush"]


def test_order_of_steps(tmp_path: Path) -> None:
    """Flush before rename, and the folder after it: a name never stands for bytes that are not on the disk."""
    folder = PictureFolder(tmp_path)
    save(folder, "rani", "a", picture(1))
    with breaking(-2, PowerCut()) as taken:
        save(folder, "rani", "b", picture(2))

    assert taken == ["open", "flush", "second name", "flush", "rename", "flush"]


# -- a disk that refuses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("at", [0, 1])
def test_picture_that_cannot_be_written_leaves_nothing(at: int, code: int, tmp_path: Path) -> None:
    """A full or read-only disk is one line with a remedy; the old picture stands, and no part of the new one."""
    folder = PictureFolder(tmp_path)
    save(folder, "rani", "a", picture(1))
    words = rf"cannot write .*rani.png: {os.strerror(code)}; free some space or choose another folder with --out"
    with breaking(at, OSError(code, os.strerror(code))), pytest.raises(StorageError, match=words):
        save(folder, "rani", "b", picture(2))

    assert contents(tmp_path) == {"rani.png": picture(1)}


@pytest.mark.parametrize("at", [3, 4])
def test_picture_that_cannot_be_named_is_adopted_later(at: int, tmp_path: Path) -> None:
    """Bytes that were paid for and written are not thrown away because a rename failed."""
    folder = PictureFolder(tmp_path)
    save(folder, "rani", "a", picture(1))
    with breaking(at, OSError(errno.EIO, "input/output error")), pytest.raises(StorageError):
        save(folder, "rani", "b", picture(2))

    adopted = folder.adopt("rani", "b", frozenset({inspect(picture(1)).sha256}), time.time())

    assert adopted == Saved(tmp_path / "rani.png", inspect(picture(2)), tmp_path / "rani.1.png")
    assert contents(tmp_path) == {"rani.png": picture(2), "rani.1.png": picture(1)}


def test_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is one line, from saving and from adopting alike."""
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "deeper"):
        folder = PictureFolder(place)
        assert folder.adopt("rani", "a", NONE_KNOWN, 0) is None
        with pytest.raises(StorageError, match="cannot write"):
            save(folder, "rani", "a", picture())


def test_folder_with_the_pictures_name_is_told(tmp_path: Path) -> None:
    """A folder called rani.png stops the saving with its name, and keeps what is in it."""
    (tmp_path / "rani.png").mkdir()
    (tmp_path / "rani.png" / "mine").write_text("mine")
    with pytest.raises(StorageError, match=r"rani\.png: Is a directory"):
        save(PictureFolder(tmp_path), "rani", "a", picture())

    assert contents(tmp_path / "rani.png") == {"mine": b"mine"}


def test_folder_that_cannot_be_flushed_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems refuse to flush a folder; the picture is saved all the same."""
    original = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        original(handle)

    monkeypatch.setattr(os, "fsync", fsync)

    assert save(PictureFolder(tmp_path), "rani", "a", picture()).path.is_file()


# -- after a crash --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", [True, False])
def test_crash_after_each_step_loses_nothing(links: bool, tmp_path: Path) -> None:
    """Wherever the power goes, the old picture stands, and the new one is adopted as soon as it was whole."""
    outcomes = []
    for at in range(12):
        place = tmp_path / str(at)
        folder = PictureFolder(place)
        began = time.time()
        save(folder, "rani", "a", picture(1))
        with breaking(at, PowerCut(), links=links):
            try:
                save(folder, "rani", "b", picture(2))
            except PowerCut:
                pass
            else:
                break
        with breaking(-2, PowerCut(), links=links):
            adopted = folder.adopt("rani", "b", frozenset({inspect(picture(1)).sha256}), began)
        outcomes.append(adopted is not None)
        if adopted is not None:
            assert (adopted.path, adopted.facts) == (place / "rani.png", inspect(picture(2)))
            # A copy of its own, where files have one name each: equal bytes may be another version.
            assert adopted.kept_as == place / "rani.1.png" or (not links and adopted.kept_as == place / "rani.2.png")
            assert {"rani.png": picture(2), adopted.kept_as.name: picture(1)}.items() <= contents(place).items()
        assert picture(1) in contents(place).values()
        if adopted is not None:
            assert [name for name in contents(place) if name.endswith(".part")] == []

    # The bytes are written once the second step (their flush) is reached; only the first has nothing to adopt.
    assert outcomes == [False] + [True] * (5 if links else 8)


def test_torn_picture_is_not_adopted(tmp_path: Path) -> None:
    """A temporary file that was cut is no picture: it goes, and the attempt counts as lost."""
    folder = PictureFolder(tmp_path)
    part = folder._part("rani", "a")
    part.write_bytes(picture(1)[:40])

    assert folder.adopt("rani", "a", NONE_KNOWN, 0) is None
    assert contents(tmp_path) == {}


def test_only_the_attempts_own_work_is_adopted(tmp_path: Path) -> None:
    """Older files, recorded pictures, other attempts' parts and things that are no pictures are left alone."""
    folder = PictureFolder(tmp_path)
    save(folder, "rani", "a", picture(1))
    (tmp_path / "rani.jpg").write_text("no picture")
    other = folder._part("rani", "other")
    other.write_bytes(picture(3))
    now = time.time()
    digest = inspect(picture(1)).sha256

    assert folder.adopt("rani", "b", frozenset({digest}), now - 60) is None  # recorded
    assert folder.adopt("rani", "b", NONE_KNOWN, now + 60) is None  # older than the attempt
    assert folder.adopt("rani", "b", NONE_KNOWN, now - 60) == Saved(tmp_path / "rani.png", inspect(picture(1)))
    assert other.exists()


def test_adopting_leaves_an_unreadable_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torn file that cannot be removed is no reason to stop: there is simply nothing to adopt."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    folder = PictureFolder(tmp_path)
    folder._part("rani", "a").write_bytes(b"torn")
    monkeypatch.setattr(Path, "unlink", refused)

    assert folder.adopt("rani", "a", NONE_KNOWN, 0) is None


class Folder(RuleBasedStateMachine):
    """Saves, crashes, full disks, adoptions and the user's own hand, in any order: no content is ever lost."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.folder = PictureFolder(self.place)
        self.number = 0
        self.precious: set[bytes] = set()
        """What must still be somewhere: all that was saved or adopted, and the user's own files."""
        self.known: frozenset[str] = NONE_KNOWN
        self.open: list[tuple[str, str, bytes]] = []

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    def _begin(self, kind: str) -> tuple[str, bytes]:
        self.number += 1
        return f"attempt {self.number}", picture(self.number, kind)

    keys = st.sampled_from(["rani", "gopal"])
    kinds = st.sampled_from(["PNG", "GIF"])

    # A run settles what an earlier one left open before it saves anything.
    @precondition(lambda self: not self.open)
    @rule(key=keys, kind=kinds)
    def save(self, key: str, kind: str) -> None:
        attempt, data = self._begin(kind)
        saved = save(self.folder, key, attempt, data)
        assert saved.path.read_bytes() == data
        self.precious.add(data)
        self.known |= {inspect(data).sha256}

    @precondition(lambda self: not self.open)
    @rule(key=keys, kind=kinds, at=st.integers(0, 9), full=st.booleans(), links=st.booleans())
    def break_off(self, key: str, kind: str, at: int, full: bool, links: bool) -> None:
        attempt, data = self._begin(kind)
        trouble = OSError(errno.ENOSPC, "No space left on device") if full else PowerCut()
        with breaking(at, trouble, links=links):
            try:
                save(self.folder, key, attempt, data)
            except (StorageError, PowerCut):
                self.open.append((key, attempt, data))
            else:
                self.precious.add(data)
                self.known |= {inspect(data).sha256}

    @rule()
    def recover(self) -> None:
        for key, attempt, data in self.open:
            adopted = self.folder.adopt(key, attempt, self.known, time.time() - 60)
            if adopted is not None:
                whole = adopted.path.read_bytes()
                assert inspect(whole) == adopted.facts
                self.precious.add(whole)
                self.known |= {adopted.facts.sha256}
            else:
                assert data not in contents(self.place).values() or inspect(data).sha256 in self.known
        self.open.clear()

    @rule(key=keys, name=st.sampled_from(["{}.png", "{}.1.png", "{}.3.gif"]))
    def put_own_file(self, key: str, name: str) -> None:
        self.number += 1
        path = self.place / name.format(key)
        if not path.exists():
            path.write_bytes(f"mine {self.number}".encode())
            self.precious.add(path.read_bytes())

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.precious <= set(contents(self.place).values())


TestFolder = Folder.TestCase
TestFolder.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


@pytest.mark.parametrize("place", ["file/pictures", "file"])
def test_a_folder_that_cannot_be_is_found_out_before_a_picture_is_made(tmp_path: Path, place: str) -> None:
    """The check leaves nothing behind where it works, and says what to do where it does not."""
    (tmp_path / "file").write_text("in the way")
    PictureFolder(tmp_path / "good").try_writing()

    with pytest.raises(StorageError, match=r"cannot write .*--out"):
        PictureFolder(tmp_path / place).try_writing()
    assert list((tmp_path / "good").iterdir()) == []


# -- what a picture says of itself --------------------------------------------------------------------------------


def told(attempt: str, key: str = "rani") -> PictureMetadata:
    return PictureMetadata(key=key, made=datetime(2026, 1, 2, tzinfo=timezone.utc), attempt=attempt, prompt="a queen")


def describe(folder: PictureFolder, attempt: str, shade: int, kind: str = "PNG", **wanted: bool) -> Saved:
    data = picture(shade, kind)
    return folder.save("rani", attempt, data, inspect(data), told(attempt), **wanted)


@pytest.mark.parametrize(
    ("manner", "embedded", "beside"), [("embed", 1, 0), ("sidecar", 0, 1), ("both", 1, 1), ("none", 0, 0)]
)
def test_what_is_known_goes_where_the_setting_says(manner: str, embedded: int, beside: int, tmp_path: Path) -> None:
    """Into the file, beside it, both or nowhere; and the facts are those of the file as it lies there."""
    folder = PictureFolder(tmp_path, metadata=manner)
    saved = describe(folder, "a", 1)

    assert (read_metadata(saved.path.read_bytes()) is not None, sidecar_of(saved.path).exists()) == (embedded, beside)
    assert inspect(saved.path.read_bytes()) == saved.facts
    assert (folder.metadata_of(saved.path) or told("?")).attempt == ("?" if manner == "none" else "a")


def test_a_sidecar_follows_its_picture(tmp_path: Path) -> None:
    """When the next picture takes the place, the old one keeps what is known of it; and a foreign file is kept."""
    folder = PictureFolder(tmp_path, metadata="sidecar")
    (tmp_path / "rani.png.json").write_text("the user's own")
    describe(folder, "a", 1)
    second = describe(folder, "b", 2)

    assert second.kept_as is not None
    known = {path.name: (folder.metadata_of(path) or told("?")).attempt for path in folder.files()}
    assert known == {"rani.png": "b", "rani.1.png": "a"}
    assert "the user's own" in {path.read_text() for path in tmp_path.glob("*.json")}


def test_a_sidecar_of_another_picture_is_not_believed(tmp_path: Path) -> None:
    """Its digest is compared: a picture that was put in the place says nothing through the sidecar of the last one."""
    folder = PictureFolder(tmp_path, metadata="sidecar")
    saved = describe(folder, "a", 1)
    saved.path.write_bytes(picture(2))

    assert folder.metadata_of(saved.path) is None


def test_a_candidate_stands_beside(tmp_path: Path) -> None:
    """It takes the next free number; the picture in its place is not touched."""
    folder = PictureFolder(tmp_path)
    first = describe(folder, "a", 1)
    second = describe(folder, "b", 2, beside=True)
    third = describe(folder, "c", 3, beside=True)

    assert [one.path.name for one in (first, second, third)] == ["rani.png", "rani.1.png", "rani.2.png"]
    assert (folder.metadata_of(first.path) or told("?")).attempt == "a"


@pytest.mark.parametrize("beside", [False, True])
def test_a_picture_that_names_its_attempt_is_adopted_whatever_the_clock_says(beside: bool, tmp_path: Path) -> None:
    """A clock that was set back, or a file copied from elsewhere, has no say where the picture itself does."""
    folder = PictureFolder(tmp_path)
    describe(folder, "a", 1)
    known = frozenset({inspect(path.read_bytes()).sha256 for path in folder.files()})
    saved = describe(folder, "b", 2, beside=beside)
    os.utime(saved.path, (0, 0))

    assert folder.adopt("rani", "c", known, time.time(), beside=beside) is None
    assert folder.adopt("rani", "b", known, time.time(), beside=beside) == saved


def test_another_picture_takes_the_place_and_nothing_is_lost(tmp_path: Path) -> None:
    """The steps of a choice: a second name for the one in place, the chosen one in place, its old name dropped."""
    folder = PictureFolder(tmp_path, metadata="both")
    first = describe(folder, "a", 1)
    other = describe(folder, "b", 2, "JPEG", beside=True)
    kept = folder.second_name(first.path)
    place = folder.put_in_place("rani", other.path)
    folder.drop(first.path)
    folder.drop(other.path)

    assert (kept.name, place.name) == ("rani.1.png", "rani.jpg")
    known = {path.name: (folder.metadata_of(path) or told("?")).attempt for path in folder.files()}
    assert known == {"rani.jpg": "b", "rani.1.png": "a"}
    assert {path.name for path in tmp_path.glob("*.json")} == {"rani.jpg.json", "rani.1.png.json"}


def test_a_choice_of_a_picture_that_is_gone_touches_nothing(tmp_path: Path) -> None:
    """Nothing is put in place of something."""
    folder = PictureFolder(tmp_path)
    first = describe(folder, "a", 1)

    with pytest.raises(StorageError):
        folder.put_in_place("rani", tmp_path / "rani.7.png")
    assert first.path.exists()


def test_a_sidecar_that_came_before_its_picture_stays(tmp_path: Path) -> None:
    """The power failed between the two: the picture is adopted with what is known of it."""
    folder = PictureFolder(tmp_path, metadata="sidecar")
    replace = folder.disk.replace

    def cut(source: Path, target: Path) -> None:
        if target.suffix != ".json":
            raise PowerCut
        replace(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder.disk, "replace", cut)
        with pytest.raises(PowerCut):
            describe(folder, "a", 1)
    adopted = folder.adopt("rani", "a", NONE_KNOWN, 0)

    assert adopted is not None
    assert folder.metadata_of(adopted.path) == told("a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rani.png", "rani.png.json"]


@pytest.mark.parametrize("manner", ["embed", "none"])
def test_a_picture_that_says_nothing_is_described_beside(manner: str, tmp_path: Path) -> None:
    """Its bytes stay; what stands beside it already is kept; and nothing is written where the user wants nothing."""
    folder = PictureFolder(tmp_path, metadata=manner)
    saved = save(folder, "rani", "a", picture(1))
    (tmp_path / "rani.png.json").write_text("the user's own")
    folder.describe(saved, told("a"))

    assert (folder.metadata_of(saved.path) == told("a")) == (manner == "embed")
    assert saved.path.read_bytes() == picture(1)
    assert "the user's own" in {path.read_text() for path in tmp_path.glob("*.json")}


@pytest.mark.parametrize("named", [False, True], ids=["a whole picture without its name", "in its place"])
def test_a_picture_that_cannot_be_read_just_now_is_not_given_up(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the one that was paid for: the run stops and says so, and the next one takes it up."""
    folder = PictureFolder(tmp_path)
    file = tmp_path / "rani.png" if named else folder._part("rani", "a")
    file.write_bytes(picture(1))

    def busy(self: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", busy)
        with pytest.raises(StorageError, match="Too many open files"):
            folder.adopt("rani", "a", NONE_KNOWN, 0)

    assert folder.adopt("rani", "a", NONE_KNOWN, 0) == Saved(tmp_path / "rani.png", inspect(picture(1)))


def test_a_picture_of_a_folder_on_another_disk_can_be_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither second names nor renaming lead from one disk to another: it is copied, and stays where it was."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (there / "rani.png").write_bytes(picture(1))
    (there / "rani.png.json").write_bytes(b"{}")
    replace, link = Path.replace, Path.hardlink_to

    def refused(act: Callable[[Path, Path], object]) -> Callable[[Path, Path], object]:
        def on_one_disk(self: Path, other: Path) -> object:
            if self.parent != other.parent:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            return act(self, other)

        return on_one_disk

    monkeypatch.setattr(Path, "replace", refused(replace))
    monkeypatch.setattr(Path, "hardlink_to", refused(link))
    PictureFolder(here).put_in_place("rani", there / "rani.png")

    assert contents(here) == contents(there) == {"rani.png": picture(1), "rani.png.json": b"{}"}
