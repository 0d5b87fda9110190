"""What Yahoo answered, kept on disk until it is no longer fresh: one SQLite file that all threads and processes share."""

import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from crew.domain.base import Value
from crew.errors import ConfigurationError, MarketDataUnavailable

SCHEMA = """
CREATE TABLE IF NOT EXISTS part (
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    symbol TEXT NOT NULL,
    fresh_until REAL NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (provider, kind, symbol)
) WITHOUT ROWID
"""
VERSION = 1
KEPT_S = 7 * 86400.0
STORES_PER_PURGE = 200

Part = TypeVar("Part", bound=Value)


class PartCache:
    """Parts of snapshots by provider, kind and symbol. Safe to use from several threads and processes.

    Whether an entry answers depends on nothing but time and symbol.

    Raises:
        ConfigurationError: the folder cannot be written.
    """

    def __init__(self, path: Path, *, provider: str, clock: Callable[[], datetime]) -> None:
        self._provider = provider
        self._clock = clock
        self._lock = threading.Lock()
        self._stores = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"the market-data cache {path} cannot be used ({error}): set STOCKCREW_DATA_DIR to a folder it may write"
            ) from error

    def get(self, kind: str, symbol: str, shape: type[Part]) -> Part | None:
        """Return the entry while it is fresh, else None.

        Raises:
            MarketDataUnavailable: the file cannot be read.
        """
        with self._using() as db:
            row = db.execute(
                "SELECT payload FROM part WHERE provider = ? AND kind = ? AND symbol = ? AND fresh_until > ?",
                (self._provider, kind, symbol, self._clock().timestamp()),
            ).fetchone()
        if row is None:
            return None
        try:
            return shape.model_validate_json(zlib.decompress(row[0]))
        except (ValueError, zlib.error):
            return None  # written by a version whose parts look otherwise

    def put(self, kind: str, symbol: str, part: Value, *, fresh_until: datetime) -> None:
        """Keep `part` under its name, in place of what was there.

        Raises:
            MarketDataUnavailable: the file cannot be written.
        """
        payload = zlib.compress(part.model_dump_json().encode(), 1)
        with self._using() as db:
            db.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)", (self._provider, kind, symbol, fresh_until.timestamp(), payload))
            self._stores += 1
            if self._stores % STORES_PER_PURGE == 0:
                db.execute("DELETE FROM part WHERE fresh_until < ?", (self._clock().timestamp() - KEPT_S,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                yield self._db
        except sqlite3.Error as error:
            raise MarketDataUnavailable(f"the market-data cache under STOCKCREW_DATA_DIR cannot be used: {error}") from error

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            self._db.execute("DROP TABLE IF EXISTS part")
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute(SCHEMA)
