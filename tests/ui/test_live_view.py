"""The live view: every state of the batch, the countdowns, the time left; in any window, for any script."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from charimg.events import Event, JobName
from charimg.model import Verdict
from charimg.ui.board import Board
from charimg.ui.frame import ASCII, PRETTY, Pen, Symbols, draw
from charimg.ui.live import LiveView
from charimg.ui.wording import cells
from tests.ui.story import (
    HOSTILE,
    JOBS,
    NAMES,
    batch,
    batch_over,
    closed,
    cooldown,
    done,
    every_kind,
    facts,
    failed,
    fallback,
    finished,
    generating,
    job,
    play,
    progress,
    quota_wait,
    rejected,
    retried,
    saved,
    started,
    stopping,
    uploading,
    waiting,
    warned,
)

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


def frame(
    *events: Event | float, width: int = 100, height: int = 30, symbols: Symbols = PRETTY
) -> tuple[list[str], Board]:
    """The frame after the events; a number is time that passes."""
    board, now = Board(), 0.0
    for event in events:
        if isinstance(event, Event):
            board.take(event, now)
        else:
            now += event
    return [line.plain for line in draw(board, Pen(now, width, symbols), height)], board


def test_frame_shows_every_state_of_the_batch() -> None:
    """Each job has its state, its seconds, its file or its reason; bars, time left and files stand around."""
    a, b, c, d = JOBS[:4]
    lines, _ = frame(
        started(),
        batch(1, JOBS[:5]),
        generating(a),
        generating(b),
        generating(c),
        generating(d),
        2,
        rejected(c, "prominent person"),
        2,
        saved(a),
        done(a),
        saved(b),
        uploading(b),
        1,
    )

    assert lines == [
        "",
        " Batch 1 of 2 ━━━━━━━━━━━───────────────── 2/5  characters 1-5 of 7",
        f"   ✓ done         4 s  Gopal Bhar  {a.key}.png",
        "   ⠋ uploading    5 s  গোপাল ভাঁড়",
        "   ✗ rejected     2 s  李白  prominent person",
        "   ⠋ generating   5 s  👩‍🚀 Astro 🇮🇳",
        "   ○ queued            Mantri",
        "",
        " All          ━━━━━━━━──────────────────── 2/7  1 failed",
        f" 2 pictures saved  {b.key}.png · {a.key}.png",
    ]


@pytest.mark.parametrize(("passed", "left"), [(0, 15), (0.5, 15), (1, 14), (14, 1), (14.9, 1), (15, 0)])
def test_quota_wait_counts_down_by_the_second(passed: float, left: int) -> None:
    """The countdown shows the second that is running, and which retry follows."""
    lines, _ = frame(started(), batch(1, JOBS[:5]), waiting(JOBS[0]), quota_wait(retry=2), passed)

    assert f" ⏳ Quota limit - waiting {left} s (retry 2/3)  Resource has been exhausted (e.g. check quota)." in lines


def test_retry_ends_the_countdown() -> None:
    """After the wait the line is gone and the unfinished jobs are queued again."""
    lines, _ = frame(started(), batch(1, JOBS[:5]), waiting(JOBS[0]), quota_wait(), 15, retried(JOBS[:1]))

    assert [line for line in lines if "Quota" in line or "waiting" in line] == []


def test_cooldown_counts_down() -> None:
    """Between two batches the pause is shown in place of the batch."""
    lines, _ = frame(started(), batch(1, JOBS[:5]), batch_over(), cooldown(), 0.5)

    assert [line for line in lines if line][:1] == [" ⏸  2 s cooldown before the next batch"]


def test_stopping_is_shown() -> None:
    """After Ctrl-C the overall line says what is still awaited, in place of an estimate."""
    lines, _ = frame(started(), batch(1, JOBS[:5]), generating(JOBS[0]), stopping(1))

    assert any(line.endswith("stopping: finishing what is under way") for line in lines)


def test_several_lanes_have_a_section_each() -> None:
    """Two lanes at work are two batches with their names, and share the height."""
    lines, _ = frame(
        started(lanes=("a", "b")),
        batch(1, JOBS[:3], lane="a"),
        batch(1, JOBS[3:], first=4, lane="b"),
        quota_wait(lane="b"),
    )

    assert [line for line in lines if "batch" in line] == [
        " a: batch 1   ──────────────────────────── 0/3  characters 1-3 of 7",
        " b: batch 1   ──────────────────────────── 0/4  characters 4-7 of 7",
    ]


@pytest.mark.parametrize("width", [30, 44, 70, 100])
def test_lanes_keep_their_names_in_narrow_windows(width: int) -> None:
    """Whose batch it is goes last, not first, when columns are scarce; the bars stand in line."""
    jobs = [job(f"N{number}") for number in range(14)]
    names = ("gemini@work", "comfyui@attic:8188")
    lines, _ = frame(
        started(jobs, lanes=names),
        batch(3, jobs[:5], total=14, lane=names[0]),
        batch(1, jobs[5:10], first=6, total=14, lane=names[1]),
        cooldown(lane=names[1]),
        width=width,
        symbols=ASCII,
    )

    shown = [line for line in lines if "batch 3" in line or "batch 1" in line]
    assert [line[:8] for line in shown] == [" gemini@", " comfyui"]
    assert width < 50 or len({line.index(".") for line in [*shown, next(one for one in lines if " All" in one)]}) == 1


def test_a_pause_between_batches_names_its_lane() -> None:
    """There is no batch above it that would."""
    lines, _ = frame(
        started(lanes=("a", "b")),
        batch(1, JOBS[:3], lane="a"),
        batch_over(lane="a"),
        cooldown(lane="a"),
        quota_wait(lane="b"),
        width=58,
    )

    assert [line for line in lines if "cooldown" in line or "Quota" in line] == [
        " ⏸  a: 2 s cooldown before the next batch",
        " ⏳ b: Quota limit - waiting 15 s (retry 1/3)",
    ]


def test_no_span_is_named_where_others_took_some_from_between() -> None:
    """Five of ten characters are not the characters 5 to 14."""
    jobs = [job(f"N{number}") for number in range(14)]
    scattered = replace(batch(2, [*jobs[4:8], jobs[13]], total=14), first=5, last=14)
    lines, _ = frame(started(jobs), scattered)

    assert [line for line in lines if "characters" in line] == []


def test_an_old_word_of_progress_shows_its_age() -> None:
    """A server that died in the middle does not look as if it were at work."""
    begun = [started(), batch(1, JOBS[:1]), generating(JOBS[0]), progress(JOBS[0], 0.54, "step 15 of 28")]
    fresh, _ = frame(*begun, 9)
    old, _ = frame(*begun, 20)

    assert [line.split("  ")[-1] for line in (*fresh, *old) if "generating" in line] == [
        "54% step 15 of 28",
        "54% step 15 of 28, 20 s ago",
    ]


def test_who_is_handed_back_no_longer_waits() -> None:
    """When the batch is over, what it leaves is pending; nothing of it is tried again there."""
    _, board = frame(
        started(), batch(1, JOBS[:2]), generating(JOBS[0]), waiting(JOBS[0]), quota_wait(), batch_over(1, 0, pending=2)
    )

    assert [row.stage.value for row in board.lanes["whisk"].rows.values()] == ["pending", "pending"]


def test_how_far_the_service_is_stands_beside_the_name() -> None:
    """In percent and in the service's words; gone when the picture is there, or the job waits."""
    begun = [started(), batch(1, JOBS[:2]), generating(JOBS[0]), generating(JOBS[1])]
    at_work, _ = frame(*begun, progress(JOBS[0], 0.4, "step 8 of 20"), progress(JOBS[1], None, "3rd in the queue"))
    later, _ = frame(
        *begun, progress(JOBS[0], 0.4, "step 8"), progress(JOBS[1], 0.9, "step 9"), waiting(JOBS[1]), saved(JOBS[0])
    )

    assert [line for line in at_work if "generating" in line] == [
        "   ⠋ generating   0 s  Gopal Bhar  40% step 8 of 20",
        "   ⠋ generating   0 s  গোপাল ভাঁড়  3rd in the queue",
    ]
    assert not [line for line in later if "step" in line]


