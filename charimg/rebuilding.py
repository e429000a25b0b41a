"""A damaged ledger is filled anew from the pictures: that this is under way is itself in the ledger.

A rebuilding that is broken off must be done once more, and not be taken for all there is: the word stands in the new
ledger, in the place of a run's plan, until a run begins or the rebuilding is done.
"""

from __future__ import annotations

from collections.abc import Sequence

from charimg.contracts import Store
from charimg.model import utc_now

WORD = "rebuilding"
"""The only word of such a plan."""


async def begin(store: Store, operation: str, places: Sequence[str]) -> None:
    """Note that the ledger is being filled from pictures.

    :param operation: what this is remembered under.
    :param places: where the damaged ones are kept.
    :raises StorageError: it cannot be recorded.
    """
    await store.begin_run(f"{operation}-rebuilding", utc_now(), {WORD: list(places)})


async def end(store: Store, operation: str) -> None:
    """Note that it is done; a run's own plan says so, too.

    :raises StorageError: it cannot be recorded.
    """
    await store.begin_run(f"{operation}-rebuilt", utc_now(), {WORD: []})


async def unfinished(store: Store) -> list[str]:
    """Where the damaged ledgers are whose rebuilding was the last thing begun here; nothing if there is none.

    :raises StorageError: the ledger cannot be read.
    """
    places = (await store.last_plan() or {}).get(WORD)
    return [str(place) for place in places] if isinstance(places, list) else []
