"""A large cast costs each picture no more than a small one: in questions to the ledger, in files, in memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charimg.contracts import Store
from charimg.events import JobName, RunStarted
from charimg.gallery.cast import Cast
from charimg.plan import Plan
from charimg.providers.sqlite import SqliteStore
from charimg.roster import read_roster
from tests.run.workshop import Workshop

FEW, MANY = 20, 120


def counted_run(workshop: Workshop, count: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a run of so many asks the ledger each of its questions."""
    calls: Counter[str] = Counter()

    def counting(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return await method(*arguments, **named)

        return counted

    with monkeypatch.context() as patch:
        for name in [name for name in vars(Store) if not name.startswith("_") and callable(getattr(Store, name))]:
            patch.setattr(SqliteStore, name, counting(name, getattr(SqliteStore, name)))
        workshop.cast(*(f"G{number}" for number in range(count)))
        told = workshop.run(force=True)
    assert told.counts[0] == count
    return calls


def test_each_picture_asks_the_ledger_as_often_in_a_long_run(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same few questions for each, and the same few for the run: none of them grows with the cast."""
    few = counted_run(workshop, FEW, monkeypatch)
    many = counted_run(workshop, MANY, monkeypatch)
    per_job = {name: (many[name] - few[name]) / (MANY - FEW) for name in many}

    assert {name: count for name, count in per_job.items() if count > 4} == {}
    assert few["jobs"] == many["jobs"] <= 3
    assert sum(per_job.values()) <= 10


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".csv", ".txt"])
def test_a_roster_takes_a_few_kilobytes_a_character(suffix: str, tmp_path: Path) -> None:
    """Ten thousand, in every format: the most that is held while reading, and what is kept."""
    from tests.benchmarks.long_runs import write_roster

    path = tmp_path / f"cast{suffix}"
    write_roster(path, 10_000)
    tracemalloc.start()
    try:
        roster = read_roster(path)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(roster.characters) == 10_000
    assert most / 10_000 < 4_000
    assert kept / 10_000 < 1_500


def test_warnings_about_a_large_cast_are_few(tmp_path: Path) -> None:
    """A thousand pairs of twins, and a thousand namesakes, are some lines and two counts."""
    path = tmp_path / "cast.txt"
    twins = [f"Twin {number}: guest {number // 2} of the inn, in a long coat" for number in range(2_000)]
    namesakes = [f"Name {number // 2}: a guest who came as number {number}" for number in range(2_000)]
    path.write_text("\n".join([*twins, *namesakes]), encoding="utf-8")
    warnings = read_roster(path).warnings

    assert len(warnings) == 12
    assert [line.partition(": ")[2] for line in warnings if ": and " in line] == [
        "and 995 more descriptions are shared by several characters",
        "and 995 more names belong to several characters",
    ]


def test_no_value_that_a_command_hands_over_spells_out_the_cast() -> None:
    """asyncio makes a repr of what a finished task returned: it must not be as long as the cast."""
    jobs = tuple(JobName(f"key-{number}", f"Guest {number}") for number in range(1_000))
    started = RunStarted(
        run="r", total=1_000, skipped=0, jobs=jobs, lanes=("a",), generator="a", uploader="none", store="sqlite",
        out="pictures", batch_size=5, quota_wait=15, max_retries=3, cooldown=2, batches=200,
    )  # fmt: skip

    assert len(repr(started)) < 1_000
    assert [name for name in ("jobs", "skipped", "uploads_only") if Plan.__dataclass_fields__[name].repr] == []
    assert [name for name in ("roster", "cards", "former") if Cast.__dataclass_fields__[name].repr] == []
