"""Request rates: how many a key may send and how many failed attempts an address may make, with the standard headers."""

from dataclasses import dataclass

from api.counters import WINDOW_S, Counters
from api.problems import Problem
from crew.settings import Settings

_NAME = "requests"


@dataclass(frozen=True)
class Standing:
    """One principal's place under its limit: `quota` per window, and how many are `left`."""

    quota: int
    left: int

    @property
    def headers(self) -> dict[str, str]:
        """The RateLimit headers. The window slides, so that something comes back with every second."""
        return {"RateLimit-Policy": f'"{_NAME}";q={self.quota};w={WINDOW_S}', "RateLimit": f'"{_NAME}";r={self.left};t={self.resets_s}'}

    @property
    def resets_s(self) -> int:
        """Seconds until a request is free again: one sixtieth of a window while any is left, at most a window for small quotas."""
        return max(1, min(WINDOW_S, round(WINDOW_S / self.quota)))


class Rates:
    """The limits on requests, by key, and on failed attempts, by address."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self._counters = counters
        self._quota = settings.requests_per_minute
        self._failures = settings.failed_logins_per_minute

    def count(self, key_id: str, quota: int | None) -> Standing:
        """Count one request of the key; `quota` overrides the configured requests per minute.

        Raises:
            Problem: the quota is used up.
        """
        limit = quota or self._quota
        allowed, left = self._counters.count(f"key:{key_id}", limit)
        standing = Standing(limit, left)
        if not allowed:
            headers = {**standing.headers, "Retry-After": str(standing.resets_s)}
            detail = f"This key may send {limit} requests a minute."
            raise Problem("rate_limited", detail, headers=headers, extensions={"violated-policies": [_NAME]})
        return standing

    def check_failures(self, address: str) -> None:
        """Refuse an address from which too many bad keys came.

        Raises:
            Problem: too many came within the last minute.
        """
        if not self._counters.count(f"address:{address}", self._failures, amount=0)[0]:
            raise Problem("rate_limited", "Too many failed attempts came from this address.", headers={"Retry-After": str(WINDOW_S)})

    def count_failure(self, address: str) -> None:
        """Count one bad key from the address."""
        self._counters.count(f"address:{address}", self._failures)
