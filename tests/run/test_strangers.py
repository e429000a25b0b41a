"""What plugins may do to a run: change requests, work on pictures, listen, raise, and hold secrets."""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import replace
from typing import Any

import pytest

from charimg.errors import CharimgError, ExhaustedError, ExitCode, FatalError, FlakyError, StorageError, ThrottledError
from charimg.events import Event, JobFailed, JobSaved, LaneClosed, RunFinished, Warned
from charimg.model import Cost, GeneratedImage, ImageRequest, MediaReference, SavedImage, Verdict
from charimg.picture_folder import PictureFolder, Saved
from tests.run.workshop import SECRET, Listener, Workshop, paint, pixels


class Grumbler(Listener):
    """Raises at every event, and when it is closed."""

    def hear(self, event: Event) -> None:
        raise ValueError(f"no {event.event} for me")

    def close(self) -> None:
        raise ValueError("not even this")


class Quitter(Listener):
    """Raises at warnings and at the very end."""

    def hear(self, event: Event) -> None:
        super().hear(event)
        if isinstance(event, (Warned, RunFinished)):
            raise ValueError("enough")


# -- observers -------------------------------------------------------------------------------------------------------


def test_observers_that_raise_do_not_break_the_run(workshop: Workshop) -> None:
    """Two that raise, one of them at the warning about the other: each is told once and the run is complete."""
    told = workshop.run(observers=[Grumbler(), Quitter()])

    complaints = [event.message for event in told.of(Warned) if " failed: " in event.message]
    assert (told.error, told.counts, len(complaints)) == (None, (5, 0, 0, 0, 0), 2)


def test_an_observer_that_stumbles_once_hears_the_rest(workshop: Workshop) -> None:
    """One bad moment of the log does not take the summary from the user."""
    quitter = Quitter()
    told = workshop.run(observers=[Grumbler(), quitter])

    assert [event for _, event in quitter.heard] == told.events


def test_the_summary_is_the_last_thing_anybody_hears(workshop: Workshop) -> None:
    """An observer that raises at the summary does not put a warning behind it."""

    class AtTheEnd(Listener):
        def hear(self, event: Event) -> None:
            if isinstance(event, RunFinished):
                raise ValueError("too late")

    told = workshop.run(observers=[AtTheEnd()])

    assert told.events[-1] is told.finished


def test_every_observer_hears_the_same_events_in_the_same_order(workshop: Workshop) -> None:
    """One that raises in between changes nothing for those after it."""
    first, last = Listener(), Listener()
    workshop.run(observers=[first, Grumbler(), last])

    assert [event for _, event in first.heard] == [event for _, event in last.heard]


def test_an_observer_that_raises_is_still_closed(workshop: Workshop) -> None:
    """It may hold a file or a connection."""
    quitter = Quitter()
    workshop.run(observers=[quitter])

    assert quitter.closed == 1


def test_plugins_observers_hear_the_run(workshop: Workshop) -> None:
    """A class that a plugin registers is made anew for the run and hears all of it."""
    made: list[Listener] = []

    class Remembered(Listener):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    workshop.observers = [Remembered]
    told = workshop.run()

    assert [[event for _, event in one.heard] for one in made] == [told.events]
    assert [one.closed for one in made] == [1]


def test_a_plugins_observer_that_cannot_start_is_a_warning(workshop: Workshop) -> None:
    """The run goes on without it and says so."""

    class Broken(Listener):
        def __init__(self) -> None:
            raise RuntimeError("no display")

    workshop.observers = [Broken]
    told = workshop.run()

    assert told.counts[0] == 5
    assert any("no display" in event.message for event in told.of(Warned))


# -- requests and pictures -------------------------------------------------------------------------------------------


