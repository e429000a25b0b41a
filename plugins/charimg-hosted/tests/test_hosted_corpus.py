"""The corpus's replies of the four services, through the real plugins over sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from charimg.errors import ProviderError
from tests.emulators.polled import Reply

CORPUS = json.loads((Path(__file__).parents[3] / "tests" / "data" / "error_corpus.json").read_text(encoding="utf-8"))
NAMES = {"replicate": "replicate", "fal": "fal", "bfl": "bfl", "ai-horde": "aihorde"}
ROWS = [row for row in CORPUS if row["provider"] in NAMES]

POLLED = {"rp-failed-nsfw": "poll", "bfl-moderated": "poll", "bfl-notfound": "poll", "ho-faulted": "check"}
"""Replies that come with the poll; the others refuse the submit."""
RESULTS = ("fal-timeout", "fal-policy")
"""fal's failures of a job, told at the result's address."""
OLD = {"bfl-notfound": '{"id": "t1", "at": 1700000000}'}
"""Replies that mean what they say only of a job that was submitted some time ago."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
async def test_every_reply_of_the_corpus(open_lane: Any, row: dict[str, Any]) -> None:
    """Verdict and wait are those of the corpus, and nothing was asked twice."""
    lane = await open_lane(NAMES[row["provider"]], polls=1)
    reply = Reply(row["status"], row["body"], row["headers"])
    if row["id"] in RESULTS:
        lane.emulator.failures = [reply]
    else:
        lane.emulator.add_fault(reply, POLLED.get(row["id"], "submit"), times=9)

    with pytest.raises(ProviderError) as failed:
        await lane.generator().generate(lane.request(ticket=OLD.get(row["id"])))

    assert (str(failed.value.verdict), failed.value.wait) == (row["want"], row["wait"])
    assert lane.emulator.bill.count("submit") == (0 if row["id"] in OLD else 1)


@pytest.mark.parametrize("row", [row for row in ROWS if row["status"] >= 400], ids=lambda row: row["id"])
async def test_the_users_own_words_do_not_decide(open_lane: Any, row: dict[str, Any]) -> None:
    """A prompt full of other services' words, repeated by the service, changes no verdict."""
    lane = await open_lane(NAMES[row["provider"]], polls=1)
    body = {**row["body"], "input": {"prompt": "RATE LIMIT 429 quota exceeded, insufficient credit, nsfw flagged as"}}
    reply = Reply(row["status"], body, row["headers"])
    if row["id"] in RESULTS:
        lane.emulator.failures = [reply]
    else:
        lane.emulator.add_fault(reply, "submit", times=9)

    with pytest.raises(ProviderError) as failed:
        await lane.generator().generate(lane.request("RATE LIMIT 429 quota exceeded"))

    assert str(failed.value.verdict) == row["want"]
