"""Secrets that nobody could take for anything else, planted wherever one may stand, and the search for them.

What there is to plant is read from the declarations: a provider that is added tomorrow is covered by itself. The search
knows nothing of how charimg erases secrets.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit

from charimg.contracts import Declaration
from charimg.plugins import Kind, Plugins
from charimg.settings.values import variable

ROSTER = "Ana: a tall queen with a crown of glass\nBo: a boatman with a wide straw hat\n"


def secret_of(*words: str) -> str:
    """A secret for these words: with letters that addresses, JSON and HTML each write in their own way."""
    digits = hashlib.sha256(" ".join(words).encode()).hexdigest()
    return f"Pl4nted/{digits[:12]}+Qx={digits[12:20]}&{words[-1][:4]}"


def declarations() -> list[Declaration]:
    """Of every provider that is installed, each once."""
    plugins = Plugins()
    loaded = (plugins.load(kind, name).declaration for kind in Kind for name in plugins.names(kind))
    return list({(one.name, one.credentials, one.settings): one for one in loaded}.values())


def address_settings(about: Declaration) -> list[str]:
    """The settings that hold the address of a service, which may hold a password."""
    return [one.name for one in about.settings if one.name.endswith("_url") or str(one.default).startswith("http")]


@dataclass
class Planting:
    """What was planted: each secret by where it stands."""

    secrets: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    """The variables they stand in."""

    def credential(self, about: Declaration, name: str, variable_name: str | None = None) -> str:
        """Plant a credential; the whole text of it."""
        text = secret_of(about.account_name, name)
        where = variable_name or variable(about.account_name, name)
        self.secrets[where] = text
        whole = f"__Secure-next-auth.session-token={quote(text)}" if name == "cookie" else text
        self.environ[where] = whole
        if any(setting.name == "user" for setting in about.settings):  # half a login is none
            self.environ[variable(about.account_name, "user")] = "me"
        return whole

    def address(self, about: Declaration, setting: str, url: str) -> None:
        """Plant a password in the address of a service."""
        parts = urlsplit(url)
        where = variable(about.account_name, setting)
        self.secrets[where] = secret_of(about.account_name, setting)
        self.environ[where] = f"{parts.scheme}://me:{quote(self.secrets[where], safe='')}@{parts.netloc}{parts.path}"

    def everywhere(self, url: str, *, logins: bool = False) -> Planting:
        """In every credential, with the services at *url*.

        :param logins: in every address too. Many services then refuse to be asked: there is room for one login.
        """
        for about in declarations():
            for one in about.credentials:
                self.credential(about, one.name)
            for name in address_settings(about):
                if logins:
                    self.address(about, name, url)
                else:
                    self.environ[variable(about.account_name, name)] = url
        return self


def spellings(secret: str) -> Iterator[tuple[str, str]]:
    """How a secret may be written, with what that is called; in small letters and without spaces."""
    raw = secret.encode()
    yield "plain", secret
    yield "in an address", quote(secret, safe="")
    yield "in a form", quote_plus(secret)
    yield "in an address in an address", quote(quote(secret, safe=""), safe="")
    yield "in JSON", json.dumps(secret)[1:-1].replace("/", "\\/")
    yield "in hex digits", raw.hex()
    yield "its beginning", secret[:20]
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw).decode()
        core = whole[4 if shift else 0 : len(whole) - 4]
        yield "in base64", core
        yield "in base64 for addresses", core.translate(str.maketrans("+/", "-_"))


_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


def found_in(data: bytes, secrets: Mapping[str, str]) -> list[str]:
    """Which secrets stand in the data, and how they are written there."""
    text = data.decode("utf-8", "replace")
    texts = {text, _STEERING.sub("", text), unescape(text)}
    squeezed = {re.sub(r"\s+", "", one).lower() for one in texts}
    return [
        f"{name} {how}"
        for name, secret in secrets.items()
        for how, spelled in spellings(secret)
        if any(re.sub(r"\s+", "", spelled).lower() in one for one in squeezed)
    ]


def found_below(folders: Iterable[Path], secrets: Mapping[str, str], besides: Iterable[Path] = ()) -> list[str]:
    """The same for every file below the folders: its name, its bytes, and what a picture says of itself.

    The bytes of a database are those of its log and its free pages too.
    """
    found = []
    excepted = {path.resolve() for path in besides}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.resolve() in excepted:
                continue
            data = str(path.relative_to(folder)).encode()
            data += b"\n" + path.read_bytes() + b"\n" + _told_by(path) if path.is_file() else b""
            found += [f"{path.relative_to(folder)}: {one}" for one in found_in(data, secrets)]
    return found


def _told_by(path: Path) -> bytes:
    """What the metadata of a picture says, unpacked."""
    if path.suffix not in (".png", ".jpg", ".webp", ".gif"):
        return b""
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()
        told = [*picture.info.items(), *getattr(picture, "text", {}).items(), *picture.getexif().items()]
    return "\n".join(str(one) for one in told).encode("utf-8", "replace")
