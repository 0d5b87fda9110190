"""The rate limiter and the single flight."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.manual_time import ManualTime

from crew.market.providers.yahoo.flight import SingleFlight
from crew.market.providers.yahoo.limiter import RateLimiter


def test_a_burst_passes_and_then_the_pace_holds() -> None:
    """Five a second: ten pass at once, each further one waits its fifth of a second."""
    passing_time = ManualTime(datetime(2026, 1, 1, tzinfo=UTC))
    limiter = RateLimiter(5, monotonic=passing_time.monotonic, sleep=passing_time.sleep)
    assert [limiter.wait() for _ in range(10)] == [0] * 10
    assert [limiter.wait() for _ in range(3)] == pytest.approx([0.2] * 3)


def test_waiting_threads_share_one_pace() -> None:
    """Twenty callers at once, none of whom sleeps for real: the last has to wait for all before it."""
    limiter = RateLimiter(5, monotonic=lambda: 0.0, sleep=lambda _: None)
    with ThreadPoolExecutor(20) as pool:
        waits = sorted(pool.map(lambda _: limiter.wait(), range(20)))
    assert waits == pytest.approx([0.0] * 10 + [(step + 1) / 5 for step in range(10)])


def test_the_burst_comes_back_after_a_pause() -> None:
    """Two quiet seconds fill the bucket again, and no more than that."""
    passing_time = ManualTime(datetime(2026, 1, 1, tzinfo=UTC))
    limiter = RateLimiter(5, monotonic=passing_time.monotonic, sleep=passing_time.sleep)
    for _ in range(10):
        limiter.wait()
    passing_time.advance(seconds=60)
    assert [limiter.wait() for _ in range(11)] == pytest.approx([0] * 10 + [0.2])


def test_a_flight_is_shared_while_it_lasts_and_not_kept() -> None:
    """Two askers during one fetch share it; the next asker starts another."""
    landed = threading.Event()
    calls: list[int] = []

    def fetch() -> int:
        calls.append(1)
        landed.wait(2)
        return len(calls)

    with ThreadPoolExecutor(2) as pool:
        flight = SingleFlight(pool)
        first, second = flight.start("key", fetch), flight.start("key", fetch)
        landed.set()
        assert first.result() == second.result() == 1
        assert flight.start("key", fetch).result() == 2


def test_a_failed_flight_fails_everybody_and_is_not_kept() -> None:
    """A failure reaches whoever waits; the next asker tries again."""
    answers = iter([KeyError("lost"), "found"])

    def fetch() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with ThreadPoolExecutor(1) as pool:
        flight = SingleFlight(pool)
        with pytest.raises(KeyError):
            flight.start("key", fetch).result()
        assert flight.start("key", fetch).result() == "found"


def test_whoever_asks_while_a_flight_lands_starts_another() -> None:
    """A failure is told to those who waited for it, and not to somebody who asks a moment later, before it is cleared away."""
    asked: list[Future[Any]] = []

    class Pool(Executor):
        """Somebody asks again as soon as a flight has ended."""

        def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.add_done_callback(lambda _: asked.append(flight.start("key", work)))
            return future

    flight = SingleFlight(Pool())
    lost = flight.start("key", lambda: None)
    lost.set_exception(KeyError("lost"))

    assert len(asked) == 1
    assert not asked[0].done()
