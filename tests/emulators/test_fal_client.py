"""Holds the emulator to the truth with the official ``fal-client``: where they disagree the emulator is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fal import TEST_KEY, FalEmulator
from .polled import Reply
from .real_clients import drive, installed
from .threaded import serve_in_thread


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_official_client_lives_a_whole_visit(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It submits, follows the queue, fetches, uploads in both ways, and meets every refusal."""
    packages = installed(request, tmp_path, "fal-client==1.0.3")
    with serve_in_thread(lambda: FalEmulator(polls=3)) as service:
        drawn = service._drawn
        failure = Reply(500, {"detail": "Runner failed", "error_type": "runner_server_error"})
        service._drawn = lambda job: failure if "failing" in job.body["prompt"] else drawn(job)  # type: ignore[method-assign]
        seen = drive(
            packages,
            Path(__file__).parent / "fal" / "drive_client.py",
            service.url,
            str(tmp_path / "one.png"),
            home=tmp_path,
            FAL_KEY=TEST_KEY,
        )
        bill = service.bill

        assert seen["states"] == ["Completed", "InProgress"]
        assert seen["picture"].startswith(service.url)
        assert (seen["seed"], seen["again"]) == (42, 42)
        assert len(bill.stored) == 2
        assert seen["forbidden"][:2] == [422, None]
        assert seen["forbidden"][2][0]["type"] == "content_policy_violation"
        assert seen["seedless"][2][0]["loc"] == ["body", "seed"]
        assert seen["failed"] == [500, "runner_server_error", "Runner failed"]
        assert seen["nobody"][0] == 404
        assert [one.path for one in bill.asked if one.endpoint == "unknown"] == []
