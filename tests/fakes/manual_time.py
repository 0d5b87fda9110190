"""Time that passes only when somebody sleeps or a test says so."""

import threading
from datetime import datetime, timedelta


class ManualTime:
    """A wall clock and a monotonic clock that move together. Sleeping moves both and takes no time."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._passed = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The wall clock."""
        with self._lock:
            return self._now + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since the start."""
        with self._lock:
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass, and remember it."""
        with self._lock:
            self._passed += seconds
            self.slept.append(seconds)

    def advance(self, **span: float) -> None:
        """Let time pass: `advance(minutes=5)`."""
        with self._lock:
            self._passed += timedelta(**span).total_seconds()
