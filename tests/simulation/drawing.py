"""Scenarios out of seeds. Every seed has its own mixture: some troubles often, others not at all."""

from __future__ import annotations

from tests.simulation.chance import Chance
from tests.simulation.providers import GENERATORS, POLLED
from tests.simulation.scenario import Fault, LanePlan, Moment, Quota, RunPlan, Scenario
from tests.simulation.service import FAULTS, ROWS

_ROWS = {
    verdict: [name for name, row in ROWS.items() if row["want"] == verdict]
    for verdict in ("throttled", "exhausted", "rejected", "flaky", "invalid", "fatal")
}
_COMMON = ("throttled", "throttled", "throttled", "flaky", "flaky", "rejected", "invalid")
"""Verdicts that leave a lane open: a storm of the others would be over too soon."""


def draw(seed: int) -> Scenario:
    """The scenario of a seed."""
    chance = Chance(seed)
    cast = int(chance.scale(1, 20.99 if chance.happens(0.3, "large cast") else 7.99, "cast"))
    lanes = _lanes(chance)
    references_last = chance.scale(30, 86_400, "lasting") if chance.happens(0.15, "expires") else None
    return Scenario(
        seed=seed,
        cast=cast,
        lanes=lanes,
        uploader="album" if chance.happens(0.7, "uploader") else "none",
        uploader_quota=_quota(chance, "album") if chance.happens(0.2, "album has a quota") else Quota(),
        references_last=references_last,
        batch_size=5 if chance.happens(0.5, "usual batch") else chance.whole(1, 7, "batch"),
        quota_wait=chance.one_of((15.0, 15.0, 1.0, 0.0, 40.0), "quota wait"),
        max_retries=chance.one_of((3, 3, 1, 0, 5), "retries"),
        cooldown=chance.one_of((2.0, 2.0, 0.0, 10.0), "cooldown"),
        wait_ceiling=chance.one_of((900.0, 900.0, 30.0), "ceiling"),
        budget=round(0.25 * chance.scale(1, cast + 4, "budget") + 0.1, 2)
        if chance.happens(0.2, "has budget")
        else None,
        metadata=chance.one_of(("embed", "embed", "embed", "sidecar", "both", "none"), "metadata"),
        faults=_faults(chance, cast, lanes),
        runs=tuple(_run(chance, number, cast) for number in range(chance.one_of((1, 2, 2, 3, 4), "runs"))),
        loses=chance.one_of((0.0, 0.5, 0.5, 1.0), "loses"),
    )


def _budget(chance: Chance, cast: int) -> float:
    return round(0.25 * chance.scale(1, cast + 4, "budget") + 0.1, 2)


def _lanes(chance: Chance) -> tuple[LanePlan, ...]:
    count = chance.one_of((1, 1, 1, 2, 2, 3), "lanes")
    weighted = chance.happens(0.25, "weights")
    found = []
    for number in range(count):
        provider = chance.one_of(tuple(GENERATORS), "provider", number)
        low = chance.scale(0.05, 20, "low", number)
        found.append(
            LanePlan(
                provider,
                "abc"[number] if count > 1 else "",
                weight=chance.one_of((1.0, 2.0, 0.5), "weight", number) if weighted else None,
                fallback=bool(number) and chance.happens(0.25, "fallback", number),
                quota=_quota(chance, number) if chance.happens(0.45, "quota", number) else Quota(),
                seconds=(low, low * chance.one_of((1.0, 1.5, 10.0), "spread", number)),
                keeps=chance.one_of((7200.0, 7200.0, 100.0), "keeps", number),
                outage=_outage(chance, number) if chance.happens(0.06, "outage", number) else None,
            )
        )
    return tuple(found)


def _outage(chance: Chance, number: int) -> tuple[float, float]:
    start = chance.one_of((0.0, chance.scale(1, 60, "out", number)), "from the start", number)
    return start, start + chance.scale(5, 2000, "long", number)


def _quota(chance: Chance, name: object) -> Quota:
    kind = chance.one_of(("bucket", "fixed", "sliding", "concurrent", "daily"), "kind", name)
    return Quota(
        kind,
        chance.whole(1, 8, "limit", name),
        chance.scale(2, 240, "window", name),
        chance.one_of(("exact", "whole", "none", "long"), "hint", name),
    )


def _faults(chance: Chance, cast: int, lanes: tuple[LanePlan, ...]) -> tuple[Fault, ...]:
    """Which calls go wrong: of each kind in its own frequency, and now and then one call after the other."""
    stormy = chance.one_of((0.0, 0.05, 0.2, 0.5), "storm")
    found = []
    for where in range(-1, len(lanes)):
        polled = where >= 0 and lanes[where].provider in POLLED
        kinds = ("upload",) if where < 0 else ("make", "ask") if polled else ("make",)
        for kind in kinds:
            share = stormy * chance.one_of((0.0, 0.5, 1.0), "share", where, kind)
            if not share:
                continue
            for character in range(cast):
                for nth in range(4):
                    if chance.happens(share, "fault", where, kind, character, nth):
                        what = _what(chance, kind, where, character, nth)
                        found.append(Fault(where, kind, character, nth, what))
    return tuple(found)


