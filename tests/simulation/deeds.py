"""What the user, or fate, does to a project between two runs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from charimg.choosing import Versions, last_changes, last_operation, versions_of
from charimg.contracts import ProviderContext, Store
from charimg.errors import CharimgError
from charimg.picture_folder import PictureFolder
from charimg.repair import repair as mend
from charimg.stocktaking import Stock
from tests.simulation.disk import PowerCut
from tests.simulation.ledger import SimulatedLedger
from tests.simulation.pictures import mark_of
from tests.simulation.premises import now_or_never, roster
from tests.simulation.scenario import Moment

if TYPE_CHECKING:
    from tests.simulation.world import World


def delete_ledger(world: World, _deed: str) -> None:
    """Somebody takes ``.charimg/state.sqlite`` for rubbish."""
    world.history.forgotten |= _known(world)
    world.ledger.remove()
    world.touched |= set(world.scenario.keys)
    world.wanted_again.clear()


def damage_ledger(world: World, deed: str) -> None:
    """Something writes over the ledger; ``damage_ledger 3`` at another place than ``damage_ledger 4``."""
    path = world.ledger.path
    if not path.exists():
        return
    world.history.forgotten |= _known(world)
    data = bytearray(path.read_bytes())
    places = max(1, len(data) // 4096)
    number = int(deed.split()[1])
    start = 0 if number == 0 else 4096 * (number % places)
    data[start : start + 2048] = b"\x5a" * len(data[start : start + 2048])
    path.write_bytes(bytes(data))
    # What was asked for again may still be known: the log beside the file may hold what was written over in it.
    world.touched |= set(world.scenario.keys)


def empty_ledger(world: World, _deed: str) -> None:
    """A repair of the file system left a file of no length."""
    if world.ledger.path.exists():
        world.history.forgotten |= _known(world)
        world.ledger.remove()
        world.ledger.path.write_bytes(b"")
        world.touched |= set(world.scenario.keys)
        world.wanted_again.clear()


def edit(world: World, deed: str) -> None:
    """The user describes a character in other words."""
    number = int(deed.split()[1]) % world.scenario.cast
    key = world.scenario.key(number)
    world.descriptions[key] += " with a hat"
    world.touched.add(key)


def delete_picture(world: World, deed: str) -> None:
    """The user deletes a character's picture."""
    key = world.scenario.key(int(deed.split()[1]) % world.scenario.cast)
    for path in [path for path in world.disk.files if path.name.startswith(f"{key}.")]:
        mark = mark_of(world.disk.files[path].data)
        if mark is not None:
            world.history.lost_files.add(mark)
        world.disk.files.pop(path)
    world.disk.rest()
    world.touched.add(key)
    world.wanted_again.add(key)


def delete_folder(world: World, _deed: str) -> None:
    """The user deletes the whole folder of pictures."""
    for number in range(world.scenario.cast):
        delete_picture(world, f"delete_picture {number}")
    world.disk.files.clear()
    world.disk.folders.discard(world.project.out)
    world.disk.rest()


def clock(world: World, deed: str) -> None:
    """Somebody sets the clock; ``clock -3600`` an hour back."""
    world._set_clock(float(deed.split()[1]))


def pick(world: World, deed: str) -> None:
    """The user makes another version the current picture: ``pick 2 1 0``, of the third character the second; the last
    number is the step at which the power fails, if there is one."""
    number, version, cut = map(int, deed.split()[1:])
    key = world.scenario.key(number % world.scenario.cast)

    async def work(store: Store, versions: Versions) -> None:
        record = await store.job(key)
        there = sorted(one.version for one in versions_of(record)) if record else []
        if there:
            await versions.pick(key, there[version % len(there)], f"pick {world.clock.now}")

    _choose(world, work, cut)


def undo(world: World, deed: str) -> None:
    """The user takes the last change back: ``undo 0``; the number is that of :func:`pick`."""

    async def work(store: Store, versions: Versions) -> None:
        for change in last_operation(last_changes(await store.choices())):
            await versions.undo(change, f"undo {world.clock.now}")

    _choose(world, work, int(deed.split()[1]))


def repair(world: World, _deed: str) -> None:
    """The user lets ``charimg check --repair`` do its work."""

    async def work(store: Store, versions: Versions) -> None:
        with world.disk.as_real_files(versions.pictures.folder) as folder:
            stock = Stock(world.project, PictureFolder(folder), roster(world.project, world.descriptions))
            await mend(stock, store, f"repair {world.clock.now}")

    _choose(world, work, 0)


def _choose(world: World, work: Callable[[Store, Versions], Coroutine[Any, Any, None]], cut: int) -> None:
    """Let a command do its work on ledger and pictures, as far as the power allows."""
    pictures = PictureFolder(world.project.out, world.disk, world.scenario.metadata)
    store = SimulatedLedger(ProviderContext(world.project.folder, world.project.out))
    world.expect_power_cut(None if not cut else Moment("ledger" if cut % 2 else "disk", cut // 2 + 1, 0.9))
    try:
        now_or_never(store.open())
        now_or_never(work(store, Versions(world.project, store, pictures)))
    except (PowerCut, CharimgError):
        pass  # what it says to the user is others' matter
    finally:
        now_or_never(store.close())
        world.come_back()


def _known(world: World) -> set[str]:
    """Attempts that stand in the ledger as it is now."""
    ledger = world.read_ledger()
    return {*ledger.saved, *ledger.open, *ledger.lost}


DEEDS: dict[str, Callable[[World, str], None]] = {
    "delete_ledger": delete_ledger,
    "damage_ledger": damage_ledger,
    "empty_ledger": empty_ledger,
    "edit": edit,
    "delete_picture": delete_picture,
    "delete_folder": delete_folder,
    "clock": clock,
    "pick": pick,
    "undo": undo,
    "repair": repair,
}
"""By name; a deed is such a name with perhaps numbers after it."""

LOSES_LEDGER = frozenset({"delete_ledger", "damage_ledger", "empty_ledger"})
"""Those after which only the pictures know."""

HARMLESS = frozenset({"edit", "clock", "pick", "undo", "repair"})
"""Those after which every picture must still be there."""