def test_a_new_try_begins_without_the_progress_of_the_last() -> None:
    """Forty percent of an attempt that failed says nothing about the next."""
    lines, _ = frame(
        started(), batch(1, JOBS[:1]), generating(JOBS[0]), progress(JOBS[0], 0.4, "step 8"), generating(JOBS[0])
    )

    assert not [line for line in lines if "40%" in line]


def test_progress_fits_narrow_windows() -> None:
    """Where there is no room the words go first, and the line never breaks."""
    for width in range(1, 60):
        lines, _ = frame(
            started(), batch(1, JOBS[:1]), generating(JOBS[0]), progress(JOBS[0], 0.4, HOSTILE), width=width
        )

        assert [line for line in lines if cells(line) > width or CONTROLS.search(line)] == []


def test_a_job_that_moved_is_shown_where_it_is() -> None:
    """Handed back by one lane, it is generated by the other, and counted once when it is done."""
    lines, board = frame(
        started(lanes=("a", "b")),
        batch(1, JOBS[:1], lane="a"),
        generating(JOBS[0], lane="a"),
        waiting(JOBS[0], lane="a"),
        batch_over(1, 0, pending=1, lane="a"),
        closed(Verdict.EXHAUSTED, "no more today", lane="a"),
        batch(1, JOBS[:1], lane="b"),
        generating(JOBS[0], lane="b"),
        2,
        saved(JOBS[0], lane="b"),
        done(JOBS[0], lane="b"),
    )

    assert [line for line in lines if JOBS[0].name in line] == [f"   ✓ done         2 s  Gopal Bhar  {JOBS[0].key}.png"]
    assert len(board.counted) == 1


