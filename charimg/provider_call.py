"""Calling a stranger's code: whatever a provider raises, returns or leaves unsaid comes out in the core's words."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import backoff

from charimg.errors import FlakyError, InvalidRequestError, ProviderError, StorageError
from charimg.images import inspect
from charimg.model import Cost, GeneratedImage, ImageFacts, MediaReference
from charimg.verdicts import error_of, read_exception

FLAKY_TRIES = 3
"""Attempts at a job whose answer is flaky, the first included."""

FLAKY_WAIT = 1.0
"""Seconds: the scale of the exponential wait between them."""

CALL_SECONDS = 1800.0
"""Seconds a provider may take for one picture or upload; who is silent for longer would hold its batch for ever."""

PATIENCE = 10.0
"""Seconds a provider may take to let go of a call that was broken off for it, or to close."""

T = TypeVar("T")


async def guarded(call: Coroutine[Any, Any, T], *, ceiling: float, seconds: float = CALL_SECONDS) -> T:
    """Await a provider's call; whatever it raises comes out as a :class:`ProviderError`, and so does silence.

    :param ceiling: seconds; an exception that asks for a longer wait means "not today".
    """
    # In a task of its own: a provider that is cancelled from within is thereby told from a run that is broken off.
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)
        raise
    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)
        # Not "throttled": the retries of a quota would pay for the same silence again and again.
        raise InvalidRequestError(f"no answer in {seconds / 60:g} minutes", possibly_charged=True)
    if task.cancelled():
        raise InvalidRequestError("the provider broke its own request off", possibly_charged=True)
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, StorageError) or is_in_core_words(error):
        raise error
    raise error_of(read_exception(error, ceiling=ceiling)) from error


def is_in_core_words(error: BaseException) -> bool:
    """Whether it is a provider error with a verdict (a bare ``ProviderError`` has none)."""
    return isinstance(error, ProviderError) and hasattr(error, "verdict")


def checked(given: object, provider: str) -> tuple[GeneratedImage, ImageFacts, list[str]]:
    """What a generator gave back: the picture, what it is, and what was odd about the rest, one line each.

    A picture that is one is kept, whatever nonsense stands beside it: it is paid for.

    :raises ProviderError: it is no picture; it may have been charged all the same.
    """
    image = of_type(given, GeneratedImage, provider)
    assert isinstance(image, GeneratedImage)
    try:
        facts = inspect(image.data)
    except FlakyError as error:
        raise FlakyError(error.message, possibly_charged=True) from error
    odd = {
        name: value
        for name, kinds in _BESIDE.items()
        if (value := getattr(image, name)) is not None and (not isinstance(value, kinds) or isinstance(value, bool))
    }
    if image.cost is not None and "cost" not in odd and not _is_amount(image.cost.amount):
        odd["cost"] = image.cost.amount
    warnings = [f"{provider} gave {type(value).__name__} as {name}; it is left out" for name, value in odd.items()]
    left_out: dict[str, Any] = dict.fromkeys(odd)
    return replace(image, **left_out), facts, warnings


_BESIDE: dict[str, type] = {
    "seed": int,
    "model": str,
    "prompt": str,
    "media": MediaReference,
    "cost": Cost,
    "request_id": str,
}
"""What a generator may give beside the bytes, and of which type."""


def _is_amount(amount: object) -> bool:
    return isinstance(amount, (int, float)) and not isinstance(amount, bool) and math.isfinite(amount)


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
    if not isinstance(given, kind) or (isinstance(given, GeneratedImage) and not isinstance(given.data, bytes)):
        what = "a GeneratedImage with bytes" if kind is GeneratedImage else f"a {kind.__name__}"
        words = f"{provider} returned {type(given).__name__} where {what} belongs"
        raise InvalidRequestError(words, possibly_charged=kind is GeneratedImage)
    return given


async def with_quick_retries(stage: Callable[[], Awaitable[T]], *, give_up: Callable[[], bool]) -> T:
    """Try a stage again at once, a few times, while its answer is flaky.

    :param give_up: asked after every flaky answer: whether the run is to stop, so that nothing more is sent.
    """

    async def once() -> T:
        return await stage()

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
