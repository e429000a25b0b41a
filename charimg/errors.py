"""Every error charimg raises, grouped by consequence, each with its exit code.

::

    CharimgError                    1  something failed; the message says what and what to do
    ├── InputError                  2  a file or option of the user's is wrong: names it, the place, the remedy
    ├── PluginError                 5  a provider is unknown, broken, or claimed twice
    ├── ProjectBusyError            6  another run holds the project
    ├── StorageError                7  the disk or the ledger refused: nothing more is spent
    │   ├── DamagedLedgerError      7  the ledger is there and can be read no more: it is rebuilt from the pictures
    │   └── KnownAttemptError       7  the ledger has an attempt of this id already
    └── ProviderError                  what a provider raises; one subclass a verdict
        ├── ThrottledError          3  too much at the moment: wait and retry
        ├── ExhaustedError          3  no wait of minutes helps: the lane closes
        ├── RejectedError           1  content policy
        ├── FlakyError              1  no picture for no stated reason
        ├── InvalidRequestError     1  can never succeed as it is
        │   └── RefusedAddressError 1  the picture is said to be where charimg does not look
        └── FatalError              4  wrong key, login, region; service closed

Messages are one line, for people: what happened, to whom, and what to do next. They never hold a secret.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import ClassVar

from charimg.model import Verdict, in_utc


class ExitCode(IntEnum):
    """What the process tells its caller. A run that met several kinds reports the first that applies of
    INTERRUPTED, LOGIN, QUOTA, FAILED."""

    OK = 0
    """Every job has its picture."""
    FAILED = 1
    """Some characters failed or were rejected, or the budget had no room for them."""
    BAD_INPUT = 2
    """A roster, setting or option is wrong; nothing was sent."""
    QUOTA = 3
    """A quota stopped some characters: run again later."""
    LOGIN = 4
    """A wrong key, an expired login or a closed service stopped the run."""
    PLUGIN = 5
    """A provider is unknown, broken or ambiguous."""
    BUSY = 6
    """Another run holds this project."""
    STORAGE = 7
    """The disk or the ledger failed."""
    INTERRUPTED = 130
    """Ctrl-C; what was in flight is recorded."""


class CharimgError(Exception):
    """The root of all errors meant for people; shown as one line."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class InputError(CharimgError):
    """Something the user wrote is wrong: a roster, a setting, an option."""

    exit_code = ExitCode.BAD_INPUT


class PluginError(CharimgError):
    """A provider cannot be had: unknown, broken, or claimed by two distributions."""

    exit_code = ExitCode.PLUGIN


class ProjectBusyError(CharimgError):
    """Another process is running this project."""

    exit_code = ExitCode.BUSY


class StorageError(CharimgError):
    """The disk or the ledger refused; the run stops before it spends more."""

    exit_code = ExitCode.STORAGE


class DamagedLedgerError(StorageError):
    """The ledger is damaged, rather than locked, foreign or newer. A run puts it aside and rebuilds it from the
    pictures; other commands say what does so.

    :param what: which ledger, and what is wrong with it.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}; charimg check --repair rebuilds it from the pictures, and charimg run does so by itself"
        )


class KnownAttemptError(StorageError):
    """The ledger has an attempt of this id already, perhaps of another character; nothing was recorded."""


class ProviderError(CharimgError):
    """Trouble with a service, in the core's words. Raise one of the subclasses.

    :param message: one line for the user: what the service said, to what, and what to do.
    :param wait: seconds the service asked to wait; only if it said so.
    :param retry_at: when an exhausted quota returns, where the service or its documents say so (a time without a zone
        is taken for local time).
    :param possibly_charged: the request was accepted and its answer lost: the picture may have been made and paid for.
        The ledger keeps it, and the budget counts it.
    :param unreachable: no answer came at all: the trouble is the connection, and not what the service thinks of the
        request.
    :param standing: the service has accepted the job (``context.accepted``) and it still stands there: the next try
        asks for its result rather than pay again. Never set it for a job that the service no longer knows.
    """

    verdict: ClassVar[Verdict]

    def __init__(
        self,
        message: str,
        *,
        wait: float | None = None,
        retry_at: datetime | None = None,
        possibly_charged: bool = False,
        unreachable: bool = False,
        standing: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = str(message)  # plugins raise with whatever the service sent, a JSON object too
        self.wait = wait
        self.retry_at = None if retry_at is None else in_utc(retry_at)
        self.possibly_charged = possibly_charged
        self.unreachable = unreachable
        self.standing = standing


class ThrottledError(ProviderError):
    """The service is too busy for us at the moment; the lane waits and retries."""

    verdict = Verdict.THROTTLED
    exit_code = ExitCode.QUOTA


class ExhaustedError(ProviderError):
    """A daily quota or the money is used up; the lane closes."""

    verdict = Verdict.EXHAUSTED
    exit_code = ExitCode.QUOTA


class RejectedError(ProviderError):
    """The service refuses the content; only a changed description helps."""

    verdict = Verdict.REJECTED


class FlakyError(ProviderError):
    """No picture and no reason, or the server's own fault; a quick retry may help."""

    verdict = Verdict.FLAKY


class InvalidRequestError(ProviderError):
    """The service can never fulfil this request as it is."""

    verdict = Verdict.INVALID


class RefusedAddressError(InvalidRequestError):
    """An answer named an address for its picture that charimg never asks; another try would pay for the same."""

    def __init__(self, message: str = "the picture's address lies in a private network; it is not fetched") -> None:
        super().__init__(message, possibly_charged=True)


class FatalError(ProviderError):
    """No request of this lane can succeed: wrong key, login expired, service closed."""

    verdict = Verdict.FATAL
    exit_code = ExitCode.LOGIN


ERROR_OF_VERDICT: dict[Verdict, type[ProviderError]] = {
    kind.verdict: kind
    for kind in (ThrottledError, ExhaustedError, RejectedError, FlakyError, InvalidRequestError, FatalError)
}
"""The error that carries each verdict but ``ok``."""