def _what(chance: Chance, kind: str, *name: object) -> str:
    if chance.happens(0.5, "is a row", kind, *name):
        verdict = chance.one_of(_COMMON, "verdict", kind, *name)
        if chance.happens(0.1, "closes", kind, *name):
            verdict = chance.one_of(("exhausted", "fatal"), "closing", kind, *name)
        return f"row:{chance.one_of(_ROWS[verdict], 'row', kind, *name)}"
    return chance.one_of(FAULTS[kind], "what", kind, *name)


def _run(chance: Chance, number: int, cast: int) -> RunPlan:
    name = ("run", number)
    crash = None
    if chance.happens(0.45, *name, "crash"):
        crash = _moment(chance, cast, ("step", "step", "time", "disk", "disk", "ledger", "ledger"), *name, "crash at")
    interrupts: tuple[Moment, ...] = ()
    if chance.happens(0.2, *name, "interrupted"):
        first = _moment(chance, cast, _TIMES, *name, "first")
        second = Moment(first.kind, first.at + int(chance.scale(1, 200, *name, "second")))
        interrupts = (first, second) if chance.happens(0.5, *name, "twice") else (first,)
    return RunPlan(
        gap=chance.scale(1, 200_000, *name, "gap"),
        before=_deeds(chance, cast, *name) if number else (),
        only=tuple(who for who in range(cast) if chance.happens(0.5, *name, "only", who))
        if chance.happens(0.1, *name, "some only")
        else (),
        force=chance.happens(0.15, *name, "force"),
        stale=chance.happens(0.2, *name, "stale"),
        redo=chance.one_of((1, 2, 3), *name, "count") if number and chance.happens(0.1, *name, "redo") else 0,
        crash=crash,
        interrupts=interrupts,
        rival=_moment(chance, cast, ("step", "time"), *name, "rival")
        if chance.happens(0.1, *name, "has rival")
        else None,
        disk_full=_stretch(chance, cast, 3, *name, "disk") if chance.happens(0.08, *name, "disk full") else None,
        ledger_full=_stretch(chance, cast, 4, *name, "ledger") if chance.happens(0.08, *name, "ledger full") else None,
        clock=(
            (
                chance.scale(0.5, 60, *name, "set at"),
                chance.one_of((-86_400.0, -3600.0, -5.0, 5.0, 86_400.0), *name, "by"),
            ),
        )
        if chance.happens(0.1, *name, "clock")
        else (),
    )


_TIMES = ("step", "time")


def _clock(chance: Chance, *name: object) -> tuple[float, float]:
    by = chance.one_of((-86_400.0, -3600.0, -5.0, 5.0, 86_400.0), *name, "by")
    return chance.scale(0.5, 60, *name, "set at"), by


def _moment(chance: Chance, cast: int, kinds: tuple[str, ...], *name: object) -> Moment:
    kind = chance.one_of(kinds, *name, "kind")
    most = {"step": 120 * cast, "time": 60.0 + 10 * cast, "disk": 4 * cast + 2, "ledger": 4 * cast + 2}[kind]
    at = chance.scale(1, most, *name, "at")
    return Moment(kind, at if kind == "time" else int(at), round(chance.unit(*name, "share"), 2))


def _stretch(chance: Chance, cast: int, each: int, *name: object) -> tuple[int, int]:
    return int(chance.scale(1, each * cast + 2, *name, "from")), int(chance.scale(1, 8, *name, "for"))


def _deeds(chance: Chance, cast: int, *name: object) -> tuple[str, ...]:
    found = []
    who = chance.whole(0, cast - 1, *name, "picked")
    cut = int(chance.scale(1, 30, *name, "cut")) if chance.happens(0.5, *name, "is cut") else 0
    for share, deed in (
        (0.1, f"edit {chance.whole(0, cast - 1, *name, 'who')}"),
        (0.04, f"clock {chance.one_of((-86400, -3600, 3600, 864000), *name, 'clock')}"),
        (0.04, f"delete_picture {chance.whole(0, cast - 1, *name, 'whose')}"),
        (0.015, "delete_folder"),
        (0.03, "delete_ledger"),
        (0.03, f"damage_ledger {chance.whole(0, 12, *name, 'place')}"),
        (0.01, "empty_ledger"),
        (0.1, f"pick {who} {chance.whole(0, 4, *name, 'version')} {cut}"),
        (0.08, f"undo {cut}"),
        (0.03, "repair"),
    ):
        if chance.happens(share, *name, deed.partition(" ")[0]):
            found.append(deed)
    return tuple(found)
