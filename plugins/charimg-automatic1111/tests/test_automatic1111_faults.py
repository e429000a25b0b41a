"""What goes wrong at the server, in the core's words, over real sockets."""

from __future__ import annotations

import json
import logging
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from a1111_lane import Lane, MakeLane
from charimg_automatic1111.faults import error_from
from charimg_automatic1111.protocol import checkpoints_of, drawn, progress_of, title_of
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import FlakyError, ProviderError, RejectedError
from charimg.http import Answer
from charimg.images import inspect
from charimg.model import Verdict
from tests.emulators.automatic1111 import Automatic1111Emulator

CORPUS = json.loads((Path(__file__).parents[3] / "tests" / "data" / "error_corpus.json").read_text())
ROWS = [row for row in CORPUS if row["provider"] == "a1111"]


def http_exception(detail: str) -> dict[str, str]:
    return {"error": "HTTPException", "detail": detail, "body": "", "errors": ""}


def raised(kind: str, errors: str) -> dict[str, str]:
    return {"error": kind, "detail": "", "body": "", "errors": errors}


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
async def test_every_row_of_the_corpus(server: Automatic1111Emulator, lane: Lane, row: dict[str, Any]) -> None:
    """The replies that were read in the server's source have their verdict through the plugin."""
    server.add_fault(row["status"], row["body"], headers=row["headers"])

    with pytest.raises(ProviderError) as failed:
        await lane.generator.generate(lane.request())

    assert (failed.value.verdict, failed.value.wait) == (Verdict(row["want"]), row["wait"])


@pytest.mark.parametrize(
    ("status", "body", "verdict", "words"),
    [
        (500, raised("OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB"), "flaky", "-o pixels"),
        (500, raised("OutOfMemoryError", "Allocation on device 0 would exceed it"), "flaky", "-o pixels"),
        (500, raised("RuntimeError", "MPS backend out of memory (MPS allocated: 9 GB)"), "flaky", "smaller -o pixels"),
        (500, raised("NansException", "A tensor with all NaNs was produced in Unet."), "flaky", "all NaNs"),
        (500, http_exception("Invalid encoded image"), "flaky", "Invalid encoded image"),
        (404, http_exception("Model not found"), "invalid", "--models"),
        (404, http_exception("Sampler not found"), "invalid", "-o sampler="),
        (400, http_exception("Sampler not found"), "invalid", "-o sampler="),
        (404, {"detail": "Not Found"}, "fatal", "--api"),
        (404, b"<html>nginx</html>", "fatal", "--api"),
        (405, {"detail": "Method Not Allowed"}, "fatal", "--api"),
        (401, {"detail": "Not authenticated"}, "fatal", "charimg keys set automatic1111"),
        (422, {"detail": [{"loc": ["body", "steps"], "msg": "Input should be a valid integer", "type": "int_type"}]},
         "invalid", "steps: Input should be a valid integer"),
        (422, http_exception("Script 'x' not found"), "invalid", "Script 'x' not found"),
        (502, b"<html>bad gateway</html>", "throttled", "HTTP 502"),
        (503, b"", "throttled", "HTTP 503"),
        (500, b"Internal Server Error", "flaky", "Internal Server Error; the server's console says why"),
    ],
)  # fmt: skip
async def test_what_the_server_says_and_what_it_means(
    server: Automatic1111Emulator, lane: Lane, status: int, body: Any, verdict: str, words: str
) -> None:
    """One line with the server's own words, where it happened and what to do."""
    server.add_fault(status, body)

    with pytest.raises(ProviderError) as failed:
        await lane.generator.generate(lane.request())

    assert failed.value.verdict == Verdict(verdict)
    assert words in failed.value.message
    assert "127.0.0.1" in failed.value.message
    assert "\n" not in failed.value.message


async def test_an_unknown_sampler_names_the_setting(server: Automatic1111Emulator, lane_for: MakeLane) -> None:
    """A sampler that the server does not know comes back with the setting's name, whichever server and status."""
    for server.behaviour.forge in (False, True):
        with pytest.raises(ProviderError, match="-o sampler="):
            await lane_for(server.url, sampler="Nonesuch").generator.generate(lane_for(server.url).request())

    assert server.bill.made == []


