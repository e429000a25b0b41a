"""What a cast of a hundred thousand costs: time and memory of every command that meets it, and of every picture.

``python -m tests.benchmarks.long_runs --characters 100000 --pictures 20000`` makes rosters of every format, a provider
that answers at once, and a ledger of a project that is nearly done, and prints a table. Each row is one command in a
process of its own: wall seconds, processor seconds, peak memory, lines printed.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

LEFT = 10
"""Characters without a picture in the project that is nearly done."""

INSTANT = '''
"""A generator that answers at once, with a picture unlike every other."""

import itertools, struct, zlib

import charimg
from charimg.errors import FatalError

_NUMBERS = itertools.count(1)


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(number):
    """A picture of 64 pixels."""
    rows = b"".join(b"\\0" + struct.pack(">I", number)[1:] * 8 for _ in range(8))
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\\x89PNG\\r\\n\\x1a\\n" + b"".join(_chunk(*part) for part in parts)


class Instant(charimg.ImageGenerator):
    declaration = charimg.Declaration(
        name="instant",
        summary="Answers at once.",
        settings=(charimg.Setting("closed", "Refuse every request.", bool, False),),
        abilities=charimg.Abilities(offline=True),
        price=charimg.Price(0),
    )

    async def generate(self, request):
        if self.context.settings["closed"]:
            raise FatalError("instant: closed")
        return charimg.GeneratedImage(picture(next(_NUMBERS)))


@charimg.hookimpl
def register_generators(register):
    register(Instant)
'''


@dataclass(frozen=True)
class Measured:
    """What one command cost."""

    what: str
    wall: float
    """Seconds."""
    processor: float
    """Seconds."""
    peak: float
    """Megabytes of resident memory."""
    lines: int
    """On standard output and standard error."""
    code: int


def people(count: int) -> Iterator[tuple[str, str]]:
    """Names and descriptions."""
    for number in range(count):
        yield f"Guest {number}", f"guest number {number} of the inn, {18 + number % 70} years old, in a travelling coat"


def write_roster(path: Path, count: int) -> None:
    """A roster of so many, in the format that the suffix tells."""
    out = io.StringIO()
    if path.suffix == ".yaml":
        out.write("characters:\n")
        for name, words in people(count):
            out.write(f"  - name: {name}\n    description: {words}\n")
    elif path.suffix == ".json":
        cast = [{"name": name, "description": words} for name, words in people(count)]
        json.dump({"characters": cast}, out, indent=1)
    elif path.suffix == ".csv":
        csv.writer(out).writerows([("name", "description"), *people(count)])
    else:
        out.writelines(f"{name}: {words}\n" for name, words in people(count))
    path.write_text(out.getvalue(), encoding="utf-8")


def make_project(folder: Path, count: int) -> None:
    """A project with a roster and the instant provider."""
    (folder / "plugins").mkdir(parents=True)
    (folder / "plugins" / "instant.py").write_text(INSTANT, encoding="utf-8")
    write_roster(folder / "characters.yaml", count)


async def fill(folder: Path, done: int) -> None:
    """Record the first *done* characters of the project as done, with their pictures on disk."""
    from charimg.contracts import Attempt, PictureRecord
    from charimg.images import inspect
    from charimg.project import Project
    from charimg.roster import read_roster, request_for
    from charimg.workplace import Workplace

    space: dict[str, object] = {}
    exec(INSTANT, space)
    roster = read_roster(folder / "characters.yaml")
    pictures = Project.at(folder).out
    pictures.mkdir()
    workplace = Workplace.at(folder, os.environ, {})
    async with workplace.open_store(read_only=False) as store:
        now = datetime.now(timezone.utc)
        await store.begin_run("filled", now, {"roster": str(roster.path), "command": ["--provider", "instant"]})
        for number, character in enumerate(roster.characters[:done]):
            request = request_for(roster, character)
            data = space["picture"](number)  # type: ignore[operator]
            (pictures / f"{character.key}.png").write_bytes(data)
            attempt = hashlib.sha256(character.key.encode()).hexdigest()[:32]
            await store.record_intent(
                Attempt(
                    id=attempt,
                    run="filled",
                    key=character.key,
                    name=character.name,
                    lane="instant",
                    provider="instant",
                    asked=request.fingerprint,
                    prompt=request.prompt,
                    seed=None,
                    started=now,
                )
            )
            await store.record_saved(attempt, PictureRecord(f"pictures/{character.key}.png", inspect(data)))
            await store.record_upload(character.key, "none", None)
        await store.finish_run("filled", now, {})


def measure(what: str, arguments: Sequence[str], folder: Path, out: Path | None = None) -> Measured:
    """Run the command in the folder.

    :param out: where its output is kept; the lines are counted otherwise, and nothing is kept.
    """
    kept = out or folder / ".output"
    with kept.open("wb") as stream:
        began = time.perf_counter()
        command = [sys.executable, "-m", "charimg", *arguments]
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
    with kept.open("rb") as stream:
        lines = sum(1 for _ in stream)
    divisor = 1024 if sys.platform == "linux" else 1024 * 1024
    measured = Measured(
        what, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / divisor, lines, process.returncode
    )
    print(
        f"{what:46} {wall:8.2f} s {measured.processor:8.2f} s {measured.peak:7.0f} MB {lines:8d} lines"
        f"  (exit {measured.code})",
        flush=True,
    )
    return measured


def overhead(events: Path, step: int) -> list[float]:
    """Milliseconds a picture, for each *step* pictures, by the times of a run's JSON lines."""
    times = []
    with events.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('{"event": "job_done"'):
                times.append(datetime.fromisoformat(json.loads(line)["time"]).timestamp())
    marks = times[::step]
    return [(after - before) / step * 1000 for before, after in zip(marks, marks[1:], strict=False)]  # noqa: RUF007 - as short


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=100_000)
    parser.add_argument("--pictures", type=int, default=20_000, help="characters of the whole runs")
    parser.add_argument("--gallery", type=int, default=2_000, help="characters of the gallery page")
    parser.add_argument("--folder", type=Path, help="where to work; a new folder, kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work(asked.folder or Path(temporary), asked.characters, asked.pictures, asked.gallery)


def work(folder: Path, characters: int, pictures: int, gallery: int) -> None:
    """Every measurement, in this folder."""
    print(f"{'':46} {'wall':>10} {'processor':>10} {'peak':>10}")
    run = ["run", "--provider", "instant", "--uploader", "none"]
    quick = ["--batch-size", "50", "--cooldown", "0"]
    many = folder / "many"
    make_project(many, characters)
    reading = "import pathlib, sys; from charimg.roster import read_roster; read_roster(pathlib.Path(sys.argv[1]))"
    for suffix in (".yaml", ".json", ".csv", ".txt"):
        roster = many / f"cast{suffix}"
        write_roster(roster, characters)
        _measure_reading(roster, reading, characters)
    measure(f"run --dry-run, {characters:,} to make", [*run, "--dry-run"], many)
    measure("run --dry-run --json", [*run, "--dry-run", "--json"], many)
    measure("run until the service closes at once", [*run, "-o", "closed=yes", "--progress", "plain"], many)
    measure("status, nothing made", ["status"], many)
    some = folder / "some"
    make_project(some, pictures)
    events = some / "events.jsonl"
    measure(f"run, {pictures:,} pictures, --json", [*run, *quick, "--json", "--progress", "json"], some, events)
    steps = overhead(events, max(1, pictures // 10))
    print("   ms a picture, by tenths: " + " ".join(f"{one:.2f}" for one in steps), flush=True)
    plain = folder / "plain"
    make_project(plain, pictures)
    measure(f"run, {pictures:,} pictures, plain log", [*run, *quick, "--progress", "plain"], plain)
    done = folder / "done"
    make_project(done, characters)
    asyncio.run(fill(done, characters - LEFT))
    measure(f"status, {characters - LEFT:,} done", ["status"], done)
    measure("status --json", ["status", "--json"], done)
    measure("check", ["check"], done)
    measure(f"run --dry-run, {LEFT} to make", [*run, "--dry-run"], done)
    measure(f"run, {LEFT} to make", [*run, *quick, "--progress", "plain"], done)
    measure("run, nothing to make", [*run, *quick, "--progress", "plain"], done)
    small = folder / "small"
    make_project(small, gallery)
    asyncio.run(fill(small, gallery))
    measure(f"gallery, {gallery:,} characters", ["gallery"], small)


def _measure_reading(roster: Path, code: str, characters: int) -> None:
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, str(roster)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    print(
        f"{f'reading {characters:,}, {roster.suffix}':46} {wall:8.2f} s {usage.ru_utime + usage.ru_stime:8.2f} s"
        f" {usage.ru_maxrss / 1024:7.0f} MB {'':14}  (exit {process.returncode}; {roster.stat().st_size / 1e6:.1f} MB)",
        flush=True,
    )


if __name__ == "__main__":
    main()
