"""The steps of a picture's way to the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from charimg.disk import Disk


def test_a_folder_that_is_made_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name stands in the folder above, which is flushed, and so is that of every folder made on the way."""
    flushed: list[Path] = []
    monkeypatch.setattr("charimg.disk.sync_folder", flushed.append)
    Disk().make_folder(tmp_path / "a" / "b" / "c")
    Disk().make_folder(tmp_path / "a" / "b")

    assert flushed == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    """Nothing is made in its place."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OSError, match=r"exists|directory"):
        Disk().make_folder(tmp_path / "file" / "pictures")


def test_a_name_that_is_taken_is_not_given_twice(tmp_path: Path) -> None:
    """A second name never takes another file's place."""
    (tmp_path / "one").write_text("one")
    (tmp_path / "two").write_text("two")

    with pytest.raises(FileExistsError):
        Disk().link(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_text() == "two"


def test_a_folder_that_is_not_there_has_no_names(tmp_path: Path) -> None:
    """Nor has a file."""
    (tmp_path / "file").write_text("")

    assert Disk().names(tmp_path / "none") == Disk().names(tmp_path / "file") == []
