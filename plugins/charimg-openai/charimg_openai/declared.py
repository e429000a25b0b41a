"""What generator and uploader declare alike: the account, its credential, and the settings both look at."""

from __future__ import annotations

from charimg.contracts import Credential, Setting
from charimg_openai.dialects import AUTOMATIC, DIALECTS

NAME = "openai"

URL = "https://developers.openai.com/api/docs/guides/image-generation"

BASE_URL = "https://api.openai.com/v1"

API_KEY = Credential(
    "api_key",
    "Make one at https://platform.openai.com/api-keys; Azure and gateways have their own, a server of your own may need"
    " none.",
    env=("OPENAI_API_KEY",),
    required=False,  # LocalAI, vLLM and SGLang ask for none; where one is needed, opening the lane says so
)

SHORTEST_EXPIRY, LONGEST_EXPIRY = 3600, 2_592_000
"""Seconds: what the Files API takes (official client 3.54.0)."""

CONNECTION = (
    Setting(
        "base_url",
        "Address of the service, its path (usually /v1) included; also of a compatible server.",
        str,
        BASE_URL,
        env=("OPENAI_BASE_URL",),
    ),
    Setting(
        "server",
        "Which server it is, and so how it is spoken to; auto tells OpenAI, Azure and Together by their address.",
        str,
        AUTOMATIC,
        choices=(AUTOMATIC, *DIALECTS),
    ),
    Setting(
        "auth",
        "How the key travels: 'Authorization: Bearer' or Azure's header 'api-key'; auto is by server.",
        str,
        AUTOMATIC,
        choices=(AUTOMATIC, "bearer", "api-key"),
    ),
    Setting(
        "api_version",
        "Azure's api-version, for an address with /openai/deployments/NAME; left out for /openai/v1.",
        env=("OPENAI_API_VERSION",),
    ),
    Setting("organization", "Id of the organization that pays, as org-...", env=("OPENAI_ORG_ID",)),
    Setting("project", "Id of the project that pays, as proj_...", env=("OPENAI_PROJECT_ID",)),
    Setting(
        "timeout",
        "Seconds to wait for one answer; a picture takes up to two minutes, behind a busy relay longer.",
        float,
        600.0,
        minimum=0.1,
    ),
    Setting(
        "expires_after",
        "Seconds after which an uploaded file is deleted by the service (one hour to 30 days); unset: never.",
        int,
        minimum=SHORTEST_EXPIRY,
        maximum=LONGEST_EXPIRY,
    ),
    Setting(
        "purpose",
        "What uploaded files are filed as.",
        str,
        "vision",
        choices=("vision", "user_data"),
    ),
)
"""Settings of both."""
