"""The records that pictures carry, read from and written into files of strangers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hostile.bounded import can_be_bounded, within
from tests.hostile.pictures import PICTURES

EMBED_ALL = """
import io, json, time, warnings
from datetime import datetime, timezone
from PIL import Image
from charimg.errors import FlakyError
from charimg.images import FORMATS, inspect
from charimg.metadata import PictureMetadata, embed, from_sidecar, read_metadata, to_sidecar
from tests.hostile.pictures import PICTURES, cuts_of, drawn
warnings.simplefilter("ignore")
metadata = PictureMetadata(key="gopal", made=datetime(2026, 11, 22, tzinfo=timezone.utc), prompt="a jester\\nin ink")

def pixels(data):
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        return picture.size, picture.convert("RGBA").tobytes()

wrong = {}
made = {name: make() for name, (make, _) in PICTURES.items()}
for kind in ("PNG", "JPEG", "WEBP", "GIF"):
    for number, cut in enumerate(cuts_of(drawn(kind))):
        made[f"{kind} cut {number}"] = cut
for name, data in made.items():
    began = time.process_time()
    if read_metadata(data) is not None or from_sidecar(data) is not None:
        wrong[name] = "it is read from what has none"
    written = embed(data, metadata)
    if time.process_time() - began > 4:
        wrong[name] = f"{time.process_time() - began} seconds"
    if written is None:
        continue
    if read_metadata(written) != metadata:
        wrong[name] = "it is not read back"
    try:
        facts = inspect(data)
    except FlakyError:
        continue
    if facts.width * facts.height < 1_000_000 and pixels(written) != pixels(data):
        wrong[name] = "its pixels are others"
print(json.dumps(wrong))
"""


@pytest.mark.skipif(not can_be_bounded, reason="the memory of a process can be bounded on Linux only")
def test_no_picture_breaks_its_record(tmp_path: Path) -> None:
    """Bombs, torsos and two files in one: each gets its record with every pixel as it was, or stays as it is; none
    fills the memory or stalls."""
    importing = "PIL.Image,charimg.images,charimg.metadata,tests.hostile.pictures"
    wrong = json.loads(within(EMBED_ALL, tmp_path, megabytes=700, seconds=40, importing=importing))

    assert wrong == {}
    assert PICTURES