def test_a_plugin_changes_the_request_that_is_sent_and_recorded(workshop: Workshop) -> None:
    """A prompt style is what the service gets and what the ledger keeps."""
    workshop.prepare = lambda request: replace(request, prompt=f"{request.prompt}, in ink")
    workshop.run()

    sent = {request.prompt.endswith(", in ink") for request in workshop.generator.seen}
    prompt = workshop.ledger()["c1"].prompt
    assert (sent, prompt and prompt.endswith(", in ink")) == ({True}, True)


def test_a_changed_request_does_not_make_the_character_look_changed(workshop: Workshop) -> None:
    """What the roster asks for is compared, not what plugins made of it: the next run skips everybody."""
    workshop.prepare = lambda request: replace(
        request, prompt=f"{request.prompt}, in ink {len(workshop.generator.seen)}"
    )
    workshop.run()

    assert workshop.run().counts == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda _request: (_ for _ in ()).throw(RuntimeError("bad style")),
        lambda _request: "just the prompt",
        lambda request: replace(request, key="somebody-else"),
    ],
    ids=["raises", "no request", "another key"],
)
def test_a_plugin_that_cannot_prepare_is_left_out_with_a_warning(workshop: Workshop, prepare: object) -> None:
    """The request goes out as the roster made it."""
    workshop.cast("C1")
    workshop.prepare = prepare  # type: ignore[assignment]
    told = workshop.run()

    request: ImageRequest = workshop.generator.seen[0]
    assert (request.key, request.prompt.endswith("green coat"), told.counts[0]) == ("c1", True, 1)
    assert any("prepare_request" in event.message for event in told.of(Warned))


def test_a_plugin_works_on_the_saved_picture_and_the_original_is_kept(workshop: Workshop) -> None:
    """The new picture is uploaded under the character's name; the one that was paid for stands beside it."""
    workshop.cast("C1")
    original, cut_out = paint(), paint()
    workshop.generator.will(c1=[original])
    workshop.finish = lambda _picture, data: cut_out if pixels(data) == pixels(original) else None
    workshop.run()

    folder = workshop.folder / "pictures"
    uploaded: SavedImage = workshop.uploader.seen[0]
    assert pixels((folder / "c1.png").read_bytes()) == pixels(cut_out)
    assert pixels((folder / "c1.1.png").read_bytes()) == pixels(original)
    assert (uploaded.path, uploaded.facts.size) == (folder / "c1.png", (folder / "c1.png").stat().st_size)


def test_a_finished_picture_is_paid_for_once(workshop: Workshop) -> None:
    """The second file of one attempt adds nothing to what was spent."""
    workshop.cast("C1")
    workshop.finish = lambda _picture, _data: paint()
    workshop.run()

    assert [cost.amount for cost in workshop.ledger()["c1"].spent] == [0.25]


