"""A project whose roster's six characters fared differently; the ledger is written by the store's own methods."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime, timedelta, timezone
from pathlib import Path

from PIL import Image

from charimg.contracts import Attempt, JobState, PictureRecord, ProviderContext, Trouble
from charimg.images import inspect
from charimg.model import Cost, MediaReference, Roster, Verdict
from charimg.providers.sqlite import SqliteStore
from charimg.roster import read_roster, request_for

ROSTER = """\
title: The court
style: {suffix: ink drawing}
characters:
  - {name: Ana, description: a tall queen with a crown, tags: [court]}
  - {name: গোপাল ভাঁড়, key: gopal, description: a short jester with a round belly}
  - {name: Bo, description: a boatman with a straw hat, tags: [river]}
  - {name: Cem, description: a cook with a large ladle}
  - {name: Dina, description: a dancer with ankle bells}
  - {name: Eve, description: an envoy with a sealed letter}
"""
WHEN = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
LONG_AGO = WHEN - timedelta(days=900)


def picture_bytes(colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (90, 160), colour).save(out, "PNG")
    return out.getvalue()


def fill(project: Path) -> Roster:
    """Ana is done, Gopal's id has expired, Bo was rejected, Cem met a quota, Dina was interrupted, Eve never began;
    Finn, who is not in the roster, is done."""
    (project / "characters.yaml").write_text(ROSTER, encoding="utf-8")
    (project / "pictures").mkdir()
    roster = read_roster(project / "characters.yaml")
    asyncio.run(_record(project, roster))
    return roster


async def _record(project: Path, roster: Roster) -> None:
    requests = {one.key: request_for(roster, one) for one in roster.characters}
    store = SqliteStore(ProviderContext(folder=project, out=project / "pictures"))
    await store.open()
    try:
        await store.begin_run("run", WHEN, {})

        async def intent(key: str, name: str) -> str:
            request = requests.get(key)
            await store.record_intent(
                Attempt(
                    id=f"attempt-{key}",
                    run="run",
                    key=key,
                    name=name,
                    lane="whisk",
                    provider="whisk",
                    asked=request.fingerprint if request else "",
                    prompt=request.prompt if request else "somebody",
                    seed=None,
                    started=WHEN,
                )
            )
            return f"attempt-{key}"

        for key, name, media in (
            ("ana", "Ana", MediaReference("CAMaJDc2N2FiOWEzLTc-ana", uploader="whisk", lane="whisk")),
            ("gopal", "গোপাল ভাঁড়", MediaReference("id-gopal", uploader="whisk", lane="whisk", expires_at=LONG_AGO)),
            ("finn", "Finn", MediaReference("id-finn", uploader="whisk", lane="whisk")),
        ):
            data = picture_bytes()
            (project / "pictures" / f"{key}.png").write_bytes(data)
            cost = Cost(0.04, source="reported")
            record = PictureRecord(f"pictures/{key}.png", inspect(data), seed=7, model="IMAGEN_3_5", cost=cost)
            await store.record_saved(await intent(key, name), record)
            await store.record_upload(key, "whisk", media)
        refusal = Trouble(Verdict.REJECTED, "Whisk refused <b>the hat</b>", "generate")
        await store.record_trouble(await intent("bo", "Bo"), refusal, JobState.REJECTED)
        quota = Trouble(Verdict.THROTTLED, "quota exceeded", "generate", possibly_charged=True)
        await store.record_trouble(await intent("cem", "Cem"), quota, JobState.PENDING)
        await intent("dina", "Dina")
    finally:
        await store.close()