def test_a_fallback_has_a_section_of_its_own() -> None:
    """From the moment it takes over; the closed lane has none any more."""
    lines, board = frame(
        started(lanes=("a",), lane_facts=(facts("a"), facts("spare", fallback=True))),
        batch(1, JOBS[:1], lane="a"),
        batch_over(1, 0, pending=1, lane="a"),
        closed(Verdict.FATAL, "the key is gone", lane="a"),
        fallback("spare", 7),
        batch(1, JOBS[:2], lane="spare"),
    )

    assert [line.split()[0] for line in lines if "batch 1" in line] == ["spare:"]
    assert (list(board.lanes), board.several_lanes) == (["a", "spare"], True)


def test_time_left_counts_on_the_lanes_that_are_open() -> None:
    """Two lanes take half the time of one; when one closed, the other has it all."""
    jobs = [job(f"N{number}") for number in range(30)]
    both: list[Event | float] = [
        started(jobs, lanes=("a", "b")),
        batch(1, jobs[:5], total=30, lane="a"),
        batch(1, jobs[5:10], total=30, lane="b"),
        10,
        *(done(one, lane="a") for one in jobs[:5]),
        *(done(one, lane="b") for one in jobs[5:10]),
        batch_over(lane="a"),
        batch_over(lane="b"),
    ]
    _, two = frame(*both, cooldown(lane="a"), cooldown(lane="b"))
    _, one = frame(*both, closed(Verdict.FATAL, "gone", lane="b"), cooldown(lane="a"))

    assert (two.seconds_left(10), one.seconds_left(10)) == (
        pytest.approx(2 + 10 + 2 + 10),
        pytest.approx(2 + 4 * 10 + 3 * 2),
    )


def test_time_left_follows_the_policy() -> None:
    """A batch that took 10 s means 10 s for the second, less what has passed; its wait is added while it runs."""
    begin: list[Event | float] = [started(), batch(1, JOBS[:5]), 10, *map(done, JOBS[:5]), batch_over()]
    _, resting = frame(*begin, cooldown(), 1)
    _, working = frame(*begin, cooldown(), 2, batch(2, JOBS[5:], first=6), 4)
    _, throttled = frame(*begin, cooldown(), 2, batch(2, JOBS[5:], first=6), 4, quota_wait(60), 10)

    assert [board.seconds_left(now) for board, now in ((resting, 11), (working, 16), (throttled, 26))] == [
        pytest.approx(11),
        pytest.approx(6),
        pytest.approx(50 + 10),
    ]


