"""The project's lock: one run at a time, and nothing about it that a run could die of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from charimg.errors import ProjectBusyError
from charimg.project import Project


def test_the_second_run_says_who_holds_the_project(tmp_path: Path) -> None:
    """The message names the process, and the lock is free again afterwards."""
    project = Project.at(tmp_path)
    with project.locked(), pytest.raises(ProjectBusyError, match=f"process {os.getpid()} on "), project.locked():
        pass

    assert (project.lock_holder(), sorted(path.name for path in project.state.glob("run.pid"))) == (None, [])


def test_a_note_of_the_holder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """A full disk, or a folder in the note's place, neither keeps a run from starting nor spoils its end."""
    project = Project.at(tmp_path)
    (project.state / "run.pid").mkdir(parents=True)
    with project.locked():
        held = project.lock_holder()

    assert (held, project.lock_holder()) == ("an unknown process", None)
