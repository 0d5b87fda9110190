"""The circuit breaker: when Yahoo refuses or fails again and again, stop asking for a while and say until when."""

import threading
from collections.abc import Callable

from crew.errors import MarketDataError, MarketDataRateLimited, MarketDataUnavailable

REFUSALS_TO_OPEN = 3
FAILURES_TO_OPEN = 6
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 900.0
PROBE_LEASE_S = 30.0
LONG_WAIT_S = 10.0


class CircuitBreaker:
    """Opens after three refusals (429) or six failures (5xx, no network) without a success in between.

    While open every request is refused at once. After the pause one request is let through as a probe while the others
    wait for its outcome: success closes the breaker, failure opens it again for twice as long, up to 15 minutes.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._refusals = 0
        self._failures = 0
        self._pause = FIRST_PAUSE_S
        self._open_until: float | None = None
        self._probe_until = 0.0
        self._refused = False

    def check(self, *, may_probe: bool = True) -> None:
        """Let a request through or refuse it. One that `may_probe` has to report how it went.

        Raises:
            MarketDataRateLimited: Yahoo has been refusing; `retry_after_s` says how long to wait.
            MarketDataUnavailable: Yahoo has been failing; `retry_after_s` likewise.
        """
        with self._changed:
            self._changed.wait_for(lambda: not (may_probe and self._is_probing()), timeout=PROBE_LEASE_S)
            if self._open_until is None:
                return
            now = self._monotonic()
            if now < self._open_until or (may_probe and self._is_probing()):
                raise self._refusal(max(self._open_until, self._probe_until) - now)
            if may_probe:
                self._probe_until = now + PROBE_LEASE_S

    def succeeded(self) -> None:
        """Note an answer of any kind that is neither a refusal nor a failure."""
        with self._changed:
            self._refusals = self._failures = 0
            self._pause = FIRST_PAUSE_S
            self._open_until = None
            self._probe_until = 0.0
            self._changed.notify_all()

    def refused(self, retry_after_s: float | None) -> None:
        """Note a 429. A stated retry time is honoured; a long one opens the breaker at once."""
        wait_s = retry_after_s or 0.0
        with self._changed:
            self._refusals += 1
            if self._open_until is not None or self._refusals >= REFUSALS_TO_OPEN or wait_s > LONG_WAIT_S:
                self._open(refused=True, at_least_s=wait_s)

    def failed(self) -> None:
        """Note a 5xx or a broken connection."""
        with self._changed:
            self._failures += 1
            if self._open_until is not None or self._failures >= FAILURES_TO_OPEN:
                self._open(refused=False, at_least_s=0.0)

    def remaining_s(self) -> float:
        """Seconds until the next request is let through; 0 when closed."""
        with self._changed:
            return 0.0 if self._open_until is None else max(0.0, self._open_until - self._monotonic())

    def _open(self, *, refused: bool, at_least_s: float) -> None:
        now = self._monotonic()
        if self._open_until is not None and now < self._open_until:
            return
        if self._open_until is not None:
            self._pause = min(LONGEST_PAUSE_S, self._pause * 2)
        self._open_until = now + max(self._pause, at_least_s)
        self._probe_until = 0.0
        self._refused = refused
        self._changed.notify_all()

    def _is_probing(self) -> bool:
        return self._open_until is not None and self._open_until <= self._monotonic() < self._probe_until

    def _refusal(self, wait_s: float) -> MarketDataError:
        wait_s = max(1.0, wait_s)
        if self._refused:
            return MarketDataRateLimited(f"Yahoo Finance refuses requests for now; try again in {wait_s:.0f} s", retry_after_s=wait_s)
        return MarketDataUnavailable(f"Yahoo Finance keeps failing; try again in {wait_s:.0f} s", retry_after_s=wait_s)
