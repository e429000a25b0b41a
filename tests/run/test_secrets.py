"""Credentials where no message is: in what a service calls a picture, in tickets, in references."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from urllib.parse import quote

import pytest

from charimg.events import JobDone, JobFailed, JobUploaded, Warned
from charimg.model import Cost, GeneratedImage, ImageRequest, MediaReference
from tests.run.workshop import SECRET, Told, Workshop, paint


def all_that_stays(workshop: Workshop, told: Told) -> str:
    """Everything that was told, and every byte of charimg's own files."""
    files = [path for path in (workshop.folder / ".charimg").rglob("*") if path.is_file()]
    return told.as_json() + b"".join(path.read_bytes() for path in files).decode("latin-1")


def hand_in(workshop: Workshop, ticket: Callable[[ImageRequest], str]) -> None:
    """Let the generator hand every job in under a ticket, before it answers."""
    (kind,) = workshop.generators
    generate = kind.generate

    async def submitting(self: object, request: ImageRequest) -> GeneratedImage:
        await self.context.accepted(request, ticket(request))  # type: ignore[attr-defined]
        return await generate(self, request)

    kind.generate = submitting  # type: ignore[method-assign, assignment]


# -- beside a picture ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beside",
    [
        {"model": f"painter-2?key={SECRET}"},
        {"prompt": f"a queen ({SECRET})"},
        {"request_id": f"req-{SECRET}"},
        {"media": MediaReference("CAMa-1", caption=f"painted for {SECRET}")},
        {"media": MediaReference(f"https://svc.example/1?key={SECRET}", kind="url")},
        {"media": MediaReference("CAMa-1", lane=SECRET)},
        {"cost": Cost(0.25, SECRET)},
    ],
    ids=["model", "prompt", "request id", "caption", "address", "lane", "currency"],
)
def test_a_secret_beside_a_picture_is_shown_and_kept_nowhere(workshop: Workshop, beside: dict[str, object]) -> None:
    """A service that repeats the key it was sent does not bring it into events or the ledger; the picture is kept."""
    workshop.cast("C1")
    workshop.generator.will(c1=[GeneratedImage(paint(), **beside)])  # type: ignore[arg-type]
    told = workshop.run()

    assert (told.counts[0], SECRET in all_that_stays(workshop, told)) == (1, False)


def test_a_short_secret_is_no_currency(workshop: Workshop) -> None:
    """A key that is no longer than a unit may be is not taken for one."""
    workshop.cast("C1")
    workshop.environ["CHARIMG_SCRIPTED_KEY"] = "key-4711"
    workshop.generator.will(c1=[GeneratedImage(paint(), cost=Cost(0.25, "key-4711"))])
    told = workshop.run()

    assert (told.counts[0], "key-4711" in all_that_stays(workshop, told)) == (1, False)


def test_only_the_secret_is_erased_from_what_a_service_says(workshop: Workshop) -> None:
    """The rest of a model's name stays, and so does what merely looks like a key: an id is there to be looked up."""
    workshop.cast("C1")
    given = GeneratedImage(paint(), model=f"painter-2 {SECRET}", request_id="sk-0123456789abcdef")
    workshop.generator.will(c1=[given])
    workshop.run()

    picture = workshop.ledger()["c1"].picture
    assert picture is not None
    assert (picture.model, picture.request_id) == ("painter-2 ***", "sk-0123456789abcdef")


def test_a_reference_with_a_secret_is_told_and_left_out(workshop: Workshop) -> None:
    """A reference with stars in it would serve nobody: the picture goes on without, and a warning says why."""
    workshop.cast("C1")
    media = MediaReference(f"https://svc.example/1?key={SECRET}", kind="url")
    workshop.generator.will(c1=[GeneratedImage(paint(), media=media)])
    told = workshop.run()

    words = ["scripted gave a media reference that holds a credential as media; it is left out"]
    assert [event.message for event in told.of(Warned)] == words
    assert workshop.uploader.seen[0].media is None


# -- what an uploader gives ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", [SECRET, quote(SECRET, safe="")], ids=["plain", "in an address"])
def test_an_uploaded_reference_with_a_secret_fails_its_job_alone(workshop: Workshop, spelling: str) -> None:
    """It is neither told nor recorded; one line says whose mistake it is, and the other characters succeed."""
    workshop.uploader.will(c1=[MediaReference(f"https://svc.example/1?key={spelling}", kind="url")])
    told = workshop.run()

    messages = [event.message for event in told.of(JobFailed)]
    assert messages == ["scripted returned a media reference that holds a credential; it is not recorded"]
    assert (told.counts[:2], spelling in all_that_stays(workshop, told)) == ((4, 1), False)


