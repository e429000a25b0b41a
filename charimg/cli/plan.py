"""The plan of a run in words and as data, for ``charimg run --dry-run``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from charimg.model import Cost

if TYPE_CHECKING:
    from charimg.contracts import Price
    from charimg.lane_choice import LaneChoice
    from charimg.plan import Plan
    from charimg.run import Order

LISTED = 100
"""Characters that are all named."""

OF_MANY = 20
"""How many are named where there are more."""


def plan_data(order: Order, plan: Plan) -> dict[str, Any]:
    """The plan as one JSON object."""
    prices = order.prices()
    first = [prices[lane.name] for lane in order.lanes.first]
    known = [price for price in first if price is not None]
    single = len(known) == len(first) and len({price.currency for price in known if price.amount}) < 2
    costs = [plan.cost(price) for price in known] if single else []
    return {
        "event": "plan",
        "provider": _names(lane.generator.declaration.name for lane in order.lanes.first),
        "uploader": _names(lane.uploader.declaration.name for lane in order.lanes.first),
        "lanes": [_lane_data(lane, prices[lane.name], lane not in order.lanes.first) for lane in order.lanes.all],
        "out": str(order.workplace.project.out),
        "total": len(plan.jobs),
        "pictures": plan.pictures,
        "skipped": len(plan.skipped),
        "batches": plan.batches if len(order.lanes.all) == 1 else None,
        "least_seconds": plan.least_seconds if len(order.lanes.all) == 1 else None,
        "cost": max(costs, default=None, key=lambda cost: cost or 0.0),
        "currency": max(known, key=lambda price: price.amount).currency if costs else None,
        "jobs": [
            {
                "key": job.key,
                "name": job.name,
                "prompt": job.request.prompt,
                "upload_only": job.key in plan.uploads_only,
                "again": job.again,
                "candidate": job.candidate,
            }
            for job in plan.jobs
        ],
        "warnings": [*order.missing(), *order.notes(), *plan.warnings],
        "notes": list(plan.notes),
    }


def plan_lines(order: Order, plan: Plan) -> Iterator[str]:
    """The plan as people read it."""
    lanes, prices = order.lanes, order.prices()
    several = len(lanes.all) > 1
    through = _through(lanes.first[0]) if len(lanes.first) == 1 else f"{len(lanes.first)} lanes"
    yield f"Plan: {_whom(plan)}, through {through}"
    if several:
        for lane in lanes.all:
            yield f"  {_lane_line(lane, prices[lane.name], lane not in lanes.first)}"
    size = plan.policy.batch_size
    whole = len(plan.jobs) <= LISTED
    for number, job in enumerate(plan.jobs if whole else plan.jobs[:OF_MANY]):
        if not several and number % size == 0:
            yield f"  Batch {number // size + 1}"
        yield f"    {job.name}" + (" (upload only)" if job.key in plan.uploads_only else "")
    if not whole:
        yield f"    ... and {len(plan.jobs) - OF_MANY:,} more; --dry-run --json has all of them"
    for skipped in plan.skipped if len(plan.skipped) <= LISTED else plan.skipped[:OF_MANY]:
        yield f"  Skipped: {skipped.character.name}: {skipped.why}"
    if len(plan.skipped) > LISTED:
        yield f"  Skipped: {len(plan.skipped) - OF_MANY:,} more; charimg status has all of them"
    for note in (*order.missing(), *order.notes(), *plan.warnings, *plan.notes):
        yield f"  Note: {note}"
    if several:
        yield f"  Pictures to make: {plan.pictures}; each lane takes a batch whenever it is free"
        yield "  Time: the services' own, and the cooldowns of each lane"
    else:
        batches = "1 batch" if plan.batches == 1 else f"{plan.batches} batches"
        yield f"  Pictures to make: {plan.pictures}, in {batches} of up to {size}"
        cooldowns = f"at least {plan.least_seconds:g} s of cooldown, plus " if plan.least_seconds else ""
        yield f"  Time: {cooldowns}the service's own time"
    yield f"  Cost: {_cost_words(plan, {lane.name: prices[lane.name] for lane in lanes.first})}"
    limit = order.budget().limit
    if limit is not None:
        yield f"  Budget: {limit}; {_budget_words(plan, limit, [prices[lane.name] for lane in lanes.first])}"
    yield f"  Pictures go to: {order.workplace.project.out}"


def _whom(plan: Plan) -> str:
    """Of how many characters, and how many pictures each where that is not one."""
    characters = len({job.request.key for job in plan.jobs})
    if characters < len(plan.jobs):
        return f"{len(plan.jobs)} pictures of {characters} character{'' if characters == 1 else 's'}"
    return f"{len(plan.jobs)} of {len(plan.jobs) + len(plan.skipped)} characters"


def _names(names: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _through(lane: LaneChoice) -> str:
    provider, uploader = lane.generator.declaration.name, lane.uploader.declaration.name
    name = lane.name if lane.name.startswith(provider) else f"{lane.name} ({provider})"
    return name if uploader == "none" else f"{name}, uploaded to {uploader}"


def _lane_line(lane: LaneChoice, price: Price | None, fallback: bool) -> str:
    most = lane.policy.batch_size if lane.at_once is None else min(lane.at_once, lane.policy.batch_size)
    facts = [_through(lane), f"{most} at once"]
    facts += [f"weight {lane.weight:g}"] if lane.weight is not None else []
    facts.append(_price_words(price))
    return f"{'Fallback' if fallback else 'Lane'} {', '.join(facts)}"


def _price_words(price: Price | None) -> str:
    if price is None:
        return "price unknown"
    return f"{Cost(price.amount, price.currency)} a picture" if price.amount else "free"


def _cost_words(plan: Plan, prices: dict[str, Price | None]) -> str:
    unknown = [name for name, price in prices.items() if price is None]
    if unknown:
        return f"unknown; the price of {', '.join(unknown)} is not known"
    known = [price for price in prices.values() if price is not None]
    if len({price.currency for price in known if price.amount}) > 1:
        return ", or ".join(f"{_sum(plan, price)} by {name}" for name, price in prices.items() if price is not None)
    least, most = min(known, key=lambda price: price.amount), max(known, key=lambda price: price.amount)
    if least.amount == most.amount or not plan.pictures:
        checked = f" (price of {most.checked:%Y-%m-%d})" if most.checked and most.amount else ""
        return f"{_sum(plan, most)}{checked}"
    low, high = _sum(plan, least).removeprefix("about "), _sum(plan, most).removeprefix("about ")
    return f"{low} to {high}, by which lane makes how many"


def _sum(plan: Plan, price: Price) -> str:
    return str(Cost(plan.cost(price) or 0.0, price.currency)) if price.amount and plan.pictures else "nothing"


def _budget_words(plan: Plan, limit: Cost, prices: list[Price | None]) -> str:
    least = min((price.amount for price in prices if price is not None), default=0.0)
    enough = int(limit.amount / least + 1e-9) if least else plan.pictures
    if enough < plan.pictures:
        return f"enough for {enough} of the {plan.pictures} pictures"
    return "the run stops before it would cost more"


def _lane_data(lane: LaneChoice, price: Price | None, fallback: bool) -> dict[str, Any]:
    return {
        "name": lane.name,
        "provider": lane.generator.declaration.name,
        "account": lane.account,
        "uploader": lane.uploader.declaration.name,
        "batch_size": lane.policy.batch_size,
        "at_once": lane.at_once,
        "weight": lane.weight,
        "price": None if price is None else price.amount,
        "currency": None if price is None else price.currency,
        "fallback": fallback,
    }
