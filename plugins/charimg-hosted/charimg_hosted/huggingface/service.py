"""Hugging Face's account: the router and the hub, the token, and what refusals mean.

Errors are ``{"error": sentence}`` or a list of them, and the status decides. Source: the protocol notes on Hugging Face
and the error corpus, 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from charimg.addresses import same_service
from charimg.contracts import Credential, Setting
from charimg.errors import ProviderError
from charimg.model import Verdict
from charimg_hosted.service import HostedService

if TYPE_CHECKING:
    from charimg.http import Answer

NAME = "huggingface"
URL = "https://huggingface.co/docs/inference-providers"
ROUTER = "https://router.huggingface.co"
HUB = "https://huggingface.co"

BASE_URL = Setting(
    "base_url", "The address of the router, or of a gateway that speaks like it; a path in front is kept.", str, ROUTER
)
HUB_URL = Setting(
    "hub_url", "The address of the hub, which knows the token and the models.", str, HUB, env=("HF_ENDPOINT",)
)
KEY = Credential(
    "api_key",
    "A token of Hugging Face (huggingface.co/settings/tokens) that may make calls to Inference Providers; it begins"
    " with hf_.",
    env=("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
)

LIST = "`charimg providers show huggingface --models` lists what there is"


class HuggingFaceService(HostedService):
    """One account at Hugging Face."""

    title: ClassVar[str] = "Hugging Face"
    default_url: ClassVar[str] = ROUTER

    def key_headers(self) -> dict[str, str]:
        """See :class:`HostedService`."""
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def hub_url(self) -> str | None:
        """Where the hub may be asked with this token; ``None`` behind a gateway whose hub nobody named: its key may be
        the gateway's own, and is none of Hugging Face's business."""
        hub = str(self.context.settings.get("hub_url") or HUB)
        at_home = same_service(self.base_url, ROUTER) or not same_service(hub, HUB)
        return hub if at_home else None

    def refusal(self, answer: Answer, model: str, *, retirement: str | None) -> ProviderError:
        """The error for an answer without a picture.

        :param retirement: what is known of the model's end, if it has ended.
        """
        if answer.status in (404, 410):
            gone = f"hf-inference does not serve {model}: {retirement or LIST}"
            return self.trouble(answer, verdict=Verdict.INVALID, advice=gone)
        verdict = self.reading(answer.status, answer.headers, answer.text).verdict
        advice = None
        if verdict is Verdict.INVALID:
            advice = retirement
        elif verdict is Verdict.EXHAUSTED:
            advice = "credits return with the month; or use another provider"
        elif verdict is Verdict.FATAL and answer.status == 403:
            advice = (
                "the token needs the permission to make calls to Inference Providers, and some models ask for their"
                f" licence to be accepted at https://huggingface.co/{model}"
            )
        return self.trouble(answer, advice=advice)
