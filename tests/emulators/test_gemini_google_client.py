"""Holds the emulator to the truth with a client nobody here wrote: Google's own ``google-genai``.

Where the client and the emulator disagree the emulator is wrong: the client works against the real service.
"""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from PIL import Image

from .gemini import TEST_KEY, Account, GeminiEmulator
from .gemini.replies import blocked, error, finished, in_array
from .real_clients import drive, installed
from .threaded import serve_in_thread

DRIVE = Path(__file__).parent / "gemini" / "drive_client.py"
CHUNK = 8 * 1024 * 1024


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_googles_client_lives_a_whole_visit(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The official client lists, draws with and without references, uploads in chunks, deletes and is refused."""
    packages = installed(request, tmp_path, "google-genai==3.4.0")
    Image.new("RGB", (64, 64), "navy").save(tmp_path / "picture.png")
    noise = random.Random(20261122).randbytes(CHUNK + 1000)
    (tmp_path / "large.png").write_bytes(noise)
    knobs = {"accounts": [Account(per_minute=3)], "minute": 3600.0}
    with serve_in_thread(lambda: GeminiEmulator(**knobs)) as gemini:
        gemini.add_fault(blocked("PROHIBITED_CONTENT"), prompt="blocked")
        gemini.add_fault(finished("IMAGE_SAFETY", message="Unable to show."), prompt="refused")
        gemini.add_fault(finished("NO_IMAGE", text="I can't draw that."), prompt="empty")
        gemini.add_fault(in_array(error(503, "high demand")), prompt="in a list")
        seen = drive(packages, DRIVE, TEST_KEY, tmp_path, home=tmp_path, GOOGLE_GEMINI_BASE_URL=gemini.url)
        bill = gemini.bill

    assert [name for name, _ in seen["models"]][2] == "models/gemini-3.1-flash-image"
    assert len(seen["models"]) == 5
    assert all("generateContent" in actions for name, actions in seen["models"] if "embedding" not in name)
    assert seen["model"] == "Nano Banana 2"

    drawn, inline, by_file = bill.generations
    for told, made in ((seen["drawn"], drawn), (seen["inline"], inline), (seen["by_file"], by_file)):
        assert (told["sha256"], told["id"], told["model"]) == (made.sha256, made.response_id, made.model)
        assert (told["type"], told["finish"], made.aspect, made.size) == ("image/png", "STOP", "3:4", "1K")
        assert told["tokens"] > 1120
    picture = (tmp_path / "picture.png").read_bytes()
    assert inline.references == (f"inline:{hashlib.sha256(picture).hexdigest()}",)
    assert by_file.references == (seen["file"][0],)

    small, large = bill.uploads
    assert seen["file"] == [small.name, "image/png", len(picture), "ACTIVE", "picture.png"]
    assert (small.sha256, seen["lives"]) == (hashlib.sha256(picture).hexdigest(), 48 * 3600.0)
    assert (large.chunks, seen["large"]) == (2, [large.name, len(noise)])
    assert seen["files"] == sorted([small.name, large.name])
    assert [record.key for record in bill.log("start")] == [TEST_KEY] * 2
    assert [record.key for record in bill.log("upload")] == [None] * 3

    assert bill.deleted == [small.name]
    assert (seen["deleted"]["code"], seen["used_after"]["code"]) == (403, 403)
    assert seen["blocked"] == ["PROHIBITED_CONTENT", None]
    assert seen["refused"] == "IMAGE_SAFETY"
    assert seen["empty"] == ["NO_IMAGE", "I can't draw that."]
    assert (seen["retired"]["code"], seen["retired"]["status"]) == (404, "NOT_FOUND")
    assert (seen["ratio"]["code"], seen["ratio"]["kind"]) == (400, "ClientError")
    assert (seen["array"]["code"], seen["array"]["message"], seen["array"]["kind"]) == (
        503,
        "high demand",
        "ServerError",
    )
    assert seen["stranger"]["message"] == "API key not valid. Please pass a valid API key."
    assert (seen["quota"]["code"], seen["quota"]["status"]) == (429, "RESOURCE_EXHAUSTED")

    unexpected = {record.why for record in bill.log() if record.status != 200}
    assert unexpected == {
        "no such file, or expired, or another's",
        "no such file",
        "no such model",
        "unknown key",
        "fault: 503",
        "limit: GenerateRequestsPerMinutePerProjectPerModel",
        *(why for why in unexpected if why and "aspect_ratio" in why),
    }
