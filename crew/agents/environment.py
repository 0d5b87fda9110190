"""What CrewAI needs in place before it is imported: no telemetry, its files in our folder, a home it can write, locks in this process.

The one place besides `crew.settings` that touches the environment, since CrewAI reads nothing else.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crew.agents.building import one_at_a_time

_QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "CREWAI_TESTING": "true",
    "LANGSMITH_TRACING": "false",
}
_locks: dict[str, threading.RLock] = {}
_locks_guard = threading.Lock()
_preparing = threading.Lock()
_prepared = False


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def _process_lock(name: str, *, timeout: float = -1) -> Iterator[None]:
    """A lock among the threads of this process: CrewAI's own polls a file four times a second, and each process has its own files."""
    with _locks_guard:
        lock = _locks.setdefault(name, threading.RLock())
    if not lock.acquire(timeout=timeout if timeout and timeout > 0 else -1):
        raise TimeoutError(f"lock {name} was not free within {timeout} s")
    try:
        yield
    finally:
        lock.release()


def prepare(data_dir: Path) -> None:
    """Set CrewAI's surroundings. Only the first call of a process does anything, and others wait for it; call it before CrewAI is imported.

    Args:
        data_dir: the service's data folder; CrewAI's files go into `crewai` below it, and so does HOME when HOME cannot be written.
    """
    global _prepared  # noqa: PLW0603 - CrewAI's surroundings are those of the process
    with _preparing:
        if not _prepared:
            _prepare(data_dir)
            _prepared = True


def _prepare(data_dir: Path) -> None:
    storage = (data_dir / "crewai" / str(os.getpid())).resolve()
    storage.mkdir(parents=True, exist_ok=True)
    os.environ.update(_QUIET, CREWAI_STORAGE_DIR=str(storage))
    if not _writable(Path.home()):
        os.environ["HOME"] = str(data_dir.resolve())
    one_at_a_time()
    from crewai_core.lock_store import set_lock_backend  # noqa: PLC0415 - the variables above must stand first

    set_lock_backend(_process_lock)
