"""Holds the emulator to the truth with a client nobody here wrote: ``@rohitaryal/whisk-api`` from npm.

Where the client and the emulator disagree the emulator is wrong: the client worked against the real service.
The emulator owes it these leniences: text/plain on both lanes, a caption without ``clientContext``, a recipe
with an empty list of references, a data URI of type ``image/jpg``, a refined picture under its original's id.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .whisk import TEST_COOKIE_HEADER, WhiskEmulator, Window, serve_whisk

HERE = Path(__file__).parent / "npm"
PROMPTS = ["a court jester, upright", "the jester on a market day", "give him glasses", "a village square"]


def give_up(why: str) -> None:
    """Skip at a desk, fail in CI: there the real client must have been heard."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{why}; in CI this test may not be skipped")
    pytest.skip(why)


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the client installed, kept between runs in pytest's own cache."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            give_up(f"{program} is not installed")
    names = ("package.json", "package-lock.json", "redirect.mjs", "drive.mjs")
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in names)).hexdigest()[:12]
    # Without pytest's cache (-p no:cacheprovider) it is installed for this run alone.
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    home = Path(cache.mkdir("whisk-npm")) if cache else tmp_path_factory.mktemp("whisk-npm")
    installed = home / digest
    if not installed.exists():
        # Installed beside and renamed into place: two test runs at once cannot see a half-done folder.
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            fresh = Path(scratch, "client")
            fresh.mkdir()
            for name in names:
                shutil.copy(HERE / name, fresh)
            npm = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=fresh,
                capture_output=True,
                text=True,
                timeout=110,
                check=False,
            )
            if npm.returncode:
                give_up(f"npm could not install the client: {npm.stderr.strip()[-300:]}")
            try:
                fresh.rename(installed)
            except OSError:
                assert installed.exists(), "somebody else was to have installed it"
    return installed


def visit(client: Path, whisk: WhiskEmulator, folder: Path) -> dict[str, Any]:
    """Run the driving script against *whisk*; what the client says it got."""
    node = subprocess.run(
        ["node", "--import", "./redirect.mjs", "drive.mjs", TEST_COOKIE_HEADER, str(folder)],
        cwd=client,
        env={**os.environ, "WHISK_EMULATOR": whisk.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert node.returncode == 0, node.stderr
    seen: dict[str, Any] = json.loads(node.stdout)
    return seen


@pytest.mark.node
def test_the_public_client_lives_a_whole_visit(client: Path, tmp_path: Path) -> None:
    """A real client creates, generates, captions, uploads, refers, refines, fetches and deletes."""
    # Six pictures are the visit's own (one, one with references, one refined, three of ImageFX).
    with serve_whisk(limits=(Window(6, 3600),), retry_after=True) as whisk:
        seen = visit(client, whisk, tmp_path)
    bill = whisk.bill

    first = bill.generations[0]
    assert seen["generated"] == {
        "id": first.media_id,
        "seed": 42,
        "model": "IMAGEN_3_5",
        "workflow": seen["project"],
        "aspect": "IMAGE_ASPECT_RATIO_PORTRAIT",
    }
    assert bill.prompt_of(Path(seen["saved"]).read_bytes()) == PROMPTS[0]
    assert (seen["fetchedSame"], seen["fetchedType"]) == (True, "IMAGE")
    assert len(seen["captions"]) == 2
    assert bill.captions == 4

    uploads = [(u.category, u.format, u.sha256, u.workflow) for u in bill.uploads]
    assert uploads == [
        (f"MEDIA_CATEGORY_{kind}", "jpeg", first.sha256, seen["project"]) for kind in ("SUBJECT", "STYLE")
    ]
    assert seen["subject"]["mediaGenerationId"] == bill.uploads[0].media_id
    assert bill.generations[1].references == tuple(u.media_id for u in bill.uploads)
    assert bill.generations[2].references == (first.media_id,)
    with Image.open(io.BytesIO(Path(seen["scene"]["saved"]).read_bytes())) as scene:
        assert (scene.format, scene.size) == ("PNG", (1344, 768))

    assert bill.deleted == [seen["scene"]["id"], seen["project"]]
    assert '"httpStatus":404' in seen["deletedTwice"]
    assert "Requested entity was not found." in seen["fetchDeleted"]
    assert seen["stranger"].startswith("API Error (401)")
    assert '"data":{"code":"UNAUTHORIZED"' in seen["stranger"]
    # A 200 without a user: the client trips over it, as it did over the real answer.
    assert "undefined" in seen["strangerToken"]
    assert seen["quota"].startswith("API Error (429)")
    assert "PUBLIC_ERROR_USER_REQUESTS_THROTTLED" in seen["quota"]

    assert [g.prompt for g in bill.generations] == PROMPTS[:3] + PROMPTS[3:] * 3
    assert bill.tokens_issued == 1
    assert bill.stray_credentials == []
    unexpected = [(r.endpoint, r.why) for r in bill.log() if r.status != 200]
    assert [endpoint for endpoint, _ in unexpected] == ["delete", "media", "workflow", "generate"]
