"""The kit for people who write a provider: contract suites, a virtual clock, fake lanes.

Whoever subclasses the contract of a kind and names a provider and its service has about a hundred tests: a hostile
service on a real socket, and everything the contract asks for, each with one clear line where it fails. Only pytest is
needed (``pip install charimg-cli[testing]``), no plugin of it::

    import charimg
    from charimg.testing import GeneratorContract, Route, Service
    from charimg.verdicts import error_of, read_answer


    class Sketch(charimg.ImageGenerator):
        declaration = charimg.Declaration(
            name="sketch",
            summary="Draws a sketch.",
            settings=(charimg.Setting("base_url", "Address of the service.", default="https://sketch.example"),),
            credentials=(charimg.Credential("api_key", "From the account page of sketch.example."),),
        )

        async def generate(self, request):
            headers = {"Authorization": f"Bearer {self.context.credentials['api_key'].reveal()}"}
            url = f"{self.context.settings['base_url']}/v1/draw"
            answer = await self.context.http.request("POST", url, headers=headers, json={"prompt": request.prompt})
            if not answer.ok or not answer.headers.get("content-type", "").startswith("image/"):
                reading = read_answer(answer.status, answer.headers, answer.body, ceiling=self.context.wait_ceiling)
                raise error_of(reading)
            return charimg.GeneratedImage(answer.body)


    class TestSketch(GeneratorContract):
        provider = Sketch
        service = Service(Route("POST", "/v1/draw", lambda asked: asked.picture.data))

What is special is said in further attributes of the class: :attr:`~ProviderContract.settings`,
:attr:`~ProviderContract.credentials`, :attr:`~ProviderContract.own_troubles`, :attr:`~ProviderContract.skipped`. A
subclass that redefines a standard test without :func:`overrides` fails at collection.

For tests of one's own: :func:`on_virtual_clock` runs a coroutine in no time, :func:`rehearse` runs the real scheduler
with fake lanes or a real generator, :class:`PlayedService` is the service on its socket.
"""

from __future__ import annotations

from charimg.testing.bench import Bench, Came
from charimg.testing.clock import NeverEndsError, on_virtual_clock, virtual_clock
from charimg.testing.generator import GeneratorContract
from charimg.testing.guard import overrides
from charimg.testing.lanes import FakeLane, Rehearsal, Turn, rehearse
from charimg.testing.pictures import Picture, paint
from charimg.testing.provider import ProviderContract
from charimg.testing.server import PlayedService
from charimg.testing.service import Answer, Asked, Fault, Reply, Route, Service
from charimg.testing.store import StoreContract
from charimg.testing.troubles import Trouble
from charimg.testing.uploader import UploaderContract

__all__ = [
    "Answer",
    "Asked",
    "Bench",
    "Came",
    "FakeLane",
    "Fault",
    "GeneratorContract",
    "NeverEndsError",
    "Picture",
    "PlayedService",
    "ProviderContract",
    "Rehearsal",
    "Reply",
    "Route",
    "Service",
    "StoreContract",
    "Trouble",
    "Turn",
    "UploaderContract",
    "on_virtual_clock",
    "overrides",
    "paint",
    "rehearse",
    "virtual_clock",
]
