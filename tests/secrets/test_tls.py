"""TLS is verified, always: no setting turns it off, and an authority of one's own is named to the system's OpenSSL."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from tests.secrets.driving import Desk
from tests.secrets.planting import ROSTER, declarations

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")


@dataclass(frozen=True)
class Server:
    """A server with a certificate that nobody has vouched for."""

    url: str
    certificate: Path
    asked: list[str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*words, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"data": []})

    loop, started, port = asyncio.new_event_loop(), threading.Event(), list[int]()

    async def serve() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        port.append(runner.addresses[0][1])
        return runner

    def work() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(serve())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    started.wait()
    yield Server(f"https://localhost:{port[0]}", certificate, asked)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


RUN = ["run", "--provider", "gemini", "--uploader", "none", "--progress", "plain"]


def test_a_certificate_nobody_vouches_for_ends_the_run_in_one_line(server: Server, tmp_path: Path) -> None:
    """It says what that means and what to do, and not one request was sent: the key stayed here."""
    desk = Desk.at(tmp_path, ROSTER)
    told = desk.drive([({"CHARIMG_GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": "key-of-the-house-1"}, RUN)]).decode()

    lines = [line for line in told.splitlines() if "certificate" in line]
    where = server.url.removeprefix("https://")
    assert len(set(lines)) == 1  # as it happens, and in the summary
    assert (
        f"the certificate of {where} is not trusted (self-signed certificate): somebody may stand between" in lines[0]
    )
    assert "SSL_CERT_FILE" in lines[0]
    assert ("# ended with 4" in told, server.asked) == (True, [])


def test_an_authority_of_ones_own_is_trusted_where_openssl_is_told(server: Server, tmp_path: Path) -> None:
    """SSL_CERT_FILE works for every command, without a setting of charimg's own."""
    desk = Desk.at(tmp_path, ROSTER)
    environ = {"CHARIMG_GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": "key-of-the-house-1"}
    told = desk.drive([({**environ, "SSL_CERT_FILE": str(server.certificate)}, RUN)]).decode()

    assert "certificate" not in told
    assert server.asked != []


def test_no_setting_turns_it_off() -> None:
    """Nothing that is declared speaks of verification, and the code never says so to a library."""
    names = [setting.name for about in declarations() for setting in about.settings]
    root = Path(__file__).resolve().parents[2]
    code = [
        path for folder in ("charimg", "plugins") for path in (root / folder).rglob("*.py") if "tests" not in path.parts
    ]
    marks = ("ssl=False", "verify_ssl", "CERT_NONE", "_create_unverified_context", "check_hostname", "verify=False")

    assert [name for name in names if any(word in name for word in ("ssl", "tls", "verify", "insecure"))] == []
    assert [path.name for path in code for mark in marks if mark in path.read_text(encoding="utf-8")] == []
