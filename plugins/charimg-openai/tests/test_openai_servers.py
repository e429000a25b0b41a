"""The servers that speak like OpenAI: each of the table, with the lines the README tells to type."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from openai_lane import MakeLane

from charimg.errors import ExhaustedError, FatalError, InputError, InvalidRequestError, ThrottledError
from charimg.images import inspect
from charimg.model import utc_now
from tests.emulators.openai_images import (
    AZURE,
    LITELLM,
    LOCALAI,
    PERSONALITIES,
    RELAY,
    SGLANG,
    TEST_KEY,
    TOGETHER,
    VLLM,
    OpenAIEmulator,
)

LINES: dict[str, dict[str, Any]] = {
    "openai": {"server": "openai"},
    "azure": {"server": "azure", "model": "my-pictures"},
    "litellm": {"server": "litellm", "model": "openai/gpt-image-2"},
    "localai": {"server": "localai", "model": "stablediffusion"},
    "vllm": {"server": "vllm"},
    "sglang": {"server": "sglang"},
    "together": {"server": "together", "model": "black-forest-labs/FLUX.1-schnell"},
    "relay": {"model": "some-model"},
}
"""What a user sets for each beside the address and the key."""
KEYLESS = {"localai", "vllm", "sglang"}


@pytest.mark.parametrize("name", list(PERSONALITIES))
async def test_every_server_gives_its_picture(lane_for: MakeLane, name: str) -> None:
    """One request, whatever the server refuses or wants; a key only where one is given."""
    async with OpenAIEmulator(personality=PERSONALITIES[name]) as emulator:
        lane = lane_for(emulator.base_url, key=None if name in KEYLESS else TEST_KEY, **LINES[name])
        await lane.generator.open()

        made = await lane.generator.generate(lane.request("a jester"))

        (paid,) = emulator.bill.generations
        (sent,) = emulator.bill.log("generations")
    assert inspect(made.data).sha256 == paid.sha256
    assert (paid.prompt, paid.size) == ("a jester", (64, 64))
    assert ("authorization" in sent.headers or "api-key" in sent.headers) is (name not in KEYLESS)


@pytest.mark.parametrize("name", sorted({*PERSONALITIES} - {"localai", "together"}))
async def test_every_server_with_edits_takes_references(lane_for: MakeLane, name: str) -> None:
    """The multipart form is what all of them know."""
    async with OpenAIEmulator(personality=PERSONALITIES[name]) as emulator:
        lane = lane_for(emulator.base_url, **LINES[name])

        await lane.generator.generate(lane.request(references=lane.references("red", "blue")))

        (paid,) = emulator.bill.generations
    assert len(paid.references) == 2


@pytest.mark.parametrize("name", list(PERSONALITIES))
async def test_every_server_draws_the_aspect_ratio(lane_for: MakeLane, name: str) -> None:
    """Upright comes upright: no server falls back to a square of its own."""
    async with OpenAIEmulator(personality=PERSONALITIES[name]) as emulator:
        lane = lane_for(emulator.base_url, **{**LINES[name], "size": "auto"})

        facts = inspect((await lane.generator.generate(lane.request(aspect_ratio="2:3"))).data)

    assert facts.width / facts.height == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize(
    ("host", "title"),
    [
        ("api.openai.com", "OpenAI"),
        ("eu.api.openai.com", "OpenAI"),
        ("my.openai.azure.com", "Azure"),
        ("my.services.ai.azure.com", "Azure"),
        ("api.together.xyz", "Together"),
        ("api.openai.com.evil.example", ""),
        ("notopenai.com", ""),
        ("127.0.0.1:8080", ""),
    ],
)
def test_the_address_tells_who_is_there(host: str, title: str) -> None:
    """OpenAI, Azure and Together by their hosts; any other is a compatible server."""
    from charimg_openai.dialects import dialect_of

    assert dialect_of("auto", f"https://{host}/v1").title == title


# -- Azure


async def test_azure_is_asked_by_its_own_header_and_path(lane_for: MakeLane) -> None:
    """The host alone is enough of an address; the deployment's name is the model."""
    async with OpenAIEmulator(personality=AZURE) as azure:
        lane = lane_for(azure.url, server="azure", model="my-pictures")

        await lane.generator.generate(lane.request())

        (sent,) = azure.bill.log()
    assert sent.path == "/openai/v1/images/generations"
    assert (sent.headers["api-key"], "authorization" in sent.headers) == (TEST_KEY, False)


