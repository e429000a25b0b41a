"""Holds the emulator to the truth with the official ``replicate``: where they disagree the emulator is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from .polled import Window
from .real_clients import drive, installed
from .replicate import TEST_TOKEN, ReplicateEmulator
from .replicate.catalogue import INPUTS, OFFICIAL, VERSION
from .threaded import serve_in_thread


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_official_client_lives_a_whole_visit(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It looks around, creates by model and by version, waits, cancels, uploads, refers, and meets every refusal."""
    packages = installed(request, tmp_path, "replicate==1.0.7")
    # Five pictures are the visit's own, one is unsafe; the input that does not fit is refused before it counts.
    with serve_in_thread(lambda: ReplicateEmulator(polls=3, windows=[Window(5, 3600.0)])) as service:
        picture = tmp_path / "picture.webp"
        seen = drive(
            packages,
            Path(__file__).parent / "replicate" / "drive_client.py",
            VERSION,
            str(picture),
            home=tmp_path,
            REPLICATE_BASE_URL=service.url,
            REPLICATE_API_TOKEN=TEST_TOKEN,
        )
        bill = service.bill

        assert seen["account"] == "gopal"
        assert seen["collection"] == [name.partition("/")[2] for name in OFFICIAL]
        assert seen["inputs"] == sorted(INPUTS["black-forest-labs/flux-schnell"])
        assert picture.read_bytes()[8:12] == b"WEBP"
        assert (seen["first"], seen["last"], seen["progress"]) == ("starting", "succeeded", 0.33)
        assert (seen["held"], seen["canceled"]) == ("starting", "canceled")
        assert seen["stored"][:2] == [picture.stat().st_size, "jester.webp"]
        assert seen["referred"].startswith(service.url)
        assert seen["deleted"] is True
        assert seen["unsafe"][0] == "failed"
        assert seen["invalid"][:2] == [422, "Input validation failed"]
        assert seen["throttled"][:2] == [429, "Request was throttled"]
        assert seen["stranger"] == [401, "Unauthenticated"]
        assert bill.stored == [picture.read_bytes()]
        assert bill.prompts == ["a jester", "a fool", "a held one", "the jester again", "nsfw"]
        assert [one.path for one in bill.asked if one.endpoint == "unknown"] == []
