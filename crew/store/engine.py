"""The database engine: SQLite in WAL mode on one file, or PostgreSQL through psycopg."""

import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from crew.errors import ConfigurationError, StoreUnavailable
from crew.settings import Settings
from crew.store.turns import TurnConnection

BUSY_TIMEOUT_S = 30
_PATIENCE_S = 10
_WAL_TRIES, _WAL_PAUSE_S = 100, 0.05


def make_engine(settings: Settings, *, pool_size: int = 5, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sa.Engine:
    """An engine for the settings' database. Nothing is connected yet, except that SQLite's folder is made and probed.

    Raises:
        StoreUnavailable: the folder of the SQLite file cannot be made or written.
    """
    url = make_url(settings.resolved_database_url)
    if not settings.is_sqlite:
        engine = sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=_PATIENCE_S,
            connect_args={"connect_timeout": _PATIENCE_S, "application_name": "stockcrew"},
        )
        sa.event.listen(engine, "connect", _end_idle_transactions_after(max(_PATIENCE_S, settings.dead_after_s)))
        return engine
    _ensure_folder(Path(str(url.database)), settings)
    engine = sa.create_engine(
        url,
        connect_args={"isolation_level": "IMMEDIATE", "timeout": busy_timeout_s, "check_same_thread": False, "factory": TurnConnection},
        pool_size=pool_size,
    )
    sa.event.listen(engine, "connect", _prepare)
    return engine


def _ensure_folder(file: Path, settings: Settings) -> None:
    folder = file.parent
    if settings.env == "production" and not folder.is_dir():
        raise ConfigurationError(f"the database folder {folder} does not exist: mount it, or set STOCKCREW_DATA_DIR or DATABASE_URL")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"the database folder {folder} cannot be written ({error.strerror}): set STOCKCREW_DATA_DIR to one that can") from None


def _end_idle_transactions_after(seconds: float) -> Callable[[Any, Any], None]:
    """What makes the server end a transaction in which nothing has happened for so long.

    A process that freezes, or whose machine is cut off, in the middle of a transaction would keep its locks for ever.
    """

    def prepare(connection: Any, _record: Any) -> None:
        # Not a start-up option: poolers in front of PostgreSQL refuse those.
        connection.execute(f"SET idle_in_transaction_session_timeout = {math.ceil(seconds * 1000)}")
        connection.commit()

    return prepare


def _prepare(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        cursor = connection.cursor()
        _enter_wal(cursor)
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    # The first change to WAL needs the file for itself and does not wait for it by the busy timeout, as other statements do.
    for _ in range(_WAL_TRIES):
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(_WAL_PAUSE_S)
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")