@pytest.mark.parametrize("in_address", [True, False])
async def test_a_deployments_path_is_asked_with_its_version(lane_for: MakeLane, in_address: bool) -> None:
    """The version may stand in the address, as Azure's portal shows it, or in the setting."""
    async with OpenAIEmulator(personality=AZURE) as azure:
        base = f"{azure.url}/openai/deployments/my-pictures"
        version = "2025-04-01-preview"
        if in_address:
            lane = lane_for(f"{base}?api-version={version}", server="azure")
        else:
            lane = lane_for(base, server="azure", api_version=version)

        await lane.generator.generate(lane.request())

        (sent,) = azure.bill.log()
    assert sent.path == f"/openai/deployments/my-pictures/images/generations?api-version={version}"


async def test_a_deployments_resource_is_asked_for_its_models(lane_for: MakeLane) -> None:
    """The list belongs to the resource, not to the deployment."""
    async with OpenAIEmulator(personality=AZURE) as azure:
        lane = lane_for(f"{azure.url}/openai/deployments/mine", server="azure", api_version="2025-04-01-preview")

        found = await lane.generator.check()

        (sent,) = azure.bill.log()
    assert found == "the key is accepted; 11 models for pictures"
    assert sent.path == "/openai/models?api-version=2025-04-01-preview"


def test_a_deployments_path_without_a_version_is_told_before_the_run(lane_for: MakeLane) -> None:
    """It could only answer 404."""
    with pytest.raises(InputError, match="needs -o api_version"):
        lane_for("https://x.openai.azure.com/openai/deployments/my-pictures")


async def test_azures_minute_is_waited_for_and_its_day_is_not(lane_for: MakeLane) -> None:
    """The same 429 with nine seconds in its text, and with a whole day in its header."""
    async with OpenAIEmulator(personality=AZURE) as azure:
        lane = lane_for(azure.base_url, server="azure")
        azure.add_fault("azure_minute", calls=[1])
        azure.add_fault("azure_daily", calls=[2])

        with pytest.raises(ThrottledError) as minute:
            await lane.generator.generate(lane.request())
        with pytest.raises(ExhaustedError) as day:
            await lane.generator.generate(lane.request())

    assert minute.value.wait == 9
    assert day.value.retry_at is not None
    assert 86_000 < (day.value.retry_at - utc_now()).total_seconds() <= 86_400


async def test_azures_content_filter_is_a_refusal(lane_for: MakeLane) -> None:
    """Its code, in its own envelope (unverified: no capture of it)."""
    from charimg.errors import RejectedError
    from tests.emulators.openai_images.replies import json_reply

    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": {}}
    body = {"error": {"code": "contentFilter", "message": "Your task failed.", "inner_error": inner}}
    async with OpenAIEmulator(personality=AZURE) as azure:
        lane = lane_for(azure.base_url, server="azure")
        azure.add_fault(json_reply(body, 400))

        with pytest.raises(RejectedError):
            await lane.generator.generate(lane.request())


# -- gateways


async def test_a_gateway_to_openai_is_not_sent_what_openai_refuses(lane_for: MakeLane) -> None:
    """A model of OpenAI behind a proxy, whatever the proxy's prefix: no response_format, OpenAI's sizes and prices."""
    async with OpenAIEmulator(personality=LITELLM) as proxy:
        lane = lane_for(proxy.base_url, model="openai/gpt-image-2", size="auto")

        made = await lane.generator.generate(lane.request())

        (sent,) = proxy.bill.log()
    assert "response_format" not in sent.fields
    assert sent.fields["size"] == "864x1536"
    assert made.cost is not None


