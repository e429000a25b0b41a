"""What generator and uploader declare alike: the account, its credential, and the settings both look at."""

from __future__ import annotations

from charimg.contracts import Credential, Setting
from charimg_whisk.addresses import LABS_URL, SANDBOX_URL
from charimg_whisk.cookies import HOW_TO_GET
from charimg_whisk.protocol import CATEGORIES

NAME = "whisk"

URL = "https://labs.google/fx/tools/whisk"

COOKIE = Credential(
    "cookie",
    f"To get it, {HOW_TO_GET} (a Cookie header, the bare token, a cookie extension's JSON or a HAR file will do)."
    " Google closed Whisk on 2026-04-30: a gateway says which login it takes.",
)

SETTINGS = (
    Setting(
        "labs_url",
        "Address of the site (login, uploads, captions), or of a gateway that speaks like it.",
        str,
        LABS_URL,
    ),
    Setting("sandbox_url", "Address of the API that draws, or of a gateway that speaks like it.", str, SANDBOX_URL),
    Setting(
        "media_category",
        "What a picture is filed as: a character is a SUBJECT.",
        str,
        "SUBJECT",
        choices=CATEGORIES,
    ),
    Setting(
        "media_lifetime",
        "Minutes the service keeps a picture; an older id is not used, the picture is uploaded again.",
        float,
        60.0,
        minimum=0,
    ),
    Setting("caption", "Let Whisk describe a picture before it is uploaded.", bool, default=True),
    Setting("timeout", "Seconds to wait for one answer.", float, 180.0, minimum=0.1),
)
"""Settings of both."""
