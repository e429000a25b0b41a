"""The project on its machine: a folder in memory, its settings and plugins, what a command line would make of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Coroutine, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from charimg.contracts import ProviderContext
from charimg.credentials import Credentials
from charimg.errors import StorageError
from charimg.lane_choice import LaneChoice, LaneChoices
from charimg.model import Character, Roster
from charimg.plan import Redo
from charimg.plugins import Kind, Plugins
from charimg.project import Project
from charimg.providers.sqlite import SqliteStore
from charimg.run import Order
from charimg.settings import Settings, policy_of
from charimg.workplace import Workplace
from tests.simulation.history import Ledger
from tests.simulation.providers import GENERATORS, Album, entry_points
from tests.simulation.scenario import LanePlan, RunPlan, Scenario


@cache
def _plugins() -> Plugins:
    return Plugins(found=entry_points(), environ={})


@cache
def memory() -> Path:
    """A folder of this process that is quick: in memory, where the system has one."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="charimg-", dir=shared if os.access(shared, os.W_OK) else None)).resolve()


@cache
def new_ledger() -> bytes:
    """A ledger as a first run makes it, which takes a while."""
    folder = Path(tempfile.mkdtemp(dir=memory()))
    store = SqliteStore(ProviderContext(folder, folder))
    now_or_never(store.open())
    now_or_never(store.close())
    data = (folder / ".charimg" / "state.sqlite").read_bytes()
    shutil.rmtree(folder)
    return data


def forget_everything() -> None:
    """Take the folder of this process away."""
    if memory.cache_info().currsize:
        shutil.rmtree(memory(), ignore_errors=True)
        memory.cache_clear()


def now_or_never(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as stopped:
        return stopped.value
    raise RuntimeError("it waits")


def read_ledger(project: Project) -> Ledger:
    """What the ledger knows, read as ``charimg status`` would."""
    if not (project.state / "state.sqlite").exists():
        return Ledger()
    store = SqliteStore(ProviderContext(project.folder, project.out, read_only=True))
    try:
        now_or_never(store.open())
        lost = frozenset(one.id for one in now_or_never(store.lost_attempts()))
        return Ledger(now_or_never(store.jobs()), lost)
    except StorageError:
        return Ledger(readable=False)
    finally:
        now_or_never(store.close())


def roster(project: Project, descriptions: Mapping[str, str]) -> Roster:
    """The user's file.

    :param descriptions: of the characters, by key.
    """
    people = tuple(Character(key, key.upper(), words) for key, words in descriptions.items())
    return Roster(project.folder / "characters.yaml", people)


def workplace(project: Project, scenario: Scenario, *, free: bool = False) -> Workplace:
    """Where commands work.

    :param free: there is no budget.
    """
    flags: dict[str, object] = {
        "provider": "swift",
        "batch_size": scenario.batch_size,
        "quota_wait": scenario.quota_wait,
        "max_retries": scenario.max_retries,
        "cooldown": scenario.cooldown,
        "wait_ceiling": scenario.wait_ceiling,
        "budget": None if free else scenario.budget,
        "metadata": scenario.metadata,
    }
    settings = Settings({}, ())
    general = settings.general(flags, ("album", "none"))
    return Workplace(project, settings, Credentials.load({}, project.folder / "nowhere"), _plugins(), general)


def order(
    project: Project, scenario: Scenario, plan: RunPlan, descriptions: Mapping[str, str], *, free: bool = False
) -> Order:
    """What ``charimg run`` or ``charimg redo`` would make of the command line; see :func:`workplace`."""
    place = workplace(project, scenario, free=free)
    policy = policy_of(place.general)
    uploader: Any = Album if scenario.uploader == "album" else place.plugins.load(Kind.UPLOADER, "none")

    def choice(lane: LanePlan) -> LaneChoice:
        return LaneChoice(lane.name, GENERATORS[lane.provider], uploader, policy, lane.label, weight=lane.weight)

    first = tuple(choice(lane) for lane in scenario.lanes if not lane.fallback)
    later = tuple(choice(lane) for lane in scenario.lanes if lane.fallback)
    return Order(
        place,
        roster(project, descriptions),
        LaneChoices(first or later, later if first else ()),
        {},
        tuple(scenario.key(number) for number in plan.only if number < scenario.cast),
        plan.force,
        stale=plan.stale,
        redo=Redo(plan.redo) if plan.redo else None,
    )