def test_time_left_knows_that_lanes_are_unlike() -> None:
    """The quick one takes what the slow one has no time for; what the slow one holds is waited for."""
    jobs = [job(f"N{number}") for number in range(30)]
    lane_facts = (facts("quick"), facts("slow", batch_size=2, at_once=1))
    _, board = frame(
        started(jobs, lanes=("quick", "slow"), lane_facts=lane_facts),
        batch(1, jobs[:5], total=30, lane="quick"),
        batch(1, jobs[5:7], total=30, lane="slow"),
        *(saved(one, lane="quick", seconds=10.0) for one in jobs[:5]),
        10,
        *(done(one, lane="quick") for one in jobs[:5]),
        batch_over(lane="quick"),
        cooldown(lane="quick"),
        saved(jobs[5], lane="slow", seconds=60.0),
        50,
        done(jobs[5], lane="slow"),
    )

    # The slow one has had 60 of its 120 seconds. Of the 23 that are left the quick one makes 5 every 12 seconds.
    assert board.seconds_left(60) == pytest.approx(60)


def test_time_left_is_not_told_when_a_batch_is_overdue() -> None:
    """Of what takes longer than ever before nobody knows how much longer; "0 s" would be a lie."""
    begin: list[Event | float] = [started(), batch(1, JOBS[:5]), 10, *map(done, JOBS[:5]), batch_over()]
    lines, board = frame(*begin, cooldown(), 2, batch(2, JOBS[5:], first=6), generating(JOBS[5]), 11)

    assert board.seconds_left(23) is None
    assert [line for line in lines if "left" in line] == []


def test_a_lane_of_which_nothing_is_known_leaves_the_time_untold() -> None:
    """Who has only just begun may take a minute or an hour."""
    begun = [started(lanes=("a", "b")), batch(1, JOBS[:3], lane="a"), batch(1, JOBS[3:], first=4, lane="b")]
    _, board = frame(*begun, 4, *(saved(one, lane="a") for one in JOBS[:2]))

    assert board.seconds_left(4) is None


def test_time_left_is_unknown_before_anything_is_known() -> None:
    """No number is invented before the first picture."""
    _, board = frame(started(), batch(1, JOBS[:5]), 3)

    assert board.seconds_left(3) is None


def test_picture_adopted_from_another_lane_does_not_become_a_lane() -> None:
    """What an interrupted run left behind is counted as a picture and changes nothing else."""
    lines, board = frame(started(), saved(JOBS[0], lane="earlier", adopted=True, seconds=0.0), batch(1, JOBS[:5]))

    assert (list(board.lanes), board.seconds_left(0), lines[-1]) == (
        ["whisk"],
        None,
        f" 1 picture saved  {JOBS[0].key}.png",
    )


@given(
    width=st.integers(1, 130),
    height=st.integers(1, 30),
    names=st.lists(
        st.one_of(st.sampled_from([*NAMES, HOSTILE, "ক" * 200, "👩‍🚀" * 60]), st.text(max_size=60)), max_size=12
    ),
    lanes=st.integers(1, 3),
    pretty=st.booleans(),
)
def test_frame_fits_every_window(width: int, height: int, names: list[str], lanes: int, pretty: bool) -> None:
    """No line is wider than the window on any terminal, none breaks, and there are never more lines than rows."""
    jobs = [JobName(str(number), name) for number, name in enumerate(names)]
    events: list[Event | float] = [started(jobs, lanes=tuple(f"lane {lane}" for lane in range(lanes)))]
    for lane in range(lanes):
        mine = jobs[lane::lanes]
        events += [batch(1, mine, lane=f"lane {lane}"), *(generating(one, lane=f"lane {lane}") for one in mine), 3]
    events += [quota_wait(100000, lane="lane 0"), *(saved(one, lane="lane 0", image=one.name) for one in jobs[::lanes])]
    lines, _ = frame(*events, width=width, height=height, symbols=PRETTY if pretty else ASCII)

    assert len(lines) <= height
    assert [line for line in lines if cells(line) > width or CONTROLS.search(line)] == []


