"""What a look at an installation, a project or a login finds, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from charimg.errors import CharimgError, ExitCode, StorageError


class State(str, Enum):
    """How a finding stands."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing has to be done."""
    WARNING = "warning"
    """Something is wrong that does not stop this project."""
    TROUBLE = "trouble"
    """This project cannot work so."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    area: str
    """``installation``, ``plugins``, ``settings``, ``project`` or ``logins``."""
    subject: str
    state: State
    words: str
    remedy: str = ""
    """The command or step that mends it, where the words do not say so already."""
    exit_code: ExitCode = ExitCode.OK
    """What a trouble means for the process."""


def trouble(area: str, subject: str, error: BaseException) -> Finding:
    """What an exception means: the core's own words, the disk's, or that a plugin failed."""
    if isinstance(error, CharimgError):
        return Finding(area, subject, State.TROUBLE, str(error), exit_code=error.exit_code)
    if isinstance(error, OSError):
        return Finding(area, subject, State.TROUBLE, error.strerror or str(error), exit_code=StorageError.exit_code)
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return Finding(area, subject, State.TROUBLE, f"its plugin failed: {words}", exit_code=ExitCode.PLUGIN)


def verdict_of(findings: Iterable[Finding]) -> ExitCode:
    """The exit code of the whole: that of the first trouble, or OK."""
    for one in findings:
        if one.state is State.TROUBLE:
            return one.exit_code
    return ExitCode.OK


def plain(finding: Finding) -> dict[str, Any]:
    """A finding as JSON data."""
    return {
        "area": finding.area,
        "subject": finding.subject,
        "state": str(finding.state),
        "message": finding.words,
        "remedy": finding.remedy or None,
    }
