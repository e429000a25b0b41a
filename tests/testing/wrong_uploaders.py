"""Deliberately wrong uploaders; see sample_generator.py."""

from __future__ import annotations

from typing import ClassVar

from charimg.addresses import join
from charimg.contracts import Declaration, Uploader
from charimg.errors import FlakyError, InvalidRequestError
from charimg.model import MediaReference, SavedImage
from charimg.testing import Route, Service, Trouble, UploaderContract
from charimg.verdicts import error_of, read_answer
from tests.testing.sample_generator import BASE_URL, KEY


class Shelf(Uploader):
    """Right in everything."""

    declaration = Declaration("shelf", "Keeps pictures.", settings=(BASE_URL,), credentials=(KEY,))

    async def upload(self, picture: SavedImage) -> MediaReference | None:
        if not picture.path.is_file():
            raise InvalidRequestError(f"{picture.path.name} is gone; run again to make it anew")
        return MediaReference(await self.send(picture.path.read_bytes()), uploader="shelf", lane=self.context.lane)

    async def send(self, data: bytes) -> str:
        url = join(str(self.context.settings["base_url"]), "/files")
        headers = {"Authorization": f"Bearer {self.context.credentials['api_key'].reveal()}"}
        answer = await self.context.http.request("POST", url, headers=headers, data=data)
        if not answer.ok:
            raise error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=self.context.wait_ceiling))
        found = answer.json()
        if not isinstance(found, dict) or not isinstance(found.get("id"), str):
            raise FlakyError("the service named no file")
        return str(found["id"])


class Wrong(UploaderContract):
    """A contract that its provider breaks."""

    service = Service(Route("POST", "/files", lambda asked: {"id": asked.picture_id}))
    idempotent = True
    BREAKS: ClassVar[str]
    SAYS: ClassVar[str]

    @classmethod
    def standard_troubles(cls) -> tuple[Trouble, ...]:
        """Some of them."""
        some = ("401-wrong-key", "429-seconds", "429-silent", "503-overloaded", "500")
        return tuple(one for one in super().standard_troubles() if one.id in some)


class TestRightShelf(Wrong):
    provider = Shelf
    BREAKS = ""
    SAYS = ""


class TestLiesAboutIdempotence(Wrong):
    """The service keeps every upload by itself, whatever the class says."""

    provider = Shelf
    service = Service(Route("POST", "/files", lambda asked: {"id": asked.ticket}))
    BREAKS, SAYS = "test_same_bytes_have_one_reference", "the same bytes have 3 references"


class NamesNoLane(Shelf):
    """Gives an id that looks valid everywhere."""

    async def upload(self, picture: SavedImage) -> MediaReference | None:
        given = await super().upload(picture)
        return given and MediaReference(given.id, uploader="shelf")


class TestNamesNoLane(Wrong):
    provider = NamesNoLane
    BREAKS, SAYS = "test_reference_says_where_it_is_valid", "its lane is '' instead of self.context.lane"


class NamesItself(Shelf):
    """Gives an id of its own making."""

    async def upload(self, picture: SavedImage) -> MediaReference | None:
        await super().upload(picture)
        return MediaReference(picture.facts.sha256, uploader="shelf", lane=self.context.lane)


class TestNamesItself(Wrong):
    provider = NamesItself
    BREAKS, SAYS = "test_gives_a_reference", "is not what the service gave for this picture"
    skipped: ClassVar[dict[str, str]] = dict.fromkeys(
        (
            "test_same_bytes_have_one_reference",
            "test_five_at_once_are_not_mixed_up",
            "test_cancelled_it_lets_go_and_works_again",
            "test_path_prefix_of_the_address_is_kept",
            "test_reference_says_where_it_is_valid",
            "test_leaves_the_picture_as_it_is",
            "test_opened_again_after_a_failure_it_works",
        ),
        "they compare the reference, too",
    )


class TidiesUp(Shelf):
    """Takes the picture away once it is uploaded."""

    async def upload(self, picture: SavedImage) -> MediaReference | None:
        given = await super().upload(picture)
        picture.path.unlink()
        return given


class TestTidiesUp(Wrong):
    provider = TidiesUp
    BREAKS, SAYS = "test_leaves_the_picture_as_it_is", "changed or gone after the upload"


class TripsOverAMissingFile(Shelf):
    """Lets the system's error through where a file is gone, as if the disk were the service."""

    async def upload(self, picture: SavedImage) -> MediaReference | None:
        data = picture.path.read_bytes() if picture.path.is_file() else b""
        return MediaReference(await self.send(data), uploader="shelf", lane=self.context.lane)


class TestTripsOverAMissingFile(Wrong):
    provider = TripsOverAMissingFile
    BREAKS, SAYS = "test_missing_file_costs_nothing", "something is stored for a picture that is gone"


class BelievesEverySuccess(Shelf):
    """Takes whatever comes for an id."""

    async def send(self, data: bytes) -> str:
        url = join(str(self.context.settings["base_url"]), "/files")
        headers = {"Authorization": f"Bearer {self.context.credentials['api_key'].reveal()}"}
        answer = await self.context.http.request("POST", url, headers=headers, data=data)
        if not answer.ok:
            raise error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=self.context.wait_ceiling))
        found = answer.json()
        return str(found.get("id")) if isinstance(found, dict) else str(found)


class TestBelievesEverySuccess(Wrong):
    provider = BelievesEverySuccess
    BREAKS, SAYS = "test_success_without_a_reference_is_flaky", "200 with object gives the reference 'None'"
