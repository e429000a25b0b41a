"""What the user, or fate, does to a project between two runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.pictures import mark_of

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
    world.touched |= set(world.scenario.keys)
    world.wanted_again.clear()


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
}
"""By name; a deed is such a name with perhaps a number after it."""