def test_a_caption_an_uploader_gives_is_cleaned(workshop: Workshop) -> None:
    """The reference serves as well without the secret in its caption."""
    workshop.cast("C1")
    workshop.uploader.will(c1=[MediaReference("CAMa-1", lane="scripted", caption=f"for {SECRET}")])
    told = workshop.run()

    media = workshop.ledger()["c1"].media
    assert media is not None
    assert (media.id, media.caption, SECRET in all_that_stays(workshop, told)) == ("CAMa-1", "for ***", False)


def test_a_signed_address_is_a_reference_like_any_other(workshop: Workshop) -> None:
    """The signature makes the address work and is no login: it is kept as it came."""
    workshop.cast("C1")
    address = "https://store.example/1.png?sig=0123456789abcdef&key=public-7"
    workshop.uploader.will(c1=[MediaReference(address, kind="url", lane="scripted")])
    told = workshop.run()

    assert [event.media_id for event in told.of(JobUploaded)] == [address]
    assert workshop.ledger()["c1"].media == MediaReference(address, kind="url", lane="scripted")


@pytest.mark.parametrize("caption", [{"en": "a queen"}, 0], ids=["an object", "nothing"])
def test_a_reference_of_no_text_fails_its_job_alone(workshop: Workshop, caption: object) -> None:
    """A caption that is no text breaks neither the ledger nor the events."""
    workshop.uploader.will(c1=[MediaReference("CAMa-1", caption=caption)])  # type: ignore[arg-type]
    told = workshop.run()

    assert (told.error, told.counts[:2], workshop.ledger()["c1"].media) == (None, (4, 1), None)


# -- tickets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", [f"job={SECRET}", "access_token=never-told-to-anybody"], ids=["known", "by its place"]
)
def test_a_ticket_with_a_secret_is_not_recorded(workshop: Workshop, query: str) -> None:
    """The ledger never holds it, the pictures are made all the same, and the user is warned once."""
    hand_in(workshop, lambda request: f"https://svc.example/jobs/{request.key}?{query}")
    told = workshop.run()

    warned = [event.lane for event in told.of(Warned) if "scripted: the provider puts a credential" in event.message]
    assert (told.counts[0], warned) == (5, ["scripted"])
    assert query.partition("=")[2] not in all_that_stays(workshop, told)


def test_a_job_whose_ticket_was_not_recorded_is_told_as_lost(workshop: Workshop) -> None:
    """A run that is left at once cannot ask for the job again, and says that it may have been charged."""
    workshop.cast("C1")
    hand_in(workshop, lambda _request: f"https://svc.example/jobs/1?key={SECRET}")
    told = workshop.run(interrupts=[1.0, 1.5])

    assert told.finished is not None
    assert [job.key for job in told.finished.possibly_charged] == ["c1"]
    assert workshop.ledger()["c1"].open_attempts == ()


def test_a_ticket_without_a_secret_is_recorded(workshop: Workshop) -> None:
    """An address is a fine ticket: the next run asks for the job that was broken off."""
    workshop.cast("C1")
    hand_in(workshop, lambda _request: "https://svc.example/jobs/1?id=7")
    told = workshop.run(interrupts=[1.0, 1.5])

    assert [attempt.ticket for attempt in workshop.ledger()["c1"].open_attempts] == ["https://svc.example/jobs/1?id=7"]
    assert told.of(Warned) == []


# -- a call that is given up -----------------------------------------------------------------------------------------


def test_what_a_call_raises_after_it_was_given_up_is_not_logged(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A provider that answers its cancellation with an error of its own has nobody to hear it, the log included."""
    (kind,) = workshop.generators

    async def stubborn(_self: object, _request: ImageRequest) -> GeneratedImage:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError(f"cannot close https://svc.example?key={SECRET}") from None
        return GeneratedImage(paint())

    monkeypatch.setattr(kind, "generate", stubborn)
    told = workshop.run(interrupts=[1.0, 1.5])
    gc.collect()  # asyncio complains of an exception nobody took when its task is collected

    assert (told.of(JobDone), SECRET in caplog.text, caplog.text) == ([], False, "")
