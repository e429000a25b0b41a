"""Reference pictures: every way they travel."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from openai_lane import Lane, MakeLane

from charimg.errors import InvalidRequestError, ThrottledError
from charimg.model import Reference
from tests.emulators.openai_images import LOCALAI, TOGETHER, OpenAIEmulator


def digests(lane: Lane, *colours: str) -> tuple[str, ...]:
    """Of the bytes of these pictures."""
    return tuple(hashlib.sha256(lane.picture(colour).read_bytes()).hexdigest() for colour in colours)


@pytest.mark.parametrize("way", ["auto", "multipart", "json", "files"])
@pytest.mark.parametrize("colours", [("red",), ("red", "blue", "green")])
async def test_the_service_looks_at_the_users_pictures_in_their_order(
    openai: OpenAIEmulator, lane_for: MakeLane, way: str, colours: tuple[str, ...]
) -> None:
    """As parts of a form, as data URIs, or as ids of uploads: the same bytes arrive."""
    lane = lane_for(openai.base_url, references=way)

    made = await lane.generator.generate(lane.request(references=lane.references(*colours)))

    (paid,) = openai.bill.generations
    assert (paid.endpoint, paid.references) == ("edits", digests(lane, *colours))
    assert openai.bill.log("edits")[0].form == ("json" if way in ("json", "files") else "multipart")
    assert len(openai.bill.uploads) == (len(colours) if way == "files" else 0)
    assert made.cost is not None
    assert made.cost.amount > paid.usage["output_tokens"] * 30 / 1_000_000  # the references cost too


async def test_moderation_is_left_out_where_the_service_has_no_such_field(
    openai: OpenAIEmulator, lane_for: MakeLane
) -> None:
    """Edits refuse it."""
    lane = lane_for(openai.base_url, moderation="low", background="opaque")

    await lane.generator.generate(lane.request(references=lane.references("red")))

    fields = openai.bill.log("edits")[0].fields
    assert (fields.get("background"), "moderation" in fields) == ("opaque", False)


async def test_five_characters_with_the_same_reference_upload_it_once(
    openai: OpenAIEmulator, lane_for: MakeLane
) -> None:
    """Also when all five ask for it at once."""
    lane = lane_for(openai.base_url, references="files")
    style = lane.references("red")

    await asyncio.gather(*(lane.generator.generate(lane.request(f"{n}", references=style)) for n in range(5)))

    (upload,) = openai.bill.uploads
    assert len(openai.bill.generations) == 5
    assert (upload.purpose, upload.media_type, upload.name.isascii()) == ("vision", "image/png", True)


async def test_an_uploaded_reference_that_the_service_lost_is_uploaded_again(
    openai: OpenAIEmulator, lane_for: MakeLane
) -> None:
    """One more upload and one replay; the others are not sent again."""
    lane = lane_for(openai.base_url, references="files")
    request = lane.request(references=lane.references("red", "blue"))
    await lane.generator.generate(request)
    del openai.service.files[openai.bill.uploads[0].id]

    await lane.generator.generate(request)

    assert [one.status for one in openai.bill.log("edits")] == [200, 404, 200]
    assert [one.sha256 for one in openai.bill.uploads] == [*digests(lane, "red", "blue", "red")]


async def test_an_upload_whose_answer_is_lost_was_not_charged(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """Files cost nothing: neither the budget nor the user hears of a picture that may have been paid for."""
    lane = lane_for(openai.base_url, references="files")
    openai.add_fault("drop-after-accept", endpoint="files")

    with pytest.raises(ThrottledError) as failed:
        await lane.generator.generate(lane.request(references=lane.references("red")))

    assert not failed.value.possibly_charged
    assert openai.bill.generations == []


async def test_a_reference_that_is_lost_at_once_again_is_invalid(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """One replay, not a loop."""
    lane = lane_for(openai.base_url, references="files")

    class Forgetful(dict):  # type: ignore[type-arg]
        def get(self, *_: object) -> None:
            return None

    openai.service.files = Forgetful()

    with pytest.raises(InvalidRequestError, match="No such File object"):
        await lane.generator.generate(lane.request(references=lane.references("red")))

    assert (openai.bill.calls("edits"), openai.bill.calls("files")) == (2, 2)


async def test_more_references_than_an_edit_takes_are_not_sent(openai: OpenAIEmulator, lane: Lane) -> None:
    """Told with the limit, for nothing."""
    reference = Reference(lane.picture())

    with pytest.raises(InvalidRequestError, match=r"17 reference pictures are too many: .* takes 16"):
        await lane.generator.generate(lane.request(references=(reference,) * 17))

    assert openai.bill.log() == []


@pytest.mark.parametrize("case", ["missing", "text", "gif"])
async def test_a_reference_that_is_no_picture_the_service_takes_names_the_file(
    openai: OpenAIEmulator, lane: Lane, case: str
) -> None:
    """A missing file, a text and a GIF each give one line with the file's name; nothing is sent."""
    path = lane.picture(kind="GIF") if case == "gif" else lane.folder / "hero.png"
    if case == "text":
        path.write_text("hello")

    with pytest.raises(InvalidRequestError, match=path.name) as refused:
        await lane.generator.generate(lane.request(references=(Reference(path),)))

    assert "\n" not in refused.value.message
    assert openai.bill.log() == []


async def test_references_count_against_the_minute(openai: OpenAIEmulator, lane: Lane) -> None:
    """An edit with more pictures than the tier's minute can never fit, and is not waited for."""
    from tests.emulators.openai_images import ImagesPerMinute

    openai.behaviour.limit = ImagesPerMinute(3)

    with pytest.raises(InvalidRequestError, match=r"Limit 3, Requested 4"):
        await lane.generator.generate(lane.request(references=lane.references("red", "blue", "green")))


@pytest.mark.parametrize("count", [1, 2])
async def test_servers_without_edits_take_them_in_the_generation(lane_for: MakeLane, count: int) -> None:
    """LocalAI as bare base64, Together as data URIs in a field for one and a field for several."""
    colours = ("red", "blue")[:count]
    async with OpenAIEmulator(personality=LOCALAI) as localai, OpenAIEmulator(personality=TOGETHER) as together:
        for emulator, server, model in ((localai, "localai", "flux.1-dev"), (together, "together", TOGETHER.models[0])):
            lane = lane_for(emulator.base_url, server=server, model=model)
            await lane.generator.generate(lane.request(references=lane.references(*colours)))

            (paid,) = emulator.bill.generations
            assert (paid.endpoint, paid.references) == ("generations", digests(lane, *colours))


async def test_a_server_without_edits_is_told_with_the_other_way(lane_for: MakeLane) -> None:
    """The character fails with what to set; the lane goes on."""
    async with OpenAIEmulator(personality=LOCALAI) as localai:
        lane = lane_for(localai.base_url, model="flux.1-dev")  # taken for any compatible server

        with pytest.raises(InvalidRequestError, match=r"has no /images/edits \(HTTP 404\): .*-o references=fields"):
            await lane.generator.generate(lane.request(references=lane.references("red")))
