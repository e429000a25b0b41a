"""The contract of an image generator, as tests."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from charimg.contracts import ImageGenerator, Model, Provider
from charimg.errors import ProviderError
from charimg.model import GeneratedImage, Reference, Verdict
from charimg.provider_call import checked
from charimg.testing.bench import UNSTYLED, Bench, Came
from charimg.testing.network import NetworkContract
from charimg.testing.pictures import no_pictures, paint
from charimg.testing.polled import PolledPromises
from charimg.testing.server import MARK, mark
from charimg.testing.service import Fault, Reply
from charimg.testing.troubles import CONTENT_POLICY, NO_PICTURE, TROUBLES, Trouble

SEED = 804_211_377
"""A seed that nothing else in a request looks like."""


NEGATIVE = "kn7716v"
"""A negative prompt that nothing else in a request looks like."""

MOST_REFERENCES = 4
"""So many reference pictures are sent at most, whatever is declared."""

FIRST_REFERENCE = 50
"""Numbers of the reference pictures: those of jobs are lower."""

FEWEST_RATIOS = 2
"""Ratios from which on there is something to tell apart."""


class GeneratorContract(PolledPromises, NetworkContract):
    """Everything an image generator promises. Subclass it, name the provider and its service::

        class TestSketch(GeneratorContract):
            provider = SketchGenerator
            service = Service(Route("POST", "/v1/draw", lambda asked: {"image": asked.picture.base64}))

    One that draws by itself, and declares ``Abilities(offline=True)``, needs no service.
    """

    is_contract: ClassVar[bool] = True
    provider: ClassVar[type[Provider]]

    network_tests: ClassVar[tuple[str, ...]] = (
        *NetworkContract.network_tests,
        *PolledPromises.polled_tests,
        "test_lost_answer_may_have_been_charged",
        "test_wrong_picture_is_never_handed_on_as_a_success",
        "test_success_without_a_picture_is_flaky",
        "test_prompt_is_what_is_sent",
        "test_declared_seed_is_sent",
        "test_declared_negative_is_sent",
        "test_declared_references_are_sent",
        "test_declared_ratios_are_told_apart",
        "test_missing_reference_costs_nothing",
        "test_retired_model_names_its_successor",
    )

    @classmethod
    def inapplicable(cls) -> tuple[str, ...]:
        """By what the generator declares, besides."""
        declaration = cls.provider.declaration
        if cls.service is None:
            if not declaration.abilities.offline:
                raise pytest.Collector.CollectError(
                    f"{cls.__name__}: give service = Service(...), or declare Abilities(offline=True)"
                )
            return cls.network_tests
        out = list(super().inapplicable())
        if not hasattr(cls.provider, "submit"):
            out += PolledPromises.polled_tests
        if not declaration.abilities.seed:
            out.append("test_declared_seed_is_sent")
        if not declaration.abilities.negative:
            out.append("test_declared_negative_is_sent")
        if not declaration.abilities.references:
            out += ["test_declared_references_are_sent", "test_missing_reference_costs_nothing"]
        if len(declaration.abilities.aspect_ratios) < FEWEST_RATIOS:
            out.append("test_declared_ratios_are_told_apart")
        if _retired(cls.provider) is None:
            out.append("test_retired_model_names_its_successor")
        return tuple(out)

    @classmethod
    def standard_troubles(cls) -> tuple[Trouble, ...]:
        """What every service answers, and the content policy."""
        return (*TROUBLES, CONTENT_POLICY)

    async def bare_ask(self, bench: Bench, number: int) -> Any:
        """Generate the picture of job *number*."""
        assert isinstance(bench.provider, ImageGenerator)
        return await bench.provider.generate(bench.request(number))

    async def ask(self, bench: Bench, number: int = 1, **more: Any) -> Came:
        """Generate the picture of job *number*; what is no picture is told as the core tells it."""
        provider = bench.provider
        assert isinstance(provider, ImageGenerator)
        came = await bench.call(lambda: provider.generate(bench.request(number, **more)))
        if came.error is None:
            try:
                checked(came.value, provider.declaration.name, provider.context.redactor)
            except ProviderError as error:
                came.told = error
        return came

    def wrong(self, bench: Bench, came: Came, number: int) -> str | None:
        """Whether the picture is that of the job."""
        if came.told is not None:
            return f"a good answer gives no picture: {came.line}"
        if self.service is None:
            return None
        found = _number_of(came.value.data, bench, number)
        return None if found == number else f"the picture is not the one the service drew for it ({found or 'unknown'})"

    # -- the standard tests -------------------------------------------------------------------------------------

    def test_gives_the_picture(self, tmp_path: Path) -> None:
        """A good answer gives the service's picture for the user's prompt, for one paid request."""

        async def scenario(bench: Bench) -> None:
            came = await self.good(bench)
            if self.service is None:
                return
            self.expect(came.paid == 1, f"one picture cost {came.paid} paid requests")
            words = {int(found) for asked in bench.played.asked for found in MARK.findall(asked.raw)}
            self.expect(1 in words, f"the prompt does not reach the service (its word {mark(1)} is nowhere)")

        self.play(tmp_path, scenario)

    def test_what_stands_beside_the_picture_fits(self, tmp_path: Path) -> None:
        """Seed, model, prompt, cost and ids are of their types, or left out."""

        async def scenario(bench: Bench) -> None:
            came = await self.good(bench)
            _, _, odd = checked(came.value, self.provider.declaration.name, bench.context.redactor)
            self.expect(not odd, "; ".join(odd))
            cost = came.value.cost
            self.expect(cost is None or cost.source == "reported", "a cost of the answer has the source 'reported'")
            media = came.value.media
            self.expect(media is None or media.id, "the media reference has no id")

        self.play(tmp_path, scenario)

    def test_every_declared_ratio_works(self, tmp_path: Path) -> None:
        """What the declaration offers as aspect ratios is taken, and so is the default, or refused in clear words."""

        async def scenario(bench: Bench) -> None:
            for ratio in self.provider.declaration.abilities.aspect_ratios:
                came = await self.ask(bench, aspect_ratio=ratio)
                self.expect(came.told is None, f"aspect ratio {ratio} is declared, and {came.line}")
            came = await self.ask(bench)
            fine = came.told is None or (came.told.verdict is Verdict.INVALID and came.told is came.error)
            self.expect(fine, f"the default aspect ratio: {came.line}")

        self.play(tmp_path, scenario)

    def test_models_are_asked_for_without_a_picture(self, tmp_path: Path) -> None:
        """``models`` needs no ``open``, costs nothing, and gives models, ``None``, or an error in the core's words."""

        async def scenario(bench: Bench) -> None:
            assert isinstance(bench.provider, ImageGenerator)
            came = await bench.call(bench.provider.models)
            self.expect(came.paid == 0, "models() costs a paid request")
            self.expect(came.error is None or came.told is came.error, f"models(): {came.line}")
            models = came.value or ()
            fits = isinstance(models, tuple) and all(isinstance(one, Model) and one.id for one in models)
            self.expect(fits, f"models() returned {came.value!r:.120}")

        self.play(tmp_path, scenario, opened=False)

    @pytest.mark.parametrize("kind", sorted(no_pictures()))
    def test_wrong_picture_is_never_handed_on_as_a_success(self, tmp_path: Path, kind: str) -> None:
        """What comes where the picture should be and is none ends as "flaky", and may have been charged."""

        async def scenario(bench: Bench) -> None:
            bench.played.picture_of = lambda _number: no_pictures()[kind]
            came = await self.ask(bench)
            self.expect(came.told is not None, f"{kind} where the picture should be passes for one")
            assert came.told is not None
            told = came.told.verdict
            self.expect(told is Verdict.FLAKY, f"{kind} where the picture should be is read as {told}: {came.line}")

        self.play(tmp_path, scenario)

    @pytest.mark.parametrize("kind", sorted(NO_PICTURE))
    def test_success_without_a_picture_is_flaky(self, tmp_path: Path, kind: str) -> None:
        """A 2xx without a picture is an error that the provider raises itself, of the verdict "flaky"."""

        async def scenario(bench: Bench) -> None:
            bench.played.paid_answer = NO_PICTURE[kind]
            came = await self.ask(bench)
            if came.error is None:
                self.fail(f"200 with {kind}: it hands over {_in_short(came.value)}; raise FlakyError")
            told = came.told.verdict if came.told else None
            self.expect(told is Verdict.FLAKY, f"200 with {kind} is read as {told}: {came.line}")
            self.one_line(came, f"200 with {kind}")

        self.play(tmp_path, scenario)

    @pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.SILENT, Fault.TRUNCATED], ids=lambda one: one.name)
    def test_lost_answer_may_have_been_charged(self, tmp_path: Path, fault: Fault) -> None:
        """Where the request arrived and its answer did not, the ledger must know: ``possibly_charged``."""

        async def scenario(bench: Bench) -> None:
            bench.played.paid_answer = fault
            came = await self.ask(bench)
            if came.told is not None and came.paid:
                self.expect(came.told.possibly_charged, f"{fault.value}: possibly_charged is not set ({came.line})")

        self.play(tmp_path, scenario)

    def test_declared_seed_is_sent(self, tmp_path: Path) -> None:
        """A generator that declares seeds sends the one it is given."""

        async def scenario(bench: Bench) -> None:
            await self.ask(bench, seed=SEED)
            sent = any(str(SEED).encode() in asked.raw for asked in bench.played.bill)
            self.expect(sent, "abilities.seed is declared, and the seed does not reach the service")

        self.play(tmp_path, scenario)

    def test_prompt_is_what_is_sent(self, tmp_path: Path) -> None:
        """The prompt goes to the service: style, plugins and the roster made it of the bare description."""

        async def scenario(bench: Bench) -> None:
            await self.ask(bench)
            sent = b"".join(asked.raw for asked in bench.played.asked)
            bare = mark(1).encode() not in sent and UNSTYLED.encode() in sent
            self.expect(not bare, "request.description is sent, and request.prompt is not")

        self.play(tmp_path, scenario)

    def test_declared_negative_is_sent(self, tmp_path: Path) -> None:
        """A generator that can be told what must not be in the picture passes it on."""

        async def scenario(bench: Bench) -> None:
            await self.ask(bench, negative=NEGATIVE)
            sent = any(NEGATIVE.encode() in asked.raw for asked in bench.played.asked)
            self.expect(sent, "abilities.negative is declared, and request.negative does not reach the service")

        self.play(tmp_path, scenario)

    def test_declared_references_are_sent(self, tmp_path: Path) -> None:
        """As many reference pictures as are declared reach the service, each of them, or are refused for nothing.

        The model that is set may take fewer, and the provider say so before it pays; one it takes at least.
        """
        declared = self.provider.declaration.abilities.references

        async def scenario(bench: Bench) -> None:
            for count in (*range(min(declared, MOST_REFERENCES), 1, -1), 1):
                before = len(bench.played.asked)
                pictures = [paint(FIRST_REFERENCE + number) for number in range(count)]
                came = await self.ask(bench, references=_written(pictures, bench.folder))
                refused = came.told is not None and came.told.verdict is Verdict.INVALID and not bench.played.strays
                if refused and came.paid == 0 and count > 1:
                    continue
                strays = f"; there is no Route for {bench.played.strays[0]}" if bench.played.strays else ""
                self.expect(came.told is None, f"with {count} reference picture(s): {came.line}{strays}")
                sent = b"\n".join(asked.raw for asked in bench.played.asked[before:]).replace(b"\\/", b"/")
                missing = sum(not _carries(sent, data) for data in pictures)
                self.expect(
                    not missing,
                    f"abilities.references is {declared}, and of {count} reference picture(s) {missing} do not reach"
                    " the service",
                )
                return

        self.play(tmp_path, scenario)

    def test_declared_ratios_are_told_apart(self, tmp_path: Path) -> None:
        """Where ratios are declared, the service is told which: requests for different ones differ."""
        ratios = self.provider.declaration.abilities.aspect_ratios

        async def scenario(bench: Bench) -> None:
            told: dict[tuple[bytes, ...], str] = {}
            for ratio in ratios:
                twice = []
                for _ in range(2):
                    before = len(bench.played.bill)
                    await self.ask(bench, aspect_ratio=ratio, seed=SEED)
                    twice.append(b"\n".join(asked.raw for asked in bench.played.bill[before:]))
                words = _steady_words(*twice)
                same = told.get(words)
                self.expect(
                    same is None, f"the requests for the declared aspect ratios {same} and {ratio} are the same"
                )
                told[words] = ratio

        self.play(tmp_path, scenario)

    def test_missing_reference_costs_nothing(self, tmp_path: Path) -> None:
        """A reference picture that is gone is told as "invalid" before anything is paid."""

        async def scenario(bench: Bench) -> None:
            gone = Reference(bench.folder / "gone.png")
            came = await self.ask(bench, references=(gone,))
            self.expect(came.paid == 0, "a picture was paid for, though its reference cannot be read")
            told = came.told.verdict if came.told else "a success"
            self.expect(told is Verdict.INVALID, f"a reference that is gone is read as {told}")

        self.play(tmp_path, scenario)

    def test_retired_model_names_its_successor(self, tmp_path: Path) -> None:
        """Where the service no longer knows a model that the declaration calls retired, the error names the next."""
        model = _retired(self.provider)
        assert model is not None

        async def scenario(bench: Bench) -> None:
            message = f"The model {model.id} does not exist"
            bench.played.paid_answer = Reply(404, {"error": {"message": message, "code": 404, "status": "NOT_FOUND"}})
            came = await self.ask(bench)
            words = came.told.message if came.told else "nothing"
            self.expect(
                str(model.successor) in words,
                f"the model {model.id} is gone; the error does not name {model.successor}: {words}",
            )

        self.play(tmp_path, scenario, settings={"model": model.id})


