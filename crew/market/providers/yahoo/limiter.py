"""The pace of requests: a token bucket that every thread of the process shares."""

import threading
from collections.abc import Callable

BURST_SECONDS = 2.0


class RateLimiter:
    """Lets `per_second` requests through on average, and a burst of two seconds' worth after a pause.

    Waiting callers are served in the order in which they asked.
    """

    def __init__(self, per_second: float, *, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._per_second = per_second
        self._capacity = max(1.0, per_second * BURST_SECONDS)
        self._monotonic = monotonic
        self._sleep = sleep
        self._tokens = self._capacity
        self._updated = monotonic()
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Take one token, sleeping until it is there; return the seconds slept."""
        with self._lock:
            now = self._monotonic()
            self._tokens = min(self._capacity, self._tokens + (now - self._updated) * self._per_second) - 1
            self._updated = now
            delay = max(0.0, -self._tokens / self._per_second)
        if delay > 0:
            self._sleep(delay)
        return delay
