"""Holds the emulator to the truth with the Horde's own ``horde_sdk``: where they disagree the emulator is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from .aihorde import OWN_KEY, AiHordeEmulator
from .real_clients import drive, installed
from .threaded import serve_in_thread


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_hordes_own_client_lives_a_whole_visit(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It submits, checks, fetches and decodes, lists models, finds its user, and meets every refusal."""
    packages = installed(request, tmp_path, "horde-sdk==0.18.0")
    with serve_in_thread(lambda: AiHordeEmulator(busy=True, polls=1, limited=False)) as service:
        seen = drive(
            packages,
            Path(__file__).parent / "aihorde" / "drive_client.py",
            OWN_KEY,
            str(tmp_path / "picture.webp"),
            home=tmp_path,
            AI_HORDE_URL=f"{service.url}/",
        )
        bill = service.bill

        assert seen["made"] == ["42", "Deliberate", "ok", False, True, 11.0, True]
        assert seen["size"] == [256, 288]
        assert seen["models"] == service.models
        assert seen["user"] == ["gopal#7", 120.0]
        assert seen["forbidden"][1] == "CorruptPrompt"
        assert seen["kudos"][1] == "KudosUpfront"
        assert seen["stranger"][1] == "InvalidAPIKey"
        assert bill.prompts == ["a jester ### hats"]
        assert [one.path for one in bill.asked if one.endpoint == "unknown"] == []
