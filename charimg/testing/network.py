"""What generators and uploaders promise that speak with a service: the kit plays a hostile one on a real socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from charimg.model import Verdict
from charimg.provider_call import is_in_core_words
from charimg.testing.bench import MAX_BODY, Bench, on_bench
from charimg.testing.provider import ProviderContract
from charimg.testing.server import ENDLESS_STOP, PlayedService
from charimg.testing.service import Asked, Fault, Reply
from charimg.testing.troubles import TROUBLES, Trouble

_ECHOES: dict[str, Callable[[Asked], Reply]] = {
    "401-echo": lambda asked: Reply(401, {"error": {"message": f"Unknown key: {_told(asked)}"}}),
    "429-echo": lambda asked: Reply(429, {"error": {"message": f"Too many requests by {_told(asked)}"}}),
    "500-echo": lambda asked: Reply(500, _told(asked)),
    "200-echo": lambda asked: Reply(200, {"error": {"message": _told(asked)}, "echo": _told(asked)}),
}
"""A service that repeats what it was sent, keys and all."""

_LOGIN_WORDS = ("authorization", "cookie", "x-", "api", "key", "token", "secret")


def _told(asked: Asked) -> str:
    """What of a request may hold a key: the headers of that name first, for messages are cut."""
    heads = [value for name, value in asked.headers.items() if any(word in name for word in _LOGIN_WORDS)]
    query = [f"{name}={value}" for name, value in asked.query.items()]
    return " ".join([*heads, *query])[:280]


class NetworkContract(ProviderContract):
    """What providers with a service promise. Subclass one of the three kinds, not this."""

    is_contract: ClassVar[bool] = True

    network_tests: ClassVar[tuple[str, ...]] = (
        "test_opened_again_after_a_failure_it_works",
        "test_check_tells_trouble_in_the_cores_words",
        "test_trouble_has_its_verdict",
        "test_trouble_keeps_the_wait",
        "test_trouble_is_told_in_one_line",
        "test_never_retries",
        "test_lost_connection_is_no_verdict_on_the_request",
        "test_endless_answer_is_cut_off",
        "test_redirect_is_not_followed",
        "test_secrets_stay_secret",
        "test_lanes_share_no_secret",
        "test_path_prefix_of_the_address_is_kept",
    )

    @classmethod
    def inapplicable(cls) -> tuple[str, ...]:
        """Besides those of a network: the prefix, where no address can be set."""
        if cls.service is None:
            return cls.network_tests
        addressed = any(one.name == "base_url" for one in cls.provider.declaration.settings)
        return () if addressed or cls.settings else ("test_path_prefix_of_the_address_is_kept",)

    @classmethod
    def standard_troubles(cls) -> tuple[Trouble, ...]:
        """What every service answers sooner or later."""
        return TROUBLES

    def test_opened_again_after_a_failure_it_works(self, tmp_path: Path) -> None:
        """A service that was down at first: ``open`` raises the core's errors, and the next ``open`` serves."""

        async def scenario(bench: Bench) -> None:
            for down in (Reply(503, {"error": {"message": "Down for maintenance"}}), Fault.RESET_AFTER):
                bench.played.every_answer = down
                came = await bench.call(bench.provider.open)
                fits = came.error is None or is_in_core_words(came.error)
                self.expect(fits, f"open() while the service is down: {came.line}; raise one of the core's errors")
                self.no_secret(bench, came, "open() while the service is down")
            bench.played.every_answer = None
            came = await bench.call(bench.provider.open)
            self.expect(came.error is None, f"open() after one that failed: {came.line}")
            await self.good(bench, 1, "after an open() that failed")

        self.play(tmp_path, scenario, opened=False)

    def test_check_tells_trouble_in_the_cores_words(self, tmp_path: Path) -> None:
        """``charimg doctor`` shows what ``check`` raises: a provider error in one line, never a success or a crash."""
        asks: list[bool] = []

        async def scenario(bench: Bench) -> None:
            await bench.call(bench.provider.check)
            asks.append(bool(bench.played.asked))
            for down in (Reply(503, ""), Reply(200, "<html>Sign in</html>"), Reply(200, []), Fault.RESET_AFTER):
                bench.played.every_answer = down
                provider = bench.kind(replace(bench.context, shared={}))
                came = await bench.call(provider.check)
                what = f"check() while the service answers {down.status if isinstance(down, Reply) else down.value}"
                if came.error is not None:
                    self.expect(is_in_core_words(came.error), f"{what}: {came.line}; raise one of the core's errors")
                self.one_line(came, what)
                self.no_secret(bench, came, what)
                lost = down is Fault.RESET_AFTER and asks[0]
                self.expect(not lost or came.error is not None, f"{what}: it says {came.value!r}")
                await provider.close()

        self.play(tmp_path, scenario, opened=False)

    def test_trouble_has_its_verdict(self, tmp_path: Path, trouble: Trouble) -> None:
        """Every trouble of a service ends as what it is for the run: wait, close the lane, mark the job."""

        async def scenario(bench: Bench) -> None:
            bench.played.paid_answer = trouble.reply()
            came = await self.ask(bench)
            if came.told is None:
                self.fail(f"HTTP {trouble.status} ({trouble.id}) passes for a success: {came.line}")
            told = came.told.verdict
            self.expect(
                told is trouble.verdict,
                f"HTTP {trouble.status} ({trouble.id}) is read as {told} instead of {trouble.verdict}: {came.line}",
            )

        self.play(tmp_path, scenario)

    def test_trouble_keeps_the_wait(self, tmp_path: Path, trouble: Trouble) -> None:
        """The wait a service asks for arrives, to the second; where it says nothing, nothing is made up."""

        async def scenario(bench: Bench) -> None:
            bench.played.paid_answer = trouble.reply()
            came = await self.ask(bench)
            if came.told is None or came.told.verdict is not trouble.verdict:
                return  # test_trouble_has_its_verdict tells
            wait, wanted = came.told.wait, trouble.wait
            if trouble.verdict is Verdict.EXHAUSTED and wanted is not None:
                known = wait is not None or came.told.retry_at is not None
                self.expect(known, f"{trouble.id}: the service says when the quota returns, and the error does not")
            elif wanted is None:
                self.expect(wait is None, f"{trouble.id}: the service asks for no wait, and the error for {wait} s")
            else:
                slack = 3.0 if trouble.retry_date else 0.01
                fits = wait is not None and abs(wait - wanted) <= slack
                self.expect(fits, f"{trouble.id}: the service asks for {wanted:g} s, and the error for {wait} s")

        self.play(tmp_path, scenario)

    def test_trouble_is_told_in_one_line(self, tmp_path: Path) -> None:
        """The message of every error is one line that people can read, in the service's words where it has some."""

        async def scenario(bench: Bench) -> None:
            for trouble in (*self.standard_troubles(), *self.own_troubles):
                bench.played.paid_answer = trouble.reply()
                self.one_line(await self.ask(bench), trouble.id)
            for fault in (Fault.RESET_AFTER, Fault.NOT_HTTP, Fault.TRUNCATED):
                bench.played.paid_answer = fault
                self.one_line(await self.ask(bench), fault.value)

        self.play(tmp_path, scenario)

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Reply(429, {"error": {"message": "Too many requests"}}), id="429"),
            pytest.param(Reply(503, {"error": {"message": "The model is overloaded"}}), id="503"),
            pytest.param(Reply(500, {"error": {"message": "Internal server error"}}), id="500"),
            pytest.param(Fault.RESET_AFTER, id="reset"),
            pytest.param(Fault.SILENT, id="silent"),
            pytest.param(Reply(200, {}), id="nothing"),
        ],
    )
    def test_never_retries(self, tmp_path: Path, answer: Reply | Fault) -> None:
        """One call is one request that may be paid for: trying again is the scheduler's, which counts and waits."""

        async def scenario(bench: Bench) -> None:
            bench.played.paid_answer = answer
            came = await self.ask(bench)
            self.expect(came.paid == 1, f"one call made {came.paid} requests that may each be paid for")

        self.play(tmp_path, scenario)

    @pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.SILENT], ids=lambda one: one.name)
    def test_lost_connection_is_no_verdict_on_the_request(self, tmp_path: Path, fault: Fault) -> None:
        """A connection that breaks or stays silent is "throttled": the lane waits and tries again."""

        async def scenario(bench: Bench) -> None:
            bench.played.paid_answer = fault
            came = await self.ask(bench)
            told = came.told.verdict if came.told else None
            self.expect(told is Verdict.THROTTLED, f"{fault.value} is read as {told or 'a success'}: {came.line}")

        self.play(tmp_path, scenario)

    def test_endless_answer_is_cut_off(self, tmp_path: Path) -> None:
        """An answer that never ends is not collected: memory is the user's."""
        sent: list[int] = []

        async def scenario(bench: Bench) -> None:
            bench.played.paid_answer = Fault.ENDLESS
            await self.ask(bench)
            sent.append(bench.played.sent_endlessly)

        self.play(tmp_path, scenario)
        self.expect(
            sent[0] < ENDLESS_STOP,
            f"it reads {sent[0] // 2**20} MB and more of an answer that is cut off at {MAX_BODY // 2**20} MB by"
            " self.context.http",
        )

    @pytest.mark.parametrize("target", ["other-host", "file", "private-network"])
    def test_redirect_is_not_followed(self, tmp_path: Path, target: str) -> None:
        """A redirect is no success and is not followed: the key must not travel to wherever it points."""

        async def scenario(bench: Bench) -> None:
            async with PlayedService(bench.played.service) as other:
                location = {
                    "other-host": f"{other.address}/elsewhere",
                    "file": "file:///etc/hostname",
                    "private-network": f"http://localhost:{other.address.rpartition(':')[2]}/latest/meta-data",
                }[target]
                for status in (302, 307):
                    bench.played.paid_answer = Reply(status, "", {"Location": location})
                    came = await self.ask(bench)
                    self.expect(not other.asked, f"it follows a redirect to {target}, with all it was sent")
                    self.expect(came.told is not None, f"a redirect ({status}) to {target} passes for a success")

        self.play(tmp_path, scenario)

    def test_secrets_stay_secret(self, tmp_path: Path) -> None:
        """No credential stands in an error, its traceback, a representation or a log, whatever the service does."""

        async def scenario(bench: Bench) -> None:
            for trouble in (*self.standard_troubles(), *self.own_troubles):
                bench.played.paid_answer = trouble.reply()
                self.no_secret(bench, await self.ask(bench), trouble.id)
            for fault in (Fault.RESET_AFTER, Fault.SILENT, Fault.TRUNCATED, Fault.NOT_HTTP):
                bench.played.paid_answer = fault
                self.no_secret(bench, await self.ask(bench), fault.value)
            for name, echo in _ECHOES.items():
                bench.played.paid_answer = echo
                self.no_secret(bench, await self.ask(bench), name, echoed=True)
            bench.played.paid_answer = None
            came = await self.ask(bench)
            shown = {
                "the provider's repr()": repr(bench.provider),
                "the provider's attributes": repr(vars(bench.provider)),
                "what it returned": _without_bytes(came.value),
                "a ticket": repr(bench.tickets),
                "what it said of its progress": repr(bench.progress),
            }
            for what, text in shown.items():
                self.expect(bench.leak_in(text) is None, f"{what} shows a secret")
            leaking = next((line for line in bench.watch.log if bench.leak_in(line)), None)
            self.expect(leaking is None, f"a secret is logged by '{(leaking or '').partition(':')[0]}'")

        self.play(tmp_path, scenario)

    def test_lanes_share_no_secret(self, tmp_path: Path) -> None:
        """Two accounts at work at once, as two lanes are: the service of the one never sees the key of the other."""
        if not self.provider.declaration.credentials:
            return

        async def scenario(bench: Bench) -> None:
            async with (
                PlayedService(bench.played.service) as second,
                on_bench(self.subject(), tmp_path, second, bench.watch, lane="lane-2", salt="-second") as other,
            ):
                await other.provider.open()
                await self.ask(bench, 1)
                await self.ask(other, 2)
                await self.ask(bench, 3)
                seen = b"".join(asked.raw for asked in bench.played.asked)
                self.expect(b"-second" not in seen, "the first lane's service was sent the second lane's credential")
                keys = [f"{secret}-second".encode() for secret in other.secrets]
                wrong = any(
                    secret.encode() in asked.raw.replace(key, b"")
                    for asked in second.asked
                    for secret, key in zip(other.secrets, keys, strict=True)
                )
                self.expect(not wrong, "the second lane's service was sent the first lane's credential")

        self.play(tmp_path, scenario)

    def test_path_prefix_of_the_address_is_kept(self, tmp_path: Path) -> None:
        """Behind a gateway's path everything works as ever, and nothing is asked beside it."""

        async def scenario(bench: Bench) -> None:
            await self.good(bench, 1, "with the address http://host:port/gateway/v7")
            self.expect(not bench.played.strays, f"it asks beside the prefix: {', '.join(bench.played.strays)}")

        self.play(tmp_path, scenario, prefix="/gateway/v7")


def _without_bytes(value: Any) -> str:
    """What was returned, without the picture itself."""
    fields = getattr(value, "__dict__", {"value": value})
    return repr({name: one for name, one in fields.items() if not isinstance(one, bytes)})
