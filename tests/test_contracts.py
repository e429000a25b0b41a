"""What the core hands to a provider."""

from __future__ import annotations

from pathlib import Path

from charimg.contracts import ProviderContext


def test_what_a_lane_shares_is_made_once_and_apart_from_other_things(tmp_path: Path) -> None:
    """Generator and uploader get the same object; two functions that make different things get different ones."""

    def login(_context: ProviderContext) -> list[str]:
        return ["login"]

    def shelf(_context: ProviderContext) -> list[str]:
        return ["shelf"]

    context = ProviderContext(folder=tmp_path, out=tmp_path)
    first = context.share(login)

    assert (context.share(login) is first, context.share(shelf)) == (True, ["shelf"])