def test_short_window_keeps_what_is_under_way() -> None:
    """Where the rows do not all fit, those that need no eye are summed up, and the waits and bars stay."""
    jobs = [job(f"N{number}") for number in range(12)]
    lines, _ = frame(
        started(jobs),
        batch(1, jobs, total=12),
        *map(done, jobs[:8]),
        generating(jobs[9]),
        generating(jobs[10]),
        quota_wait(),
        height=8,
        width=54,
    )

    assert [line.strip() for line in lines] == [
        "Batch 1 of 3 ━━━━━━━━──── 8/12  characters 1-12 of 12",
        "✓ done              N0",
        "✓ done              N1",
        "⠋ generating   0 s  N9",
        "⠋ generating   0 s  N10",
        "... and 8 more: 2 queued, 6 done",
        "⏳ Quota limit - waiting 15 s (retry 1/3)",
        "All          ━━━━━━━━━━━━━━━━━━────────── 8/12",
    ]


def test_plain_terminals_get_ascii() -> None:
    """A terminal without symbols is drawn on with ASCII alone."""
    lines, _ = frame(
        started(JOBS[:1]), batch(1, JOBS[:1]), generating(JOBS[0]), failed(JOBS[0]), quota_wait(), symbols=ASCII
    )

    assert [line for line in lines if not line.isascii()] == []


# -- on a terminal ------------------------------------------------------------------------------------------------


@pytest.fixture
def screen() -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, width=80, height=24, legacy_windows=False, color_system=None
    )


@pytest.fixture(autouse=True)
def streams_are_given_back() -> Iterator[None]:
    before = sys.stdout, sys.stderr
    yield

    assert (sys.stdout, sys.stderr) == before


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def lasting(console: Console) -> list[str]:
    """What is left on the terminal once the view has erased itself: a small terminal of our own."""
    rows, row = [""], 0
    for piece in re.findall(r"\x1b\[\?25[lh]|\x1b\[\d*[A-Z]|\r|\n|[^\x1b\r\n]+", written(console)):
        if piece == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif piece.startswith("\x1b["):
            if piece.endswith("A"):
                row -= int(piece[2:-1] or 1)
            elif piece.endswith("K"):
                rows[row] = ""
        elif piece != "\r":
            rows[row] += piece
    return rows


@pytest.mark.looptime
async def test_view_leaves_batches_and_summary_and_gives_the_cursor_back(screen: Console) -> None:
    """At the end the terminal holds each batch as it ended, the notices and the summary; the cursor is shown again."""
    view = LiveView(sys.stderr, console=screen)
    await play(
        view,
        started(JOBS[:2]),
        batch(1, JOBS[:2], total=2),
        generating(JOBS[0]),
        generating(JOBS[1]),
        4,
        saved(JOBS[0]),
        done(JOBS[0]),
        warned("the plugin 'x' is left out: [red]oops[/red]"),
        waiting(JOBS[1]),
        quota_wait(),
        15,
        retried(JOBS[1:2]),
        failed(JOBS[1], "HTTP 500"),
        batch_over(1, 1, failed=1),
        finished(total=2, succeeded=1, failed=1, exit_code=1),
    )
    view.close()

    rows = lasting(screen)
    assert rows[:6] == [
        "🎨 2 characters in 1 batch, through whisk",
        "⚠️  the plugin 'x' is left out: [red]oops[/red]",
        " Batch 1: 1 succeeded, 1 failed  in 19 s with 1 quota wait",
        f"   ✓ done         4 s  Gopal Bhar  {JOBS[0].key}.png",
        "   ✗ failed            গোপাল ভাঁড়  HTTP 500",
        "",
    ]
    assert rows[6:12] == [
        "🎨 ========================================",
        "🎨 CHARACTER GENERATION COMPLETE",
        "✅ Success: 1",
        "❌ Failed: 1",
        "📊 Total: 2",
        "🎨 ========================================",
    ]
    assert written(screen).rindex(SHOW_CURSOR) > written(screen).rindex(HIDE_CURSOR)


