"""Sidecars: the same record in a file of its own, for people to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.metadata import PictureMetadata, from_sidecar, read_sidecar, sidecar_of, to_sidecar
from charimg.metadata.record import to_tree
from tests.metadata.pictures import GOPAL, records, texts


@given(record=records, file=texts)
def test_every_record_is_read_back_from_a_sidecar(record: PictureMetadata, file: str) -> None:
    """Whatever texts a record has, its sidecar says the same."""
    assert from_sidecar(to_sidecar(record, file=file, sha256="cd" * 32)) == record


def test_a_sidecar_names_its_picture() -> None:
    """People find the record in readable letters, with the file's name and digest beside it."""
    data = to_sidecar(GOPAL, file="gopal-bhar.jpg", sha256="cd" * 32)
    read = read_sidecar(data)

    assert json.loads(data) == {**to_tree(GOPAL), "file": "gopal-bhar.jpg", "sha256": "cd" * 32}
    assert '\n  "name": "গোপাল ভাঁড়",\n' in data.decode()
    assert read is not None
    assert (read.metadata, read.file, read.sha256) == (GOPAL, "gopal-bhar.jpg", "cd" * 32)


def test_a_sidecar_stands_beside_its_picture() -> None:
    """The picture's whole name is kept, so that two formats of one character have two sidecars."""
    assert sidecar_of(Path("pictures/anna.2.webp")) == Path("pictures/anna.2.webp.json")


def test_an_editor_may_have_added_its_mark() -> None:
    """A byte order mark, as some editors write it, and Windows line ends are no obstacle."""
    data = b"\xef\xbb\xbf" + to_sidecar(GOPAL).replace(b"\n", b"\r\n")

    assert from_sidecar(data) == GOPAL


@given(st.binary(max_size=300))
def test_other_bytes_are_no_sidecar(data: bytes) -> None:
    """No bytes whatever raise."""
    assert from_sidecar(data) is None


@pytest.mark.parametrize("value", [5, None, ["x"], "a\x00\nb" * 500])
def test_a_sidecars_own_fields_are_hostile_too(value: object) -> None:
    """Name and digest are one bounded line, or nothing."""
    read = read_sidecar(json.dumps({**to_tree(GOPAL), "file": value, "sha256": value}).encode())

    assert read is not None
    assert len(read.file) <= 300
    assert "\n" not in read.file + read.sha256
    assert "\0" not in read.file + read.sha256
