"""A copy of the SQLite database, taken while API and worker go on writing."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from crew.errors import ConfigurationError, StoreUnavailable
from crew.settings import Settings


def back_up(settings: Settings, target: Path) -> int:
    """Write one moment of the database, checked and complete in itself, into the new file `target`; its size in bytes.

    The file appears under its name only once it is whole, and can be read by its owner alone: it holds reports and hashes of keys.

    Raises:
        ConfigurationError: the database is PostgreSQL, or there is none, or the file exists.
        StoreUnavailable: the database cannot be read, or the file cannot be written.
    """
    if not settings.is_sqlite:
        raise ConfigurationError("the database is PostgreSQL: back it up with pg_dump (docs/operations.md)")
    source = Path(str(make_url(settings.resolved_database_url).database))
    if not source.is_file():
        raise ConfigurationError(f"there is no database {source}: set STOCKCREW_DATA_DIR or DATABASE_URL as for the service")
    if target.exists():
        raise ConfigurationError(f"{target} exists: name a new file, so that no backup is lost")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, unfinished)
        unfinished.rename(target)
        return target.stat().st_size
    except OSError as error:
        raise StoreUnavailable(f"{target} cannot be written ({error.strerror})") from None
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database {source} cannot be copied to {target} ({error})") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        # As one file: a copy in WAL mode would have two more beside it once it is opened.
        copy.execute("PRAGMA journal_mode=DELETE")
        problem = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if problem != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged: {problem}")