@pytest.mark.looptime
async def test_countdown_moves_between_events(screen: Console) -> None:
    """With no event for 15 s every second of the countdown is drawn."""
    view = LiveView(sys.stderr, console=screen)
    await play(view, started(), batch(1, JOBS[:5]), quota_wait(), 14.9)
    view.close()

    drawn = {int(seconds) for seconds in re.findall(r"waiting (\d+) s \(retry 1/3\)", written(screen))}
    assert drawn == set(range(1, 16))


@pytest.mark.looptime
async def test_run_that_dies_leaves_what_was_under_way(screen: Console) -> None:
    """Closed in the middle, the view erases itself, says where the batch stood, and gives the cursor back."""
    view = LiveView(sys.stderr, console=screen)
    await play(view, started(), batch(1, JOBS[:2]), generating(JOBS[0]), 3)
    view.close()
    view.close()

    assert lasting(screen)[1:4] == [
        " Batch 1: not finished  in 3 s",
        "   ● generating   3 s  Gopal Bhar",
        "   ○ queued            গোপাল ভাঁড়",
    ]
    assert written(screen).count(SHOW_CURSOR) == 1


@pytest.mark.looptime
async def test_nothing_is_drawn_after_the_end(screen: Console) -> None:
    """Neither the end of the run nor close leaves a timer behind."""
    view = LiveView(sys.stderr, console=screen)
    await play(view, started(), batch(1, JOBS[:2]), finished())
    before = written(screen)
    screen.width = 20
    await asyncio.sleep(10)
    view.close()
    await asyncio.sleep(10)

    assert written(screen) == before


@pytest.mark.looptime
async def test_run_with_nothing_to_do_draws_no_view(screen: Console) -> None:
    """An empty run is its summary and nothing else."""
    view = LiveView(sys.stderr, console=screen)
    await play(view, started([]), finished(total=0, succeeded=0))

    assert written(screen).splitlines()[1] == "✅ Nothing to do: every character has its picture."
    assert "\x1b" not in written(screen)


@pytest.mark.looptime
@pytest.mark.parametrize(("width", "height"), [(120, 35), (40, 10), (20, 4), (1, 1)])
async def test_hostile_words_cannot_command_the_terminal(width: int, height: int) -> None:
    """Markup and escape sequences of names and servers are shown as text, in windows of any size."""
    out = io.StringIO()
    screen = Console(file=out, force_terminal=True, width=width, height=height, legacy_windows=False, color_system=None)
    view = LiveView(sys.stderr, console=screen)
    await play(view, *[scene for event in every_kind(job(HOSTILE), HOSTILE) for scene in (event, 0.3)])
    view.close()

    rest = re.sub(r"\x1b\[(\?25[lh]|2K|1A|1m|2m|0m)", "", out.getvalue())
    assert re.findall(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rest) == []