def test_a_picture_whose_finishing_ends_the_run_is_told_with_its_cost(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is saved and paid for: the summary does not leave out what it cost."""
    workshop.cast("C1")
    workshop.finish = lambda _picture, _data: paint()
    save, saved = PictureFolder.save, list[object]()

    def once(*given: Any, **options: Any) -> Saved:
        if saved:
            raise StorageError("the disk is full")
        saved.append(given)
        return save(*given, **options)

    monkeypatch.setattr(PictureFolder, "save", once)
    told = workshop.run()

    assert isinstance(told.error, StorageError)
    assert [cost.amount for cost in told.of(RunFinished)[0].spent] == [0.25]


@pytest.mark.parametrize(
    "finish",
    [
        lambda *_: (_ for _ in ()).throw(RuntimeError("no model file")),
        lambda *_: b"no picture at all",
        lambda *_: "a text",
        lambda *_: 7,
        lambda *_: object(),
    ],
    ids=["raises", "no picture", "text", "number", "nonsense"],
)
def test_a_plugin_that_cannot_finish_leaves_the_picture_as_it_came(workshop: Workshop, finish: object) -> None:
    """A warning names the plugin's hook; the character succeeds with the original."""
    workshop.cast("C1")
    workshop.finish = finish  # type: ignore[assignment]
    told = workshop.run()

    warned = [event.message for event in told.of(Warned) if "finish_picture" in event.message]
    assert (told.counts[0], len(warned), workshop.pictures()) == (1, 1, ["c1.png"])
    assert "the picture stays as it came" in warned[0]
    assert "service" not in warned[0]


def test_a_number_from_finish_picture_is_named_as_one(workshop: Workshop) -> None:
    """The warning says which plugin gave what, rather than what so many zero bytes would look like."""
    workshop.cast("C1")
    workshop.finish = lambda *_: 40_000  # type: ignore[assignment, return-value]
    (warned,) = [event.message for event in workshop.run().of(Warned)]

    assert "finish_picture failed: " in warned
    assert "TypeError: it returned int, not the bytes of a picture; the picture stays as it came" in warned


# -- where it went wrong -------------------------------------------------------------------------------------------


def line_of(function: object, text: str) -> str:
    """The place of a line of a function of this file, as errors tell it."""
    lines, first = inspect.getsourcelines(function)  # type: ignore[arg-type]
    return f"tests/run/test_strangers.py, line {first + next(n for n, line in enumerate(lines) if text in line)}: "


async def slips(_self: object, _request: ImageRequest) -> GeneratedImage:
    """A generator's mistake."""
    answer: dict[str, bytes] = {}
    return GeneratedImage(answer["picture"])


async def meets_a_quota(_self: object, _request: ImageRequest) -> GeneratedImage:
    """What a vendor's library raises."""
    raise OSError("429: quota")


async def speaks_for_itself(_self: object, _request: ImageRequest) -> GeneratedImage:
    """One of the core's errors."""
    raise FlakyError("the service sent nothing")


@pytest.mark.parametrize(
    ("generate", "raising", "words"),
    [
        (slips, 'answer["picture"]', "KeyError: 'picture'"),
        (meets_a_quota, "OSError", "OSError: 429: quota"),
    ],
)
def test_a_stray_exception_is_told_with_its_place(
    workshop: Workshop, generate: object, raising: str, words: str
) -> None:
    """The line in the plugin's own file stands before Python's words, whatever the run makes of them."""
    (kind,) = workshop.generators
    kind.generate = generate  # type: ignore[method-assign, assignment]
    workshop.cast("C1")
    workshop.run()

    trouble = workshop.ledger()["c1"].trouble
    assert trouble is not None
    assert trouble.message == line_of(generate, raising) + words


def test_an_error_in_the_cores_words_is_left_as_it_is(workshop: Workshop) -> None:
    """The user reads what the service said, and no file of the plugin's."""
    (kind,) = workshop.generators
    kind.generate = speaks_for_itself  # type: ignore[method-assign, assignment]
    workshop.cast("C1")
    told = workshop.run()

    assert [event.message for event in told.of(JobFailed)] == ["the service sent nothing"]


def test_a_hook_that_fails_is_told_with_its_place(workshop: Workshop) -> None:
    """A warning says where in the plugin it went wrong."""

    def prepare(request: ImageRequest) -> ImageRequest:
        return {}["style"]  # type: ignore[no-any-return, index]

    workshop.cast("C1")
    workshop.prepare = prepare
    (warned,) = [event.message for event in workshop.run().of(Warned)]

    assert "prepare_request failed and is left out: tests/run/" in warned
    assert warned.endswith("KeyError: 'style'")


def test_a_debug_run_shows_the_stack_and_no_secret(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    """The calls that led there, and those of the cause; what the exceptions say is told elsewhere, redacted."""

    async def wraps(_self: object, _request: ImageRequest) -> GeneratedImage:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise RuntimeError(f"no {SECRET}") from error

    (kind,) = workshop.generators
    kind.generate = wraps  # type: ignore[method-assign, assignment]
    workshop.cast("C1")
    with caplog.at_level(logging.DEBUG, logger="charimg"):
        workshop.run()

    assert "RuntimeError, raised here" in caplog.text
    assert "caused by ValueError, raised here" in caplog.text
    assert "in wraps" in caplog.text
    assert SECRET not in caplog.text


# -- a provider that would end the run -----------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["generate", "upload"])
@pytest.mark.parametrize(
    ("leaving", "words"),
    [
        (SystemExit(3), "the provider's code wanted to end charimg: sys.exit(3)"),
        (SystemExit(), "the provider's code wanted to end charimg: sys.exit()"),
        (SystemExit(f"no {SECRET}"), "the provider's code wanted to end charimg: sys.exit(no ***)"),
    ],
    ids=["code", "nothing", "words"],
)
def test_a_provider_that_exits_fails_one_job(workshop: Workshop, stage: str, leaving: SystemExit, words: str) -> None:
    """``sys.exit()`` in a provider ends neither the process nor the other jobs."""
    service = workshop.generator if stage == "generate" else workshop.uploader
    service.will(c1=[leaving])
    told = workshop.run()

    assert (told.error, told.counts[:4]) == (None, (4, 1, 0, 0))
    assert [(event.key, event.stage, event.message) for event in told.of(JobFailed)] == [("c1", stage, words)]


def test_a_picture_whose_provider_exited_may_have_been_charged(workshop: Workshop) -> None:
    """The ledger knows the attempt as one of those, and so does the summary."""
    workshop.generator.will(c1=[SystemExit(3)])
    told = workshop.run()

    assert told.finished is not None
    assert [job.key for job in told.finished.possibly_charged] == ["c1"]
    assert workshop.ledger()["c1"].open_attempts == ()


def test_a_provider_that_exits_when_it_is_broken_off_does_not_take_the_summary(workshop: Workshop) -> None:
    """A client library may answer a cancellation with ``sys.exit()``: the run that is left at once still sums up."""
    (kind,) = workshop.generators

    async def leaving(_self: object, _request: ImageRequest) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise SystemExit(1)

    kind.generate = leaving  # type: ignore[method-assign, assignment]
    told = workshop.run(interrupts=[1.0, 1.5])

    assert (told.error, told.counts[0], told.finished is not None) == (None, 0, True)


# -- costs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (Cost(-100.0, source="reported"), "a cost of -100 as cost"),
        (Cost(float("nan")), "a cost without measure as cost"),
        (Cost(10**400), "a cost without measure as cost"),
        (Cost(True), "a cost whose amount is bool as cost"),
        (Cost(1, None), "a cost without a currency as cost"),  # type: ignore[arg-type]
        (Cost(1, "x" * 400), "a cost without a currency as cost"),
        (Cost(1, "USD", 3), "a cost of nobody's saying as cost"),  # type: ignore[arg-type]
    ],
    ids=["negative", "no number", "endless", "truth", "no currency", "long currency", "source"],
)
def test_a_cost_that_is_none_is_left_out(workshop: Workshop, cost: Cost, words: str) -> None:
    """The picture stays, the declared price counts, and a warning says what was left out."""
    workshop.cast("C1")
    workshop.generator.will(c1=[GeneratedImage(paint(), cost=cost)])
    told = workshop.run()

    assert (told.error, told.counts[0]) == (None, 1)
    assert [event.message for event in told.of(Warned)] == [f"scripted gave {words}; it is left out"]
    assert [(one.amount, one.source) for one in workshop.ledger()["c1"].spent] == [(0.25, "declared")]