@pytest.mark.parametrize(
    ("fault", "kind", "wait"),
    [
        ("litellm_rate", ThrottledError, 60),
        ("litellm_no_deployment", ThrottledError, 5),
        ("litellm_budget", ExhaustedError, None),
    ],
)
async def test_what_litellm_refuses_by_itself(
    lane_for: MakeLane, fault: str, kind: type[Exception], wait: float | None
) -> None:
    """Its limits are waited for; its budgets, which are no 429, are not."""
    async with OpenAIEmulator(personality=LITELLM) as proxy:
        lane = lane_for(proxy.base_url)
        proxy.add_fault(fault)

        with pytest.raises(kind) as refused:
            await lane.generator.generate(lane.request())

    assert getattr(refused.value, "wait") == wait  # noqa: B009 - of whichever kind


async def test_a_refused_response_format_names_the_setting(lane_for: MakeLane) -> None:
    """Behind a gateway's alias OpenAI is not to be known; what helps is one setting."""
    async with OpenAIEmulator(personality=LITELLM) as proxy:
        lane = lane_for(proxy.base_url, model="pictures")

        with pytest.raises(InvalidRequestError, match=r"Unknown parameter: 'response_format'; .*response_format=none"):
            await lane.generator.generate(lane.request())


# -- servers of one's own


async def test_localai_is_asked_for_bytes_and_told_what_must_not_be(lane_for: MakeLane) -> None:
    """It would answer with an address, draw a square for a size of auto, and takes the negative after a bar."""
    async with OpenAIEmulator(personality=LOCALAI) as localai:
        lane = lane_for(localai.base_url, key=None, server="localai", model="stablediffusion", size="auto")

        await lane.generator.generate(lane.request("a jester", negative="text, watermark"))

        (sent,) = localai.bill.log()
        (paid,) = localai.bill.generations
    assert sent.fields["response_format"] == "b64_json"
    assert sent.fields["prompt"] == "a jester|text, watermark"
    assert paid.size == (768, 1360)
    assert lane.tickets == []


async def test_a_model_that_localai_does_not_have_is_told_as_that(lane_for: MakeLane) -> None:
    """Its 404 has no code: it must not pass for a path that is not there."""
    async with OpenAIEmulator(personality=LOCALAI) as localai:
        lane = lane_for(localai.base_url, key=None, server="localai", model="sd")

        with pytest.raises(InvalidRequestError, match=r"`sd` does not exist.*-o model="):
            await lane.generator.generate(lane.request())

        assert localai.bill.generations == []


async def test_localais_quota_is_a_window(lane_for: MakeLane) -> None:
    """Its code says quota exceeded, its Retry-After thirty seconds."""
    async with OpenAIEmulator(personality=LOCALAI) as localai:
        lane = lane_for(localai.base_url, key=None, server="localai")
        localai.add_fault("localai_quota")

        with pytest.raises(ThrottledError) as refused:
            await lane.generator.generate(lane.request())

    assert refused.value.wait == 30


@pytest.mark.parametrize("personality", [VLLM, SGLANG], ids=lambda one: one.name)
async def test_a_server_of_one_model_is_not_sent_the_default(lane_for: MakeLane, personality: Any) -> None:
    """It refuses any name but its own; the one the user types is sent."""
    async with OpenAIEmulator(personality=personality) as server:
        await lane_for(server.base_url, key=None, server=personality.name).generator.generate(
            lane_for(server.base_url).request()
        )
        named = lane_for(server.base_url, key=None, server=personality.name, model=personality.models[0])
        await named.generator.generate(named.request())

        first, second = server.bill.log()
    assert "model" not in first.fields
    assert second.fields["model"] == personality.models[0]


async def test_another_model_than_the_served_one_is_told_with_the_remedy(lane_for: MakeLane) -> None:
    """The server's own words, in FastAPI's envelope, and what to leave out."""
    async with OpenAIEmulator(personality=VLLM) as vllm:
        lane = lane_for(vllm.base_url, key=None, server="vllm", model="flux")

        with pytest.raises(InvalidRequestError, match=r"Model mismatch: .*; .*leave the name out with -o model="):
            await lane.generator.generate(lane.request())


