"""Calling a stranger's code: whatever a provider raises, returns or leaves unsaid comes out in the core's words."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import backoff

from charimg.errors import FlakyError, InvalidRequestError, ProviderError, StorageError
from charimg.images import inspect
from charimg.model import Cost, GeneratedImage, ImageFacts, MediaReference
from charimg.raised_where import log_stack, place_of
from charimg.redaction import Redactor
from charimg.verdicts import CEILING, error_of, read_exception

FLAKY_TRIES = 3
"""Attempts at a job whose answer is flaky, the first included."""

FLAKY_WAIT = 1.0
"""Seconds: the scale of the exponential wait between them."""

CALL_SECONDS = 1800.0
"""Seconds a provider may take for one picture or upload; who is silent for longer would hold its batch for ever."""

PATIENCE = 10.0
"""Seconds a provider may take to let go of a call that was broken off for it, or to close."""

TICK = 60.0
"""Seconds of waiting that are counted at once: a machine that sleeps for an hour loses one such, and not the call."""

T = TypeVar("T")


class SilenceError(InvalidRequestError):
    """No answer came in the time that a call may take; the service may have made, and charged for, what was asked.

    Not "throttled": the retries of a quota would pay for the same silence again and again.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer in {seconds / 60:g} minutes", possibly_charged=True)


async def guarded(call: Coroutine[Any, Any, T], *, ceiling: float, seconds: float = CALL_SECONDS) -> T:
    """Await a provider's call; whatever it raises comes out as a :class:`ProviderError`, and so does silence.

    :param ceiling: seconds; an exception that asks for a longer wait means "not today".
    """
    # In a task of its own: a provider that is cancelled from within is thereby told from a run that is broken off.
    task = asyncio.ensure_future(_without_exit(call))
    task.add_done_callback(lambda done: _let_go(done, call))
    waited = 0.0
    try:
        while not task.done() and waited < seconds:
            tick = min(TICK, seconds - waited)
            await asyncio.wait({task}, timeout=tick)
            waited += tick
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)
        raise
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)
        raise SilenceError(seconds)
    if task.cancelled():
        raise InvalidRequestError("the provider broke its own request off", possibly_charged=True)
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, StorageError) or is_in_core_words(error):
        raise error
    raise in_core_words(error, ceiling=ceiling) from error


def in_core_words(error: BaseException, *, ceiling: float = CEILING) -> ProviderError:
    """What a provider raised that is none of the core's errors, as one of them.

    Where the words are Python's and no service's, the place in the provider's code stands before them, for whoever
    mends it; the stack is logged for a debug run.

    :param ceiling: seconds; an exception that asks for a longer wait means "not today".
    """
    log_stack(error)
    reading = read_exception(error, ceiling=ceiling)
    if reading.message.startswith(type(error).__name__) and not isinstance(error, ProviderError):
        place = place_of(error)
        if place is not None:
            reading = replace(reading, message=f"{place}: {reading.message}")
    return error_of(reading)


async def _without_exit(call: Coroutine[Any, Any, T]) -> T:
    """The call, but for a ``sys.exit()`` in it: out of a task that would end the event loop, and every job with it.

    A KeyboardInterrupt is let through. It is the user's, wherever it happens to come up.
    """
    try:
        return await call
    except SystemExit as error:
        log_stack(error)
        words = f"the provider's code wanted to end charimg: sys.exit({'' if error.code is None else error.code})"
        raise InvalidRequestError(words, possibly_charged=True) from error


def _let_go(task: asyncio.Future[Any], call: Coroutine[Any, Any, Any]) -> None:
    """Nothing of an ended call is left for asyncio to print: what it raised after it was given up, secrets and all, or
    that it was broken off before it began."""
    call.close()
    if not task.cancelled():
        task.exception()


def is_in_core_words(error: BaseException) -> bool:
    """Whether it is a provider error with a verdict (a bare ``ProviderError`` has none)."""
    return isinstance(error, ProviderError) and hasattr(error, "verdict")


def checked(given: object, provider: str, redactor: Redactor) -> tuple[GeneratedImage, ImageFacts, list[str]]:
    """What a generator gave back: the picture, what it is, and what was odd about the rest, one line each.

    A picture that is one is kept, whatever nonsense stands beside it: it is paid for. Known secrets are erased from
    the words that came with it: a service may repeat what it was sent, and all of it is shown and recorded.

    :raises ProviderError: it is no picture; it may have been charged all the same.
    """
    image = of_type(given, GeneratedImage, provider)
    assert isinstance(image, GeneratedImage)
    try:
        facts = inspect(image.data)
    except FlakyError as error:
        raise FlakyError(error.message, possibly_charged=True) from error
    odd: list[str] = []
    beside: dict[str, Any] = {}
    for name, kinds in _BESIDE.items():
        value = getattr(image, name)
        if value is None:
            continue
        fault = _fault_of(value, kinds, redactor)
        if fault is not None:
            odd.append(f"{provider} gave {fault} as {name}; it is left out")
            beside[name] = None
        elif isinstance(value, str):
            beside[name] = redactor.erased(value)
        elif isinstance(value, MediaReference):
            beside[name] = _without_secret_words(value, redactor)
    return replace(image, **beside), facts, odd


