"""The generator through its contract, and the service it plays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import charimg_avatar
import pytest
from charimg_avatar.generator import AvatarGenerator, size_of

from charimg.contracts import ProviderContext
from charimg.errors import FlakyError, InvalidRequestError, RejectedError, ThrottledError
from charimg.model import ImageRequest


def generator(**settings: str | float) -> AvatarGenerator:
    return AvatarGenerator(ProviderContext(folder=Path(), out=Path(), settings=settings))


def request(name: str = "Gopal", **fields: object) -> ImageRequest:
    return ImageRequest(key=name.lower(), name=name, prompt=f"storybook, {name}", aspect_ratio="1:1", **fields)  # type: ignore[arg-type]


def test_the_plugin_offers_its_generator() -> None:
    """The hook registers one class, under the entry point's name."""
    offered: list[type] = []
    charimg_avatar.register_generators(offered.append)

    assert [kind.declaration.name for kind in offered] == ["avatar"]  # type: ignore[attr-defined]


async def test_a_request_becomes_a_picture() -> None:
    """Nothing set, nothing rehearsed: a PNG, the same each time."""
    avatar = generator()
    first, second = [await avatar.generate(request(description="a red turban")) for _ in range(2)]

    assert (first.data[:4], first.data) == (b"\x89PNG", second.data)


async def test_a_whole_prompt_of_the_users_own_is_read_too() -> None:
    """Without a description the prompt's words decide."""
    avatar = generator()
    one = await avatar.generate(ImageRequest(key="a", name="A", prompt="a red turban", aspect_ratio="1:1"))
    other = await avatar.generate(ImageRequest(key="a", name="A", prompt="a blue turban", aspect_ratio="1:1"))

    assert one.data != other.data


@pytest.mark.looptime
async def test_the_quota_refuses_without_telling_a_wait_and_refills_evenly() -> None:
    """Two a minute: the third at once is throttled, and one is served every thirty seconds from then on."""
    avatar = generator(quota=2)
    await avatar.generate(request())
    await avatar.generate(request())
    with pytest.raises(ThrottledError, match=r"Rate limit reached: 2 pictures per minute") as caught:
        await avatar.generate(request())
    await asyncio.sleep(30.5)
    await avatar.generate(request())
    with pytest.raises(ThrottledError):
        await avatar.generate(request())

    assert caught.value.wait is None


@pytest.mark.looptime
async def test_latency_passes_on_the_loops_clock() -> None:
    """Five at once take as long as one."""
    avatar = generator(latency=3.0)
    begin = asyncio.get_running_loop().time()
    await asyncio.gather(*(avatar.generate(request(str(i))) for i in range(5)))

    assert asyncio.get_running_loop().time() - begin == pytest.approx(3.0, abs=0.5)


async def test_rejected_names_are_refused_and_others_are_not() -> None:
    """Names are compared without case and outer spaces."""
    avatar = generator(reject=" the thief , Mara")
    with pytest.raises(RejectedError, match="The Thief"):
        await avatar.generate(request("The Thief"))
    picture = await avatar.generate(request("Maranda"))

    assert picture.data


async def test_failures_are_the_same_in_every_rehearsal_and_about_as_many_as_asked() -> None:
    """The lot falls by key and attempt."""

    async def failures() -> list[str]:
        avatar = generator(failure_rate=0.5)
        failed = []
        for i in range(40):
            try:
                await avatar.generate(request(f"p{i}"))
            except FlakyError:
                failed.append(f"p{i}")
        return failed

    first = await failures()

    assert first == await failures()
    assert 10 <= len(first) <= 30


async def test_a_failed_request_may_succeed_when_tried_again() -> None:
    """The next attempt draws another lot."""
    avatar = generator(failure_rate=0.5)
    outcomes = set()
    for _ in range(12):
        try:
            await avatar.generate(request())
        except FlakyError:
            outcomes.add("failed")
        else:
            outcomes.add("drawn")

    assert outcomes == {"failed", "drawn"}


@pytest.mark.parametrize("ratio", ["", "16", "a:b", "1:0", "0:1", "-1:2", "1:9", "nan:1"])
def test_what_is_no_ratio_is_refused(ratio: str) -> None:
    """The message names the ratio and the remedy."""
    with pytest.raises(InvalidRequestError, match=r"write W:H such as 9:16"):
        size_of(ratio)
