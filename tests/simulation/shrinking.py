"""A failing scenario is made smaller as long as it fails by the same sentence: what is left is what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.scenario import LanePlan, Moment, Quota, RunPlan, Scenario, without
from tests.simulation.trial import Fault, Trial, attempt

MOST_TRIALS = 600
"""Scenarios tried; each takes some hundredths of a second."""


def shrunk(trial: Trial, most: int = MOST_TRIALS) -> Trial:
    """The smallest scenario found that breaks the first broken invariant of *trial*."""
    wanted = trial.faults[0].invariant
    best, tried = trial, 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(best.scenario):
            if tried >= most:
                return best
            tried += 1
            found = attempt(candidate)
            if faults := tuple(fault for fault in found.faults if fault.invariant is wanted):
                best, smaller = replace(found, faults=faults), True
                break
    return best


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Scenarios that are a little simpler, the boldest first."""
    runs, lanes, faults = scenario.runs, scenario.lanes, scenario.faults
    for number in range(len(runs)):
        if len(runs) > 1:
            yield replace(scenario, runs=without(runs, number))
    for cast in dict.fromkeys((1, scenario.cast // 2, scenario.cast - 1)):
        if 0 < cast < scenario.cast:
            yield replace(scenario, cast=cast, faults=tuple(one for one in faults if one.character < cast))
    if faults:
        yield replace(scenario, faults=())
        half = len(faults) // 2
        if half:
            yield replace(scenario, faults=faults[:half])
            yield replace(scenario, faults=faults[half:])
    for number in range(len(lanes)):
        if len(lanes) > 1:
            yield _without_lane(scenario, number)
    for number, run in enumerate(runs):
        for simpler in _simpler_runs(run):
            yield replace(scenario, runs=(*runs[:number], simpler, *runs[number + 1 :]))
    for number, lane in enumerate(lanes):
        for plain in _simpler_lanes(lane):
            yield replace(scenario, lanes=(*lanes[:number], plain, *lanes[number + 1 :]))
    usual = Scenario()
    for name in ("uploader_quota", "references_last", "budget", "wait_ceiling", "cooldown", "max_retries"):
        if getattr(scenario, name) != getattr(usual, name):
            yield replace(scenario, **{name: getattr(usual, name)})
    for name in ("quota_wait", "batch_size", "metadata"):
        if getattr(scenario, name) != getattr(usual, name):
            yield replace(scenario, **{name: getattr(usual, name)})
    if scenario.uploader != "none":
        yield replace(scenario, uploader="none")
    for number in range(len(faults)):
        yield replace(scenario, faults=without(faults, number))


def _without_lane(scenario: Scenario, number: int) -> Scenario:
    faults = tuple(
        replace(one, where=one.where - (one.where > number)) for one in scenario.faults if one.where != number
    )
    return replace(scenario, lanes=without(scenario.lanes, number), faults=faults)


def _simpler_runs(run: RunPlan) -> Iterator[RunPlan]:
    usual = RunPlan(gap=run.gap)
    for name in ("rival", "disk_full", "ledger_full", "clock", "only", "stale", "redo", "force", "crash", "interrupts"):
        if getattr(run, name) != getattr(usual, name):
            yield replace(run, **{name: getattr(usual, name)})
    for number in range(len(run.before)):
        yield replace(run, before=without(run.before, number))
    if len(run.interrupts) > 1:
        yield replace(run, interrupts=run.interrupts[:1])
    if run.gap != usual.gap or run.gap > 60:
        yield replace(run, gap=60.0) if run.gap > 60 else run
    if run.crash is not None and run.crash.kind == "time":
        yield replace(run, crash=Moment("step", 40))


def _simpler_lanes(lane: LanePlan) -> Iterator[LanePlan]:
    if lane.quota != Quota():
        yield replace(lane, quota=Quota())
    if lane.weight is not None:
        yield replace(lane, weight=None)
    if lane.fallback:
        yield replace(lane, fallback=False)
    if lane.provider != "swift":
        yield replace(lane, provider="swift")
    if lane.seconds != (1.0, 1.0):
        yield replace(lane, seconds=(1.0, 1.0))


__all__ = ["Fault", "shrunk"]
