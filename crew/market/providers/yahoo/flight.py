"""One fetch at a time for each thing wanted: whoever asks meanwhile gets the same answer."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from typing import Any


class SingleFlight:
    """Runs work on `pool`, at most once at a time per key. Failures reach everybody who waits, and are not kept."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._flying: dict[Hashable, Future[Any]] = {}

    def start(self, key: Hashable, work: Callable[[], Any]) -> Future[Any]:
        """Return the future of the running fetch for `key`, starting one when there is none."""
        with self._lock:
            future = self._flying.get(key)
            if future is not None and not future.done():
                return future
            future = self._pool.submit(work)
            self._flying[key] = future
        future.add_done_callback(lambda done: self._land(key, done))
        return future

    def _land(self, key: Hashable, done: Future[Any]) -> None:
        with self._lock:
            if self._flying.get(key) is done:
                del self._flying[key]
