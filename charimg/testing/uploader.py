"""The contract of an uploader, as tests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from charimg.contracts import Provider, Uploader
from charimg.model import MediaReference, Verdict, utc_now
from charimg.testing.bench import Bench, Came
from charimg.testing.network import NetworkContract
from charimg.testing.pictures import paint
from charimg.testing.service import Reply
from charimg.testing.troubles import NO_PICTURE


class UploaderContract(NetworkContract):
    """Everything an uploader promises. Subclass it, name the provider and its service::

        class TestShelf(UploaderContract):
            provider = ShelfUploader
            service = Service(Route("POST", "/v1/files", lambda asked: {"id": asked.ticket}))

    One without a network, which copies files, sets ``service = None``.
    """

    is_contract: ClassVar[bool] = True
    provider: ClassVar[type[Provider]]

    idempotent: ClassVar[bool] = False
    """The same bytes uploaded twice are one picture there, under one reference. Set it where that is promised. The
    played service answers ``asked.picture_id``, the same for the same bytes, if it is the service that sees to it."""

    network_tests: ClassVar[tuple[str, ...]] = (
        *NetworkContract.network_tests,
        "test_success_without_a_reference_is_flaky",
    )

    @classmethod
    def inapplicable(cls) -> tuple[str, ...]:
        """By what the uploader says, besides."""
        if "service" not in {name for base in cls.__mro__ if not vars(base).get("is_contract") for name in vars(base)}:
            raise pytest.Collector.CollectError(
                f"{cls.__name__}: give service = Service(...), or service = None for an uploader without a network"
            )
        out = list(super().inapplicable())
        if not cls.idempotent:
            out.append("test_same_bytes_have_one_reference")
        return tuple(out)

    async def bare_ask(self, bench: Bench, number: int) -> Any:
        """Upload the picture of job *number*."""
        assert isinstance(bench.provider, Uploader)
        return await bench.provider.upload(bench.saved(number))

    async def ask(self, bench: Bench, number: int = 1) -> Came:
        """Upload the picture of job *number*."""
        return await bench.call(lambda: self.bare_ask(bench, number))

    def wrong(self, bench: Bench, came: Came, number: int) -> str | None:
        """Whether the reference is that of the job's picture."""
        if came.told is not None:
            return f"a good answer gives no reference: {came.line}"
        keeps = getattr(self.provider, "keeps_references", True)
        if not keeps:
            return None if came.value is None else "it keeps no references and gives one"
        reference = came.value
        if not isinstance(reference, MediaReference):
            return f"it returned {type(reference).__name__} where a MediaReference belongs"
        if not reference.id:
            return "the reference is empty"
        if self.service is None:
            path = Path(reference.id)
            whole = reference.kind != "path" or (path.is_file() and path.read_bytes() == paint(number))
            return None if whole else f"at {path.name} is not the picture"
        given = b" ".join(bench.played.given.get(number, ())).decode("utf-8", "replace").replace("\\/", "/")
        own = reference.id in given or any(name in reference.id for name in bench.played.names_of(number))
        return None if own else f"the reference {reference.id!r:.80} is not what the service gave for this picture"

    # -- the standard tests -------------------------------------------------------------------------------------

    def test_gives_a_reference(self, tmp_path: Path) -> None:
        """A saved picture is uploaded by one request, and its reference is the one the service gave for it."""

        async def scenario(bench: Bench) -> None:
            came = await self.good(bench)
            if self.service is not None and getattr(self.provider, "keeps_references", True):
                self.expect(came.paid == 1, f"one upload took {came.paid} requests that store something")

        self.play(tmp_path, scenario)

    def test_reference_says_where_it_is_valid(self, tmp_path: Path) -> None:
        """A reference has a known kind, names its uploader, and an opaque id names its lane; an end lies ahead."""

        async def scenario(bench: Bench) -> None:
            came = await self.good(bench)
            reference = came.value
            if reference is None:
                return
            self.expect(reference.kind in ("id", "url", "path"), f"the kind {reference.kind!r} is unknown")
            self.expect(reference.uploader, "the reference does not name its uploader")
            if reference.kind == "id":
                self.expect(
                    reference.lane == bench.context.lane,
                    f"the id is valid for one account, and its lane is {reference.lane!r} instead of self.context.lane",
                )
            soon = utc_now() + timedelta(seconds=1)
            self.expect(not reference.expired(soon), "the reference expires at once")

        self.play(tmp_path, scenario)

    def test_missing_file_costs_nothing(self, tmp_path: Path) -> None:
        """A picture that is gone from the disk is told in clear words, and nothing is stored for it."""

        async def scenario(bench: Bench) -> None:
            provider = bench.provider
            assert isinstance(provider, Uploader)
            saved = bench.saved()
            saved.path.unlink()
            came = await bench.call(lambda: provider.upload(saved))
            self.expect(came.paid == 0, "something is stored for a picture that is gone")
            if came.error is None:
                keeps = getattr(self.provider, "keeps_references", True)
                self.expect(not keeps, "a picture that is gone is uploaded all the same")
                return
            told = came.told.verdict if came.told else None
            self.expect(told is Verdict.INVALID, f"a picture that is gone is read as {told}: {came.line}")
            self.one_line(came, "a picture that is gone")

        self.play(tmp_path, scenario)

    def test_leaves_the_picture_as_it_is(self, tmp_path: Path) -> None:
        """The saved file is the user's: it is read, never changed, moved or removed."""

        async def scenario(bench: Bench) -> None:
            saved = bench.saved()
            await self.good(bench)
            untouched = saved.path.is_file() and saved.path.read_bytes() == paint(1)
            self.expect(untouched, "the saved file is changed or gone after the upload")

        self.play(tmp_path, scenario)

    def test_same_bytes_have_one_reference(self, tmp_path: Path) -> None:
        """Where it is promised: the same picture uploaded again, later and by a new process, has the same reference."""

        async def scenario(bench: Bench) -> None:
            first = await self.good(bench)
            again = await self.good(bench, 1, "uploaded again")
            bench.provider = bench.kind(bench.context)
            await bench.provider.open()
            anew = await self.good(bench, 1, "uploaded again by a new process")
            other = await self.good(bench, 2)
            ids = [came.value.id for came in (first, again, anew)]
            self.expect(len(set(ids)) == 1, f"the same bytes have {len(set(ids))} references, though it is idempotent")
            self.expect(other.value.id not in ids, "another picture has the same reference")

        self.play(tmp_path, scenario)

    @pytest.mark.parametrize("kind", sorted(NO_PICTURE))
    def test_success_without_a_reference_is_flaky(self, tmp_path: Path, kind: str) -> None:
        """A 2xx that names nothing is an error of the verdict "flaky"; an empty reference would break later work."""

        async def scenario(bench: Bench) -> None:
            bench.played.paid_answer = NO_PICTURE[kind]
            if kind == "wrong-types":
                bench.played.paid_answer = Reply(200, {"id": None, "url": [], "file": {"uri": 7}, "result": {}})
            came = await self.ask(bench)
            if came.error is None:
                self.fail(f"200 with {kind} gives the reference {getattr(came.value, 'id', came.value)!r:.80}")
            told = came.told.verdict if came.told else None
            self.expect(told is Verdict.FLAKY, f"200 with {kind} is read as {told}: {came.line}")

        self.play(tmp_path, scenario)
