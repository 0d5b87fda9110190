"""Waiting for what other threads and processes bring about."""

import socket
import time
from collections.abc import Callable

import requests


def until(condition: Callable[[], object], *, within_s: float = 40.0, pause_s: float = 0.02) -> None:
    """Look again and again whether `condition` holds; fail when it does not within the time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"it did not come about within {within_s:g} s"
        time.sleep(pause_s)


def is_listening(port: int) -> bool:
    """Whether somebody takes connections at the port of loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def is_up(url: str) -> bool:
    """Whether the service at `url` answers that it lives."""
    try:
        return requests.get(f"{url}/livez", timeout=10).ok
    except requests.RequestException:
        return False