async def test_an_engine_that_is_not_ready_is_waited_for(lane_for: MakeLane) -> None:
    """vLLM while it loads its weights."""
    async with OpenAIEmulator(personality=VLLM) as vllm:
        lane = lane_for(vllm.base_url, key=None, server="vllm")
        vllm.add_fault("vllm_not_ready")

        with pytest.raises(ThrottledError, match="vLLM: Engine is not ready"):
            await lane.generator.generate(lane.request())


async def test_together_is_told_width_and_height(lane_for: MakeLane) -> None:
    """Two numbers, and base64 by its own name."""
    async with OpenAIEmulator(personality=TOGETHER) as together:
        lane = lane_for(together.base_url, server="together", model=TOGETHER.models[1], size="96x128")

        await lane.generator.generate(lane.request())

        (sent,) = together.bill.log()
    assert {"width": 96, "height": 128, "response_format": "base64"}.items() <= sent.fields.items()
    assert "size" not in sent.fields


async def test_a_bare_list_of_models_is_read_by_what_they_do(lane_for: MakeLane) -> None:
    """Together's list has no envelope, and says of each model whether it draws."""
    async with OpenAIEmulator(personality=TOGETHER) as together:
        lane = lane_for(together.base_url, server="together")

        models = await lane.generator.models()

    assert models is not None
    assert {one.id for one in models} == set(TOGETHER.models)


async def test_a_server_of_ones_own_lists_all_its_models(lane_for: MakeLane) -> None:
    """Nothing tells which of them draw."""
    async with OpenAIEmulator(personality=LOCALAI) as localai:
        lane = lane_for(localai.base_url, key=None)

        models = await lane.generator.models()

    assert models is not None
    assert [one.id for one in models] == list(LOCALAI.models)


# -- wrong addresses


async def test_an_address_without_the_api_names_the_setting(lane_for: MakeLane) -> None:
    """A forgotten /v1 stops the lane at once, rather than failing every character by itself."""
    async with OpenAIEmulator(personality=RELAY) as server:
        lane = lane_for(f"{server.url}/wrong")

        with pytest.raises(FatalError, match=r"has no /images/generations \(HTTP 404\); check the setting base_url"):
            await lane.generator.generate(lane.request())
        with pytest.raises(FatalError, match=r"has no /files .*--uploader none"):
            await lane.uploader.upload(lane.saved(lane.picture()))


@pytest.mark.parametrize("address", ["api.openai.com/v1", "sk-0123456789abcdef", "http://[::1", "ftp://x/v1"])
async def test_what_is_no_address_names_the_setting_and_is_not_repeated(lane_for: MakeLane, address: str) -> None:
    """People paste a key into the wrong field."""
    lane = lane_for(address)

    with pytest.raises(FatalError, match="base_url is no web address") as refused:
        await lane.generator.open()

    assert "sk-0" not in refused.value.message


async def test_a_redirect_is_not_followed(lane_for: MakeLane) -> None:
    """The key stays with the host it was given for."""
    from tests.emulators.openai_images import Reply

    async with OpenAIEmulator() as server:
        lane = lane_for(server.base_url)
        server.add_fault(Reply(308, b"", {"Location": "http://127.0.0.1:9/"}))

        with pytest.raises(FatalError, match=r"redirects .HTTP 308. and is not followed; check the setting base_url"):
            await lane.generator.generate(lane.request())


@pytest.mark.parametrize("server", ["vllm", "sglang", "together"])
async def test_a_server_without_files_is_told_before_a_picture_is_paid_for(lane_for: MakeLane, server: str) -> None:
    """The uploader of the generator's name is the default, and could take nothing there."""
    async with OpenAIEmulator(personality=PERSONALITIES[server]) as emulator:
        lane = lane_for(emulator.base_url, server=server)

        with pytest.raises(FatalError, match="keeps no pictures; use --uploader none"):
            await lane.uploader.open()

        assert emulator.bill.log() == []


def test_the_declaration_loads_nothing_heavy() -> None:
    """Lists of providers read it: neither aiohttp nor Pillow is loaded for that."""
    heavy = "import sys, charimg_openai.generator, charimg_openai.uploader; print({'aiohttp', 'PIL'} & {*sys.modules})"

    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "set()"
