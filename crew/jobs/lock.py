"""The one worker of an SQLite file: a lock that the system takes back from a process that dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crew.errors import StoreUnavailable, WorkerAlreadyRunning


@contextmanager
def worker_lock(file: Path) -> Iterator[None]:
    """Hold the lock beside the database `file` while the block runs.

    Raises:
        WorkerAlreadyRunning: another process holds it.
        StoreUnavailable: the lock file cannot be written.
    """
    path = file.with_name(file.name + ".worker-lock")
    try:
        handle = path.open("a+")
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise WorkerAlreadyRunning(
                f"process {holder} already is the worker of {file.name}: SQLite takes one worker; stop it, or use PostgreSQL by DATABASE_URL"
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
