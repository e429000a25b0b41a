"""What a generator promises whose service takes a job and is asked for it: nothing is submitted, or paid, twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from charimg.model import Verdict
from charimg.testing.bench import Bench, Came
from charimg.testing.provider import ProviderContract
from charimg.testing.service import Fault, Reply

LONGEST_TICKET = 2000
"""Characters the ledger keeps of a ticket."""

_POLL_TROUBLES: dict[str, Reply | Fault] = {
    "429": Reply(429, {"error": {"message": "Too many requests"}}, {"Retry-After": "7"}),
    "500": Reply(500, {"error": {"message": "Internal server error"}}),
    "503": Reply(503, {"error": {"message": "The service is overloaded"}}),
    "reset": Fault.RESET_AFTER,
    "silent": Fault.SILENT,
}


class PolledPromises(ProviderContract):
    """Standard tests of :class:`charimg.polling.PolledGenerator`; left out for any other generator."""

    is_contract: ClassVar[bool] = True

    polled_tests: ClassVar[tuple[str, ...]] = (
        "test_ticket_is_told_as_soon_as_the_job_is_accepted",
        "test_resumed_job_is_not_submitted_again",
        "test_trouble_of_a_poll_does_not_submit_again",
        "test_broken_off_while_polling_it_can_be_resumed",
        "test_lost_job_does_not_stand_for_ever",
    )

    async def ask(self, bench: Bench, number: int = 1, **more: Any) -> Came:
        """See :class:`charimg.testing.GeneratorContract`."""
        raise NotImplementedError

    def test_ticket_is_told_as_soon_as_the_job_is_accepted(self, tmp_path: Path) -> None:
        """``context.accepted`` has the ticket before the first poll: whatever breaks off then, the job can be had."""

        async def scenario(bench: Bench) -> None:
            bench.played.later_answer = Fault.SILENT
            await self.ask(bench)
            self.expect(len(bench.tickets) == 1, f"context.accepted was told {len(bench.tickets)} tickets for one job")
            (_, ticket), *_ = bench.tickets
            fits = 0 < len(ticket) <= LONGEST_TICKET
            self.expect(fits, f"the ticket is no text of 1 to {LONGEST_TICKET} characters: {ticket!r:.80}")

        self.play(tmp_path, scenario)

    def test_resumed_job_is_not_submitted_again(self, tmp_path: Path) -> None:
        """With ``request.ticket`` the picture that was paid for is fetched, by a new process too, and nothing paid."""

        async def scenario(bench: Bench) -> None:
            await self.good(bench)
            ticket = self._ticket(bench)
            bench.provider = bench.kind(bench.context)
            await bench.provider.open()
            came = await self.ask(bench, ticket=ticket)
            self.expect(came.paid == 0, f"a job with a ticket is submitted again ({came.paid} paid requests)")
            trouble = self.wrong(bench, came, 1)
            self.expect(trouble is None, f"a job with a ticket: {trouble}")

        self.play(tmp_path, scenario)

    @pytest.mark.parametrize("trouble_of_poll", sorted(_POLL_TROUBLES))
    def test_trouble_of_a_poll_does_not_submit_again(self, tmp_path: Path, trouble_of_poll: str) -> None:
        """A poll that fails says nothing of the job: it is not submitted again, and it is told as standing."""

        async def scenario(bench: Bench) -> None:
            bench.played.later_answer = _POLL_TROUBLES[trouble_of_poll]
            came = await self.ask(bench)
            self.expect(came.paid == 1, f"{trouble_of_poll} on a poll: the job was submitted {came.paid} times")
            if came.told is None:
                self.fail(f"{trouble_of_poll} on every poll passes for a success")
            told = came.told
            self.expect(told.verdict is Verdict.THROTTLED, f"{trouble_of_poll} on every poll is read as {told.verdict}")
            self.expect(
                told.standing, f"{trouble_of_poll} on every poll: the job stands at the service, standing is unset"
            )

        self.play(tmp_path, scenario)

    def test_broken_off_while_polling_it_can_be_resumed(self, tmp_path: Path) -> None:
        """Trouble of a poll first, the ticket next: one payment, and the right picture."""

        async def scenario(bench: Bench) -> None:
            bench.played.later_answer = Fault.RESET_AFTER
            await self.ask(bench)
            bench.played.later_answer = None
            came = await self.ask(bench, ticket=self._ticket(bench))
            trouble = self.wrong(bench, came, 1)
            self.expect(trouble is None, f"resumed after trouble: {trouble}")
            self.expect(len(bench.played.bill) == 1, f"resumed after trouble: {len(bench.played.bill)} submissions")

        self.play(tmp_path, scenario)

    def test_lost_job_does_not_stand_for_ever(self, tmp_path: Path) -> None:
        """A ticket that the service no longer knows (404) leads to a new submission, at once or in the next try."""

        async def scenario(bench: Bench) -> None:
            await self.good(bench)
            ticket = self._ticket(bench)
            bench.played.later_answer = Reply(404, {"error": {"message": "There is no such job"}})
            bench.provider = bench.kind(bench.context)
            await bench.provider.open()
            came = await self.ask(bench, ticket=ticket)
            self.expect(
                came.told is None or not came.told.standing,
                f"404 for a ticket is told as a job that stands at the service, which would be asked for in every run"
                f" and never made; raise LostTicketError ({came.line})",
            )

        self.play(tmp_path, scenario)

    def _ticket(self, bench: Bench) -> str:
        if not bench.tickets:
            self.fail("context.accepted was never told a ticket")
        return bench.tickets[-1][1]