def test_a_negative_cost_does_not_enlarge_the_budget(workshop: Workshop) -> None:
    """A service that claims to pay for pictures changes nothing of what the user allowed."""
    workshop.generator.usual = lambda: GeneratedImage(paint(), cost=Cost(-100.0, source="reported"))
    workshop.write("batch_size: 1")
    told = workshop.run(flags={"budget": "0.5"})

    assert (told.counts[0], workshop.generator.asked.total()) == (2, 2)


# -- beginning and end of a provider ---------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["making", "opening"])
@pytest.mark.parametrize(
    ("error", "verdict", "exit_code"),
    [
        (FatalError("wrong key"), Verdict.FATAL, ExitCode.LOGIN),
        (ExhaustedError("no credit"), Verdict.EXHAUSTED, ExitCode.QUOTA),
        (ThrottledError("busy"), Verdict.THROTTLED, ExitCode.QUOTA),
        (RuntimeError("no such option"), Verdict.FATAL, ExitCode.LOGIN),
    ],
    ids=["fatal", "exhausted", "throttled", "anything"],
)
def test_a_provider_that_cannot_open_closes_the_lane_with_a_summary(
    workshop: Workshop, moment: str, error: Exception, verdict: Verdict, exit_code: ExitCode
) -> None:
    """Nothing is sent, everybody is pending, and the reason is told; nobody sees a traceback."""
    setattr(workshop.generator, moment, error)
    told = workshop.run()

    closed = [(event.verdict, str(error) in event.message) for event in told.of(LaneClosed)]
    assert (told.error, closed, told.counts) == (None, [(verdict, True)], (0, 0, 0, 5, exit_code))
    assert workshop.generator.asked == {}


