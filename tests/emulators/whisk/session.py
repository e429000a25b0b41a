"""The NextAuth session call: a cookie for a bearer, and all the ways in which it does not give one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from .accounts import Account
from .behaviour import COOKIE_NAME
from .replies import Reply, html_reply, json_reply
from .service import Service

LOGIN_PAGE = "https://labs.google/fx/api/auth/signin"


def session_reply(service: Service, account: Account | None) -> Reply:
    """The answer to a session call of *account* (``None``: no or unknown login, which is still a 200)."""
    mode = service.behaviour.session_mode
    if mode in ("redirect-302", "redirect-308"):
        return Reply(int(mode[-3:]), b"", headers={"Location": LOGIN_PAGE})
    if mode in ("401", "403"):
        return json_reply({}, int(mode))
    if mode == "html":
        return html_reply(200, "Sign in - Google Accounts")
    if mode == "blank":
        return Reply(200, b"")
    if account is None or mode == "empty":
        return json_reply({})
    if mode == "null-user":
        return json_reply({"user": None})
    ends = datetime.now(timezone.utc) + timedelta(seconds=service.behaviour.session_expires_in)
    answer: dict[str, Any] = {
        "user": {
            "name": "Test User",
            "email": "test.user@example.com",
            "image": "https://lh3.googleusercontent.com/a/fake",
        },
        "expires": ends.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
    if mode in ("refresh-needed", "refresh-needed-bare"):
        answer["error"] = "ACCESS_TOKEN_REFRESH_NEEDED"
        if mode == "refresh-needed":
            # Looks like any other, but was never given to an account: it must not be used.
            answer["access_token"] = "ya29.dead-bearer-of-a-dead-login"
        return json_reply(answer)
    answer["access_token"] = service.accounts.bearer(account)
    if mode == "rotated":
        answer["cookies"] = [{"name": COOKIE_NAME, "value": service.accounts.rotate(account)}]
    return json_reply(answer)