def checked_reference(given: object, provider: str, redactor: Redactor) -> MediaReference:
    """What an uploader gave back, known secrets erased from its caption.

    :raises InvalidRequestError: it is no reference, or one that holds a credential: it would be shown and recorded.
    """
    reference = of_type(given, MediaReference, provider)
    assert isinstance(reference, MediaReference)
    fault = _fault_of(reference, MediaReference, redactor)
    if fault is not None:
        raise InvalidRequestError(f"{provider} returned {fault}; it is not recorded")
    return _without_secret_words(reference, redactor)


_BESIDE: dict[str, type] = {
    "seed": int,
    "model": str,
    "prompt": str,
    "media": MediaReference,
    "cost": Cost,
    "request_id": str,
}
"""What a generator may give beside the bytes, and of which type."""


def _fault_of(value: object, kind: type, redactor: Redactor) -> str | None:
    """What a provider gave instead of this kind of thing, or ``None`` if it is one."""
    if not isinstance(value, kind) or isinstance(value, bool):
        return type(value).__name__
    if isinstance(value, Cost):
        return _fault_of_cost(value, redactor)
    if isinstance(value, MediaReference):
        return _fault_of_reference(value, redactor)
    return None


def _fault_of_cost(cost: Cost, redactor: Redactor) -> str | None:
    """What a cost says that no price can be; the budget counts with it and the ledger keeps it."""
    amount = cost.amount
    if not _is_number(amount):
        return f"a cost whose amount is {type(amount).__name__}"
    if not 0 <= amount <= MOST_MONEY:  # false for a NaN too
        return f"a cost of {float(amount):g}" if abs(amount) <= MOST_MONEY else "a cost without measure"
    if not _is_unit(cost.currency) or redactor.holds(cost.currency):
        return "a cost without a currency"
    return None if cost.source in ("reported", "declared") else "a cost of nobody's saying"


def _is_number(given: object) -> bool:
    """A stranger's code may give anything, whatever its types promise."""
    return isinstance(given, (int, float)) and not isinstance(given, bool)


def _is_unit(given: object) -> bool:
    return isinstance(given, str) and 0 < len(given) <= LONGEST_UNIT


MOST_MONEY = 1e12
"""In any currency: more is no price of a picture, and some of it no number that the ledger could keep."""

LONGEST_UNIT = 20
"""Characters a currency may have, or a service's own unit."""


def _fault_of_reference(reference: MediaReference, redactor: Redactor) -> str | None:
    where = (reference.id, reference.kind, reference.uploader, reference.lane)
    words: tuple[object, ...] = where if reference.caption is None else (*where, reference.caption)
    if not all(isinstance(one, str) for one in words):
        return "a media reference whose words are no text"
    # Only what is known to be secret: the signature in an address is what makes it work, and no login.
    return "a media reference that holds a credential" if any(map(redactor.holds, where)) else None


def _without_secret_words(reference: MediaReference, redactor: Redactor) -> MediaReference:
    return replace(reference, caption=None if reference.caption is None else redactor.erased(reference.caption))


async def in_own_thread(function: Callable[..., T], *arguments: object) -> T:
    """Run a stranger's slow function beside the event loop, in a thread that cannot keep the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(set_outcome: Callable[[Any], None], outcome: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it any more
            loop.call_soon_threadsafe(lambda: None if future.done() else set_outcome(outcome))

    def work() -> None:
        try:
            result = function(*arguments)
        except BaseException as error:
            tell(future.set_exception, error)
        else:
            tell(future.set_result, result)

    threading.Thread(target=work, daemon=True, name=f"charimg: {function!r}").start()
    return await future


def of_type(given: T, kind: type[Any], provider: str) -> T:
    """What a provider gave, if it is what its contract says: a stranger's mistake fails one job, not the run."""
    data: object = given.data if isinstance(given, GeneratedImage) else b""
    if isinstance(given, kind) and isinstance(data, bytes):
        return given
    what = f"a {kind.__name__}"
    if kind is GeneratedImage:
        what = "a GeneratedImage with bytes" if isinstance(data, bytes) else "one with bytes"
    words = f"{provider} returned {type(given).__name__} where {what} belongs"
    if not isinstance(data, bytes):
        words += f": its data is {type(data).__name__}"
    raise InvalidRequestError(words, possibly_charged=kind is GeneratedImage)


async def with_quick_retries(stage: Callable[[], Awaitable[T]], *, give_up: Callable[[], bool]) -> T:
    """Try a stage again at once, a few times, while its answer is flaky.

    :param give_up: asked after every flaky answer, and after the pause that follows it: whether nothing more is to be
        sent.
    """
    last: list[FlakyError] = []

    async def once() -> T:
        if last and give_up():
            raise last[-1]
        try:
            return await stage()
        except FlakyError as error:
            last.append(error)
            raise

    retry = backoff.on_exception(
        backoff.expo,
        FlakyError,
        max_tries=FLAKY_TRIES,
        factor=FLAKY_WAIT,
        jitter=backoff.full_jitter,
        giveup=lambda _: give_up(),
        logger=None,  # it would print the service's words before they are redacted
    )
    return await retry(once)()
