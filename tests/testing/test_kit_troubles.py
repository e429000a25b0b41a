"""The troubles of the kit mean what the core makes of them, so that no provider is asked for the impossible."""

from __future__ import annotations

import pytest

from charimg.model import Verdict, utc_now
from charimg.testing.troubles import CONTENT_POLICY, NO_PICTURE, TROUBLES, Trouble
from charimg.verdicts import read_answer


@pytest.mark.parametrize("trouble", [*TROUBLES, CONTENT_POLICY], ids=lambda one: one.id)
@pytest.mark.parametrize("clock", [True, False], ids=["with-a-clock", "without"])
def test_trouble_means_what_the_core_reads(trouble: Trouble, clock: bool) -> None:
    """Verdict and wait are those of ``read_answer``, whether or not it is told the time."""
    reply = trouble.reply()
    reading = read_answer(reply.status, reply.headers, reply.wire[0], now=utc_now() if clock else None)

    assert reading.verdict is trouble.verdict
    assert reading.wait == (trouble.wait and pytest.approx(trouble.wait, abs=3 if trouble.retry_date else 0))


@pytest.mark.parametrize("kind", sorted(NO_PICTURE))
def test_success_without_a_picture_is_flaky(kind: str) -> None:
    """The same for answers that claim success."""
    reply = NO_PICTURE[kind]

    assert read_answer(reply.status, reply.headers, reply.wire[0]).verdict is Verdict.FLAKY