def test_an_uploader_that_cannot_open_spends_nothing(workshop: Workshop) -> None:
    """A wrong upload key is found out before the first picture is paid for."""
    workshop.uploader.opening = FatalError("wrong key")
    told = workshop.run()

    assert (told.counts[3], workshop.generator.asked) == (5, {})


@pytest.mark.parametrize("closing", [RuntimeError("socket gone"), FatalError("logged out"), 3600.0])
def test_a_provider_that_cannot_close_takes_nothing_away(workshop: Workshop, closing: object) -> None:
    """The pictures are made: trouble at the end is a warning, and nobody waits an hour for it."""
    workshop.generator.closing = closing
    told = workshop.run()

    assert (told.error, told.counts, told.of(LaneClosed), told.seconds <= 15) == (None, (5, 0, 0, 0, 0), [], True)
    assert any(event.message.startswith("scripted: ") for event in told.of(Warned))


def test_a_project_where_everybody_has_a_picture_opens_no_provider(workshop: Workshop) -> None:
    """No login for a run that has nothing to do."""
    workshop.run()
    workshop.generator.opening = FatalError("wrong key")

    assert workshop.run().counts == (0, 0, 0, 0, 0)


# -- secrets ---------------------------------------------------------------------------------------------------------


def _all_of(workshop: Workshop) -> bytes:
    """Every byte of charimg's own files."""
    return b"".join(path.read_bytes() for path in (workshop.folder / ".charimg").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"POST https://api.example/v1?key={SECRET} failed"),
        FatalError(f"the key {SECRET} is not valid"),
        ThrottledError(f"quota of {SECRET} exceeded"),
        FlakyError(f"no picture for {SECRET}"),
    ],
    ids=["any", "fatal", "throttled", "flaky"],
)
@pytest.mark.parametrize("where", ["generate", "upload", "making", "opening", "closing"])
def test_a_secret_that_a_provider_raises_is_in_no_event_and_not_in_the_ledger(
    workshop: Workshop, where: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever a provider lets its credential slip, nobody is told and nothing is written."""
    if where == "generate":
        workshop.generator.will(c1=[error] * 4)
    elif where == "upload":
        workshop.uploader.will(c1=[error] * 4)
    else:
        setattr(workshop.generator, where, error)
    told = workshop.run()

    assert told.error is None
    assert SECRET not in told.as_json()
    assert SECRET.encode() not in _all_of(workshop)
    assert SECRET not in caplog.text


def test_a_secret_that_a_plugin_lets_slip_is_in_no_event(workshop: Workshop) -> None:
    """Hooks and observers may quote what they saw; their words are cleaned as well."""

    class Leaking(Listener):
        def hear(self, event: Event) -> None:
            raise RuntimeError(SECRET)

    class Unborn(Listener):
        def __init__(self) -> None:
            raise RuntimeError(SECRET)

    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    workshop.prepare = fail  # type: ignore[assignment]
    workshop.finish = fail  # type: ignore[assignment]
    workshop.observers = [Leaking, Unborn]

    assert SECRET not in workshop.run().as_json()


def test_a_token_a_provider_learns_on_the_way_is_cleaned_too(workshop: Workshop) -> None:
    """What it adds to the redactor is erased from then on."""

    def leak() -> Exception:
        workshop.generator.contexts[-1].redactor.add("a-token-learnt-later")
        return RuntimeError("401 for a-token-learnt-later")

    workshop.generator.will(c1=[leak])
    told = workshop.run()

    assert told.of(JobFailed) or told.of(LaneClosed)
    assert "a-token-learnt-later" not in told.as_json()


def test_a_stores_stray_exception_ends_the_run_without_its_secret(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A strange store may raise anything, its password among the words: the run ends in one clean line."""

    async def fall(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot reach pg://user:{SECRET}@host")

    monkeypatch.setattr("charimg.providers.sqlite.SqliteStore.record_saved", fall)
    told = workshop.run()

    assert isinstance(told.error, CharimgError)
    assert ("internal error: RuntimeError" in str(told.error), SECRET in str(told.error)) == (True, False)
    assert told.of(RunFinished)[0].exit_code == ExitCode.FAILED


def test_a_missing_credential_creates_nothing(workshop: Workshop) -> None:
    """The run is refused with the command that mends it, before anything is written."""
    workshop.environ.clear()
    declaration = workshop.order().lanes.first[0].generator.declaration
    object.__setattr__(declaration.credentials[0], "required", True)
    told = workshop.run()

    assert isinstance(told.error, CharimgError)
    assert "charimg keys set scripted" in str(told.error)
    assert ((workshop.folder / ".charimg").exists(), told.listener.closed) == (False, 1)


# -- references ------------------------------------------------------------------------------------------------------


def test_a_reference_is_valid_for_the_uploaders_account_whoever_made_the_picture(workshop: Workshop) -> None:
    """Another uploader's account gets the pictures anew; going back to the first needs them there again."""
    workshop.run()
    other = workshop.run(flags={"uploader": "shelf"})
    media = workshop.ledger()["c1"].media

    assert (other.counts[0], media and media.lane, other.of(JobSaved)) == (5, "shelf", [])
    assert workshop.run(flags={"uploader": "shelf"}).counts[0] == 0


def test_an_expired_reference_is_uploaded_again(workshop: Workshop) -> None:
    """The picture stays; only its reference is renewed."""
    from datetime import timedelta

    from charimg.model import utc_now

    gone = utc_now() - timedelta(seconds=1)
    workshop.uploader.will(c1=[MediaReference("old", lane="scripted", expires_at=gone)])
    workshop.run()
    told = workshop.run()

    assert (told.counts, workshop.generator.asked["c1"], workshop.uploader.asked["c1"]) == ((1, 0, 0, 0, 0), 1, 2)


def test_a_run_that_is_cancelled_by_its_caller_leaves_nothing_open(workshop: Workshop) -> None:
    """A page that gives a run up ends its requests too, and they are recorded as possibly charged."""
    from charimg.run import Run
    from tests.scripted import on_virtual_clock

    async def play() -> int:
        running = asyncio.ensure_future(Run(workshop.order(), []).execute())
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.wait({running})
        return workshop.generator.in_flight

    still_in_flight = on_virtual_clock(play)

    open_attempts = [record.open_attempts for record in workshop.ledger().values()]
    assert (still_in_flight, open_attempts) == (0, [()] * 5)


def test_a_folder_that_cannot_be_written_costs_nothing(workshop: Workshop) -> None:
    """It is found out before the first request, and nothing is recorded."""
    (workshop.folder / "blocked").write_text("a file")
    told = workshop.run(flags={"out": "blocked/pictures"})

    assert isinstance(told.error, StorageError)
    assert (workshop.generator.asked, workshop.ledger()) == ({}, {})
