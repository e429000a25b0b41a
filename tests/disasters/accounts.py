"""What has to hold once a project is complete, whatever happened on the way."""

from __future__ import annotations

import hashlib
from collections import Counter

from tests.disasters.scene import Ended, Scene


def hold(scene: Scene, characters: int) -> None:
    """Everybody has a whole picture that the ledger knows, and whatever was paid beyond that is listed.

    Raises:
        AssertionError: it is not so.
    """
    books, status = scene.books(), scene.status()
    assert books.fault is None, f"the ledger is damaged: {books.fault}"
    assert [entry["state"] for entry in status] == ["done"] * characters
    charges, listed = scene.service.charges(scene.emulator), Counter(attempt.key for attempt in books.lost)
    for key, job in books.jobs.items():
        for picture in books.pictures(key):
            data = (scene.folder / picture.path).read_bytes()
            assert hashlib.sha256(data).hexdigest() == picture.facts.sha256, f"{picture.path} is another picture"
        assert job.picture is not None
        assert charges[key] <= len(books.pictures(key)) + listed[key], f"{key}: paid twice, and nobody was told"
    assert sum(entry["possibly_charged"] for entry in status) == listed.total()
    assert not books.open, "attempts are left open"
    assert not (half := scene.half_files()), f"half a picture under a final name: {half}"
    assert not (left := scene.leftovers()), f"left lying about: {left}"
    unknown = scene.whole_pictures().keys() - books.digests.keys()
    assert not unknown, f"pictures that nobody recorded: {[scene.whole_pictures()[digest] for digest in unknown]}"
    strangers = scene.service.uploads(scene.emulator).keys() - books.digests.keys()
    assert not strangers, "a file was uploaded that is not recorded"
    check = scene.command("check")
    assert check.code == 0, f"charimg check finds something amiss: {check.out}{check.err}"


def speaks_well(ended: Ended) -> None:
    """No traceback, and counts that add up.

    Raises:
        AssertionError: it is not so.
    """
    assert "Traceback" not in ended.err, ended.err
    for event in ended.told("run_finished"):
        parts = [event[name] for name in ("succeeded", "failed", "rejected", "pending")]
        assert sum(parts) == event["total"], event


def stopped_by_the_disk(ended: Ended) -> None:
    """The run ended with exit code 7, and one line that says why.

    Raises:
        AssertionError: it is not so.
    """
    speaks_well(ended)
    assert (ended.code, ended.err.count("\n")) == (7, 1), (ended.code, ended.err)
