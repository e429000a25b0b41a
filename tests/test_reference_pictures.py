"""The user's reference pictures: read once, checked, told in one line when they are none."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from PIL import Image

from charimg.errors import InvalidRequestError
from charimg.model import Reference
from charimg.reference_pictures import read_reference


async def test_a_picture_is_ready_to_be_sent(tmp_path: Path) -> None:
    """Type by content, not by name; base64 and data address hold the same bytes."""
    path = tmp_path / "hero.png"
    Image.new("RGB", (40, 30), "red").save(path, "JPEG")

    picture = await read_reference(Reference(path))

    assert picture.media_type == "image/jpeg"
    assert base64.b64decode(picture.data_uri.removeprefix("data:image/jpeg;base64,")) == path.read_bytes()
    assert picture.file_name.endswith(".jpg")
    assert "xff" not in repr(picture)


@pytest.mark.parametrize("content", [None, b"", b"<svg/>", b"GIF89a"])
async def test_what_is_no_picture_is_told_with_its_place(tmp_path: Path, content: bytes | None) -> None:
    """One line names the file."""
    path = tmp_path / "hero.png"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidRequestError, match=r"reference picture 'hero\.png'.*hero\.png\)$"):
        await read_reference(Reference(path))
