"""The real ledger in a real SQLite file, whose transactions are counted, cut and refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from charimg.contracts import ProviderContext
from charimg.providers.sqlite import SqliteStore
from tests.simulation.disk import PowerCut


@dataclass
class LedgerFile:
    """The file under the ledger, as a machine has it that may lose its power.

    What is committed is durable: that SQLite keeps this promise is SQLite's to prove, and has been.
    """

    path: Path
    tell: Callable[[str], None]
    power_cut: Callable[[], None] = lambda: None
    cut: Callable[[int], float | None] = lambda _number: None
    """Whether the power fails in this transaction: ``None``, or below 0.5 before it is committed, above it after."""
    full: Callable[[int], bool] = lambda _number: False
    off: bool = False
    written: int = 0
    """Transactions of this run that changed something."""
    connections: list[sqlite3.Connection] = field(default_factory=list)
    _saved: dict[Path, bytes] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """The ledger and its log."""
        return [self.path, self.path.with_name(f"{self.path.name}-wal")]

    def knows(self, attempt: str) -> bool:
        """Whether the intent of an attempt is recorded at this moment."""
        return self.connections[-1].execute("SELECT 1 FROM attempt WHERE id = ?", (attempt,)).fetchone() is not None

    def keep(self) -> None:
        """The power fails: this is what is on the disk."""
        self._saved = {path: path.read_bytes() for path in self.files if path.exists()}
        self.off = True

    def start_again(self) -> None:
        """The machine is on again."""
        self.remove()
        for path, data in self._saved.items():
            path.write_bytes(data)
        self.off = False

    def remove(self) -> None:
        """There is no ledger any more."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        for path in [*self.files, self.path.with_name(f"{self.path.name}-shm")]:
            path.unlink(missing_ok=True)


LEDGERS: dict[Path, LedgerFile] = {}
"""By project folder: a store is made by the run, and knows nothing but its context."""


class SimulatedLedger(SqliteStore):
    """See the module's text."""

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._machine = LEDGERS[context.folder]

    async def open(self) -> None:
        """See :class:`charimg.contracts.Store`."""
        await super().open()
        if self._db is not None:
            self._machine.connections.append(self._db)

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        file = self._machine
        if file.off:
            raise PowerCut
        cut = None
        with super()._transaction(begin) as db:
            before = db.total_changes
            yield db
            if db.total_changes != before:
                file.written += 1
                cut = file.cut(file.written)
                if cut is not None and cut < 0.5:
                    file.tell(f"ledger {file.written}: THE POWER FAILS before it is committed")
                    file.power_cut()
                    raise PowerCut
                if file.full(file.written):
                    file.tell(f"ledger {file.written}: no space left")
                    raise sqlite3.OperationalError("database or disk is full")
        if cut is not None:
            file.tell(f"ledger {file.written}: THE POWER FAILS after it was committed")
            file.power_cut()
            raise PowerCut
