"""Places that are held for a while, such as open streams of a key: in this process's memory, or in Redis for all processes together."""

import time
import uuid
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Protocol, cast

import structlog

from crew.settings import Settings

_SLACK_S = 30
_TAKE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[3] - ARGV[1]))
return 1
"""
log = structlog.get_logger(__name__)
GiveBack = Callable[[], None]


class Leases(Protocol):
    """Places by name."""

    def take(self, name: str, most: int) -> GiveBack | None:
        """Take one of `most` places under `name`: how to give it back, or None when all are taken."""


class MemoryLeases:
    """The places of this process."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, name: str, most: int) -> GiveBack | None:
        """See `Leases`."""
        with self._lock:
            if self._taken[name] >= most:
                return None
            self._taken[name] += 1
        return lambda: self._give_back(name)

    def _give_back(self, name: str) -> None:
        with self._lock:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]


class RedisLeases:
    """The places of all processes that share one Redis; while it is away, each process counts its own.

    A place whose process died comes back once it could not be held any longer.

    Args:
        address: of the Redis.
        longest_s: how long a place can be held.
    """

    def __init__(self, address: str, *, longest_s: float) -> None:
        import redis  # noqa: PLC0415 - needed only where Redis is configured

        self._redis = redis.Redis.from_url(address, socket_timeout=5, socket_connect_timeout=5)
        self._take = self._redis.register_script(_TAKE)
        self._unreachable = redis.RedisError
        self._longest_s = longest_s + _SLACK_S
        self._alone = MemoryLeases()

    def take(self, name: str, most: int) -> GiveBack | None:
        """See `Leases`."""
        key, place, now = f"stockcrew:held:{name}", uuid.uuid4().hex, time.time()
        try:
            taken = cast("int", self._take(keys=[key], args=[now, most, now + self._longest_s, place]))
        except self._unreachable as error:
            log.warning("redis_unavailable", problem=type(error).__name__, effect="each process counts streams by itself")
            return self._alone.take(name, most)
        if not taken:
            return None
        return lambda: self._give_back(key, place)

    def _give_back(self, key: str, place: str) -> None:
        try:
            self._redis.zrem(key, place)
        except self._unreachable:
            return  # it comes back by itself when its time is over


def configured_leases(settings: Settings) -> Leases:
    """Redis where an address is set, else memory."""
    if settings.redis_url is None:
        return MemoryLeases()
    return RedisLeases(settings.redis_url.get_secret_value(), longest_s=settings.stream_max_s)
