"""JSON lines: one object a line, readable by any program, whatever the events hold."""

from __future__ import annotations

import io
import json
import os

from charimg.ui.jsonlines import JsonLines
from tests.ui.story import HOSTILE, JOBS, every_kind, failed, finished, job, quota_wait


def test_every_event_is_one_object_and_the_last_is_run_finished() -> None:
    """Each line parses by itself, in order, and carries what to_dict says."""
    out = io.StringIO()
    events = every_kind()
    lines = JsonLines(out)

    for event in events:
        lines.hear(event)

    assert [json.loads(line) for line in out.getvalue().splitlines()] == [event.to_dict() for event in events]
    assert json.loads(out.getvalue().splitlines()[-1])["event"] == "run_finished"


def test_trouble_carries_verdict_message_and_lane() -> None:
    """A failure can be understood without the text log."""
    out = io.StringIO()

    JsonLines(out).hear(failed(JOBS[1], "HTTP 500"))

    data = json.loads(out.getvalue())
    del data["time"]
    assert data == {
        "event": "job_failed",
        "lane": "whisk",
        "key": JOBS[1].key,
        "name": "গোপাল ভাঁড়",
        "verdict": "flaky",
        "unreachable": False,
        "wait": None,
        "message": "HTTP 500",
        "stage": "generate",
        "pending": False,
    }


def test_hostile_words_survive_as_data_and_harm_nothing_as_text() -> None:
    """Names come back exactly as they were, and the text is printable ASCII without a line break inside."""
    out = io.StringIO()

    JsonLines(out).hear(failed(job(HOSTILE), HOSTILE))

    text = out.getvalue()
    assert text.count("\n") == 1
    assert all(" " <= character <= "~" for character in text[:-1])
    assert json.loads(text)["name"] == HOSTILE


def test_numbers_that_json_lacks_become_null() -> None:
    """An infinite wait does not make a line that strict readers refuse."""
    out = io.StringIO()

    JsonLines(out).hear(quota_wait(float("inf")))

    assert json.loads(out.getvalue(), parse_constant=lambda name: name)["wait"] is None


def test_each_line_is_pushed_out_at_once() -> None:
    """A reader sees an event before the next one happens, also through a buffered stream."""
    raw = io.BytesIO()
    lines = JsonLines(io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8"))

    lines.hear(finished())

    assert raw.getvalue().endswith(b"}\n")


def test_reader_that_leaves_does_not_stop_the_run() -> None:
    """A closed pipe raises nothing."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as out:
        lines = JsonLines(out)
        for event in every_kind():
            lines.hear(event)

    assert out.closed
