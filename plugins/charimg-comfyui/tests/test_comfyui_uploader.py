"""The uploader ``comfyui``: the reference is the name the server gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from comfy_lane import Lane

from charimg.errors import FlakyError, InvalidRequestError, ThrottledError
from tests.emulators.comfyui import ComfyEmulator, Reply, json_reply


async def test_a_picture_goes_into_the_input_folder(comfy: ComfyEmulator, lane: Lane) -> None:
    """Under the character's key, where a Load Image node finds it; equal ones are kept once."""
    picture = lane.saved()
    references = [await lane.uploader.upload(picture) for _ in range(2)]

    assert comfy.worker.files["input", "charimg", "gopal.png"] == picture.path.read_bytes()
    assert {(one.id, one.kind, one.uploader, one.lane) for one in references} == {
        ("charimg/gopal.png", "id", "comfyui", "comfyui")
    }
    assert (len(comfy.worker.files), comfy.bill.odd) == (1, [])


async def test_another_picture_of_the_same_name_gets_another(comfy: ComfyEmulator, lane: Lane) -> None:
    """The reference is what the server says, and not what was asked for; nothing is overwritten."""
    first = await lane.uploader.upload(lane.saved(colour="blue"))
    second = await lane.uploader.upload(lane.saved(colour="green"))

    assert (first.id, second.id) == ("charimg/gopal.png", "charimg/gopal (1).png")
    assert len(comfy.worker.files) == 2


async def test_names_of_every_script_arrive(comfy: ComfyEmulator, lane: Lane) -> None:
    """File names are ASCII, and two characters never share one."""
    ids = [(await lane.uploader.upload(lane.saved(key))).id for key in ("গোপাল", "রাজা", "raja-রাজা", "রা")]

    assert all(id_.isascii() for id_ in ids)
    assert len(set(ids)) == 4
    assert ids[2].startswith("charimg/raja-")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(400), InvalidRequestError),
        (Reply(503), ThrottledError),
        (json_reply(200, {}), FlakyError),
        (json_reply(200, []), FlakyError),
        ("drop", ThrottledError),
    ],
)
async def test_trouble_has_its_verdict(
    comfy: ComfyEmulator, lane: Lane, reply: Reply | str, kind: type[Exception]
) -> None:
    """The server's refusal, a proxy's, an answer without a name, none at all."""
    comfy.add_fault("upload", reply)
    with pytest.raises(kind):
        await lane.uploader.upload(lane.saved())

    assert comfy.bill.count("POST", "/upload/image") == 1


async def test_a_picture_that_is_gone_is_named(lane: Lane, tmp_path: Path) -> None:
    """The file is told."""
    picture = lane.saved()
    picture.path.unlink()
    with pytest.raises(InvalidRequestError, match=r"gopal\.png"):
        await lane.uploader.upload(picture)
