"""Waiting for what other threads and processes bring about."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], *, within_s: float = 40.0, pause_s: float = 0.02) -> None:
    """Look again and again whether `condition` holds; fail when it does not within the time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"it did not come about within {within_s:g} s"
        time.sleep(pause_s)
