"""The kit's fake lanes under the names that the tests of policy, scheduler and run use."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from charimg.model import Verdict
from charimg.policy import Policy
from charimg.testing import FakeLane, Rehearsal, Turn, on_virtual_clock
from charimg.testing import rehearse as rehearse_lanes
from charimg.testing.lanes import DAILY, FATAL, FLAKY, INVALID, OK, QUOTA, REJECTED, Call, asked_to_wait, make_jobs

ScriptedLane = FakeLane
Answer = Turn
asked = asked_to_wait

LONG = 1_000_000.0
"""Virtual seconds no run of these tests may last."""

ENDS = (Verdict.OK, Verdict.REJECTED, Verdict.FLAKY, Verdict.INVALID)
"""Verdicts that end a job for good."""

__all__ = [
    "DAILY",
    "ENDS",
    "FATAL",
    "FLAKY",
    "INVALID",
    "LONG",
    "OK",
    "QUOTA",
    "REJECTED",
    "Answer",
    "Call",
    "Rehearsal",
    "ScriptedLane",
    "asked",
    "make_jobs",
    "on_virtual_clock",
    "rehearse",
]


def rehearse(
    count: int,
    *lanes: FakeLane,
    policy: Policy | None = None,
    meanwhile: Callable[[Rehearsal], Coroutine[Any, Any, None]] | None = None,
    **terms: Any,
) -> Rehearsal:
    """Run so many jobs on these lanes: the kit's :func:`charimg.testing.rehearse`."""
    return rehearse_lanes(*lanes, jobs=count, policy=policy, meanwhile=meanwhile, **terms)