def _written(pictures: Sequence[bytes], folder: Path) -> tuple[Reference, ...]:
    paths = [folder / f"reference-{number}.png" for number in range(len(pictures))]
    for path, data in zip(paths, pictures, strict=True):
        path.write_bytes(data)
    return tuple(map(Reference, paths))


def _carries(sent: bytes, data: bytes) -> bool:
    """Whether a picture stands in what was sent: as it is, or in one of the spellings of base64."""
    spelled = base64.b64encode(data).rstrip(b"=")[:-1]
    return any(one in sent for one in (data, spelled, spelled.translate(bytes.maketrans(b"+/", b"-_"))))


def _steady_words(first: bytes, second: bytes) -> tuple[bytes, ...]:
    """The words of a request that are the same when it is made again: no random ids and no boundaries."""
    again = set(_WORD.findall(second))
    return tuple(word for word in _WORD.findall(first) if word in again)


_WORD = re.compile(rb"[A-Za-z0-9.]+")


def _retired(kind: type[Provider]) -> Model | None:
    """A model that the declaration calls retired, names a successor of, and lets the user choose."""
    declaration = kind.declaration
    setting = next((one for one in declaration.settings if one.name == "model"), None)
    if setting is None:
        return None
    dead = (one for one in declaration.models if one.retired is not None and one.successor)
    return next((one for one in dead if not setting.choices or one.id in setting.choices), None)


def _number_of(data: bytes, bench: Bench, wanted: int) -> int | None:
    """Whose picture it is, by its bytes or, for a provider that writes them anew, by what it shows."""
    numbers = (wanted, *range(1, 10))
    by_bytes = (number for number in numbers if bench.played.picture_of(number) == data)
    by_look = (number for number in numbers if _pixels(bench.played.picture_of(number)) == _pixels(data))
    return next(by_bytes, None) or next(by_look, None)


def _pixels(data: bytes) -> bytes:
    from PIL import Image  # noqa: PLC0415 - loaded with the first picture

    with Image.open(io.BytesIO(data)) as picture:
        return bytes(picture.convert("RGB").tobytes())


def _in_short(value: object) -> str:
    if isinstance(value, GeneratedImage) and isinstance(value.data, bytes):
        return f"a GeneratedImage of {len(value.data)} bytes"
    return type(value).__name__