@pytest.mark.looptime
async def test_narrowed_window_is_erased_whole(screen: Console) -> None:
    """Lines that the terminal wrapped when the window became narrower are erased row by row."""
    view = LiveView(sys.stderr, console=screen)
    await play(view, started(), batch(1, JOBS[:5]), 0.1, generating(JOBS[0]))
    wide = written(screen)
    drawn = wide[wide.rindex("\x1b[2K") :].splitlines()
    screen.width = 30

    await play(view, 0.25)
    view.close()

    rows = sum(max(1, -(-cell_len(re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", line)) // 30)) for line in drawn)
    after = written(screen)[len(wide) :]
    assert re.match(r"(?:\r|\x1b\[1?A|\x1b\[2K)+", after).group().count("\x1b[2K") == rows  # type: ignore[union-attr]


@pytest.mark.looptime
async def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR the view has no colour codes."""
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    view = LiveView(sys.stderr, console=Console(file=out, force_terminal=True, width=80, height=24))
    await play(view, started(), batch(1, JOBS[:5]), done(JOBS[0]), quota_wait(), 1, finished())

    assert re.findall(r"\x1b\[[\d;]*[34]\d[\d;]*m", out.getvalue()) == []


@pytest.mark.looptime
async def test_terminal_that_goes_away_does_not_stop_the_run() -> None:
    """A stream that fails under the view raises nothing."""

    class Gone(io.StringIO):
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    view = LiveView(Gone())
    await play(view, *every_kind(), 1)
    view.close()


@pytest.mark.looptime
async def test_closed_lane_scrolls_by(screen: Console) -> None:
    """Why a lane closed stays on the terminal."""
    view = LiveView(sys.stderr, console=screen)
    await play(view, started(), closed(Verdict.FATAL, "the login has expired"), finished(pending=15, succeeded=0))

    assert "🔒 whisk closed: the login has expired." in lasting(screen)


@pytest.mark.looptime
async def test_long_lines_break_between_words_but_for_commands() -> None:
    """Sentences are read; a command is copied, and a break in it would be copied too."""
    out = io.StringIO()
    screen = Console(file=out, force_terminal=True, width=40, legacy_windows=False, color_system=None)
    view = LiveView(sys.stderr, console=screen, again="charimg run a-very-long-roster.yaml --provider whisk")
    words = "a sentence of a server that is longer than the window is wide, and ends in its third line"
    await play(view, started(), warned(words), finished(succeeded=0, pending=15, interrupted=True))

    lines = lasting(screen)
    start = lines.index("⚠️  a sentence of a server that is")
    assert lines[start : start + 3] == [
        "⚠️  a sentence of a server that is",
        "   longer than the window is wide, and",
        "   ends in its third line",
    ]
    start = lines.index("👉 charimg run a-very-long-roster.yaml --provider whisk")
    assert lines[start + 1 : start + 3] == ["   continues with the 15 characters", "   still pending"]


@pytest.mark.looptime
async def test_a_batch_tells_waits_for_a_connection_apart(screen: Console) -> None:
    """A server that is gone has no quota."""
    view = LiveView(sys.stderr, console=screen)
    gone = replace(quota_wait(), unreachable=True)
    await play(view, started(), batch(1, JOBS[:1]), gone, 15, gone, 15, quota_wait(), 15, batch_over(1, 0, pending=1))
    view.close()

    assert lasting(screen)[1:3] == [
        " Batch 1: 0 succeeded, 0 failed, 1 pending",
        "   in 45 s with 1 quota wait and 2 waits for a connection",
    ]


@pytest.mark.looptime
async def test_prints_of_others_go_above_the_view(screen: Console) -> None:
    """What a plugin prints while the view is up is neither lost nor drawn over."""
    view = LiveView(sys.stderr, console=screen)

    async def talk() -> None:
        print("a plugin's words")

    await play(view, started(), batch(1, JOBS[:2]), talk, 1, batch_over(1, 2), finished())

    assert "a plugin's words" in lasting(screen)


@pytest.mark.looptime
async def test_a_fallback_scrolls_by_after_what_closed(screen: Console) -> None:
    """Who takes over, how much, and each batch with the name of its lane."""
    view = LiveView(sys.stderr, console=screen)
    await play(
        view,
        started(JOBS[:2], lanes=("a",), lane_facts=(facts("a"), facts("spare", fallback=True))),
        closed(Verdict.FATAL, "the key is gone", lane="a"),
        fallback("spare", 2),
        batch(1, JOBS[:2], total=2, lane="spare"),
        3,
        batch_over(1, 2, lane="spare"),
        finished(total=2, succeeded=2),
    )

    assert [line for line in lasting(screen) if line.strip()][:4] == [
        "🎨 2 characters in 1 batch, through a (then spare)",
        "🔒 a closed: the key is gone.",
        "👉 spare takes over: 2 characters left",
        " Batch 1 [spare]: 2 succeeded, 0 failed  in 3 s",
    ]
