"""Addresses of services: prefixes are kept, and a key goes only where it belongs."""

from __future__ import annotations

import pytest

from charimg.addresses import host_and_port, join, same_service
from charimg.errors import FatalError


@pytest.mark.parametrize(
    ("base", "path", "whole"),
    [
        ("https://host", "v1/models", "https://host/v1/models"),
        ("https://host/", "/v1/models", "https://host/v1/models"),
        ("https://host/openai/v1/", "/images", "https://host/openai/v1/images"),
        ("https://host/x?api-version=1", "images?n=2", "https://host/x/images?api-version=1&n=2"),
        (" http://127.0.0.1:8188 ", "prompt", "http://127.0.0.1:8188/prompt"),
    ],
)
def test_a_path_is_put_below_the_base(base: str, path: str, whole: str) -> None:
    """The prefix and the query of the user's address are kept."""
    assert join(base, path) == whole


@pytest.mark.parametrize(
    "wrong", ["", "sk-secret", "ftp://file.example", "https://?sk-secret", "http://[::1", "http://h.example:99999"]
)
def test_what_is_no_address_is_told_without_repeating_it(wrong: str) -> None:
    """A key pasted into the wrong field stands in no message."""
    with pytest.raises(FatalError, match="base_url is no web address") as caught:
        join(wrong, "v1")

    assert not wrong or wrong not in str(caught.value)


def test_host_and_port_are_complete() -> None:
    """The scheme's own port is filled in; IPv6 keeps its brackets."""
    assert [host_and_port(url) for url in ("https://h/x", "http://h", "http://[::1]:7860/")] == [
        "h:443",
        "h:80",
        "[::1]:7860",
    ]


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://api.example/v1/jobs/1", True),
        ("https://api.example:443/other", True),
        ("http://api.example/v1", False),
        ("https://api.example.evil/v1", False),
        ("https://api.example:8443/v1", False),
        ("javascript:alert(1)", False),
    ],
)
def test_another_service_is_told_apart(url: str, same: bool) -> None:
    """Scheme, host and port must agree before a key is sent."""
    assert same_service(url, "https://api.example/v1") is same
