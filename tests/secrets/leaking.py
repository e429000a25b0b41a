"""A provider of a stranger's that leaks wherever it can: what it was given stands in all that it gives back."""

PLUGIN = '''
"""Leaks."""

import base64, os, struct, sys, zlib
from urllib.parse import quote

import charimg
from charimg.errors import ExhaustedError, FatalError, FlakyError, InvalidRequestError, RejectedError, ThrottledError

TROUBLES = {
    "throttled": ThrottledError,
    "exhausted": ExhaustedError,
    "rejected": RejectedError,
    "flaky": FlakyError,
    "invalid": InvalidRequestError,
    "fatal": FatalError,
}


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(name):
    colour = struct.pack(">I", zlib.crc32(name.encode()))[:3]
    rows = b"".join(b"\\\\0" + colour * 8 for _ in range(8))
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\\\\x89PNG\\\\r\\\\n\\\\x1a\\\\n" + b"".join(_chunk(*part) for part in parts)


class Everything:
    declaration = charimg.Declaration(
        name="leaky",
        summary="Leaks.",
        settings=(
            charimg.Setting("mood", "What it does.", str, "well"),
            charimg.Setting("base_url", "Where it is.", str, "http://127.0.0.1:9"),
        ),
        credentials=(charimg.Credential("api_key", "Ask for one."),),
        abilities=charimg.Abilities(seed=True),
    )

    @property
    def words(self):
        key = self.context.credentials["api_key"].reveal()
        login = str(self.context.settings["base_url"]).partition("://")[2].partition("@")[0]
        both = f"{key} {login}"
        return f"{both} {quote(both)} {both.upper()} {base64.b64encode(both.encode()).decode()} {both[:9]} {both[9:]}"

    @property
    def mood(self):
        return str(self.context.settings["mood"])

    async def open(self):
        if self.mood == "broken":
            raise RuntimeError(f"cannot open: {self.words}")

    async def close(self):
        if self.mood == "sulky":
            raise RuntimeError(f"cannot close: {self.words}")

    def fail(self):
        if self.mood in TROUBLES:
            raise TROUBLES[self.mood](f"no: {self.words}")
        if self.mood == "crash":
            try:
                raise KeyError(self.words)
            except KeyError as error:
                raise RuntimeError(f"it broke: {self.words}") from error
        if self.mood == "exit":
            sys.exit(f"bye: {self.words}")


class Leaky(Everything, charimg.ImageGenerator):
    async def generate(self, request):
        import asyncio

        self.context.progress(request, 0.5, f"at work with {self.words}")
        if self.mood == "slow":
            await asyncio.sleep(60)
        if self.mood == "ticket":
            await self.context.accepted(request, self.words[:1500])
        self.fail()
        words = self.words
        return charimg.GeneratedImage(
            picture(request.name),
            seed=7,
            model=f"model {words}",
            prompt=f"{request.prompt}, rewritten by {words}",
            request_id=f"id {words}",
            media=charimg.MediaReference(f"https://svc.example/?key={words}", kind="url", caption=words),
            cost=charimg.Cost(0.5, words, "reported"),
        )

    async def check(self):
        raise FatalError(f"your login: {self.words}")

    async def models(self):
        raise FatalError(f"your models: {self.words}")


class LeakyUploader(Everything, charimg.Uploader):
    async def upload(self, picture):
        if self.mood == "upload":
            raise InvalidRequestError(f"not taken: {self.words}")
        return charimg.MediaReference("plain-id-1", caption=self.words, lane=self.context.lane)


class Listener(charimg.Observer):
    def hear(self, event):
        if event.event == "job_saved" and os.environ.get("LEAKY_LISTENER"):
            raise RuntimeError(f"cannot hear: {os.environ['CHARIMG_LEAKY_API_KEY']}")


@charimg.hookimpl
def register_generators(register):
    register(Leaky)


@charimg.hookimpl
def register_uploaders(register):
    register(LeakyUploader)


@charimg.hookimpl
def register_observers(register):
    register(Listener)
'''.replace("\\\\", "\\")