@pytest.mark.parametrize(
    ("fault", "verdict", "charged"),
    [
        ("no-pictures", Verdict.FLAKY, False),
        ("bad-base64", Verdict.FLAKY, False),
        ("truncate", Verdict.FLAKY, True),
        ("drop", Verdict.THROTTLED, True),
        ("drop-after", Verdict.THROTTLED, True),
    ],
)
async def test_an_answer_without_its_picture(
    server: Automatic1111Emulator, lane: Lane, fault: str, verdict: Verdict, charged: bool
) -> None:
    """None is asked for twice by the plugin: that is the core's business."""
    server.add_fault(fault)

    with pytest.raises(ProviderError) as failed:
        await lane.generator.generate(lane.request())

    assert (failed.value.verdict, failed.value.possibly_charged) == (verdict, charged)
    assert len(server.bill.paths("/sdapi/v1/txt2img")) == 1


async def test_a_black_picture_is_no_picture_of_a_character(server: Automatic1111Emulator, lane_for: MakeLane) -> None:
    """It is an NSFW extension's answer, or a VAE that failed: refused, unless the user wants it."""
    server.add_fault("black", times=2)
    lane = lane_for(server.url)

    with pytest.raises(RejectedError, match=r"wholly black.*--no-half-vae.*refuse_black=no"):
        await lane.generator.generate(lane.request())
    kept = await lane_for(server.url, refuse_black=False).generator.generate(lane.request())

    assert inspect(kept.data).width == 768


async def test_a_grid_in_front_is_not_taken_for_the_picture(server: Automatic1111Emulator, lane: Lane) -> None:
    """The server says where its pictures begin."""
    server.add_fault("grid")

    made = await lane.generator.generate(lane.request())

    assert inspect(made.data).width == 768


@pytest.mark.parametrize(("fault", "known"), [("garbled-info", False), ("object-info", True)])
async def test_an_info_of_another_form_costs_the_seed_at_most(
    server: Automatic1111Emulator, lane: Lane, fault: str, known: bool
) -> None:
    """The picture is there, whatever is said of it."""
    server.add_fault(fault)

    made = await lane.generator.generate(lane.request())

    assert inspect(made.data).format == "png"
    assert made.seed == (server.bill.made[0].seed if known else None)


# -- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500])
@pytest.mark.parametrize("order", [0, 1])
async def test_a_server_that_repeats_the_login_is_not_repeated(
    server: Automatic1111Emulator, lane_for: MakeLane, caplog: pytest.LogCaptureFixture, status: int, order: int
) -> None:
    """No piece of the password or of the header made of it appears, wherever the message is cut."""
    caplog.set_level(logging.DEBUG)
    secrets = ["Qz!sesame-42", "YW5uOlF6IXNlc2FtZS00Mg=="][:: 1 - 2 * order]
    lane = lane_for(server.url, "ann", "Qz!sesame-42")
    said = ""
    for before in (0, *range(224, 240)):
        server.add_fault(status, http_exception("x" * before + " " + " ".join(secrets)))
        with pytest.raises(ProviderError) as failed:
            await lane.generator.generate(lane.request())
        said += "".join(traceback.format_exception(failed.value)) + repr(failed.value) + str(failed.value.__dict__)

    assert "Qz!" not in said + caplog.text
    assert "YW5u" not in said + caplog.text


# -- whatever comes ----------------------------------------------------------------------------------------------------

NAMES = ["images", "info", "seed", "state", "progress", "job_count", "sampling_step", "sampling_steps", "title"]
NAMES += ["model_name", "filename", "hash", "sha256", "detail", "error", "errors", "loc", "msg", "index_of_first_image"]
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=15,
)


@given(anything)
def test_no_answer_makes_the_reading_of_a_picture_stumble(data: Any) -> None:
    """It is a picture's bytes or a flaky answer."""
    with suppress(FlakyError):
        assert drawn(data).data


@given(anything)
def test_no_answer_makes_the_reading_of_progress_or_checkpoints_stumble(data: Any) -> None:
    """A fraction is one, and words are on one line."""
    told = progress_of(data)
    models = checkpoints_of(data)

    title_of(data, "sd_xl")
    assert all(model.id for model in models)
    assert told is None or (told[1] and (told[0] is None or 0 <= told[0] <= 1))


@given(st.integers(300, 599), anything | st.binary(max_size=40))
def test_no_refusal_makes_the_reading_stumble(status: int, data: Any) -> None:
    """Whatever comes is one of the core's errors with one line of text."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()

    error = error_from(Answer(status, {}, body), "gpu:7860", clean=str, ceiling=900, login="run: x")

    assert isinstance(error, ProviderError)
    assert error.message
    assert "\n" not in error.message
