"""A breaker per provider: after repeated outages calls fail or wait for a while, so that jobs do not queue up behind timeouts."""

import threading
import time
from collections.abc import Callable

from crew.errors import ModelUnavailable

OUTAGES_TO_OPEN = 3
OPEN_S = 30.0
PROBE_S = 90.0
PROBE_LOOK_S = 1.0


class Breaker:
    """Counts outages in a row; safe to use from several threads.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._outages = 0
        self._open_until = self._probed_until = float("-inf")

    def check(self, model: str) -> None:
        """Let a request pass. Once the time is up a single call may try; the others wait for what becomes of it.

        Raises:
            ModelUnavailable: the breaker is open; `retry_after_s` says when to look again.
        """
        with self._lock:
            now = self._clock()
            if self._outages < OUTAGES_TO_OPEN:
                return
            left = self._open_until - now if now < self._open_until else min(PROBE_LOOK_S, self._probed_until - now)
            if left <= 0:
                self._probed_until = now + PROBE_S
                return
        raise ModelUnavailable(f"{model} has failed repeatedly and is left alone for {left:.0f} s", retry_after_s=left)

    def failed(self) -> None:
        """A call was given up on."""
        with self._lock:
            self._outages += 1
            self._probed_until = float("-inf")
            if self._outages >= OUTAGES_TO_OPEN:
                self._open_until = self._clock() + OPEN_S

    def succeeded(self) -> None:
        """A call was answered."""
        with self._lock:
            self._outages = 0
            self._probed_until = float("-inf")

    def ended(self) -> None:
        """A call ended without saying anything about the provider; another may try."""
        with self._lock:
            self._probed_until = float("-inf")


class Breakers:
    """The breakers of one process, by provider and address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str | None], Breaker] = {}

    def of(self, provider: str, base_url: str | None) -> Breaker:
        """The breaker of `provider` at `base_url`."""
        with self._lock:
            return self._known.setdefault((provider, base_url), Breaker())
