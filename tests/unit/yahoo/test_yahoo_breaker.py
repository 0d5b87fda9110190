"""The circuit breaker opens, lets one probe through, and closes."""

import threading
from datetime import UTC, datetime

import pytest
from fakes.manual_time import ManualTime

from crew.errors import MarketDataRateLimited, MarketDataUnavailable
from crew.market.providers.yahoo.breaker import CircuitBreaker


@pytest.fixture
def passing_time() -> ManualTime:
    """A clock that a test moves."""
    return ManualTime(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def breaker(passing_time: ManualTime) -> CircuitBreaker:
    """A closed breaker."""
    return CircuitBreaker(monotonic=passing_time.monotonic)


def refuse(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.refused(None)


def test_two_refusals_leave_it_closed(breaker: CircuitBreaker) -> None:
    """A refusal or two may pass."""
    refuse(breaker, 2)
    breaker.check()
    assert breaker.remaining_s() == 0


def test_three_refusals_open_it_with_a_time_to_wait(breaker: CircuitBreaker) -> None:
    """The third refusal in a row refuses everything for a minute."""
    refuse(breaker, 3)
    with pytest.raises(MarketDataRateLimited) as raised:
        breaker.check()
    assert raised.value.retry_after_s == 60


def test_a_success_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    """Only refusals in a row count."""
    refuse(breaker, 2)
    breaker.succeeded()
    refuse(breaker, 2)
    breaker.check()


def test_failures_open_it_as_unavailable(breaker: CircuitBreaker) -> None:
    """Six failures in a row refuse everything, as a failure and not as a refusal of Yahoo's."""
    for _ in range(6):
        breaker.failed()
    with pytest.raises(MarketDataUnavailable):
        breaker.check()


def test_a_long_stated_wait_opens_it_at_once(breaker: CircuitBreaker) -> None:
    """One refusal that asks for two minutes is believed."""
    breaker.refused(120)
    with pytest.raises(MarketDataRateLimited) as raised:
        breaker.check()
    assert raised.value.retry_after_s == 120


def test_a_failing_probe_doubles_the_pause_up_to_a_quarter_of_an_hour(breaker: CircuitBreaker, passing_time: ManualTime) -> None:
    """Each failed probe waits twice as long for the next, and never longer than 15 minutes."""
    refuse(breaker, 3)
    pauses = []
    for _ in range(6):
        passing_time.advance(seconds=breaker.remaining_s())
        breaker.check()
        breaker.refused(None)
        pauses.append(breaker.remaining_s())
    assert pauses == [120, 240, 480, 900, 900, 900]


def test_others_wait_for_the_probe_and_share_its_luck(breaker: CircuitBreaker, passing_time: ManualTime) -> None:
    """While a probe is out no second one leaves; when it succeeds the others pass."""
    refuse(breaker, 3)
    passing_time.advance(seconds=61)
    breaker.check()
    passed = threading.Event()
    other = threading.Thread(target=lambda: (breaker.check(), passed.set()))
    other.start()
    assert not passed.wait(0.05)
    breaker.succeeded()
    assert passed.wait(2)
    other.join()


def test_what_may_not_probe_is_refused_while_open(breaker: CircuitBreaker, passing_time: ManualTime) -> None:
    """Requests for cookies are refused during the pause and pass after it without taking the probe's place."""
    refuse(breaker, 3)
    with pytest.raises(MarketDataRateLimited):
        breaker.check(may_probe=False)
    passing_time.advance(seconds=61)
    breaker.check(may_probe=False)
    breaker.check()
