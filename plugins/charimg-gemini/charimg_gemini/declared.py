"""What generator and uploader declare: the account, its key, the settings both look at, and the models known."""

from __future__ import annotations

from datetime import date

from charimg.contracts import Credential, Model, Price, Setting

NAME = "gemini"

URL = "https://ai.google.dev/gemini-api/docs/image-generation"

CHECKED = date(2026, 11, 22)
"""When models, prices and ratios were last compared with the service's documents."""

BASE_URL = "https://generativelanguage.googleapis.com"

DEFAULT_MODEL = "gemini-3.1-flash-image"

API_KEY = Credential(
    "api_key",
    "An API key from https://aistudio.google.com/apikey, of a project with billing: the free tier has no pictures.",
    env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
)

SETTINGS = (
    Setting(
        "base_url",
        "Address of the API, or of a gateway that speaks like it; a path in front is kept.",
        str,
        BASE_URL,
        env=("GOOGLE_GEMINI_BASE_URL",),
    ),
    Setting("api_version", "Version of the API in the path of every address.", str, "v1beta", choices=("v1beta", "v1")),
    Setting("timeout", "Seconds to wait for one answer.", float, 600.0, minimum=0.1),
)
"""Settings of both."""

_PREVIEWS_ENDED = date(2026, 6, 25)
_IMAGEN_ENDED = date(2026, 8, 17)


def _usd(amount: float) -> Price:
    return Price(amount, checked=CHECKED)


MODELS = (
    Model(DEFAULT_MODEL, "Nano Banana 2: quick and good", _usd(0.067)),
    Model("gemini-3.1-flash-lite-image", "Nano Banana 2 Lite: the cheapest", _usd(0.0336)),
    Model("gemini-3-pro-image", "Nano Banana Pro: the most careful", _usd(0.134)),
    Model("gemini-2.5-flash-image", "Nano Banana", retired=date(2026, 10, 2), successor=DEFAULT_MODEL),
    Model("gemini-2.5-flash-image-preview", retired=_PREVIEWS_ENDED, successor=DEFAULT_MODEL),
    Model("gemini-3.1-flash-image-preview", retired=_PREVIEWS_ENDED, successor=DEFAULT_MODEL),
    Model("gemini-3-pro-image-preview", retired=_PREVIEWS_ENDED, successor="gemini-3-pro-image"),
    Model("imagen-4.0-generate-001", "Imagen 4", retired=_IMAGEN_ENDED, successor=DEFAULT_MODEL),
    Model("imagen-4.0-fast-generate-001", retired=_IMAGEN_ENDED, successor="gemini-3.1-flash-lite-image"),
    Model("imagen-4.0-ultra-generate-001", retired=_IMAGEN_ENDED, successor="gemini-3-pro-image"),
)
"""Google's price list for 1K pictures as LiteLLM's table and gateways repeat it, and Google's page of deprecations."""

PRICES_BY_SIZE = {
    (DEFAULT_MODEL, "2K"): _usd(0.101),
    (DEFAULT_MODEL, "4K"): _usd(0.151),
    ("gemini-3-pro-image", "4K"): _usd(0.24),
}
"""Where a larger picture costs more than the model's price."""

ASPECT_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "21:9")
"""What every model of the family knows (google-genai 3.4.0)."""

MAX_REFERENCES = 14
"""Reference pictures in one request, by the documents of the Gemini 3 models."""
