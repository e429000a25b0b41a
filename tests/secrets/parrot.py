"""A service that repeats whatever it is sent, in every spelling, under any status: the first word of the path tells
which."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from tests.emulators.served import Served

MOODS = ("200", "400", "401", "403", "429", "500", "302", "200-text", "429-page")
"""A status, and how the body is written: as JSON if nothing is said."""


class Parrot(Served):
    """Repeats."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.heard: list[str] = []
        """Every request, its headers and address included."""

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        mood = request.path.split("/")[1]
        status, _, form = mood.partition("-")
        heard = _heard(request.headers, str(request.raw_path))
        self.heard.append(heard)
        words = _in_every_spelling(heard)
        headers = {"x-request-id": heard[:2000]}
        if status == "302":
            headers["Location"] = f"{self.url}/200/?{quote(heard)}"
        if form == "text":
            return web.Response(status=int(status), text=words, headers=headers)
        if form == "page":
            page = f"<html><title>{heard[:300]}</title><p>{words}</p></html>"
            return web.Response(status=int(status), text=page, content_type="text/html", headers=headers)
        told = {
            "error": {"message": words, "code": int(status or 0), "status": heard, "type": words, "details": [words]},
            **dict.fromkeys(("message", "detail", "reason", "title", "name", "err", "logs"), words),
            **dict.fromkeys(("id", "request_id", "status", "prompt_id", "access_token"), heard),
            "errors": [words],
            "output": [words],
            "faulted": True,  # a queue that would be asked again and again otherwise
        }
        return web.Response(status=int(status), text=json.dumps(told), content_type="application/json", headers=headers)


def _heard(headers: Mapping[str, str], path: str) -> str:
    """The credentials first: messages are cut."""
    telling = [f"{name}: {value}" for name, value in headers.items() if name.lower() not in _DULL]
    logins = [value.removeprefix("Basic ") for value in headers.values() if value.startswith("Basic ")]
    return " ".join([*(base64.b64decode(login).decode() for login in logins), *telling, path])


_DULL = ("host", "accept", "accept-encoding", "user-agent", "content-length", "content-type")


def _in_every_spelling(heard: str) -> str:
    """Plain first, for it is what services do."""
    return "\n".join(
        [
            f"rejected: {heard}",
            quote(heard, safe=""),
            json.dumps(heard).replace("/", "\\/"),
            heard.upper(),
            "\n".join(heard[start : start + 13] for start in range(0, len(heard), 13)),
            base64.b64encode(heard.encode()).decode(),
        ]
    )
