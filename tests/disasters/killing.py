"""SIGKILL at random moments, again and again over one roster, and the accounts that have to hold in the end.

``python -m tests.disasters.killing --kills 200`` does it for as long as one likes and prints what was met. The same
seed draws the same moments; what the command is about at such a moment is the machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from charimg.contracts import JobState
from tests.disasters.accounts import hold, speaks_well
from tests.disasters.scene import PICTURE_ENDINGS, Books, Ended, Running, Scene, scene_of
from tests.disasters.slow_services import GENERATE, SERVICES, UPLOAD

LOOK = 0.0005
"""Seconds between two looks at what the command is about."""

LONGEST_LIFE = 60.0
"""Seconds after which a run that has met no moment to be killed is stuck."""

Moment = Callable[[Scene, Running, random.Random, int], None]
"""Waits for the moment of the kill, or for the end of the run; the number is that of the pictures a run may make until
then, so that all kills fall within the roster."""


# -- moments --------------------------------------------------------------------------------------------------


def _until(running: Running, has_come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_LIFE
    while running.alive and not has_come() and time.monotonic() < deadline:
        time.sleep(LOOK)


def _start_up(scene: Scene, running: Running, dice: random.Random, share: int) -> None:
    time.sleep(dice.uniform(0.0, 0.45))


def _anytime(scene: Scene, running: Running, dice: random.Random, share: int) -> None:
    moment = time.monotonic() + dice.uniform(0.45, 0.7 + 0.1 * share)
    _until(running, lambda: time.monotonic() > moment)


def _seen(kind: str, *, answered: bool, after: float) -> Moment:
    def moment(scene: Scene, running: Running, dice: random.Random, share: int) -> None:
        counts = scene.emulator.answered if answered else scene.emulator.arrived
        wanted = counts[kind] + dice.randint(1, share)
        _until(running, lambda: counts[kind] >= wanted)
        time.sleep(dice.uniform(0.0, after))

    return moment


def _slowly(running: Running, has_come: Callable[[], bool], slices: int) -> None:
    """Let the command run for a fraction of a millisecond at a time, and look while it stands still.

    :param slices: how many times it runs on after what it waits for has come.
    """
    deadline = time.monotonic() + LONGEST_LIFE
    while running.alive and time.monotonic() < deadline:
        running.freeze()
        if has_come():
            slices -= 1
            if slices < 0:
                return  # SIGKILL wakes it no more
        running.thaw()
        time.sleep(LOOK / 4)


def _file(is_meant: Callable[[Path], bool]) -> Moment:
    """Once a file of a kind appears, or a few steps later."""

    def moment(scene: Scene, running: Running, dice: random.Random, share: int) -> None:
        known = {path for path in scene.files() if is_meant(path)}
        wanted = scene.emulator.arrived[GENERATE] + dice.randint(1, share)
        _until(running, lambda: scene.emulator.arrived[GENERATE] >= wanted)
        _slowly(
            running,
            lambda: any(is_meant(path) and path not in known for path in scene.files()),
            dice.choice((0, 0, 1, 2)),
        )

    return moment


def _recording(scene: Scene, running: Running, dice: random.Random, share: int) -> None:
    """While the ledger is written: its log has grown, and grown again."""
    log = scene.ledger.with_name(f"{scene.ledger.name}-wal")
    last, left = 0, dice.randint(1, 3 * share)

    def has_come() -> bool:
        nonlocal last, left
        with contextlib.suppress(OSError):
            now = log.stat().st_mtime_ns
            left -= now != last
            last = now
        return left <= 0

    _until(running, log.exists)
    _slowly(running, has_come, dice.randint(0, 3))


MOMENTS: dict[str, Moment] = {
    "start-up": _start_up,
    "asked": _seen(GENERATE, answered=False, after=0.05),
    "answered": _seen(GENERATE, answered=True, after=0.004),
    "half written": _file(lambda path: path.suffix == ".part"),
    "named": _file(lambda path: path.suffix in PICTURE_ENDINGS),
    "ledger": _recording,
    "uploading": _seen(UPLOAD, answered=False, after=0.05),
    "uploaded": _seen(UPLOAD, answered=True, after=0.003),
    "anytime": _anytime,
}
"""When a kill may come, in the order they take turns."""


# -- what a kill has left ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Death:
    """What stood where when the command was killed."""

    moment: str
    phases: tuple[str, ...]
    """What the jobs under way were about."""
    in_flight: dict[str, str]
    """Open attempts: id and key."""
    ticketed: frozenset[str]
    """Those of them that the service has accepted, as the ledger knows."""
    pictures: frozenset[str]
    """Digests of the whole pictures on disk."""
    uploads: Counter[str]
    """How often each file was uploaded until now."""
    not_uploaded: frozenset[str]
    """Digests of pictures that the ledger takes for not uploaded."""


@dataclass
class Report:
    """What came of one roster."""

    service: str
    seed: int
    deaths: list[Death] = field(default_factory=list)
    pictures: int = 0
    charged: int = 0
    listed: int = 0
    twice: int = 0
    """Pictures that were charged although there was one already, or one in flight."""
    unlisted: int = 0
    lost: int = 0
    uploads: int = 0
    uploads_twice: int = 0

    @property
    def line(self) -> str:
        """For people."""
        at_risk = len({attempt for death in self.deaths for attempt in death.in_flight})
        phases = Counter(phase for death in self.deaths for phase in death.phases)
        met = ", ".join(f"{name} {count}" for name, count in phases.most_common())
        return (
            f"{self.service}, seed {self.seed}: {len(self.deaths)} kills ({met}); {self.pictures} pictures,"
            f" {self.charged} charged, {at_risk} in flight at a kill, {self.twice} paid twice, {self.listed} listed,"
            f" {self.unlisted} of the twice paid not listed, {self.lost} lost;"
            f" {self.uploads} uploads, {self.uploads_twice} of them again"
        )


def examine(scene: Scene, moment: str, before: Books, asked_before: Counter[str]) -> Death:
    """Look at the remains of a command that was killed."""
    books = scene.books()
    assert books.fault is None, f"the ledger is damaged: {books.fault}"
    assert not (half := scene.half_files()), f"half a picture under a final name: {half}"
    deadline = time.monotonic() + 5.0
    while scene.emulator.undecided and time.monotonic() < deadline:
        time.sleep(0.005)  # what the service has in its ear it will charge for, killed or not
    pictures = scene.whole_pictures()
    new = books.open.keys() - before.open.keys()
    due = {
        job.picture.facts.sha256
        for job in books.jobs.values()
        if job.picture is not None and job.state is not JobState.DONE
    }
    phases = []
    if any(path.suffix == ".part" for path in scene.files()):
        phases.append("saving")
    if any(digest not in books.digests and path.suffix in PICTURE_ENDINGS for digest, path in pictures.items()):
        phases.append("saved, not recorded")
    if due - {digest for digest in due if digest in before.digests}:
        phases.append("uploading")
    if new:
        waiting = scene.emulator.arrived[GENERATE] > scene.emulator.answered[GENERATE]
        phases.append("generating" if waiting else "answered")
    if not phases:
        settled = before.open.keys() - books.open.keys()
        asked = scene.emulator.arrived != asked_before
        phases.append("between" if asked else "settling what was open" if settled else "start-up")
    return Death(
        moment,
        tuple(phases),
        {attempt.id: attempt.key for attempt in books.open.values()},
        frozenset(attempt.id for attempt in books.open.values() if attempt.ticket),
        frozenset(pictures),
        scene.service.uploads(scene.emulator),
        frozenset(due),
    )


# -- one roster ---------------------------------------------------------------------------------------------------


def kill_again_and_again(
    scene: Scene,
    *,
    characters: int,
    kills: int,
    seed: int,
    moments: Collection[str] = MOMENTS,
    before_each: Callable[[random.Random], None] = lambda _dice: None,
) -> Report:
    """Kill the scene's runs *kills* times (or until all is done), let the last one end, and hold the accounts.

    :param moments: names of :data:`MOMENTS`.
    :param before_each: done before every run.

    Raises:
        AssertionError: something was lost, paid twice and not told, or left lying about.
    """
    dice = random.Random(seed)
    report = Report(scene.service.name, seed)
    names = list(moments)
    dice.shuffle(names)
    turns = itertools.cycle(names)
    lives: list[Ended] = []
    share = max(2, 2 * characters // max(1, kills))
    while len(report.deaths) < kills:
        moment = next(turns)
        before, asked = scene.books(), Counter(scene.emulator.arrived)
        before_each(dice)
        running = scene.start_run()
        MOMENTS[moment](scene, running, dice, share)
        if not running.alive:
            lives.append(running.end())
            if lives[-1].code == 0 and not lives[-1].summary["total"]:
                break  # there is nothing left to do
            continue
        lives.append(running.kill())
        report.deaths.append(examine(scene, moment, before, asked))
    before_each(dice)
    lives.append(scene.run())
    settle(scene, report, lives, characters)
    return report


def settle(scene: Scene, report: Report, lives: list[Ended], characters: int) -> None:
    """Fill in the report and hold it against what was promised."""
    books = scene.books()
    charges, uploads = scene.service.charges(scene.emulator), scene.service.uploads(scene.emulator)
    whole = scene.whole_pictures()
    keys = [f"hero-{number:03}" for number in range(characters)]
    listed = Counter(attempt.key for attempt in books.lost)
    at_risk: dict[str, str] = {}
    for death in report.deaths:
        spared = death.ticketed if scene.service.ticketed else frozenset()
        at_risk |= {attempt: key for attempt, key in death.in_flight.items() if attempt not in spared}
    risks = Counter(at_risk.values())

    report.pictures = sum(bool(books.pictures(key)) for key in keys)
    report.charged, report.listed, report.uploads = charges.total(), listed.total(), uploads.total()
    report.twice = sum(charges[key] - 1 for key in keys if charges[key])
    report.unlisted = sum(max(0, charges[key] - len(books.pictures(key)) - listed[key]) for key in keys)
    report.uploads_twice = sum(count - 1 for count in uploads.values())
    seen = frozenset[str]().union(*(death.pictures for death in report.deaths))
    report.lost = len(seen - whole.keys()) + len(seen - books.digests.keys())

    assert lives[-1].code == 0, f"the last run ended with {lives[-1].code}: {lives[-1].err}"
    assert report.lost == 0, "pictures that were on disk at a kill are gone, or nobody recorded them"
    hold(scene, characters)
    for key in keys:
        assert charges[key] <= 1 + risks[key], f"{key} was paid {charges[key]} times, {risks[key]} in flight at a kill"
    strange = [attempt for attempt in books.lost if attempt.id not in at_risk]
    assert not strange, f"listed as possibly charged, though no kill met them: {strange}"
    lives_of_uploads = _lives(report.deaths)
    for digest, count in uploads.items():
        again = sum(
            death.uploads[digest] > before[digest] and digest in death.not_uploaded
            for before, death in lives_of_uploads
        )
        assert count <= 1 + again, f"{books.digests.get(digest)} was uploaded {count} times, {again} in flight"
    for life in lives:
        speaks_well(life)


def _lives(deaths: list[Death]) -> list[tuple[Counter[str], Death]]:
    """Every death with the uploads before its life."""
    return list(zip([Counter[str](), *(death.uploads for death in deaths)], deaths, strict=False))


# -- by hand ------------------------------------------------------------------------------------------------------


def main() -> int:
    """Kill for as long as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.disasters.killing", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--characters", type=int, default=60, help="of one roster")
    parser.add_argument("--kills-per-roster", type=int, default=20)
    parser.add_argument("--service", choices=sorted(SERVICES), action="append")
    parser.add_argument("--json", action="store_true", help="print one JSON object a roster")
    options = parser.parse_args()
    turns = itertools.cycle(options.service or SERVICES)
    left, seed = options.kills, options.seed
    reports: list[Report] = []
    while left > 0:
        kills = min(left, options.kills_per_roster)
        with (
            tempfile.TemporaryDirectory(prefix="charimg-killing-") as name,
            scene_of(Path(name), next(turns), characters=options.characters) as scene,
        ):
            try:
                report = kill_again_and_again(scene, characters=options.characters, kills=kills, seed=seed)
            except AssertionError as error:
                print(f"{scene.service.name}, seed {seed}: {error}", file=sys.stderr, flush=True)
                return 1
        reports.append(report)
        print(json.dumps(vars(report), default=str) if options.json else report.line, flush=True)
        left, seed = left - max(1, len(report.deaths)), seed + 1
    total = Report("all", options.seed, [death for report in reports for death in report.deaths])
    for name in ("pictures", "charged", "listed", "twice", "unlisted", "lost", "uploads", "uploads_twice"):
        setattr(total, name, sum(getattr(report, name) for report in reports))
    print(total.line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
