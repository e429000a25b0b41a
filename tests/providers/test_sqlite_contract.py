"""The store ``sqlite`` keeps the contract of stores."""

from __future__ import annotations

from charimg.providers.sqlite import SqliteStore
from charimg.testing import StoreContract


class TestSqlite(StoreContract):
    """The ledger in one file."""

    provider = SqliteStore
