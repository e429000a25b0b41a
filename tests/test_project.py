"""A project's folder and its lock."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from charimg.errors import InputError, ProjectBusyError, StorageError
from charimg.project import Project

HOLDING = """
import sys
from pathlib import Path
from charimg.project import Project

with Project.at(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the project until its standard input closes."""
    command = [sys.executable, "-c", HOLDING, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


# -- the lock -------------------------------------------------------------------------------------------------------


def test_second_run_is_told_who_holds_the_project(tmp_path: Path) -> None:
    """While another process runs the project, a run is refused with that process's number."""
    project = Project.at(tmp_path)
    with another_process(tmp_path) as other:
        assert project.lock_holder() is not None
        with pytest.raises(ProjectBusyError, match=f"another run holds this project \\(process {other.pid} on "):
            project.locked().__enter__()
        assert f"process {other.pid} on " in str(project.lock_holder())


def test_second_run_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    """The lock is not one that the same process could take twice."""
    project = Project.at(tmp_path)
    with project.locked(), pytest.raises(ProjectBusyError, match=f"process {os.getpid()} on "):
        project.locked().__enter__()

    assert project.lock_holder() is None


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A killed run holds nothing: its note is stale, nobody is told to hold the project, and the next run starts."""
    project = Project.at(tmp_path)
    with another_process(tmp_path) as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()

        assert (project.state / "run.pid").read_text().startswith(f"process {other.pid}")
        assert project.lock_holder() is None
        with project.locked():
            assert str(project.lock_holder()).startswith(f"process {os.getpid()} on ")


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let a file in use be deleted")
def test_lock_holds_though_its_file_was_deleted(tmp_path: Path) -> None:
    """Who deletes ``.charimg`` under a run does not let a second one in; when the first has ended, the next may."""
    project = Project.at(tmp_path)
    with another_process(tmp_path):
        shutil.rmtree(project.state)
        with pytest.raises(ProjectBusyError, match=r"its lock in .* was deleted; wait for it to end"):
            project.locked().__enter__()

    with project.locked():
        assert project.lock_holder() is not None


def test_lock_ends_with_the_run_however_it_ends(tmp_path: Path) -> None:
    """After an error inside, the project is free again and no note is left."""
    project = Project.at(tmp_path)
    for _ in range(2):
        with pytest.raises(KeyError), project.locked():
            raise KeyError

    assert project.lock_holder() is None
    assert not (project.state / "run.pid").exists()


def test_looking_creates_nothing(tmp_path: Path) -> None:
    """Asking who holds a project that never ran leaves its folder empty."""
    assert Project.at(tmp_path).lock_holder() is None
    assert list(tmp_path.iterdir()) == []


def test_one_who_only_looks_does_not_turn_a_run_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock may be held for a moment by a question: a run asks again before it gives up."""
    project = Project.at(tmp_path)
    with project.locked():
        pass
    looker = FileLock(project.state / "run.lock", timeout=0)
    looker.acquire()
    monkeypatch.setattr("time.sleep", lambda _: looker.release())
    with project.locked():
        held = project.lock_holder()

    assert held is not None


@pytest.mark.parametrize("note", [b"", b"\xff\xfe\x00", b"process 1\non \x1b[31m host " * 99])
def test_spoilt_note_of_the_holder_is_no_trouble(note: bytes, tmp_path: Path) -> None:
    """Whatever stands in the note, the second run gets its one line."""
    project = Project.at(tmp_path)
    with another_process(tmp_path):
        (project.state / "run.pid").write_bytes(note)
        with pytest.raises(ProjectBusyError) as caught:
            project.locked().__enter__()

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_note_that_cannot_be_written_does_not_stop_the_run(tmp_path: Path) -> None:
    """The note is a courtesy; the lock is what counts."""
    project = Project.at(tmp_path)
    (tmp_path / ".charimg" / "run.pid").mkdir(parents=True)
    with project.locked():
        held = project.lock_holder()

    assert held == "an unknown process"
    assert project.lock_holder() is None


def test_state_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    """A file in the way of charimg's own folder is one line."""
    (tmp_path / ".charimg").write_text("")

    with pytest.raises(StorageError, match=r"cannot write in .*\.charimg: File exists; check its permissions"):
        Project.at(tmp_path).locked().__enter__()


def test_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where locks do not exist, the run is refused in one line rather than run unguarded or with a traceback."""

    def without(*_: object, **__: object) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(FileLock, "acquire", without)

    with pytest.raises(StorageError, match="has no locks; keep the project elsewhere"):
        Project.at(tmp_path).locked().__enter__()


def test_state_is_kept_out_of_version_control(tmp_path: Path) -> None:
    """charimg's own folder ignores itself, and leaves a file of the user's own there alone."""
    project = Project.at(tmp_path)
    with project.locked():
        first = (project.state / ".gitignore").read_text()
    (project.state / ".gitignore").write_text("mine\n")
    with project.locked():
        pass

    assert (first, (project.state / ".gitignore").read_text()) == ("*\n", "mine\n")


# -- folders --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["pictures", "a/b", "../elsewhere", ".", "", "গোপাল #1"])
def test_pictures_folder_is_relative_to_the_project(out: str, tmp_path: Path) -> None:
    """Paths in the ledger are relative inside the project, absolute outside, and lead back to the same file."""
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project.at(folder, out)
    picture = project.out / "rani.png"
    shown = project.shown(picture)

    assert project.found(shown) == picture
    assert Path(shown).is_absolute() == (out == "../elsewhere")
    assert "\\" not in shown


def test_home_and_links_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is the user's home, and a link to the project is the project: one lock for both."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project")

    assert Project.at(tmp_path / "link", "~/pictures") == Project(
        (tmp_path / "project").resolve(), (tmp_path / "home" / "pictures").resolve()
    )


@pytest.mark.parametrize(
    "out", ["nul\0byte", "x" * 5000, "~nobody-of-that-name/x", "loop/pictures", "file", "file/x/y"]
)
def test_impossible_pictures_folder_is_one_line(out: str, tmp_path: Path) -> None:
    """A folder that cannot be is refused by name, with the flag to change, or left for the first write to tell."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    told = ""
    try:
        Project.at(tmp_path, out)
    except InputError as error:
        told = str(error)

    assert "choose another with --out" in told or out in ("file/x/y", "loop/pictures")
    assert len(told.splitlines()) <= 1
    assert len(told) < 500


@pytest.mark.parametrize("name", ["absent", "file", "nul\0byte", "x" * 5000, "loop"])
def test_impossible_project_folder_is_one_line(name: str, tmp_path: Path) -> None:
    """What is no folder cannot be a project."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError, match=r"not a folder|cannot be a folder"):
        Project.at(tmp_path / name)
