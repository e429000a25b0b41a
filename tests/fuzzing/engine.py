"""The loop: an input, a time limit, and what came of it."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType

from tests.fuzzing.mutation import mutated
from tests.fuzzing.targets import Target

SLOWEST = 20.0
"""Seconds of the processor for one input of at most 200 kB; above it the reader is taken to stall."""


class StalledError(BaseException):
    """One input took too long. No plain exception: nobody on the way may take it for one of his own."""


@dataclass
class Found:
    """An input that a target must not fail on, and does."""

    target: str
    data: bytes
    told: str
    """The last line of the traceback."""
    trace: str

    def keep(self, folder: Path) -> Path:
        """Write the input into *folder*; its name is that of its content."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.target}-{hashlib.sha256(self.data).hexdigest()[:12]}"
        path.write_bytes(self.data)
        return path


@dataclass
class Hunt:
    """What came of fuzzing one target."""

    target: str
    inputs: int = 0
    found: list[Found] = field(default_factory=list)
    """One of each kind, by where it was raised."""


def hunt(
    target: Target,
    *,
    seed: int,
    inputs: int | None = None,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Hunt:
    """Feed the target its whole corpus, then variations of it.

    :param inputs: so many variations; or
    :param seconds: for so long.
    """
    random = Random(f"{target.name} {seed}")
    corpus = target.corpus()
    result = Hunt(target.name)
    known: set[str] = set()
    end = None if seconds is None else clock() + seconds
    for data in _all(random, corpus, inputs):
        if end is not None and clock() > end:
            break
        result.inputs += 1
        found = tried(target, data)
        if found is not None and _where(found) not in known:
            known.add(_where(found))
            result.found.append(found)
    return result


def _all(random: Random, corpus: list[bytes], inputs: int | None) -> Iterator[bytes]:
    yield from corpus
    made = 0
    latest = list(corpus)
    while inputs is None or made < inputs:
        data = mutated(random, random.choice(latest if random.random() < 0.3 else corpus), corpus)
        latest = [*latest[-200:], data]  # some go on from where another stopped
        made += 1
        yield data


def tried(target: Target, data: bytes) -> Found | None:
    """Feed one input; what it found, if anything."""
    try:
        with _bounded():
            target.feed(data)
    except (Exception, StalledError) as error:
        trace = "".join(traceback.format_exception(error))
        return Found(target.name, data, f"{type(error).__name__}: {str(error)[:300]!r}", trace)
    return None


def _where(found: Found) -> str:
    """What is the same for all inputs that fail in the same way: the error, and the last places in code of ours."""
    places = [line.strip() for line in found.trace.splitlines() if line.startswith("  File") and "charimg" in line]
    return " ".join([found.told.partition(":")[0], *places[-2:]])


@contextmanager
def _bounded() -> Iterator[None]:
    """Raise :class:`StalledError` in the block once it has used the processor for too long."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stalled(_signal: int, _frame: FrameType | None) -> None:
        raise StalledError(f"more than {SLOWEST:g} seconds for one input")

    before = signal.signal(signal.SIGVTALRM, stalled)
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOWEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
