"""Sliding-window counters: in this process's memory, or in Redis for all processes together."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Protocol

import structlog

from crew.settings import Settings

WINDOW_S = 60
_SWEEP_AT = 20_000
_PATIENCE_S = 2

log = structlog.get_logger(__name__)


class Counters(Protocol):
    """Counts of named things within the last minute."""

    def count(self, name: str, quota: int, *, amount: int = 1) -> tuple[bool, int]:
        """Count `amount` of `name` if that keeps it within `quota`; whether it did, and how many are left. An amount of 0 only looks."""


class MemoryCounters:
    """The count of this window plus the part of the window before that still lies within the last minute.

    Two numbers per name: exact to a fraction of the window, and cheap enough for every request.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._windows: dict[str, tuple[int, int, int]] = {}

    def count(self, name: str, quota: int, *, amount: int = 1) -> tuple[bool, int]:
        """See `Counters`."""
        number, part = divmod(self._clock(), WINDOW_S)
        now, share = int(number), 1 - part / WINDOW_S
        with self._lock:
            window, current, before = self._windows.get(name, (now, 0, 0))
            if window != now:
                current, before = 0, current if window == now - 1 else 0
            used = current + int(before * share)
            allowed = used + max(1, amount) <= quota
            if amount and allowed:
                current, used = current + amount, used + amount
            self._windows[name] = (now, current, before)
            if len(self._windows) > _SWEEP_AT:
                self._windows = {key: value for key, value in self._windows.items() if value[0] >= now - 1}
        return allowed, max(0, quota - used)


class RedisCounters:
    """The same counts for all processes that share one Redis. While it is away each process counts by itself, and says so once a minute.

    Args:
        address: of the Redis.
        clock: gives seconds.
    """

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        from limits.errors import StorageError  # noqa: PLC0415 - needed only where Redis is configured
        from limits.storage import storage_from_string  # noqa: PLC0415
        from limits.strategies import SlidingWindowCounterRateLimiter  # noqa: PLC0415

        storage = storage_from_string(address, wrap_exceptions=True, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._unreachable = StorageError
        self._clock = clock
        self._alone = MemoryCounters(clock)
        self._said_at = float("-inf")

    def count(self, name: str, quota: int, *, amount: int = 1) -> tuple[bool, int]:
        """See `Counters`."""
        try:
            return self._shared(name, quota, amount)
        except self._unreachable as error:
            now = self._clock()
            if now - self._said_at >= WINDOW_S:
                self._said_at = now
                log.warning("redis_unavailable", problem=type(error.__cause__ or error).__name__, effect="each process counts requests by itself")
            return self._alone.count(name, quota, amount=amount)

    def _shared(self, name: str, quota: int, amount: int) -> tuple[bool, int]:
        from limits import RateLimitItemPerMinute  # noqa: PLC0415

        item = RateLimitItemPerMinute(quota)
        allowed = self._limiter.hit(item, name, cost=amount) if amount else self._limiter.test(item, name)
        return allowed, max(0, int(self._limiter.get_window_stats(item, name).remaining))


def configured_counters(settings: Settings) -> Counters:
    """Redis where an address is set, else memory; several processes without Redis are refused by the settings."""
    return RedisCounters(settings.redis_url.get_secret_value()) if settings.redis_url is not None else MemoryCounters()
